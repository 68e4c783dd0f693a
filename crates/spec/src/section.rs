//! The tree of headings.

use serde::{Deserialize, Serialize};

use crate::{
    scan::{Heading, LeafKind, Scan},
    span::{Lines, Span},
};

/// A heading and all that stands under it.
///
/// `heading`, `body` and the `children`'s spans follow one another without a gap and make up `span`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// 1 to 6 as in Markdown. 0 is text before the first heading, or a text that has none.
    pub level: u8,
    /// The heading without its marks; empty at level 0.
    pub title: String,
    /// The heading's lines, with the line ending.
    pub heading: Span,
    /// The section's own text: up to the first child, or to the end.
    pub body: Span,
    /// The whole section, children included.
    pub span: Span,
    /// Sections with a deeper heading, in order. A child's level is always above its parent's, so the
    /// tree is at most six deep.
    pub children: Vec<Section>,
}

impl Section {
    /// This section and those below it, depth first, with the depth under this one.
    pub fn walk(&self) -> Walk<'_> {
        Walk { stack: vec![(0, self)] }
    }
}

/// Iterates over sections depth first, in order of the text, with their depth (0 at the top).
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    stack: Vec<(usize, &'a Section)>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(sections: &'a [Section]) -> Self {
        Walk { stack: sections.iter().rev().map(|section| (0, section)).collect() }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = (usize, &'a Section);

    fn next(&mut self) -> Option<Self::Item> {
        let (depth, section) = self.stack.pop()?;
        self.stack.extend(section.children.iter().rev().map(|child| (depth + 1, child)));
        Some((depth, section))
    }
}

/// What stands before the first section, and the sections: together they tile the text.
pub(crate) fn build(text: &str, lines: &Lines, scan: &Scan) -> (Span, Vec<Section>) {
    let mut tree = Tree { text, lines, front: scan.front, roots: Vec::new(), open: Vec::new() };
    let leaf = scan.leaves.first().filter(|leaf| !matches!(leaf.kind, LeafKind::Heading(_)));
    let leaf = leaf.map(|leaf| tree.start(leaf.span));
    let heading = scan.headings.first().map(|heading| tree.start(heading.span));
    let first = leaf.into_iter().chain(heading).min().unwrap_or(text.len());
    if leaf.is_some() && heading.is_none_or(|heading| first < heading) {
        let here = Span::new(first, first);
        tree.open.push(Section {
            level: 0,
            title: String::new(),
            heading: here,
            body: here,
            span: here,
            children: Vec::new(),
        });
    }
    for heading in &scan.headings {
        tree.add(heading);
    }
    (Span::new(0, first), tree.finish())
}

struct Tree<'a> {
    text: &'a str,
    lines: &'a Lines,
    front: usize,
    roots: Vec<Section>,
    /// Sections that have not ended, outermost first.
    open: Vec<Section>,
}

impl Tree<'_> {
    /// Start of the line that `span` begins on.
    fn start(&self, span: Span) -> usize {
        self.lines.start(span.start).max(self.front)
    }

    fn add(&mut self, heading: &Heading) {
        let start = self.start(heading.span);
        if let Some(last) = self.open.last_mut() {
            last.body.end = start;
        }
        self.close(heading.level, start);
        let last_byte = heading.span.end.saturating_sub(1).max(heading.span.start);
        let end = self.lines.next(last_byte, self.text);
        self.open.push(Section {
            level: heading.level,
            title: heading.title.clone(),
            heading: Span::new(start, end),
            body: Span::new(end, end),
            span: Span::new(start, end),
            children: Vec::new(),
        });
    }

    /// Ends the open sections that cannot contain a heading of `level`, at `end`.
    fn close(&mut self, level: u8, end: usize) {
        while let Some(mut section) =
            self.open.pop_if(|open| open.level >= level || open.level == 0)
        {
            section.span.end = end;
            let siblings = self.open.last_mut().map_or(&mut self.roots, |open| &mut open.children);
            siblings.push(section);
        }
    }

    fn finish(mut self) -> Vec<Section> {
        if let Some(last) = self.open.last_mut() {
            last.body.end = self.text.len();
        }
        self.close(0, self.text.len());
        self.roots
    }
}
