use std::time::{Duration, Instant};

use ethos_report::{
    Dot, Figure, Format, Group, LinePlot, Page, Plot, Reference, Series, StripPlot,
};
use proptest::{collection::vec, num, option, prelude::*};

use crate::markup::{self, Element};

/// Draws `plot` as a file and, for a desk and a phone, in a page, and checks all three.
fn check(plot: impl Into<Plot>) -> String {
    let plot = plot.into();
    let svg = match &plot {
        Plot::Strip(plot) => plot.to_svg(),
        Plot::Line(plot) => plot.to_svg(),
        _ => unreachable!("two kinds of plots"),
    };
    let mut page = Page::new("");
    page.push(Figure::new(plot, ""));
    let html = page.to_html();
    for drawn in [&svg, &html] {
        let mut view = None;
        for element in markup::read(drawn) {
            if let Some(size) = element.get("viewBox") {
                let size: Vec<f64> = size.split(' ').map(number).collect();
                view = Some((size[2], size[3]));
            } else if let Some(view) = view {
                check_inside(&element, view);
            }
        }
        assert!(view.is_some(), "there is an svg");
    }
    svg
}

fn check_inside(element: &Element, (width, height): (f64, f64)) {
    let radius = element.get("r").map_or(0.0, number);
    for (name, value) in &element.attributes {
        let inside = |v: f64, limit: f64| {
            let inside = v - radius >= -0.01 && v + radius <= limit + 0.01;
            assert!(inside, "{name} {v} of {} is outside {width} × {height}", element.name);
        };
        match name.as_str() {
            "x" | "x1" | "x2" | "cx" | "width" => inside(number(value), width),
            "y" | "y1" | "y2" | "cy" | "height" => inside(number(value), height),
            "d" => {
                for pair in value.split(['M', 'L', 'Z']).filter(|pair| !pair.is_empty()) {
                    let (x, y) = pair.split_once(' ').expect("two numbers");
                    inside(number(x), width);
                    inside(number(y), height);
                }
            }
            _ => {}
        }
    }
}

fn number(text: &str) -> f64 {
    let number: f64 = text.parse().unwrap_or_else(|_| panic!("a number, not {text}"));
    assert!(number.is_finite(), "{text}");
    number
}

/// Values of every size, many of them equal, some not finite.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0..1.0,
        2 => (0..4).prop_map(f64::from),
        1 => -1e6..1e6,
        1 => (-308..308).prop_map(|e| 10f64.powi(e)),
        1 => num::f64::ANY,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ]
}

/// Labels that could break markup, without the letters of `NaN` and `inf`.
fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        "[b-eg-hj-m<>&\"' 0-9é字\u{301}\u{200d}🧀\t\n\u{0}]{0,20}",
        "[b-e ]{100,300}",
        "(字){0,90}"
    ]
}

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Number), Just(Format::Percent)]
}

prop_compose! {
    fn dot()(value in value(), label in option::of(label()), series in option::of("[a-e]")) -> Dot {
        Dot { value, label, series }
    }
}

prop_compose! {
    fn group()(
        label in label(),
        dots in vec(dot(), 0..12),
        mean in option::of(value()),
        interval in option::of((value(), value())),
    ) -> Group {
        Group { label, dots, mean, interval }
    }
}

prop_compose! {
    fn strip()(
        groups in vec(group(), 0..6),
        range in option::of((value(), value())),
        format in format(),
        x_label in option::of(label()),
        ends in option::of((label(), label())),
        reference in option::of((value(), label())),
    ) -> StripPlot {
        let reference = reference.map(|(value, label)| Reference { value, label });
        StripPlot { range, format, x_label, ends, reference, ..StripPlot::new("t", groups) }
    }
}

