//! What holds for every text; checked here for those of proptest, and by the fuzzer for its own.

use ethos_spec::{Coverage, Section, Span, Spec};

/// Checks that `sections` lie end to end from `start`, each made of heading, body and children.
fn tile(sections: &[Section], mut start: usize) -> usize {
    for section in sections {
        assert_eq!(section.span.start, start);
        assert_eq!(section.heading.start, start);
        assert_eq!(section.body.start, section.heading.end);
        assert!(section.children.iter().all(|child| child.level > section.level));
        assert!(section.level > 0 || section.children.is_empty());
        start = tile(&section.children, section.body.end);
        assert_eq!(section.span.end, start);
    }
    start
}

fn in_order(spec: &Spec, spans: impl IntoIterator<Item = Span>) {
    let mut last = Span::default();
    for span in spans {
        assert!(last.end <= span.start && span.start < span.end, "{last:?} {span:?}");
        assert!(!spec.slice(span).is_empty());
        last = span;
    }
}

/// Panics where something does not hold.
pub(crate) fn check(text: &str) {
    let spec = Spec::parse(text);
    assert_eq!(spec.text(), text);

    // Sections tile the text.
    assert_eq!(tile(spec.sections(), spec.front_matter().end), text.len());
    let mut glued = spec.slice(spec.front_matter()).to_owned();
    for (_, section) in spec.walk() {
        glued += spec.slice(section.heading);
        glued += spec.body(section);
        if !section.span.is_empty() {
            let found = spec.section_at(section.span.start).unwrap();
            assert_eq!(found.span.start, section.span.start);
        }
    }
    assert_eq!(glued, text);

    // Spans are in order, nest, and lie in the text.
    in_order(&spec, spec.sentences().iter().copied());
    in_order(&spec, spec.placeholders().iter().map(|placeholder| placeholder.span));
    in_order(&spec, spec.references().iter().map(|reference| reference.span));
    in_order(&spec, spec.rules().iter().map(|rule| rule.label));
    for (i, rule) in spec.rules().iter().enumerate() {
        assert_eq!(spec.slice(rule.label), rule.id);
        assert!(rule.span.contains(rule.label) && rule.span.contains(rule.text), "{rule:?}");
        in_order(&spec, rule.parts.iter().copied());
        in_order(&spec, rule.reasons.iter().copied());
        for &inner in rule.parts.iter().chain(&rule.reasons) {
            assert!(rule.span.contains(inner), "{rule:?} {inner:?}");
        }
        if let Some(parent) = rule.parent {
            assert!(parent < i && spec.rules()[parent].span.contains(rule.span));
        }
    }
    for diagnostic in spec.diagnostics() {
        assert!(text.get(diagnostic.span.range()).is_some(), "{diagnostic:?}");
        assert_eq!(diagnostic.at, spec.position(diagnostic.span.start));
    }

    // Coverage tiles the text too.
    let mut coverage = Coverage::of(&spec);
    coverage.extend(spec.rules().iter().map(|rule| rule.text));
    coverage.extend(spec.references().iter().map(|reference| reference.span));
    let runs = coverage.runs();
    assert_eq!(runs.iter().map(|(span, _)| spec.slice(*span)).collect::<String>(), text);
    assert!((0.0..=1.0).contains(&coverage.fraction()));
}
