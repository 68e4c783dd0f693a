//! What a template may cost.
//!
//! Templates come with models from anywhere. Each render has a number of steps and an amount of memory
//! to spend: steps go down with every expression and with every few bytes that are copied or searched,
//! memory is what its values hold at the same time. A value gives its memory back when it is dropped.

use std::{cell::Cell, rc::Rc};

use super::{
    fault::{Eval, fail},
    value::{Dict, Items, Text, Value},
};

/// Steps of every render, and more for every byte of input: a second or so of hostile work, a
/// thousand times what templates need.
const STEPS: u64 = 8_000_000;
const STEPS_PER_BYTE: u64 = 4;

/// Bytes that values and output may hold, and more for every byte of input.
const BYTES: usize = 48 << 20;
const BYTES_PER_BYTE: usize = 8;

/// Bytes copied or searched that count as a step.
const BYTES_PER_STEP: usize = 16;

/// How deep values may be nested.
pub(super) const DEEPEST: u16 = 200;

#[derive(Debug)]
pub(super) struct Meter {
    steps: Cell<u64>,
    free: Cell<usize>,
}

/// Memory that is given back when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Charge {
    meter: Option<Rc<Meter>>,
    bytes: usize,
}

impl Meter {
    /// For a render whose variables hold so many bytes.
    pub(super) fn new(input: usize) -> Rc<Self> {
        Rc::new(Meter {
            steps: Cell::new(STEPS + STEPS_PER_BYTE * input as u64),
            free: Cell::new(BYTES.saturating_add(input.saturating_mul(BYTES_PER_BYTE))),
        })
    }

    /// Takes steps away.
    pub(super) fn spend(&self, steps: u64) -> Eval<()> {
        match self.steps.get().checked_sub(steps) {
            Some(left) => self.steps.set(left),
            None => fail!("it runs too long"),
        }
        Ok(())
    }

    /// Takes away the steps that walking over so many bytes costs.
    pub(super) fn walk(&self, bytes: usize) -> Eval<()> {
        self.spend(1 + (bytes / BYTES_PER_STEP) as u64)
    }

    /// Takes away the steps that looking at every character of so many bytes costs.
    pub(super) fn read(&self, bytes: usize) -> Eval<()> {
        self.spend(1 + bytes as u64 / 2)
    }

    /// Whether so many more bytes may be held, before they are.
    pub(super) fn room(&self, bytes: usize) -> Eval<()> {
        if bytes > self.free.get() {
            fail!("it needs too much memory");
        }
        Ok(())
    }

    /// Holds so many bytes.
    pub(super) fn hold(self: &Rc<Self>, bytes: usize) -> Eval<Charge> {
        self.room(bytes)?;
        self.free.set(self.free.get() - bytes);
        Ok(Charge { meter: Some(self.clone()), bytes })
    }

    pub(super) fn text(self: &Rc<Self>, text: impl Into<Box<str>>) -> Eval<Value> {
        self.marked(text, false)
    }

    /// A string that is `safe`, as Markup is, or is not.
    pub(super) fn marked(self: &Rc<Self>, text: impl Into<Box<str>>, safe: bool) -> Eval<Value> {
        let text = text.into();
        self.walk(text.len())?;
        let charge = self.hold(text.len() + Text::OVERHEAD)?;
        Ok(Value::Text(Rc::new(Text { text, safe, _charge: charge })))
    }

    pub(super) fn list(self: &Rc<Self>, items: Vec<Value>) -> Eval<Value> {
        Ok(Value::List(Rc::new(self.items(items)?)))
    }

    pub(super) fn tuple(self: &Rc<Self>, items: Vec<Value>) -> Eval<Value> {
        Ok(Value::Tuple(Rc::new(self.items(items)?)))
    }

    pub(super) fn items(self: &Rc<Self>, items: Vec<Value>) -> Eval<Items> {
        self.walk(items.len() * 4)?;
        let depth = nested(items.iter())?;
        let charge = self.hold(items.len() * size_of::<Value>() + Items::OVERHEAD)?;
        Ok(Items { items, names: &[], depth, _charge: charge })
    }

    pub(super) fn dict(self: &Rc<Self>, entries: Vec<(Value, Value)>) -> Eval<Value> {
        self.walk(entries.len() * 8)?;
        let depth = nested(entries.iter().flat_map(|(key, value)| [key, value]))?;
        let charge = self.hold(entries.len() * size_of::<(Value, Value)>() + Items::OVERHEAD)?;
        Ok(Value::Dict(Rc::new(Dict { entries, depth, _charge: charge })))
    }
}

/// How deep a value around these is nested.
pub(super) fn nested<'v>(items: impl Iterator<Item = &'v Value>) -> Eval<u16> {
    let depth = items.map(Value::depth).max().unwrap_or(0) + 1;
    if depth > DEEPEST {
        fail!("a value is nested more than {DEEPEST} deep");
    }
    Ok(depth)
}

impl Charge {
    /// Holds so many bytes more.
    pub(super) fn grow(&mut self, bytes: usize) -> Eval<()> {
        if let Some(meter) = &self.meter {
            meter.room(bytes)?;
            meter.free.set(meter.free.get() - bytes);
            self.bytes += bytes;
        }
        Ok(())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some(meter) = &self.meter {
            meter.free.set(meter.free.get() + self.bytes);
        }
    }
}

/// A string that grows within what a meter allows.
#[derive(Debug)]
pub(super) struct Writer {
    text: String,
    charge: Charge,
    meter: Rc<Meter>,
}

impl Writer {
    pub(super) fn new(meter: &Rc<Meter>) -> Self {
        let charge = Charge { meter: Some(meter.clone()), bytes: 0 };
        Writer { text: String::new(), charge, meter: meter.clone() }
    }

    pub(super) fn push(&mut self, text: &str) -> Eval<()> {
        self.meter.walk(text.len())?;
        self.charge.grow(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    /// So many copies of a character.
    pub(super) fn fill(&mut self, fill: char, count: usize) -> Eval<()> {
        let bytes = count.saturating_mul(fill.len_utf8());
        self.meter.walk(bytes)?;
        self.charge.grow(bytes)?;
        self.text.extend(std::iter::repeat_n(fill, count));
        Ok(())
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }

    /// What was written, as a value.
    pub(super) fn finish(self) -> Eval<Value> {
        let Writer { text, charge, meter } = self;
        drop(charge);
        meter.text(text)
    }
}
