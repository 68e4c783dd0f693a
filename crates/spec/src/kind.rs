//! What sort of text a spec is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{cue, rule::Rule, span::Span};

/// The sorts of spec that the paper compares: arXiv 2605.02087 §4 (prose) and §5.1 (rules, with and
/// without reasons).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// There are no rules.
    Prose,
    /// Rules, and at least half of them without a reason.
    Rules,
    /// Rules, and more than half of them with a reason.
    ReasonedRules,
    /// There are rules, but more than half of the words stand outside them.
    Mixed,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Prose => "prose",
            Kind::Rules => "rules",
            Kind::ReasonedRules => "rules with reasons",
            Kind::Mixed => "mixed",
        })
    }
}

/// What the kind of a spec is read from. Its `Display` says the kind and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Rules that are not nested in another.
    pub rules: usize,
    /// Those of them that give a reason, themselves or in a rule nested in them.
    pub reasoned: usize,
    /// Words of all sentences; headings, labels of rules and comments are not counted.
    pub words: usize,
    /// Words of the sentences in rules.
    pub rule_words: usize,
}

impl Shape {
    /// The kind these numbers make.
    pub fn kind(&self) -> Kind {
        if self.rules == 0 {
            Kind::Prose
        } else if 2 * self.rule_words < self.words {
            Kind::Mixed
        } else if 2 * self.reasoned > self.rules {
            Kind::ReasonedRules
        } else {
            Kind::Rules
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shape { rules, reasoned, words, rule_words } = *self;
        match self.kind() {
            Kind::Prose => write!(f, "prose: {words} words and no rule"),
            kind => write!(
                f,
                "{kind}: {reasoned} of {rules} rules give a reason, \
                 {rule_words} of {words} words stand in rules"
            ),
        }
    }
}

/// Gives each rule the sentences that reason for it, and counts; `text` is the spec without its
/// comments.
pub(crate) fn measure(text: &str, sentences: &[Span], rules: &mut [Rule]) -> Shape {
    let mut shape = Shape::default();
    let mut open: Vec<usize> = Vec::new();
    let mut next = 0;
    for &sentence in sentences {
        while next < rules.len() && rules[next].span.start <= sentence.start {
            while open.pop_if(|&mut i| rules[i].span.end <= rules[next].span.start).is_some() {}
            open.push(next);
            next += 1;
        }
        while open.pop_if(|&mut i| rules[i].span.end <= sentence.start).is_some() {}
        let said = &text[sentence.range()];
        let words = said.split_whitespace().count();
        shape.words += words;
        if let Some(&rule) = open.last() {
            shape.rule_words += words;
            if cue::gives_reason(said) {
                rules[rule].reasons.push(sentence);
            }
        }
    }
    let outermost = outermost(rules);
    shape.rules = outermost.len();
    shape.reasoned = outermost.iter().filter(|(_, reasoned)| *reasoned).count();
    shape
}

/// The rules that are not nested, and whether they or one nested in them give a reason.
pub(crate) fn outermost(rules: &[Rule]) -> Vec<(&Rule, bool)> {
    let mut outermost: Vec<(&Rule, bool)> = Vec::new();
    for rule in rules {
        match outermost.last_mut() {
            Some((_, reasoned)) if rule.parent.is_some() => *reasoned |= rule.has_reason(),
            _ => outermost.push((rule, rule.has_reason())),
        }
    }
    outermost
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::Spec;

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&Spec::parse(text).shape().to_string());
    }

    #[test]
    fn kinds_and_why() {
        check("It is kind.", expect!["prose: 3 words and no rule"]);
        check("It is <!-- because? TODO --> kind.", expect!["prose: 3 words and no rule"]);
        check(
            "- A1: Be kind. <!-- because? TODO -->\n- A2: Be <!-- true. Because -->\n  <b>true</b>.",
            expect!["rules: 0 of 2 rules give a reason, 4 of 4 words stand in rules"],
        );
        check(
            "- A1: Be kind.\n- A2: Be true.",
            expect!["rules: 0 of 2 rules give a reason, 4 of 4 words stand in rules"],
        );
        check(
            "- A1: Be kind.\n  - A1a: Because we live together.\n- A2: Be true, since all hold on to it.",
            expect![
                "rules with reasons: 2 of 2 rules give a reason, 14 of 14 words stand in rules"
            ],
        );
        check(
            "# A1: Be kind\n\nEverybody gains.\n\n# Else\n\nThere is a great deal more to say here.",
            expect!["mixed: 0 of 1 rules give a reason, 4 of 13 words stand in rules"],
        );
    }
}
