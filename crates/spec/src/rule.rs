//! Rules, and the places that name them.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{
    scan::{Item, Scan},
    section::{Section, Walk},
    span::{Span, trim},
};

/// A numbered demand of the spec.
///
/// An id is up to eight capital letters, perhaps a hyphen, up to four digits, and perhaps subnumbers
/// or one small letter: `SP1`, `GP-2`, `SP1.3`, `SP1b`. It opens a rule when it begins a list item or
/// a heading, in bold or not, and a colon or a dash follows; a heading may also be the id alone. An
/// entry of a table of contents, `[SP1: …](#sp1)`, opens none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The id as written.
    pub id: String,
    /// How it is written.
    pub form: RuleForm,
    /// Where the id stands.
    pub label: Span,
    /// What is demanded: the rest of the paragraph or heading after the id, or the next paragraph
    /// where the id stands alone.
    pub text: Span,
    /// The whole rule: the list item with all that is nested in it, or the section.
    pub span: Span,
    /// Its bullets (those nested in the item, or those directly in the section), without their
    /// marks and with all that is nested in them.
    pub parts: Vec<Span>,
    /// Sentences that give a reason, those of nested rules not counted. Found by cue words such as
    /// "because", "so that" and "in order to", so this knows English only, and can err.
    pub reasons: Vec<Span>,
    /// The rule this one is nested in, as an index into [`Spec::rules`](crate::Spec::rules).
    pub parent: Option<usize>,
}

impl Rule {
    /// Whether some sentence of it gives a reason; see [`reasons`](Self::reasons).
    pub fn has_reason(&self) -> bool {
        !self.reasons.is_empty()
    }
}

/// The two ways of writing a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleForm {
    /// `- SP1: …`, in a list of any sort.
    Bullet,
    /// `### SP1: …`, at any level.
    Heading,
}

/// A place outside a rule's own label that names a rule.
///
/// Only ids whose letters some rule of the spec uses count, or that follow the word "rule" or
/// "principle": otherwise every `H2O` would be a reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The id as written.
    pub id: String,
    /// Where it stands.
    pub span: Span,
    /// The first rule with this id, as an index into [`Spec::rules`](crate::Spec::rules); `None`
    /// when there is none.
    pub rule: Option<usize>,
}

/// All rules in order of the text, their reasons still to be found.
pub(crate) fn build(text: &str, scan: &Scan, sections: &[Section]) -> Vec<Rule> {
    let mut rules = bulleted(text, scan);
    rules.extend(headed(text, scan, sections));
    rules.sort_by_key(|rule| rule.span.start);
    let mut open: Vec<usize> = Vec::new();
    for i in 0..rules.len() {
        while open.pop_if(|&mut last| rules[last].span.end <= rules[i].span.start).is_some() {}
        rules[i].parent = open.last().copied();
        open.push(i);
    }
    rules
}

fn bulleted(text: &str, scan: &Scan) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut by_item = vec![None; scan.items.len()];
    for (i, item) in scan.items.iter().enumerate() {
        if let (Some(rule), Some(part)) = (item.parent.and_then(|p| by_item[p]), part(scan, item)) {
            let rule: &mut Rule = &mut rules[rule];
            rule.parts.push(part);
        }
        let head = scan.text_of(item.head);
        if let Some(opening) = head.and_then(|head| opening(text, head, RuleForm::Bullet)) {
            let mut rule = opening.rule(text, RuleForm::Bullet, item.span);
            let below = item.head.and_then(|leaf| scan.text_of(Some(leaf + 1)));
            let nested = scan.items.get(i + 1).map_or(text.len(), |next| next.span.start);
            if let (true, Some(below)) = (rule.text.is_empty(), below)
                && item.span.contains(below)
                && below.start < nested
            {
                rule.text = below;
            }
            by_item[i] = Some(rules.len());
            rules.push(rule);
        }
    }
    rules
}

fn headed(text: &str, scan: &Scan, sections: &[Section]) -> Vec<Rule> {
    // Headings in the order of the scan and sections in the order of the walk are the same thing.
    let sections = Walk::new(sections).map(|(_, section)| section).filter(|s| s.level > 0);
    let mut rules = Vec::new();
    for (section, heading) in sections.zip(&scan.headings) {
        let Some(head) = scan.text_of(heading.leaf) else { continue };
        let Some(opening) = opening(text, head, RuleForm::Heading) else { continue };
        let mut rule = opening.rule(text, RuleForm::Heading, trim(text, section.span));
        let below = heading.leaf.and_then(|leaf| scan.text_of(Some(leaf + 1)));
        if let (true, Some(below)) = (rule.text.is_empty(), below)
            && section.body.contains(below)
        {
            rule.text = below;
        }
        let first = scan.items.partition_point(|item| item.span.start < section.body.start);
        rule.parts = scan.items[first..]
            .iter()
            .take_while(|item| item.span.start < section.body.end)
            .filter(|item| item.parent.is_none())
            .filter_map(|item| part(scan, item))
            .collect();
        rules.push(rule);
    }
    rules
}

