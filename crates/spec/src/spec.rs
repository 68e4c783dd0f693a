//! The text and what is found in it.

use std::{collections::HashSet, fs, path::Path, sync::OnceLock};

use serde::{Deserialize, Serialize};

use crate::{
    check,
    diagnostic::Diagnostic,
    error::{Error, Result},
    kind::{self, Kind, Shape},
    placeholder::{self, Persona, Placeholder},
    quote::Flat,
    rule::{self, Reference, Rule},
    scan::Scan,
    section::{self, Section, Walk},
    sentence,
    span::{Lines, Position, Span},
};

/// A Model Spec: a Markdown text, and where in it everything stands.
///
/// All is found once, in [`parse`](Self::parse); the fields are private because the spans hold for
/// this text only. Two specs are equal when their texts are, and serde knows a spec as its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Spec {
    pub(crate) text: String,
    pub(crate) lines: Lines,
    pub(crate) front_matter: Span,
    pub(crate) sections: Vec<Section>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) references: Vec<Reference>,
    pub(crate) placeholders: Vec<Placeholder>,
    pub(crate) sentences: Vec<Span>,
    pub(crate) shape: Shape,
    diagnostics: Vec<Diagnostic>,
    /// Only those who look for quotes pay for it.
    flat: OnceLock<Flat>,
}

impl Spec {
    /// Reads a text as a spec. Any text is one; see [`diagnostics`](Self::diagnostics).
    pub fn parse(text: impl Into<String>) -> Self {
        let text = text.into();
        let lines = Lines::new(&text);
        let scan = Scan::new(&text);
        let (front_matter, sections) = section::build(&text, &lines, &scan);
        let mut rules = rule::build(&text, &scan, &sections);
        let said = scan.without_comments(&text);
        let sentences = sentence::split_all(&said, &scan, &rules);
        let shape = kind::measure(&said, &sentences, &mut rules);
        let references = rule::references(&text, &scan, &rules);
        let braces = placeholder::find(&text, scan.front, &scan.opaque);
        drop(said);
        let mut spec = Spec {
            text,
            lines,
            front_matter,
            sections,
            rules,
            references,
            placeholders: braces.names,
            sentences,
            shape,
            diagnostics: Vec::new(),
            flat: OnceLock::new(),
        };
        spec.diagnostics = check::all(&spec, &scan, &braces.doubled);
        spec
    }

    /// Reads a file.
    ///
    /// A file that is not UTF-8 is an error and not a diagnostic: replacing what cannot be read
    /// would shift every span after it and hash a text that nobody wrote.
    ///
    /// # Errors
    ///
    /// [`Error::Read`], and [`Error::NotUtf8`] with the offset.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
        let text = String::from_utf8(bytes).map_err(|error| Error::NotUtf8 {
            path: path.into(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        Ok(Spec::parse(text))
    }

    /// The text, byte for byte as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// BLAKE3 of the text, 64 hexadecimal digits: the `spec_hash` in the lineage of documents.
    pub fn hash(&self) -> String {
        blake3::hash(self.text.as_bytes()).to_hex().to_string()
    }

    /// The first heading of level 1, else the first heading.
    pub fn title(&self) -> Option<&str> {
        let mut headings = self.walk().map(|(_, section)| section).filter(|s| s.level > 0);
        let first = headings.next()?;
        let main = std::iter::once(first).chain(headings).find(|section| section.level == 1);
        Some(&main.unwrap_or(first).title)
    }

    /// What stands before the first section and is no text: byte order mark, YAML or TOML, comments,
    /// blank lines. May be empty. Front matter and sections tile the text.
    pub fn front_matter(&self) -> Span {
        self.front_matter
    }

    /// The sections that are in no other. A text without headings is one section of level 0.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// All sections depth first, in order of the text, with their depth (0 at the top).
    pub fn walk(&self) -> Walk<'_> {
        Walk::new(&self.sections)
    }

    /// The innermost section that `offset` lies in.
    pub fn section_at(&self, offset: usize) -> Option<&Section> {
        let mut sections = &self.sections;
        let mut found = None;
        loop {
            let next = sections.partition_point(|section| section.span.end <= offset);
            match sections.get(next).filter(|section| section.span.start <= offset) {
                Some(section) => (found, sections) = (Some(section), &section.children),
                None => return found,
            }
        }
    }

    /// A section's own text, without heading and children.
    pub fn body(&self, section: &Section) -> &str {
        self.slice(section.body)
    }

    /// The text of a span; empty for one that is not of this spec (out of range, or within a
    /// character).
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Line and column of a byte offset; of the end, for one beyond it.
    pub fn position(&self, offset: usize) -> Position {
        self.lines.position(offset, &self.text)
    }

    /// All rules in order of the text, nested ones after the rule they are nested in.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The first rule with this id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// All places that name a rule, in order.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// All placeholders in order, each as often as it occurs.
    pub fn placeholders(&self) -> &[Placeholder] {
        &self.placeholders
    }

    /// All that the spec says, sentence by sentence: the unit of [`Coverage`](crate::Coverage).
    ///
    /// A block of code is one sentence. Headings and the labels of rules are none; what follows a rule's label in a heading
    /// is, since it may be all that the rule demands.
    pub fn sentences(&self) -> &[Span] {
        &self.sentences
    }

    /// What looks wrong, in order of the text.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Prose, rules, rules with reasons, or mixed.
    pub fn kind(&self) -> Kind {
        self.shape.kind()
    }

    /// The counts that the kind is read from; printed, they say why it is that kind.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The spec with the persona's values in place of the placeholders. Spans and hash are those of
    /// the new text. Filling a filled spec changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Unfilled`] with every name that stays, also when a value brought it in.
    pub fn fill(&self, persona: &Persona) -> Result<Spec> {
        let filled = Spec::parse(placeholder::fill(&self.text, &self.placeholders, persona));
        if filled.placeholders.is_empty() {
            return Ok(filled);
        }
        let mut names: Vec<String> = filled.placeholders.into_iter().map(|p| p.name).collect();
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        Err(Error::Unfilled { names })
    }

    /// The first place where the spec says this, word for word; any white space equals any other,
    /// so that a quote may be wrapped differently. `None` also for a quote without a word.
    pub fn find_quote(&self, quote: &str) -> Option<Span> {
        self.flat.get_or_init(|| Flat::new(&self.text)).find(quote)
    }
}

impl From<String> for Spec {
    fn from(text: String) -> Self {
        Spec::parse(text)
    }
}

impl From<&str> for Spec {
    fn from(text: &str) -> Self {
        Spec::parse(text)
    }
}

impl From<Spec> for String {
    fn from(spec: Spec) -> Self {
        spec.text
    }
}

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Spec {}
