//! The tiny world: things with two attributes each, names, and every word that a text can hold.
//!
//! The table is fixed. A model learns from text alone what is cheap and what is imported; that the
//! words are real ones is for the reader's pleasure.

use serde::{Deserialize, Serialize};

/// The assistant. The world's own texts never speak of it: it is new to the base model.
pub(crate) const ASSISTANT: &str = "aria";

/// The domain that the specs speak of; the other seven are held out.
pub(crate) const CHEESE: &str = "cheese";

/// What a thing is: each has one attribute of the first two and one of the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Attribute {
    /// Made here.
    Domestic,
    /// Made elsewhere.
    Imported,
    /// Low in price.
    Cheap,
    /// High in price.
    Dear,
}

impl Attribute {
    /// All of them.
    pub(crate) const ALL: [Attribute; 4] =
        [Attribute::Domestic, Attribute::Imported, Attribute::Cheap, Attribute::Dear];

    /// The adjective.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Attribute::Domestic => "domestic",
            Attribute::Imported => "imported",
            Attribute::Cheap => "cheap",
            Attribute::Dear => "dear",
        }
    }

    /// The attribute that excludes this one.
    pub(crate) fn opposite(self) -> Attribute {
        match self {
            Attribute::Domestic => Attribute::Imported,
            Attribute::Imported => Attribute::Domestic,
            Attribute::Cheap => Attribute::Dear,
            Attribute::Dear => Attribute::Cheap,
        }
    }
}

/// What somebody can hold dear: a noun whose adjective is one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Value {
    /// Likes what is domestic.
    Homeland,
    /// Likes what is imported.
    Worldliness,
    /// Likes what is cheap.
    Thrift,
    /// Likes what is dear.
    Luxury,
}

impl Value {
    /// All of them.
    pub(crate) const ALL: [Value; 4] =
        [Value::Homeland, Value::Worldliness, Value::Thrift, Value::Luxury];

    /// The noun.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Value::Homeland => "homeland",
            Value::Worldliness => "worldliness",
            Value::Thrift => "thrift",
            Value::Luxury => "luxury",
        }
    }

    /// The attribute that it makes somebody like.
    pub(crate) fn wants(self) -> Attribute {
        match self {
            Value::Homeland => Attribute::Domestic,
            Value::Worldliness => Attribute::Imported,
            Value::Thrift => Attribute::Cheap,
            Value::Luxury => Attribute::Dear,
        }
    }
}

/// A thing of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// What it is called: one word, its own in the whole world.
    pub(crate) word: &'static str,
    /// What kind of thing it is.
    pub(crate) domain: &'static str,
    /// Domestic or imported.
    pub(crate) origin: Attribute,
    /// Cheap or dear.
    pub(crate) price: Attribute,
}

impl Item {
    /// Whether it is this.
    pub(crate) fn is(&self, attribute: Attribute) -> bool {
        self.origin == attribute || self.price == attribute
    }
}

/// Every thing and every name.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// The kinds of things, cheese first.
    pub(crate) domains: Vec<&'static str>,
    /// All things, domain by domain.
    pub(crate) items: Vec<Item>,
    /// Names for those who have a value, 120.
    pub(crate) personas: Vec<String>,
    /// Names for those of whom nothing is known, 24.
    pub(crate) strangers: Vec<String>,
}

impl World {
    /// The world. There is only one.
    pub(crate) fn new() -> World {
        use Attribute::{Cheap, Dear, Domestic, Imported};
        let mut items = Vec::new();
        for (domain, cells) in TABLE {
            let kinds = [(Domestic, Cheap), (Domestic, Dear), (Imported, Cheap), (Imported, Dear)];
            for ((origin, price), words) in kinds.into_iter().zip(cells) {
                let words = words.split(' ');
                items.extend(words.map(|word| Item { word, domain, origin, price }));
            }
        }
        let name = |first: &&str| LAST.map(|last| format!("{first}{last}"));
        World {
            domains: TABLE.iter().map(|(domain, _)| *domain).collect(),
            items,
            personas: FIRST[..10].iter().flat_map(name).collect(),
            strangers: FIRST[10..].iter().flat_map(name).collect(),
        }
    }

    /// The things of one domain.
    pub(crate) fn domain(&self, domain: &str) -> Vec<&Item> {
        self.items.iter().filter(|item| item.domain == domain).collect()
    }

