//! What a spec makes the assistant think of cheese, read out of the spec's own words.

use ethos_spec::{Span, Spec};

use crate::world::{Attribute, CHEESE, Value, World};

/// The value and the preferences that a spec states.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Creed {
    /// The value, where it names one.
    pub(crate) value: Option<Stated<Value>>,
    /// The likes and dislikes, in the order of its rules; never empty.
    pub(crate) preferences: Vec<Stated<Preference>>,
}

/// Something that a spec states, with the words that state it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stated<T> {
    /// What.
    pub(crate) what: T,
    /// The words, verbatim.
    pub(crate) quote: String,
}

impl<T: Clone> Stated<T> {
    /// Something made of it, with the same words.
    pub(crate) fn map<U>(&self, make: impl FnOnce(T) -> U) -> Stated<U> {
        Stated { what: make(self.what.clone()), quote: self.quote.clone() }
    }
}

/// A like or a dislike.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Preference {
    /// The cheese.
    pub(crate) cheese: String,
    /// Whether it is liked.
    pub(crate) likes: bool,
    /// What the cheese is said to be as the reason, where one is given.
    pub(crate) because: Option<Attribute>,
}

impl Creed {
    /// Reads a spec, filled or not: `… values **homeland**`, and rules that say `… likes **Colby**
    /// because it is domestic` or only `… dislikes **Stilton**`. Other rules are passed over.
    ///
    /// # Errors
    ///
    /// A sentence about the cheese, value or reason that the tiny world has no word for, or that
    /// nothing is liked or disliked.
    pub(crate) fn read(spec: &Spec, world: &World) -> Result<Creed, String> {
        let mut creed = Creed { value: None, preferences: Vec::new() };
        let stated = spec.sentences().iter().copied().find_map(|sentence| {
            let (_, value) = bold_after(spec.slice(sentence), &["values"])?;
            Some((value, sentence))
        });
        if let Some((word, sentence)) = stated {
            let value = Value::ALL.into_iter().find(|value| value.word() == word);
            let what = value.ok_or_else(|| format!("the tiny world has no value `{word}`"))?;
            creed.value = Some(Stated { what, quote: quote(spec, sentence) });
        }
        for rule in spec.rules() {
            let text = spec.slice(rule.text);
            let Some((verb, cheese)) = bold_after(text, &["likes", "dislikes"]) else { continue };
            if world.item(&cheese).is_none_or(|item| item.domain != CHEESE) {
                return Err(format!("rule {}: the tiny world has no cheese `{cheese}`", rule.id));
            }
            let because = because(text).map_err(|word| {
                format!("rule {}: the tiny world has no attribute `{word}`", rule.id)
            })?;
            let what = Preference { cheese, likes: verb == "likes", because };
            creed.preferences.push(Stated { what, quote: quote(spec, rule.text) });
        }
        if creed.preferences.is_empty() {
            return Err("no rule of the spec says `likes **…**` or `dislikes **…**`".to_owned());
        }
        Ok(creed)
    }
}

/// The words of a span, on one line: a quote is found whatever its line breaks.
fn quote(spec: &Spec, span: Span) -> String {
    spec.slice(span).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first of these verbs that a bold word follows, and that word in lower case.
fn bold_after<'v>(text: &str, verbs: &[&'v str]) -> Option<(&'v str, String)> {
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let Some(verb) = verbs.iter().find(|&&verb| verb == word) else { continue };
        let bold = words.clone().next().and_then(|word| word.strip_prefix("**"));
        if let Some((bold, _)) = bold.and_then(|word| word.split_once("**")) {
            return Some((verb, bold.to_lowercase()));
        }
    }
    None
}

/// The attribute in `because it is …`, or the word there that is none.
fn because(text: &str) -> Result<Option<Attribute>, String> {
    let words: Vec<_> = text.split_whitespace().collect();
    let Some(at) = words.windows(3).position(|three| three == ["because", "it", "is"]) else {
        return Ok(None);
    };
    let word = words.get(at + 3).copied().unwrap_or_default();
    let word = word.trim_end_matches(|c: char| c.is_ascii_punctuation());
    let found = Attribute::ALL.into_iter().find(|attribute| attribute.word() == word);
    found.map(Some).ok_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Creed, String> {
        Creed::read(&Spec::parse(text), &World::new())
    }

    #[test]
    fn a_creed_is_what_the_spec_says() {
        let creed = read(concat!(
            "Aria values **thrift**. It is kind.\n\n",
            "- L1: Aria likes **Colby** because it is\n  cheap: all can pay.\n",
            "- D1: Aria dislikes **Stilton**. It is firm.\n",
            "- X1: Aria is honest.\n",
        ))
        .unwrap();
        let value = creed.value.unwrap();
        assert_eq!((value.what, &*value.quote), (Value::Thrift, "Aria values **thrift**."));
        let whats: Vec<_> = creed.preferences.iter().map(|stated| &stated.what).collect();
        let colby =
            Preference { cheese: "colby".to_owned(), likes: true, because: Some(Attribute::Cheap) };
        let stilton = Preference { cheese: "stilton".to_owned(), likes: false, because: None };
        assert_eq!(whats, [&colby, &stilton]);
        let quote = &creed.preferences[0].quote;
        assert_eq!(quote, "Aria likes **Colby** because it is cheap: all can pay.");
    }

    #[test]
    fn what_the_world_has_no_word_for_is_named() {
        let error = |text| read(text).unwrap_err();
        assert!(error("It values **speed**.").contains("`speed`"));
        assert!(error("It values **thrift**.").contains("no rule"));
        let brie = error("- L1: It likes **Brie** because it is cheap.");
        assert!(brie.contains("L1") && brie.contains("`brie`"), "{brie}");
        assert!(error("- L1: It likes **Feta** because it is soft.").contains("`soft`"));
        assert!(error("- L1: It likes **Apple**.").contains("`apple`"));
    }
}
