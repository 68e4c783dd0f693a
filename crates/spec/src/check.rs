//! The checks behind the diagnostics.

use std::collections::HashMap;

use crate::{
    cue,
    diagnostic::{Code, Diagnostic, Severity},
    kind,
    scan::Scan,
    section::Section,
    span::{Position, Span},
    spec::Spec,
};

/// How many of them a message names before it says "and so many more".
const NAMED: usize = 8;

/// General guidance is what names a situation in fewer than one of so many sentences.
const SITUATED: usize = 6;

/// Marks of a text that was decoded wrongly.
const LOST: [char; 2] = ['\u{fffd}', '\0'];

/// All that looks wrong; `doubled` are the doubled braces.
pub(crate) fn all(spec: &Spec, scan: &Scan, doubled: &[Span]) -> Vec<Diagnostic> {
    let mut checks = Checks { spec, found: Vec::new() };
    checks.text(scan);
    checks.sections();
    checks.rules();
    checks.guidance();
    checks.placeholders();
    checks.doubled_braces(doubled);
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

    fn text(&mut self, scan: &Scan) {
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
        let mut lost = spec.text.match_indices(LOST);
        if let Some((at, first)) = lost.next() {
            let lost = 1 + lost.count();
            let them = if lost == 1 {
                "a character was".into()
            } else {
                format!("{lost} characters were")
            };
            self.push(
                Severity::Error,
                Code::LostCharacter,
                Span::new(at, at + first.len()),
                format!("{them} lost when the text was decoded"),
                "decode the original with the encoding it was written in",
            );
        }
        if let Some(span) = scan.open_comment {
            self.push(
                Severity::Error,
                Code::OpenComment,
                span,
                "nothing closes this comment".to_owned(),
                "close it with `-->`; what stands in a comment is not read",
            );
        }
        if let Some(span) = scan.open_fence {
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
                    match title.as_str() {
                        "" => "this section is empty".to_owned(),
                        title => format!("section `{title}` is empty"),
                    },
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
                format!(
                    "correct the id, or write the rule: a list item `- {id}: …` or a heading \
                     `### {id}: …`",
                    id = reference.id
                ),
            );
        }
        let rules = kind::outermost(&spec.rules);
        let bare: Vec<_> = rules.iter().filter(|(_, reasoned)| !reasoned).map(|(r, _)| r).collect();
        if let Some(rule) = bare.first() {
            let ids = bare.iter().map(|rule| format!("`{}`", rule.id));
            let these = if rules.len() == 1 { "rule" } else { "rules" };
            let give = if bare.len() == 1 { "gives" } else { "give" };
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
            return;
        }
        let situated = said().filter(|sentence| cue::names_situation(sentence)).count();
        if SITUATED * situated < spec.sentences.len() {
            let names = match situated {
                0 => "no sentence names".to_owned(),
                1 => format!("1 of {} sentences names", spec.sentences.len()),
                _ => format!("{situated} of {} sentences name", spec.sentences.len()),
            };
            self.push(
                Severity::Warning,
                Code::GeneralGuidance,
                *first,
                format!("{names} a situation"),
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

    fn doubled_braces(&mut self, doubled: &[Span]) {
        let Some(&first) = doubled.first() else { return };
        let name = self.spec.slice(Span::new(first.start + 1, first.end - 1));
        let message = match doubled.len() {
            1 => format!("`{{{name}}}` is text and is not filled"),
            times => format!("{times} names in doubled braces are text and are not filled"),
        };
        let advice = format!("write `{name}`, or put what is meant as text in code");
        self.push(Severity::Warning, Code::DoubledBraces, first, message, advice);
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

    use super::*;

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
    fn what_a_comment_and_a_fence_swallow() {
        check(
            "It helps when asked.\n\n<!-- TODO\n\n- SP1: Be kind.\n\n# B\n\nMore {x}.\n",
            expect![[r#"
                3:1: error: nothing closes this comment
                  close it with `-->`; what stands in a comment is not read
            "#]],
        );
        check("It helps when asked.\n\n<!-- a\n\nb --><!-- c -->\n", expect![[""]]);
        check("# A\n\n- A <!-- in a line is text, if so.\n\n# B\n\nMore.\n", expect![[""]]);
        for open in ["````\ncode\n```\n\n- SP1: lost\n\n```\n", "~~~\n- SP1: lost\n```\n"] {
            let spec = Spec::parse(format!("It helps when asked.\n\n{open}"));
            let codes: Vec<_> = spec.diagnostics().iter().map(|d| d.code).collect();
            assert_eq!(codes, [Code::OpenFence], "{open}");
        }
    }

    #[test]
    fn sections() {
        check(
            "When?\n\n#\n",
            expect![[r#"
            1:1: warning: text before the first heading
              give it a heading, so that it can be planned for like any other section
            3:1: warning: this heading has no title
              name what the section is about; titles become the names of topics
            3:1: warning: this section is empty
              write it, or remove the heading: a section that says nothing teaches nothing
        "#]],
        );
        check(
            "If so.\n\n# A\n\n- SP1:\n",
            expect![[r#"
                1:1: warning: text before the first heading
                  give it a heading, so that it can be planned for like any other section
                3:1: warning: section `A` is empty
                  write it, or remove the heading: a section that says nothing teaches nothing
                5:3: warning: 1 of 1 rule gives no reason: `SP1`
                  say why ("because …", "so that …"): midtrained and fine-tuned on rules alone, four models chose the harmful action in .17 to .55 of the trials, on the same rules with reasons in .10 to .24 (arXiv 2605.02087 §5.1, figure 14)
            "#]],
        );
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
                  correct the id, or write the rule: a list item `- A3: …` or a heading `### A3: …`
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
        check(
            "- D1: Do.\n- D2: Do, because.\n",
            expect![[r#"
                1:3: warning: 1 of 2 rules gives no reason: `D1`
                  say why ("because …", "so that …"): midtrained and fine-tuned on rules alone, four models chose the harmful action in .17 to .55 of the trials, on the same rules with reasons in .10 to .24 (arXiv 2605.02087 §5.1, figure 14)
            "#]],
        );
        check("## C1: Stop\n\n- C1a: Because it hurts.\n", expect![[""]]);
        check(
            "## Rule SP1: Be kind\n\nWhen asked, see rule\nSP1.\n",
            expect![[r#"
                1:9: error: there is no rule `SP1`
                  correct the id, or write the rule: a list item `- SP1: …` or a heading `### SP1: …`
                4:1: error: there is no rule `SP1`
                  correct the id, or write the rule: a list item `- SP1: …` or a heading `### SP1: …`
            "#]],
        );
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
                1:1: warning: `{{a}}` is text and is not filled
                  write `{a}`, or put what is meant as text in code
                1:1: warning: no sentence names a situation
                  say what the assistant does when, and if: two models trained on a specific spec chose the harmful action in .23 and .12 of the trials, on a general one in .41 and .27 (arXiv 2605.02087 §5.2, figure 17)
            "#]],
        );
        check(
            "{{a}} and {b} are {{ c }} or {{d}}. `{{e}}` is, when asked.\n",
            expect![[r#"
                1:1: warning: 2 names in doubled braces are text and are not filled
                  write `{a}`, or put what is meant as text in code
                1:11: note: `{b}` is to be filled
                  give its value in the `Persona`; braces that are text go in code or after a backslash
            "#]],
        );
        let calm = |n| "If asked, it is calm. ".to_owned() + &"It is calm. ".repeat(n);
        check(&calm(5), expect![[""]]);
        check(
            &calm(6),
            expect![[r#"
                1:1: warning: 1 of 7 sentences names a situation
                  say what the assistant does when, and if: two models trained on a specific spec chose the harmful action in .23 and .12 of the trials, on a general one in .41 and .27 (arXiv 2605.02087 §5.2, figure 17)
            "#]],
        );
        check("It values peace. When somebody shouts, it stays calm and says so.\n", expect![[""]]);
    }
}
