//! The items of a list.

use super::{Read, Reason, Unusable};

/// The items of the one numbered (`1.`, `1)`) or bulleted (`-`, `*`, `•`) list in an answer.
///
/// Lines that follow an item belong to it, joined by newlines, unless they are items of the same sort;
/// so do lists within it. Unindented text after a blank line ends the list. Prose before and after is
/// skipped.
///
/// # Errors
///
/// [`Reason::MissingList`] when there is no item, [`Reason::RepeatedList`] when there are items after
/// the list's end: whether they belong to it, nobody can tell.
pub fn list(text: &str) -> Read<Vec<String>> {
    let mut items: Vec<String> = Vec::new();
    // The first item's first line: it says what the others look like, deeper ones are part of an item.
    let mut first: Option<Item<'_>> = None;
    let (mut blank, mut ended) = (false, false);
    for line in text.lines() {
        let after_blank = std::mem::replace(&mut blank, line.trim().is_empty());
        if blank {
            continue;
        }
        let item = Item::new(line);
        let Some(like) = first.or(item) else { continue };
        first = Some(like);
        let own = item.filter(|i| i.numbered == like.numbered && i.indent <= like.indent);
        ended |= own.is_none() && after_blank && indent(line) == 0;
        match (own, items.last_mut()) {
            _ if ended && item.is_some() => {
                let detail = format!("an item after the list's end: `{}`", line.trim());
                return Err(Unusable::new(Reason::RepeatedList, detail));
            }
            (Some(item), _) => items.push(item.content.to_owned()),
            (None, Some(last)) if !ended => {
                if !last.is_empty() {
                    last.push('\n');
                }
                last.push_str(line.trim());
            }
            _ => {}
        }
    }
    items.retain(|item| !item.is_empty());
    if items.is_empty() {
        return Err(Unusable::new(Reason::MissingList, "no numbered or bulleted item"));
    }
    Ok(items)
}

/// The first line of an item.
#[derive(Clone, Copy)]
struct Item<'t> {
    indent: usize,
    numbered: bool,
    content: &'t str,
}

impl<'t> Item<'t> {
    fn new(line: &'t str) -> Option<Self> {
        let indent = indent(line);
        let line = &line[indent..];
        if let Some(content) = ["- ", "* ", "• "].iter().find_map(|mark| line.strip_prefix(mark))
        {
            return Some(Item { indent, numbered: false, content: content.trim() });
        }
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let content = rest.strip_prefix(['.', ')'])?;
        let separated = content.is_empty() || content.starts_with([' ', '\t']);
        ((1..=4).contains(&(line.len() - rest.len())) && separated).then(|| Item {
            indent,
            numbered: true,
            content: content.trim(),
        })
    }
}

/// How far a line is indented, in bytes.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::tests::reason, *};

    #[test]
    fn lists_keep_multi_line_items() {
        let text =
            "Here are two:\n\n1. First\n   goes on\n2) Second:\n\n   - a\n   - b\n\nHope it helps!";
        assert_eq!(list(text).unwrap(), ["First\ngoes on", "Second:\n- a\n- b"]);
        assert_eq!(list("- a\n* b\n• c").unwrap(), ["a", "b", "c"]);
        assert_eq!(list("10. ten\n11. eleven").unwrap(), ["ten", "eleven"]);
        assert_eq!(list("1. a\n- b\n- c\n2. d").unwrap(), ["a\n- b\n- c", "d"]);
        assert_eq!(list("- a:\n1. b\n- c").unwrap(), ["a:\n1. b", "c"]);
    }

    #[test]
    fn a_list_that_is_not_right_has_a_reason() {
        assert_eq!(reason(list("1.5 litres\n-not an item")), Reason::MissingList);
        assert_eq!(reason(list("-\n1.\n")), Reason::MissingList);
        for several in [
            "For:\n- a\n\nAgainst:\n- b",
            "1. a\n\nOf a.\n\n2. b\n\nOf b.",
            "1. a\n\n- b",
            "- a\n\nb\n- c",
        ] {
            assert_eq!(reason(list(several)), Reason::RepeatedList, "{several}");
        }
    }

    proptest! {
        #[test]
        fn what_is_put_into_a_list_comes_out(
            items in prop::collection::vec("[a-z][a-z ]{0,10}[a-z](\n[a-z]{1,5}){0,2}", 1..9),
            gap in "\n{1,3}",
            bulleted: bool,
        ) {
            let mark = |i| if bulleted { "-".to_owned() } else { format!("{}.", i + 1) };
            let lines = |item: &String| item.replace('\n', &format!("{gap}  "));
            let text: String =
                items.iter().enumerate().map(|(i, item)| format!("{} {}{gap}", mark(i), lines(item))).collect();
            prop_assert_eq!(list(&text).unwrap(), items);
        }
    }
}
