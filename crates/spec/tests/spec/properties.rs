//! What holds for every text.

use std::fmt::Debug;

use ethos_spec::{Coverage, Persona, Spec};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use crate::invariants::check;

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
            "# \u{a0}\n", "__SP3__", "SP4—", "\"", "+++\na = 1\n+++\n", "](", "[SP1]: x\n",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9 .!?]{0,12}",
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

#[track_caller]
fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
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
    fn what_is_found_survives_json(text in markdown()) {
        let spec = Spec::parse(text);
        let mut coverage = Coverage::of(&spec);
        coverage.extend(spec.rules().iter().map(|rule| rule.text));
        same(&spec);
        same(&spec.sections().to_vec());
        same(&spec.rules().to_vec());
        same(&spec.references().to_vec());
        same(&spec.placeholders().to_vec());
        same(&spec.diagnostics().to_vec());
        same(&(spec.kind(), spec.shape()));
        same(&coverage);
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
