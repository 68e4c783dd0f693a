//! Identity: a hash of the path in the plan.

use std::collections::HashMap;

/// Hash of a kind and texts, 32 hexadecimal digits (128 bits).
///
/// Lengths are hashed with the texts: `["ab", "c"]` and `["a", "bc"]` differ.
pub(crate) fn hash<'t>(
    kind: &'t str,
    texts: impl IntoIterator<Item = &'t str>,
    nth: u64,
) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in std::iter::once(kind).chain(texts) {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.update(&nth.to_le_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}

/// Gives ids to the children of one parent.
///
/// What a child says is hashed, not where it stands among its siblings: an idea added to a plan does
/// not rename the others. Of siblings that say the very same, the n-th is the n-th.
pub(crate) struct Children<'p> {
    kind: &'static str,
    parent: &'p str,
    seen: HashMap<(&'p str, &'p str), u64>,
}

impl<'p> Children<'p> {
    pub(crate) fn of(parent: &'p str, kind: &'static str) -> Self {
        Children { kind, parent, seen: HashMap::new() }
    }

    pub(crate) fn next(&mut self, name: &'p str, text: &'p str) -> String {
        let nth = self.seen.entry((name, text)).or_default();
        *nth += 1;
        hash(self.kind, [self.parent, name, text], *nth - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn lengths_are_part_of_it() {
        assert_ne!(hash("k", ["ab", "c"], 0), hash("k", ["a", "bc"], 0));
        assert_ne!(hash("k", ["a"], 0), hash("k", ["a", ""], 0));
    }

    #[test]
    fn a_new_sibling_renames_nobody() {
        let ids = |texts: &[&'static str]| {
            let mut children = Children::of("parent", "idea");
            texts.iter().map(|text| children.next("same name", text)).collect::<Vec<_>>()
        };
        let (two, three) = (ids(&["a", "b"]), ids(&["new", "a", "b"]));
        assert_eq!(two, three[1..]);
    }

    proptest! {
        #[test]
        fn ids_are_unique_for_any_names(
            children in prop::collection::vec(("[ab]{0,2}", "[ab]{0,2}"), 0..30)
        ) {
            let ids: HashSet<_> = ["p", "q"].into_iter().flat_map(|parent| {
                let mut ids = Children::of(parent, "idea");
                children.iter().map(|(name, text)| ids.next(name, text)).collect::<Vec<_>>()
            }).collect();
            prop_assert_eq!(ids.len(), 2 * children.len());
        }
    }
}
