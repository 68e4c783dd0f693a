//! A stable sort whose comparison may fail, and need not be an order.

use std::{cmp::Ordering, rc::Rc};

use super::{ast::Comparison, compare::order, fault::Eval, meter::Meter, value::Value};

/// Things sorted by what `key` gives of them; equal ones stay as they stood, also where reversed.
pub(super) fn sorted<T: Clone>(
    meter: &Rc<Meter>,
    mut items: Vec<T>,
    key: impl Fn(&T) -> &Value,
    reverse: bool,
) -> Eval<Vec<T>> {
    let mut width = 1;
    while width < items.len() {
        let mut merged = Vec::with_capacity(items.len());
        for pair in items.chunks(2 * width) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let ([first, ..], [second, ..]) = (left, right) {
                let (low, high) =
                    if reverse { (key(first), key(second)) } else { (key(second), key(first)) };
                let swaps = order(meter, low, high, Comparison::Lt)? == Some(Ordering::Less);
                let from = if swaps { &mut right } else { &mut left };
                merged.push(from[0].clone());
                *from = &from[1..];
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        items = merged;
        width *= 2;
    }
    Ok(items)
}
