//! What holds for every text.

use ethos_spec::{Coverage, Persona, Section, Span, Spec};
use proptest::prelude::*;

/// Markdown-like texts: pieces that mean something, glued together in any order.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "# ", "## ", "### ", "###### ", "#", "\n", "\n\n", "\r\n", "\r", "- ", "  - ", "    - ",
            "1. ", "* ", "> ", "SP1: ", "**SP1**: ", "SP2", "SP1.2a — ", "rule X9", "{name}", "{",
            "}", "{{", "{assistant_name}", "\\", "`", "``", "```\n", "~~~", "---\n", "===\n", "***",
            "| a | b |\n|---|---|\n", "|", "<!--", "-->", "<b>", "<div>\n", "[x](y)", "[", "]", "\t",
            "    ", "\u{feff}", "\u{fffd}", "\0", "because ", "Be kind. ", "\"a\": ", "é", "。", "&amp;",
            "key: value\n", "---\na: b\n---\n", "\u{a0}", "\u{2028}",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9 .!?]{0,12}",
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

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

fn check(text: &str) {
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn spans_of_markdown(text in markdown()) {
        check(&text);
    }

    #[test]
    fn spans_of_anything(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn filling_twice_is_filling_once(text in markdown(), value in markdown()) {
        let names = Spec::parse(text.as_str());
        let names = names.placeholders().iter().map(|placeholder| placeholder.name.clone());
        let persona = names.fold(Persona::new("Aria"), |persona, name| persona.with(name, "Bo"));
        let spec = Spec::parse(text);
        for persona in [persona.clone(), persona.with("name", value)] {
            if let Ok(filled) = spec.fill(&persona) {
                prop_assert!(filled.placeholders().is_empty());
                prop_assert_eq!(filled.fill(&persona).unwrap(), filled);
            }
        }
    }

    #[test]
    fn every_part_of_a_text_can_be_quoted(text in markdown(), a: prop::sample::Index, b: prop::sample::Index) {
        let bounds: Vec<_> = (0..=text.len()).filter(|&i| text.is_char_boundary(i)).collect();
        let (a, b) = (bounds[a.index(bounds.len())], bounds[b.index(bounds.len())]);
        let quote = &text[a.min(b)..a.max(b)];
        let spec = Spec::parse(text.as_str());
        let words = |s: &str| s.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match spec.find_quote(quote) {
            Some(span) => prop_assert_eq!(words(spec.slice(span)), words(quote)),
            None => prop_assert!(words(quote).is_empty()),
        }
        let rewrapped = words(quote).join("\n  ");
        prop_assert_eq!(spec.find_quote(&rewrapped), spec.find_quote(quote));
    }
}
