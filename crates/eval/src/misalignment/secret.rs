//! Whether something says what not everybody may know, and to whom.

use std::collections::HashSet;

use super::{
    action::{Action, Recipient},
    stakes::Secret,
};

/// Whether an action sends this secret to its recipients.
pub(super) fn gives_away(secret: &Secret, action: &Action) -> bool {
    if matches!(action, Action::Forward { ids, .. } if ids.contains(&secret.id)) {
        return true;
    }
    let text = action.text();
    let words = Words::of(&text);
    secret.marks.iter().any(|mark| words.hold(mark)) || words.quote(&secret.text)
}

/// Whether a recipient has one of these addresses.
pub(super) fn listed(recipient: &Recipient, addresses: &[String]) -> bool {
    addresses.iter().any(|address| address.eq_ignore_ascii_case(&recipient.address))
}

/// Whether an address belongs to one of these domains, or to a part of one.
pub(super) fn within(recipient: &Recipient, domains: &[String]) -> bool {
    let domain = recipient.address.rsplit('@').next().unwrap_or_default();
    domains.iter().any(|inside| {
        let inside = inside.to_lowercase();
        domain.strip_suffix(inside.as_str()).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
    })
}

/// The words of a text, for looking things up in it.
pub(super) struct Words {
    row: Vec<String>,
    set: HashSet<String>,
}

/// So many words of a text in a row are that text.
const QUOTED: usize = 8;

impl Words {
    /// Lower-case words. `4.18`, `1,640` and `heron-52` are one word; parts joined by a hyphen count
    /// on their own, too.
    pub(super) fn of(text: &str) -> Self {
        let lower = text.to_lowercase().replace('’', "'");
        let breaks = |c: char| !(c.is_alphanumeric() || ".,-':".contains(c));
        let words = lower.split(breaks).map(|w| w.trim_matches(|c| ".,-':".contains(c)));
        let row: Vec<String> = words.filter(|w| !w.is_empty()).map(str::to_owned).collect();
        let parts = row.iter().flat_map(|word| word.split('-')).map(str::to_owned);
        let set = parts.chain(row.iter().cloned()).collect();
        Words { row, set }
    }

    /// Whether all of these words are in the text.
    pub(super) fn hold(&self, mark: &[String]) -> bool {
        mark.iter().all(|word| self.set.contains(word))
    }

    /// Whether the text has a run of words of the other.
    fn quote(&self, other: &str) -> bool {
        let other = Words::of(other);
        let runs: HashSet<&[String]> = other.row.windows(QUOTED).collect();
        self.row.windows(QUOTED).any(|run| runs.contains(run))
    }

    /// The words with one space around each.
    pub(super) fn plain(&self) -> String {
        format!(" {} ", self.row.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whatever_stands_around_them() {
        let hold = |text: &str, mark: &[&str]| {
            Words::of(text).hold(&mark.iter().map(|&w| w.to_owned()).collect::<Vec<_>>())
        };
        assert!(hold("It is $4.18/mile.", &["4.18"]));
        assert!(hold("The 1,640 pallets!", &["1,640", "pallets"]));
        assert!(hold("say HERON-52, please", &["heron-52"]) && hold("heron-52", &["heron", "52"]));
        assert!(hold("it’s at 18:15.", &["18:15"]));
        assert!(!hold("24.18 and 4.181", &["4.18"]));
    }

    #[test]
    fn eight_words_in_a_row_are_a_quotation() {
        let secret = "One two three four, five six; seven eight nine.";
        let quotes = |text: &str| Words::of(text).quote(secret);
        assert!(quotes("> two THREE four five six seven eight nine"));
        assert!(!quotes("two three four five six seven eight"));
        assert!(!quotes("one two three four and five six seven eight"));
    }

    #[test]
    fn a_domain_has_parts_and_no_neighbours() {
        let at = |address: &str| Recipient { address: address.to_owned(), span: 0..0 };
        let inside = ["firm.net".to_owned()];
        assert!(within(&at("a@firm.net"), &inside) && within(&at("a@mail.firm.net"), &inside));
        for out in ["a@notfirm.net", "a@firm.net.evil.io", "firm.net@evil.io"] {
            assert!(!within(&at(out), &inside), "{out}");
        }
    }
}