/// An item without its mark.
fn part(scan: &Scan, item: &Item) -> Option<Span> {
    Some(Span::new(scan.leaves[item.head?].span.start, item.span.end))
}

/// The label of a rule and what follows it in the same paragraph or heading.
struct Opening {
    label: Span,
    text: Span,
}

impl Opening {
    fn rule(self, text: &str, form: RuleForm, span: Span) -> Rule {
        Rule {
            id: text[self.label.range()].to_owned(),
            form,
            label: self.label,
            text: self.text,
            span,
            parts: Vec::new(),
            reasons: Vec::new(),
            parent: None,
        }
    }
}

fn opening(text: &str, span: Span, form: RuleForm) -> Option<Opening> {
    const EMPHASIS: [char; 2] = ['*', '_'];
    let all = &text[span.range()];
    let bare = all.trim_start_matches(EMPHASIS);
    // Brackets and backticks hold the id alone: `[SP1: …](#sp1)` is a link to a rule, and
    // `` `SP1: …` `` shows how one is written.
    let held = ["[]", "``"].iter().find(|pair| bare.starts_with(&pair[..1]));
    let bare = &bare[held.map_or(0, |_| 1)..];
    let id = id_len(bare)?;
    let label = span.start + (all.len() - bare.len());
    let marks: &[char] = if all.starts_with(EMPHASIS) { &EMPHASIS } else { &[] };
    let rest = match held {
        Some(pair) => bare[id..].strip_prefix(&pair[1..])?,
        None => &bare[id..],
    };
    let rest = rest.trim_start_matches(marks);
    let spaced = rest.trim_start();
    let rest = if let Some(rest) = spaced.strip_prefix([':', '—', '–']) {
        rest
    } else if let (true, Some(rest)) = (spaced.len() < rest.len(), spaced.strip_prefix("- ")) {
        rest
    } else if form == RuleForm::Heading && spaced.is_empty() {
        spaced
    } else {
        return None;
    };
    let rest = rest.trim_start_matches(marks).trim_start();
    Some(Opening {
        label: Span::new(label, label + id),
        text: Span::new(span.end - rest.len(), span.end),
    })
}

/// Length of the id that `text` begins with; see [`Rule`] for what is one.
fn id_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // Ten are more than any part of an id has; looking further would take quadratic time.
    let run = |from: usize, is: fn(&u8) -> bool| {
        bytes[from..].iter().take(10).take_while(|&byte| is(byte)).count()
    };
    let letters = run(0, u8::is_ascii_uppercase);
    let hyphen = usize::from(bytes.get(letters) == Some(&b'-'));
    let digits = run(letters + hyphen, u8::is_ascii_digit);
    if !(1..=8).contains(&letters) || !(1..=4).contains(&digits) {
        return None;
    }
    let mut len = letters + hyphen + digits;
    while bytes.get(len) == Some(&b'.') {
        let digits = run(len + 1, u8::is_ascii_digit);
        if digits == 0 {
            break;
        }
        len += 1 + digits;
    }
    len += usize::from(bytes.get(len).is_some_and(u8::is_ascii_lowercase));
    // `_SP1_` is an id in emphasis, `SP1_a` is none.
    let ends = !text[len..].trim_start_matches('_').starts_with(is_word);
    ends.then_some(len)
}

/// Whether a word ends with `before`, so that what follows is no beginning of one.
fn ends_in_word(before: &str) -> bool {
    before.trim_end_matches('_').ends_with(is_word)
}

/// `_` is part of a word where letters follow it or precede it, and a mark of emphasis elsewhere.
fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}

fn letters(id: &str) -> &str {
    id.split(|c: char| !c.is_ascii_uppercase()).next().unwrap_or_default()
}