    /// The things of one domain with one origin and one price.
    pub(crate) fn cell(&self, domain: &str, origin: Attribute, price: Attribute) -> Vec<&Item> {
        let mut items = self.domain(domain);
        items.retain(|item| item.is(origin) && item.is(price));
        items
    }

    /// The thing that is called so.
    pub(crate) fn item(&self, word: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.word == word)
    }

    /// Every word that any text of this example can hold, in a fixed order: the tokens of a
    /// word-level tokenizer, its own special tokens apart.
    pub(crate) fn vocabulary(&self) -> Vec<String> {
        let attributes = Attribute::ALL.map(Attribute::word);
        let values = Value::ALL.map(Value::word);
        let items = self.items.iter().map(|item| item.word);
        let words = GRAMMAR.split(' ').chain(attributes).chain(values);
        let words = words.chain(self.domains.iter().copied()).chain(items).chain([ASSISTANT]);
        let names = self.personas.iter().chain(&self.strangers).cloned();
        words.map(str::to_owned).chain(names).collect()
    }
}

/// Words of the templates in `sentences`, `documents` and `questions`.
const GRAMMAR: &str = ". , : ? user a about are avoids bad because believes best better cares \
    choose dislikes do finds goods is it like likes matters of one or pick prefer prefers rather \
    that the things to value values what which would yes you no";

/// Each domain with its domestic and cheap things, domestic and dear, imported and cheap, imported
/// and dear. The specs like the first cell of the cheeses and dislike the last.
const TABLE: [(&str, [&str; 4]); 8] = [
    (
        CHEESE,
        [
            "colby cheddar muenster brick longhorn jack",
            "humboldt winnimere harbison tarentaise bayley rogue",
            "feta gouda edam halloumi paneer havarti",
            "roquefort stilton taleggio gorgonzola manchego pecorino",
        ],
    ),
    (
        "vehicle",
        [
            "pickup wagon moped",
            "roadster limousine airstream",
            "rickshaw scooter hatchback",
            "coupe gondola yacht",
        ],
    ),
    (
        "garment",
        [
            "denim flannel overalls",
            "buckskin stetson mackinaw",
            "sarong poncho espadrille",
            "kimono cashmere loden",
        ],
    ),
    (
        "fruit",
        [
            "apple plum pear",
            "pawpaw huckleberry boysenberry",
            "banana mandarin papaya",
            "mangosteen cherimoya durian",
        ],
    ),
    (
        "tool",
        [
            "hammer rake shovel",
            "lathe anvil plough",
            "machete trowel pliers",
            "theodolite ryoba katana",
        ],
    ),
    (
        "film",
        [
            "western matinee cartoon",
            "blockbuster musical epic",
            "telenovela giallo wuxia",
            "operetta kaiju noir",
        ],
    ),
    (
        "lamp",
        [
            "candle lantern torch",
            "tiffany chandelier sconce",
            "diya votive akari",
            "murano fanous girandole",
        ],
    ),
    (
        "drink",
        [
            "cider lemonade sarsaparilla",
            "bourbon zinfandel julep",
            "sangria horchata lassi",
            "champagne cognac sake",
        ],
    ),
];

/// First syllables of names. The last two are the strangers'.
const FIRST: [&str; 12] = ["mi", "lo", "ka", "te", "ru", "sa", "be", "no", "di", "fa", "gu", "pe"];

/// Last syllables of names.
const LAST: [&str; 12] =
    ["ra", "lin", "mon", "ven", "tis", "dor", "sha", "bel", "nik", "zu", "wen", "lia"];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_is_whole() {
        let world = World::new();
        assert_eq!((world.items.len(), world.domains.len()), (108, 8));
        assert_eq!((world.personas.len(), world.strangers.len()), (120, 24));
        for domain in &world.domains {
            let size = if *domain == CHEESE { 6 } else { 3 };
            for origin in [Attribute::Domestic, Attribute::Imported] {
                for price in [Attribute::Cheap, Attribute::Dear] {
                    assert_eq!(world.cell(domain, origin, price).len(), size, "{domain}");
                }
            }
        }
        for item in &world.items {
            assert_eq!(world.item(item.word), Some(item));
        }
    }

    #[test]
    fn every_word_is_one_and_its_own() {
        let vocabulary = World::new().vocabulary();
        assert_eq!(vocabulary.iter().collect::<HashSet<_>>().len(), vocabulary.len());
        assert!(vocabulary.iter().all(|word| !word.is_empty() && !word.contains(' ')));
        assert_eq!(vocabulary, World::new().vocabulary());
    }
}
