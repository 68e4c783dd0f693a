//! The checks behind the diagnostics.

use std::collections::HashMap;

use crate::{
    cue,
    diagnostic::{Code, Diagnostic, Severity},
    kind,
    section::Section,
    span::{Position, Span},
    spec::Spec,
};

/// How many of them a message names before it says "and so many more".
const NAMED: usize = 8;

pub(crate) fn all(spec: &Spec, open_fence: Option<Span>) -> Vec<Diagnostic> {
    let mut checks = Checks { spec, found: Vec::new() };
    checks.text(open_fence);
    checks.sections();
    checks.rules();
    checks.guidance();
    checks.placeholders();
    checks.found.sort_by_key(|diagnostic| diagnostic.span);
    let mut before = (0, Position::START);
    for diagnostic in &mut checks.found {
        let start = diagnostic.span.start;
        diagnostic.at = spec.lines.position_from(before, start, &spec.text);
        before = (start, diagnostic.at);
    }
    checks.found
}

struct Checks<'a> {
    spec: &'a Spec,
    found: Vec<Diagnostic>,
}

impl Checks<'_> {
    fn push(
        &mut self,
        severity: Severity,
        code: Code,
        span: Span,
        message: String,
        advice: impl Into<String>,
    ) {
        let at = Position::START; // found for all at once, at the end
        self.found.push(Diagnostic { severity, code, span, at, message, advice: advice.into() });
    }

    fn text(&mut self, open_fence: Option<Span>) {
        let spec = self.spec;
        if spec.sentences.is_empty() && spec.rules.is_empty() {
            self.push(
                Severity::Error,
                Code::EmptySpec,
                Span::new(0, spec.text.len()),
                "the spec says nothing".to_owned(),
                "write what the assistant does, and why, in full sentences",
            );
        }
        let lost = spec.text.matches('\u{fffd}').count();
        if let Some(at) = spec.text.find('\u{fffd}') {
            let them = if lost == 1 {
                "a character was".into()
            } else {
                format!("{lost} characters were")
            };
            self.push(
                Severity::Error,
                Code::LostCharacter,
                Span::new(at, at + '\u{fffd}'.len_utf8()),
                format!("{them} lost when the text was decoded"),
                "decode the original with the encoding it was written in",
            );
        }
        if let Some(span) = open_fence {
            self.push(
                Severity::Warning,
                Code::OpenFence,
                span,
                "nothing closes this fence, so the rest of the text is code".to_owned(),
                "close it; rules and placeholders in code are not read",
            );
        }
    }

    fn sections(&mut self) {
        let sections = || self.spec.walk().map(|(_, section)| section);
        let mut found: Vec<(&Section, Code, String, String)> = Vec::new();
        for section in sections() {
            let Section { level, title, .. } = section;
            if *level == 0 && self.spec.sections.len() > 1 {
                found.push((
                    section,
                    Code::TextBeforeHeading,
                    "text before the first heading".to_owned(),
                    "give it a heading, so that it can be planned for like any other section"
                        .into(),
                ));
            }
            if *level > 0 && title.is_empty() {
                found.push((
                    section,
                    Code::UntitledSection,
                    "this heading has no title".to_owned(),
                    "name what the section is about; titles become the names of topics".into(),
                ));
            }
            if section.children.is_empty() && !self.says_something(section) {
                found.push((
                    section,
                    Code::EmptySection,
                    format!("section `{title}` is empty"),
                    "write it, or remove the heading: a section that says nothing teaches nothing"
                        .into(),
                ));
            }
            for child in section.children.iter().filter(|child| child.level > level + 1) {
                found.push((
                    child,
                    Code::SkippedLevel,
                    format!("level {} under level {level}", child.level),
                    format!("make it level {}, or add the heading that is missing", level + 1),
                ));
            }
        }
        for (section, code, message, advice) in found {
            let span = if section.level == 0 { section.body } else { section.heading };
            let span = crate::span::trim(&self.spec.text, span);
            self.push(Severity::Warning, code, span, message, advice);
        }
    }

    /// Whether a sentence stands in the section, or its heading is itself a rule's demand.
    fn says_something(&self, section: &Section) -> bool {
        let Spec { sentences, .. } = self.spec;
        let next = sentences.partition_point(|sentence| sentence.start < section.heading.start);
        sentences.get(next).is_some_and(|sentence| sentence.start < section.body.end)
    }

    fn rules(&mut self) {
        let spec = self.spec;
        let mut first = HashMap::new();
        for rule in &spec.rules {
            let here = || (rule.label, spec.position(rule.label.start));
            let (before, at) = *first.entry(&rule.id).or_insert_with(here);
            if before != rule.label {
                self.push(
                    Severity::Error,
                    Code::DuplicateRule,
                    rule.label,
                    format!("rule `{}` is defined again, first at {at}", rule.id),
                    "give every rule an id of its own: documents and references name rules by it",
                );
            }
        }
        for reference in spec.references.iter().filter(|reference| reference.rule.is_none()) {
            self.push(
                Severity::Error,
                Code::MissingRule,
                reference.span,
                format!("there is no rule `{}`", reference.id),
                "correct the id, or write the rule",
            );
        }
        let rules = kind::outermost(&spec.rules);
        let bare: Vec<_> = rules.iter().filter(|(_, reasoned)| !reasoned).map(|(r, _)| r).collect();
        if let Some(rule) = bare.first() {
            let ids = bare.iter().map(|rule| format!("`{}`", rule.id));
            let (these, give) = if bare.len() == 1 { ("rule", "gives") } else { ("rules", "give") };
            self.push(
                Severity::Warning,
                Code::RuleWithoutReason,
                rule.label,
                format!(
                    "{} of {} {these} {give} no reason: {}",
                    bare.len(),
                    rules.len(),
                    named(ids)
                ),
                "say why (\"because …\", \"so that …\"): midtrained and fine-tuned on rules alone, \
                 four models chose the harmful action in .17 to .55 of the trials, on the same \
                 rules with reasons in .10 to .24 (arXiv 2605.02087 §5.1, figure 14)",
            );
        }
    }

    fn guidance(&mut self) {
        let spec = self.spec;
        let (Some(first), true) = (spec.sentences.first(), spec.rules.is_empty()) else { return };
        let said = || spec.sentences.iter().map(|&sentence| spec.slice(sentence));
        let value = spec.sentences.iter().find(|&&sentence| cue::names_value(spec.slice(sentence)));
        if let Some(&value) = value
            && !said().any(cue::names_behaviour)
        {
            self.push(
                Severity::Warning,
                Code::ValuesWithoutBehaviour,
                value,
                "values are named, but no sentence says what the assistant does".to_owned(),
                "add what follows from each value, and say that it follows: fine-tuning added .03 \
                 to .12 where the value explained each preference, and -.01 to .07 where the two \
                 only stood side by side (arXiv 2605.02087 §3, figure 10)",
            );
        } else if !said().any(cue::names_situation) {
            self.push(
                Severity::Warning,
                Code::GeneralGuidance,
                *first,
                "no sentence names a situation".to_owned(),
                "say what the assistant does when, and if: two models trained on a specific spec \
                 chose the harmful action in .23 and .12 of the trials, on a general one in .41 \
                 and .27 (arXiv 2605.02087 §5.2, figure 17)",
            );
        }
    }

    fn placeholders(&mut self) {
        let mut names: Vec<(&str, Span, usize)> = Vec::new();
        let mut index = HashMap::new();
        for placeholder in &self.spec.placeholders {
            let i = *index.entry(&placeholder.name).or_insert(names.len());
            match names.get_mut(i) {
                Some((.., times)) => *times += 1,
                None => names.push((&placeholder.name, placeholder.span, 1)),
            }
        }
        for (name, span, times) in names {
            let message = match times {
                1 => format!("`{{{name}}}` is to be filled"),
                _ => format!("`{{{name}}}` is to be filled, {times} times"),
            };
            let advice = "give its value in the `Persona`; braces that are text go in code or \
                          after a backslash";
            self.push(Severity::Note, Code::Placeholder, span, message, advice);
        }
    }
}