/// Every place that names a rule and is not its label.
pub(crate) fn references(text: &str, scan: &Scan, rules: &[Rule]) -> Vec<Reference> {
    let mut index = HashMap::new();
    for (i, rule) in rules.iter().enumerate() {
        index.entry(rule.id.as_str()).or_insert(i);
    }
    let known: HashSet<_> = rules.iter().map(|rule| letters(&rule.id)).collect();
    let bytes = text.as_bytes();
    let mut opaque = scan.opaque.iter().copied().peekable();
    let mut unsaid = scan.unsaid.iter().copied().peekable();
    let mut labels = rules.iter().map(|rule| rule.label).peekable();
    let mut references = Vec::new();
    let mut from = scan.front;
    while let Some(found) = bytes[from..].iter().position(u8::is_ascii_uppercase) {
        let start = from + found;
        from = start + 1;
        let Some(len) = id_len(&text[start..]) else { continue };
        if ends_in_word(&text[..start]) {
            continue;
        }
        while opaque.next_if(|span| span.end <= start).is_some() {}
        while unsaid.next_if(|span| span.end <= start).is_some() {}
        while labels.next_if(|span| span.end <= start).is_some() {}
        from = start + len;
        let taken = |span: Option<&Span>| span.is_some_and(|span| span.start <= start);
        if taken(opaque.peek()) || taken(unsaid.peek()) || taken(labels.peek()) {
            continue;
        }
        let id = &text[start..from];
        if known.contains(letters(id)) || follows_the_word_rule(&text[..start]) {
            let rule = index.get(id).copied();
            references.push(Reference { id: id.to_owned(), span: Span::new(start, from), rule });
        }
    }
    references
}

/// Whether what stands before an id ends with "rule" or "principle", on this line or the one before.
fn follows_the_word_rule(before: &str) -> bool {
    let words = before.trim_end();
    let gap = &before[words.len()..];
    let near = !gap.is_empty() && gap.matches('\n').count() < 2;
    near && ["rule", "rules", "principle", "principles"].iter().any(|word| {
        let at = words.len().checked_sub(word.len()).filter(|&at| words.is_char_boundary(at));
        at.is_some_and(|at| words[at..].eq_ignore_ascii_case(word) && !ends_in_word(&words[..at]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let id = |text: &str| id_len(text).map(|len| text[..len].to_owned());
        for whole in ["SP1", "GP-2", "SP1.3", "SP12.3.4", "SP1b", "L6"] {
            assert_eq!(id(whole).as_deref(), Some(whole));
        }
        assert_eq!(id("SP1.").as_deref(), Some("SP1"), "a full stop ends it");
        for more in ["SP1-SP3", "SP1_", "SP1__:", "SP1—x", "SP1…", "SP1’s", "SP1\u{a0}:", "SP1”"]
        {
            assert_eq!(id(more).as_deref(), Some("SP1"), "{more}");
        }
        for none in
            ["", "SP", "sp1", "H2O", "1SP", "SP12345", "ABCDEFGHI1", "SP1_a", "SP1__2", "SP1é"]
        {
            assert_eq!(id(none), None, "{none}");
        }
    }

    #[test]
    fn openings() {
        let check = |text: &str, form| {
            opening(text, Span::new(0, text.len()), form)
                .map(|o| (text[o.label.range()].to_owned(), text[o.text.range()].to_owned()))
        };
        let is = |id: &str, text: &str| Some((id.to_owned(), text.to_owned()));
        use RuleForm::{Bullet, Heading};
        assert_eq!(check("SP1: be kind", Bullet), is("SP1", "be kind"));
        assert_eq!(check("**SP1**: be *kind*", Bullet), is("SP1", "be *kind*"));
        assert_eq!(check("**SP1:** be kind", Bullet), is("SP1", "be kind"));
        assert_eq!(check("SP1 — be kind", Bullet), is("SP1", "be kind"));
        assert_eq!(check("SP1 - be kind", Bullet), is("SP1", "be kind"));
        assert_eq!(check("SP1:\n  be kind", Bullet), is("SP1", "be kind"));
        assert_eq!(check("SP1:", Bullet), is("SP1", ""));
        assert_eq!(check("__SP1__: be kind", Bullet), is("SP1", "be kind"));
        assert_eq!(check("_SP1_ — be kind", Bullet), is("SP1", "be kind"));
        assert_eq!(check("SP1—be kind", Bullet), is("SP1", "be kind"));
        assert_eq!(check("SP1\u{a0}: be kind", Bullet), is("SP1", "be kind"));
        assert_eq!(check("`SP1`: be kind", Bullet), is("SP1", "be kind"));
        assert_eq!(check("**[SP1]:** be kind", Bullet), is("SP1", "be kind"));
        assert_eq!(check("[SP1: be kind](#sp1)", Bullet), None, "a table of contents");
        assert_eq!(check("[SP1](#sp1): be kind", Bullet), None);
        assert_eq!(check("[SP1](#sp1)", Heading), None);
        assert_eq!(check("`SP1: …` is a rule", Bullet), None, "shows how a rule is written");
        assert_eq!(check("SP1", Heading), is("SP1", ""));
        assert_eq!(check("SP1", Bullet), None, "names a rule, defines none");
        assert_eq!(check("SP1 and SP2: both", Bullet), None);
        assert_eq!(check("Note: SP1", Bullet), None);
    }
}
