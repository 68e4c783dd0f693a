//! Which look is which series, where the names cannot stand at the data.

use super::{
    drawing::{Anchor, Drawing, LABEL, VALUE},
    palette::Look,
    text,
};

/// Draws the names in rows from the top left, and moves the drawing's height below them.
pub(super) fn legend(drawing: &mut Drawing, entries: &[(&str, Look)], lines: bool) {
    let swatch = if lines { 26.0 } else { 14.0 };
    let height = 22.0;
    let mut x = 0.0;
    for (name, look) in entries {
        let name = text::fit(name, VALUE.size, drawing.width - swatch - 4.0);
        let wide = swatch + text::width(&name, VALUE.size) + 22.0;
        if x > 0.0 && x + wide - 22.0 > drawing.width {
            x = 0.0;
            drawing.height += height;
        }
        let y = drawing.height + 11.0;
        if lines {
            let dashed = if look.dashed { " dashed" } else { "" };
            let class = format!("line {}{dashed}", look.class());
            drawing.line(&class, (x + 1.0, y), (x + 19.0, y));
        }
        let middle = if lines { x + 10.0 } else { x + 6.0 };
        drawing.mark(*look, (middle, y), 4.2, None);
        drawing.text(VALUE, Anchor::Start, x + swatch, y + 4.5, &name);
        x += wide;
    }
    drawing.height += height + LABEL.size / 2.0;
}
