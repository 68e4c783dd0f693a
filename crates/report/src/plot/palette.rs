//! Colours that colour-blind readers tell apart, and shapes for all who cannot.
//!
//! The colours stand in `plot.css` as `--c0` to `--c5`, once for light and once for dark. Under
//! simulated protanopia, deuteranopia and tritanopia any two keep a distance of at least 7 in OKLab
//! (times 100), and each has a contrast of at least 3 : 1 with the page.

use maud::{Markup, html};

use super::drawing::Px;

const COLOURS: usize = 6;

/// What a series looks like: one of the colours with one of the shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    colour: Option<usize>,
    shape: Shape,
    pub(super) dashed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    Wedge,
}

impl Look {
    /// The look of series number `index`. Six colours times five shapes: 30 differ.
    pub(super) fn of(index: usize) -> Look {
        use Shape::*;
        let shapes = [Circle, Square, Triangle, Diamond, Wedge];
        let shape = shapes[index % shapes.len()];
        Look { colour: Some(index % COLOURS), shape, dashed: index / COLOURS % 2 == 1 }
    }

    /// The look of what belongs to no series where others do.
    pub(super) const PLAIN: Look = Look { colour: None, shape: Shape::Circle, dashed: false };

    /// The class that sets the colour.
    pub(super) fn class(self) -> String {
        self.colour.map_or_else(|| "cx".into(), |i| format!("c{i}"))
    }

    /// The mark itself, of about the same area in each shape, within `1.4 * r` of its centre.
    pub(super) fn mark(self, x: f64, y: f64, r: f64, tooltip: Option<&str>) -> Markup {
        let class = format!("mark {}{}", self.class(), if r < 2.5 { " tiny" } else { "" });
        let title = html! { @if let Some(text) = tooltip { title { (text) } } };
        let corners: &[(f64, f64)] = match self.shape {
            Shape::Circle => {
                return html! { circle class=(class) cx=(Px(x)) cy=(Px(y)) r=(Px(r)) { (title) } };
            }
            Shape::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Shape::Triangle => &[(0.0, -1.25), (1.2, 0.85), (-1.2, 0.85)],
            Shape::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Shape::Wedge => &[(0.0, 1.25), (-1.2, -0.85), (1.2, -0.85)],
        };
        let mut d = String::new();
        for (i, (dx, dy)) in corners.iter().enumerate() {
            let letter = if i == 0 { 'M' } else { 'L' };
            d += &format!("{letter}{} {}", Px(x + dx * r), Px(y + dy * r));
        }
        html! { path class=(class) d=(d + "Z") { (title) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::CSS;

    type Rgb = [f64; 3];

    /// The colour of `name` in a block of rules, in linear light.
    fn colour(rules: &str, name: &str) -> Rgb {
        let at = rules.find(&format!("--{name}: #")).unwrap() + name.len() + 5;
        [0, 2, 4].map(|i| {
            let byte = u8::from_str_radix(&rules[at + i..at + i + 2], 16).unwrap();
            let v = f64::from(byte) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn times(matrix: [Rgb; 3], v: Rgb) -> Rgb {
        matrix.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
    }

    /// WCAG 2's contrast ratio.
    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let luminance = |c: Rgb| 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2] + 0.05;
        let (a, b) = (luminance(a), luminance(b));
        a.max(b) / a.min(b)
    }

    fn oklab(rgb: Rgb) -> Rgb {
        let lms = times(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ],
            rgb.map(|v| v.clamp(0.0, 1.0)),
        );
        times(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ],
            lms.map(f64::cbrt),
        )
    }

    /// Full vision, then protanopia, deuteranopia and tritanopia after Machado et al. (2009).
    const EYES: [[Rgb; 3]; 4] = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ];

    #[test]
    fn colours_stand_out_from_the_page_and_from_each_other() {
        let dark = CSS.find("prefers-color-scheme: dark").unwrap();
        for rules in [&CSS[..dark], &CSS[dark..]] {
            let paper = colour(rules, "paper");
            let colours: Vec<Rgb> = (0..COLOURS).map(|i| colour(rules, &format!("c{i}"))).collect();
            for (i, a) in colours.iter().enumerate() {
                assert!(contrast(*a, paper) >= 3.0, "colour {i}");
                for b in &colours[..i] {
                    for eye in EYES {
                        let [a, b] = [*a, *b].map(|c| oklab(times(eye, c)));
                        let apart = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
                        assert!(apart.sqrt() >= 0.07, "colour {i}: {}", apart.sqrt());
                    }
                }
            }
        }
    }

    #[test]
    fn thirty_series_look_different() {
        let looks: Vec<Look> = (0..30).map(Look::of).collect();
        for (i, look) in looks.iter().enumerate() {
            assert!(!looks[..i].contains(look), "{look:?}");
        }
    }
}