prop_compose! {
    fn line()(
        series in vec((label(), vec((value(), value()), 0..40)), 0..9),
        labels in (option::of(label()), option::of(label())),
        format in format(),
        log_y: bool,
    ) -> LinePlot {
        let series = series.into_iter().map(|(name, points)| Series::new(name, points)).collect();
        let (x_label, y_label) = labels;
        LinePlot { x_label, y_label, format, log_y, ..LinePlot::new("t", series) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_strip_plot_is_well_formed(plot in strip()) {
        let svg = check(plot.clone());
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
        prop_assert_eq!(svg, plot.to_svg());
    }

    #[test]
    fn any_line_plot_is_well_formed(plot in line()) {
        let svg = check(plot.clone());
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
        prop_assert_eq!(svg, plot.to_svg());
    }
}

fn dots(values: &[f64]) -> Vec<Dot> {
    values.iter().copied().map(Dot::new).collect()
}

#[test]
fn every_run_is_a_dot_and_what_is_not_drawn_is_said() {
    let groups = vec![
        Group::new("equal", dots(&[0.5; 30])),
        Group::new("apart", dots(&[0.1, 0.9])),
        Group::new("broken", dots(&[f64::NAN, 7.0])),
        Group::new("missing", vec![]),
    ];
    let svg = check(StripPlot { range: Some((0.0, 1.0)), ..StripPlot::new("t", groups) });
    assert_eq!(svg.matches("<circle").count(), 32);
    assert_eq!(svg.matches(">no data<").count(), 2);
    assert!(svg.contains("1 dot without a finite value and 1 dot outside the axis"));

    let svg = check(LinePlot {
        log_y: true,
        ..LinePlot::new("t", vec![Series::new("", vec![(1.0, 1.0), (2.0, 0.0), (3.0, f64::NAN)])])
    });
    assert!(svg.contains("1 point without a finite value and 1 point not above zero"));
}

#[test]
fn nothing_to_draw_is_said() {
    let nothing = [
        check(StripPlot::new("t", vec![])),
        check(StripPlot::new("t", vec![Group::new("a", dots(&[f64::NAN]))])),
        check(LinePlot::new("t", vec![])),
        check(LinePlot::new("t", vec![Series::new("a", vec![(f64::NAN, 1.0)])])),
    ];
    for svg in nothing {
        assert!(svg.contains(">no data<"), "{svg}");
    }
}

#[test]
fn a_gap_breaks_the_line() {
    let points = (0..100).map(|i| (f64::from(i), if i == 50 { f64::NAN } else { 1.0 }));
    let svg = check(LinePlot::new("t", vec![Series::new("loss", points.collect())]));
    assert_eq!(svg.matches("<path class=\"line").count(), 2);
}

#[test]
fn names_stand_at_the_lines_until_they_collide() {
    let level = |y: f64| vec![(0.0, y), (1.0, y)];
    let plot = |a: f64, b: f64| {
        let series = vec![Series::new("one", level(a)), Series::new("two", level(b))];
        LinePlot::new("t", [series, vec![Series::new("far", level(9.0))]].concat())
    };
    // A legend has a line of its own before each mark, a name at a line has none.
    let swatches = |svg: &str| svg.matches("<line class=\"line").count();
    assert_eq!(swatches(&check(plot(1.0, 5.0))), 0);
    assert_eq!(swatches(&check(plot(1.0, 1.1))), 0);
    let crowd = (0..12).map(|i| Series::new(format!("line {i}"), level(1.0)));
    assert_eq!(swatches(&check(LinePlot::new("t", crowd.collect()))), 12);
}

#[test]
fn ten_thousand_points_are_drawn_within_seconds() {
    let start = Instant::now();
    let value = |i: i32| f64::from(i * 7919 % 10_007) / 10_007.0;
    let spread: Vec<f64> = (0..10_000).map(value).collect();
    let groups = vec![Group::new("spread", dots(&spread)), Group::new("one", dots(&[0.5; 10_000]))];
    let svg = check(StripPlot::new("t", groups));
    assert_eq!(svg.matches("<circle").count(), 20_000);
    assert!(svg.contains("Some dots overlap"));

    let points = (0..10_000).map(|i| (f64::from(i), value(i))).collect();
    let svg = check(LinePlot::new("t", vec![Series::new("loss", points)]));
    assert!(svg.len() < 100_000, "{} bytes", svg.len());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
