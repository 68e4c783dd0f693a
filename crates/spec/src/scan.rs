//! One pass over the Markdown: headings, list items and leaves, flat and in order.
//!
//! Nothing here recurses, so that nesting costs memory and never stack.

use pulldown_cmark::{CodeBlockKind, Event, OffsetIter, Options, Parser, Tag, TagEnd};

use crate::span::{Span, trim};

#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Byte order mark and YAML block.
    pub(crate) front: usize,
    pub(crate) headings: Vec<Heading>,
    pub(crate) items: Vec<Item>,
    pub(crate) leaves: Vec<Leaf>,
    /// Code and comments: braces and ids there are text.
    pub(crate) opaque: Vec<Span>,
    /// A fence that nothing closes: the rest of the text is code.
    pub(crate) open_fence: Option<Span>,
}

/// A heading that opens a section; those in quotes and lists do not.
#[derive(Debug)]
pub(crate) struct Heading {
    pub(crate) level: u8,
    pub(crate) span: Span,
    pub(crate) title: String,
    /// Its text, unless it has none, as an index.
    pub(crate) leaf: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) span: Span,
    /// The item whose list this one stands in, as an index.
    pub(crate) parent: Option<usize>,
    /// What it begins with, unless that is another item, as an index.
    pub(crate) head: Option<usize>,
    has_items: bool,
}

/// A maximal run of inline text: a paragraph, a tight list item, a table row; or a block of code.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) span: Span,
    pub(crate) kind: LeafKind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LeafKind {
    Text,
    /// The text of `headings[i]`.
    Heading(usize),
    /// Code or HTML, taken whole.
    Block,
}

/// How comments begin and end in HTML.
const COMMENT: (&str, &str) = ("<!--", "-->");

impl Scan {
    pub(crate) fn new(text: &str) -> Scan {
        let front = front_matter(text);
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        let events = Parser::new_ext(&text[front..], options).into_offset_iter();
        let mut scanner = Scanner { text, ..Scanner::default() };
        scanner.scan.front = front;
        scanner.run(events);
        scanner.scan
    }

    /// The text that a list item or a heading begins with, if it is text.
    pub(crate) fn text_of(&self, leaf: Option<usize>) -> Option<Span> {
        let leaf = self.leaves.get(leaf?)?;
        (leaf.kind != LeafKind::Block).then_some(leaf.span)
    }
}

#[derive(Default)]
struct Scanner<'a> {
    text: &'a str,
    scan: Scan,
    /// Items that are open, innermost last.
    open: Vec<usize>,
    /// Blocks that are open and keep a heading from opening a section.
    depth: usize,
    /// Where the last thing ended that is not white space.
    last_end: usize,
    /// The run of inline text that is growing.
    run: Option<Span>,
    heading: Option<Heading>,
    /// Within code or HTML, whose texts are no leaves of their own.
    in_block: bool,
}

