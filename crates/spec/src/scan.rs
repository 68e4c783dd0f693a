//! One pass over the Markdown: headings, list items and leaves, flat and in order.
//!
//! Nothing here recurses, so that nesting costs memory and never stack.

use std::{borrow::Cow, ops::Range};

use pulldown_cmark::{CodeBlockKind, Event, LinkType, OffsetIter, Options, Parser, Tag, TagEnd};

use crate::span::{Span, trim};

#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Byte order mark and metadata.
    pub(crate) front: usize,
    pub(crate) headings: Vec<Heading>,
    pub(crate) items: Vec<Item>,
    pub(crate) leaves: Vec<Leaf>,
    /// Code and comments: braces and ids there are text.
    pub(crate) opaque: Vec<Span>,
    /// Those of them that are comments: nothing in them is said.
    pub(crate) comments: Vec<Span>,
    /// Tags, and where links lead: ids there name no rule.
    pub(crate) unsaid: Vec<Span>,
    /// A fence that nothing closes: the rest of the text is code.
    pub(crate) open_fence: Option<Span>,
    /// The first comment that nothing closes.
    pub(crate) open_comment: Option<Span>,
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

    /// `text` with spaces in the place of comments, so that offsets stay.
    pub(crate) fn without_comments<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.comments.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut said = String::with_capacity(text.len());
        for comment in &self.comments {
            said.push_str(&text[said.len()..comment.start]);
            said.extend(std::iter::repeat_n(' ', comment.len()));
        }
        said.push_str(&text[said.len()..]);
        Cow::Owned(said)
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
    /// Where the last piece of inline text ended.
    inline_end: usize,
    heading: Option<Heading>,
    /// Within code or HTML, whose texts are no leaves of their own.
    in_block: bool,
}

impl Scanner<'_> {
    fn run(&mut self, events: OffsetIter<'_>) {
        let definitions = events.reference_definitions().iter();
        let definitions: Vec<_> = definitions.map(|(_, link)| self.at(&link.span)).collect();
        for (event, range) in events {
            let span = self.at(&range);
            match event {
                Event::Start(tag) => self.start(&tag, span),
                Event::End(TagEnd::Link | TagEnd::Image) => {
                    self.scan.unsaid.push(Span::new(self.inline_end.max(span.start), span.end));
                    self.inline_end = span.end;
                }
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
                    self.inline_end = span.end;
                    self.title(&code);
                }
                Event::InlineHtml(html) if html.starts_with(COMMENT.0) => {
                    self.scan.opaque.push(span);
                    self.scan.comments.push(span);
                    self.inline_end = span.end;
                }
                Event::InlineHtml(_) => {
                    self.scan.unsaid.push(span);
                    self.grow(span);
                    self.inline_end = span.end;
                }
                Event::Text(part) => {
                    self.grow(span);
                    self.inline_end = span.end;
                    self.title(&part);
                }
                Event::SoftBreak | Event::HardBreak => self.title(" "),
                _ => self.grow(span),
            }
        }
        self.scan.unsaid.extend(definitions);
        self.scan.unsaid.sort_unstable();
    }

    fn at(&self, range: &Range<usize>) -> Span {
        Span::new(range.start + self.scan.front, range.end + self.scan.front)
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
            // An address is shown, and yet not said.
            Tag::Link { link_type: LinkType::Autolink | LinkType::Email, .. } => {
                self.scan.unsaid.push(span);
                self.grow(span);
            }
            // Emphasis, links and the like: the run includes their marks.
            _ => self.grow(span),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => match self.heading.take() {
                Some(mut heading) => {
                    heading.title.truncate(heading.title.trim_end().len());
                    let leaf = self.scan.leaves.len();
                    self.flush(LeafKind::Heading(self.scan.headings.len()));
                    heading.leaf = (leaf < self.scan.leaves.len()).then_some(leaf);
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
            let closed = block[start..].find(close).map(|at| start + at + close.len());
            end = closed.unwrap_or(block.len());
            let comment = Span::new(span.start + start, span.start + end);
            self.scan.opaque.push(comment);
            self.scan.comments.push(comment);
            if closed.is_none() {
                self.scan.open_comment.get_or_insert(comment);
            }
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

/// Length of the byte order mark and the metadata at the start: YAML between two lines of `---`, or
/// TOML between two of `+++`.
///
/// pulldown-cmark would take any two `---` lines in the middle of a text for metadata, and those are
/// how many writers separate sections. So: at the start only, and with a key in its first line and
/// after every blank one, lest a rule across the page hide the sections under it.
fn front_matter(text: &str) -> usize {
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lines = text[bom..].split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let (ends, sign): (&[&str], char) = match first.trim_end() {
        "---" => (&["---", "..."], ':'),
        "+++" => (&["+++"], '='),
        _ => return bom,
    };
    let mut end = bom + first.len();
    let (mut keys, mut due) = (0, true);
    for line in lines {
        end += line.len();
        let line = line.trim_end();
        if keys > 0 && ends.contains(&line) {
            return end;
        }
        match line {
            "" if keys > 0 => due = true,
            key if due && is_key(key, sign) => (keys, due) = (keys + 1, false),
            _ if due => break,
            _ => {}
        }
    }
    bom
}

/// `key: value` or `key = value`, by the `sign`; in TOML `[table]` too.
fn is_key(line: &str, sign: char) -> bool {
    let table = sign == '=' && line.starts_with('[');
    table
        || line.split_once(sign).is_some_and(|(key, _)| {
            key.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"')
                && !key.trim_end().contains(char::is_whitespace)
        })
}

/// Whether the last line of a fenced block is a fence: as long as the one it began with, or longer.
fn closed(block: &str) -> bool {
    let fence = |line: &'_ str| {
        let line = line.trim_start_matches(|c: char| c == '>' || c.is_whitespace()).trim_end();
        let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let info = line.trim_start_matches(mark);
        Some((mark, line.len() - info.len(), info.is_empty()))
    };
    let mut lines = block.trim_end().lines();
    let first = lines.next().and_then(fence);
    let last = lines.next_back().and_then(fence);
    first
        .zip(last)
        .is_some_and(|((mark, len, _), (same, enough, bare))| bare && same == mark && enough >= len)
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
        let gaps = "---\ntitle: x\n\nby:\n  - y\n\n---\n";
        assert_eq!(front(&format!("{gaps}# A\n")), gaps, "blank lines between keys");
        let toml = "+++\ntitle = \"x\"\n\n[extra]\na = 1\n+++\n";
        assert_eq!(front(&format!("{toml}# A\n")), toml);
        assert_eq!(front("+++\ntitle: x\n+++\n"), "");
    }

    #[test]
    fn only_a_fence_closes_a_fence() {
        assert!(closed("```\ncode\n```\n") && closed("> ~~~\n> ~~~"));
        assert!(closed("~~~ md\n```\n~~~~~") && !closed("~~~\ncode\n```"));
        assert!(closed("````\n```\n````") && !closed("````\ncode\n```"));
        assert!(!closed("```\ncode\n") && !closed("```") && !closed("```\n```rust"));
    }
}