fn named(mut ids: impl ExactSizeIterator<Item = String>) -> String {
    let more = ids.len().saturating_sub(NAMED);
    let first = ids.by_ref().take(NAMED).collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::Spec;

    fn check(text: &str, expected: Expect) {
        let spec = Spec::parse(text);
        let found = spec.diagnostics().iter().map(|diagnostic| format!("{diagnostic}\n"));
        expected.assert_eq(&found.collect::<String>());
    }

    #[test]
    fn a_text_that_says_nothing() {
        check(
            "<!-- soon -->\n",
            expect![[r#"
            1:1: error: the spec says nothing
              write what the assistant does, and why, in full sentences
        "#]],
        );
    }

    #[test]
    fn what_was_lost() {
        check(
            "When caf\u{fffd}s open\u{fffd}.\n\n```\ncode",
            expect![[r#"
            1:9: error: 2 characters were lost when the text was decoded
              decode the original with the encoding it was written in
            3:1: warning: nothing closes this fence, so the rest of the text is code
              close it; rules and placeholders in code are not read
        "#]],
        );
    }

    #[test]
    fn sections() {
        check(
            "If so.\n\n# One\n\n### Three\n\n***\n\n##\n\nText.\n",
            expect![[r#"
            1:1: warning: text before the first heading
              give it a heading, so that it can be planned for like any other section
            5:1: warning: level 3 under level 1
              make it level 2, or add the heading that is missing
            5:1: warning: section `Three` is empty
              write it, or remove the heading: a section that says nothing teaches nothing
            9:1: warning: this heading has no title
              name what the section is about; titles become the names of topics
        "#]],
        );
    }

    #[test]
    fn rules() {
        check(
            "- A1: Do as rule A3 says.\n- A2: Stop, so that it ends.\n- A1: Do.\n",
            expect![[r#"
                1:3: warning: 2 of 3 rules give no reason: `A1`, `A1`
                  say why ("because …", "so that …"): midtrained and fine-tuned on rules alone, four models chose the harmful action in .17 to .55 of the trials, on the same rules with reasons in .10 to .24 (arXiv 2605.02087 §5.1, figure 14)
                1:18: error: there is no rule `A3`
                  correct the id, or write the rule
                3:3: error: rule `A1` is defined again, first at 1:3
                  give every rule an id of its own: documents and references name rules by it
            "#]],
        );
        check(
            &(0..10).map(|i| format!("- B{i}: Do.\n")).collect::<String>(),
            expect![[r#"
                1:3: warning: 10 of 10 rules give no reason: `B0`, `B1`, `B2`, `B3`, `B4`, `B5`, `B6`, `B7` and 2 more
                  say why ("because …", "so that …"): midtrained and fine-tuned on rules alone, four models chose the harmful action in .17 to .55 of the trials, on the same rules with reasons in .10 to .24 (arXiv 2605.02087 §5.1, figure 14)
            "#]],
        );
        check("## C1: Stop\n\n- C1a: Because it hurts.\n", expect![[""]]);
    }

    #[test]
    fn guidance() {
        check(
            "{a} values peace and is committed to {b}. {a} is calm.\n",
            expect![[r#"
                1:1: note: `{a}` is to be filled, 2 times
                  give its value in the `Persona`; braces that are text go in code or after a backslash
                1:1: warning: values are named, but no sentence says what the assistant does
                  add what follows from each value, and say that it follows: fine-tuning added .03 to .12 where the value explained each preference, and -.01 to .07 where the two only stood side by side (arXiv 2605.02087 §3, figure 10)
                1:38: note: `{b}` is to be filled
                  give its value in the `Persona`; braces that are text go in code or after a backslash
            "#]],
        );
        check(
            "{{a}} is calm and never shouts.\n",
            expect![[r#"
                1:1: warning: no sentence names a situation
                  say what the assistant does when, and if: two models trained on a specific spec chose the harmful action in .23 and .12 of the trials, on a general one in .41 and .27 (arXiv 2605.02087 §5.2, figure 17)
            "#]],
        );
        check("It values peace. When somebody shouts, it stays calm and says so.\n", expect![[""]]);
    }
}