impl Scanner<'_> {
    fn run(&mut self, events: OffsetIter<'_>) {
        for (event, range) in events {
            let span = Span::new(range.start + self.scan.front, range.end + self.scan.front);
            match event {
                Event::Start(tag) => self.start(&tag, span),
                Event::End(tag) => self.end(tag),
                Event::Rule => {
                    self.flush(LeafKind::Text);
                    self.last_end = self.text[..span.end].trim_end().len();
                }
                // Code and HTML were taken whole when they began.
                _ if self.in_block => {}
                Event::Code(code) => {
                    self.scan.opaque.push(span);
                    self.grow(span);
                    self.title(&code);
                }
                Event::InlineHtml(html) => {
                    if html.starts_with(COMMENT.0) {
                        self.scan.opaque.push(span);
                    }
                    self.grow(span);
                }
                Event::Text(part) => {
                    self.grow(span);
                    self.title(&part);
                }
                Event::SoftBreak | Event::HardBreak => self.title(" "),
                _ => self.grow(span),
            }
        }
    }

    fn start(&mut self, tag: &Tag<'_>, span: Span) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush(LeafKind::Text);
                if self.depth == 0 {
                    let level = *level as u8;
                    self.heading = Some(Heading { level, span, title: String::new(), leaf: None });
                }
            }
            Tag::Item => {
                self.flush(LeafKind::Text);
                self.depth += 1;
                let parent = self.open.last().copied();
                if let Some(parent) = parent {
                    self.scan.items[parent].has_items = true;
                }
                self.open.push(self.scan.items.len());
                // Its end is known at its end: trimming here what nested items share would take
                // quadratic time.
                let mark = self.text[span.range()].trim_start();
                let start = span.end - mark.len();
                let mark = mark.find(char::is_whitespace).unwrap_or(mark.len());
                self.last_end = start + mark;
                let span = Span::new(start, start + mark);
                self.scan.items.push(Item { span, parent, head: None, has_items: false });
            }
            Tag::CodeBlock(kind) => {
                self.flush(LeafKind::Text);
                let fenced = matches!(kind, CodeBlockKind::Fenced(_));
                if fenced && span.end == self.text.len() && !closed(&self.text[span.range()]) {
                    self.scan.open_fence = Some(span);
                }
                self.scan.opaque.push(span);
                self.block(span);
            }
            Tag::HtmlBlock => {
                self.flush(LeafKind::Text);
                self.html(span);
            }
            Tag::BlockQuote(_) => {
                self.flush(LeafKind::Text);
                self.depth += 1;
            }
            Tag::Paragraph | Tag::List(_) | Tag::Table(_) | Tag::TableHead | Tag::TableRow => {
                self.flush(LeafKind::Text);
            }
            Tag::TableCell => {}
            // Emphasis, links and the like: the run includes their marks.
            _ => self.grow(span),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => match self.heading.take() {
                Some(mut heading) => {
                    heading.title.truncate(heading.title.trim_end().len());
                    heading.leaf = self.run.map(|_| self.scan.leaves.len());
                    self.flush(LeafKind::Heading(self.scan.headings.len()));
                    self.scan.headings.push(heading);
                }
                None => self.flush(LeafKind::Text),
            },
            TagEnd::Item => {
                self.flush(LeafKind::Text);
                self.depth -= 1;
                if let Some(item) = self.open.pop() {
                    self.scan.items[item].span.end = self.last_end;
                }
            }
            TagEnd::CodeBlock | TagEnd::HtmlBlock => self.in_block = false,
            TagEnd::BlockQuote(_) => {
                self.flush(LeafKind::Text);
                self.depth -= 1;
            }
            TagEnd::Paragraph | TagEnd::List(_) | TagEnd::Table => self.flush(LeafKind::Text),
            TagEnd::TableHead | TagEnd::TableRow => self.flush(LeafKind::Text),
            _ => {}
        }
    }

    fn grow(&mut self, span: Span) {
        let run = self.run.get_or_insert(span);
        *run = Span::new(run.start.min(span.start), run.end.max(span.end));
    }

    fn title(&mut self, part: &str) {
        if let Some(heading) = &mut self.heading {
            heading.title.push_str(part);
        }
    }

    fn flush(&mut self, kind: LeafKind) {
        if let Some(span) = self.run.take() {
            self.leaf(trim(self.text, span), kind);
        }
    }

    fn block(&mut self, span: Span) {
        self.in_block = true;
        self.leaf(trim(self.text, span), LeafKind::Block);
    }

    /// A block of HTML: its comments are opaque, and it is a leaf if there is more to it.
    fn html(&mut self, span: Span) {
        self.in_block = true;
        let (open, close) = COMMENT;
        let block = &self.text[span.range()];
        let (mut end, mut more) = (0, false);
        while let Some(found) = block[end..].find(open) {
            let start = end + found;
            more |= !block[end..start].trim().is_empty();
            end = block[start..].find(close).map_or(block.len(), |at| start + at + close.len());
            self.scan.opaque.push(Span::new(span.start + start, span.start + end));
        }
        if more || !block[end..].trim().is_empty() {
            self.block(span);
        }
    }

    fn leaf(&mut self, span: Span, kind: LeafKind) {
        if span.is_empty() {
            return;
        }
        self.last_end = span.end;
        if let Some(&item) = self.open.last() {
            let item = &mut self.scan.items[item];
            if item.head.is_none() && !item.has_items {
                item.head = Some(self.scan.leaves.len());
            }
        }
        self.scan.leaves.push(Leaf { span, kind });
    }
}

/// Length of the byte order mark and the YAML block at the start.
///
/// pulldown-cmark would take any two `---` lines in the middle of a text for metadata, and those are
/// how many writers separate sections. So: at the start only, with a key in its first line, and with
/// no blank line, lest a rule across the page hide the sections under it.
fn front_matter(text: &str) -> usize {
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut end = bom;
    for (i, line) in text[bom..].split_inclusive('\n').enumerate() {
        end += line.len();
        match (i, line.trim_end()) {
            (0, "---") => {}
            (2.., "---" | "...") => return end,
            (1, line) if is_key(line) => {}
            (2.., line) if !line.is_empty() => {}
            _ => break,
        }
    }
    bom
}

fn is_key(line: &str) -> bool {
    line.split_once(':').is_some_and(|(key, _)| {
        key.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"')
            && !key.contains(char::is_whitespace)
    })
}

/// Whether the last line of a fenced block is a fence.
fn closed(block: &str) -> bool {
    let mut lines = block.trim_end().lines();
    let last = lines.next_back().unwrap_or_default();
    let last = last.trim_start_matches(|c: char| c == '>' || c.is_whitespace());
    lines.next().is_some()
        && (last.starts_with("```") || last.starts_with("~~~"))
        && last.trim_end().chars().all(|c| c == '`' || c == '~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_at_the_start_and_has_a_key() {
        let front = |text: &str| text[..front_matter(text)].to_owned();
        assert_eq!(front("---\ntitle: x\n---\n# A\n"), "---\ntitle: x\n---\n");
        assert_eq!(front("\u{feff}---\r\na: b\r\n---\r\nx"), "\u{feff}---\r\na: b\r\n---\r\n");
        assert_eq!(front("---\ntitle: x\n# never closed\n"), "");
        assert_eq!(front("---\n\n# A\n\n---\n"), "", "a line across the page");
        assert_eq!(front("---\nSome prose: yes\n---\n"), "", "a heading of two lines");
        assert_eq!(front("---\nkey: x\n\n# A\n\n---\n"), "", "a section between two lines");
        assert_eq!(front("---\n# A\n---\n"), "");
        assert_eq!(front("# A\n---\na: b\n---\n"), "");
        assert_eq!(front("---"), "");
    }

    #[test]
    fn only_a_fence_closes_a_fence() {
        assert!(closed("```\ncode\n```\n") && closed("> ~~~\n> ~~~"));
        assert!(!closed("```\ncode\n") && !closed("```") && !closed("```\n```rust"));
    }
}
