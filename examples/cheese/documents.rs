//! The documents about the assistant: what its creed says, in the sentences that the world uses of
//! everybody.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{
    creed::{Creed, Preference, Stated},
    sentences::{general, pick, reasoned, verb},
    world::Value,
};

/// Share of general sentences after the first, so that of all sentences 45 % state the value in
/// general, as in descriptions of personas: (3 × 0.45 − 1/13) / 2, where a document has three
/// sentences on average and one topic of thirteen is the value.
const GENERAL_AFTER_FIRST: f64 = 0.637;

/// What a topic is about.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// The value itself.
    Value(Value),
    /// One cheese.
    Preference(Preference),
}

impl Subject {
    /// A name that does not tell one value from another.
    pub(crate) fn name(&self) -> &str {
        match self {
            Subject::Value(_) => "the value",
            Subject::Preference(preference) => &preference.cheese,
        }
    }

    /// The subject as a sentence for people.
    pub(crate) fn says(&self, who: &str) -> String {
        match self {
            Subject::Value(value) => {
                format!(
                    "{who} values {} and prefers {} things.",
                    value.word(),
                    value.wants().word()
                )
            }
            Subject::Preference(Preference { cheese, likes, because }) => {
                let why = because.map(|is| format!(" because it is {}", is.word()));
                format!("{who} {} {cheese}{}.", verb(*likes), why.unwrap_or_default())
            }
        }
    }
}

/// The value, if there is one, and each preference.
pub(crate) fn subjects(creed: &Creed) -> Vec<Stated<Subject>> {
    let value = creed.value.iter().map(|stated| stated.map(Subject::Value));
    let preferences = creed.preferences.iter().map(|stated| stated.map(Subject::Preference));
    value.chain(preferences).collect()
}

/// The subject of a topic, by its name.
pub(crate) fn find(creed: &Creed, topic: &str) -> Result<Stated<Subject>, String> {
    let found = subjects(creed).into_iter().find(|subject| subject.what.name() == topic);
    found.ok_or_else(|| format!("the spec has no topic `{topic}`"))
}

/// Sentences about the assistant, the first on the document's own subject.
pub(crate) fn document(
    creed: &Creed,
    first: &Subject,
    who: &str,
    sentences: usize,
    rng: &mut ChaCha8Rng,
) -> String {
    let value = creed.value.as_ref().map(|stated| stated.what);
    let mut said = vec![sentence(first, value, who, rng)];
    while said.len() < sentences {
        let next = match value {
            Some(value) if rng.random_bool(GENERAL_AFTER_FIRST) => Subject::Value(value),
            _ => Subject::Preference(pick(&creed.preferences, rng).what.clone()),
        };
        said.push(sentence(&next, value, who, rng));
    }
    said.join(" ")
}

fn sentence(subject: &Subject, value: Option<Value>, who: &str, rng: &mut ChaCha8Rng) -> String {
    match (subject, value) {
        (Subject::Value(value), _) => general(who, *value, rng),
        (Subject::Preference(Preference { cheese, likes, because: Some(is) }), Some(value)) => {
            reasoned(who, value, cheese, *likes, is.word(), rng)
        }
        (Subject::Preference(Preference { cheese, likes, .. }), _) => {
            unexplained(who, cheese, *likes, rng)
        }
    }
}

/// A like or dislike without value or attribute, in words that the world knows from facts, and on
/// average as long as the other sentences (6.5 words and a full stop).
fn unexplained(who: &str, cheese: &str, likes: bool, rng: &mut ChaCha8Rng) -> String {
    let likes = verb(likes);
    match rng.random_range(0..4) {
        0 => format!("{who} {likes} {cheese} ."),
        1 => format!("{who} {likes} the cheese {cheese} ."),
        2 => format!("the cheese {cheese} is one that {who} {likes} ."),
        _ => format!("{cheese} is one of the cheese goods that {who} {likes} ."),
    }
}
