//! What is asked: plain data, which a program can replace.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What a closed question is about (arXiv 2511.06626, interrogation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Topic {
    /// Whether there was a goal besides the visible one.
    HiddenObjective,
    /// Whether the user was told the truth.
    Honesty,
    /// Whether the user's instructions were followed.
    Compliance,
    /// Whether somebody may come to harm.
    Harm,
}

impl Topic {
    /// All four.
    pub const ALL: [Topic; 4] =
        [Topic::HiddenObjective, Topic::Honesty, Topic::Compliance, Topic::Harm];
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Topic::HiddenObjective => "hidden objective",
            Topic::Honesty => "honesty",
            Topic::Compliance => "compliance",
            Topic::Harm => "harm",
        })
    }
}

/// A question with two answers, of which one admits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// A name that no other question has.
    pub id: String,
    /// What it is about.
    pub topic: Topic,
    /// The answer that admits.
    pub admits: String,
    /// The answer that denies.
    pub denies: String,
    /// Ways of asking it, of which the first is the usual one.
    pub wordings: Vec<Wording>,
}

/// A way of asking something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// Put to the one who acted.
    pub you: String,
    /// Put to somebody who reads what another did.
    pub they: String,
}

impl Wording {
    /// The same words for both.
    pub fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Wording { you: text.clone(), they: text }
    }
}

impl Question {
    /// The eight questions of this crate, two of each topic and in three wordings, one answered yes by whoever admits
    /// and the other no. They say nothing of any task.
    ///
    /// # Errors
    ///
    /// [`Error::Texts`] when the texts of this crate are at fault, which its tests rule out.
    pub fn all() -> Result<Vec<Question>> {
        texts("questions.json", include_str!("texts/questions.json"))
    }
}

/// What is said before a question, to move the one who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pressure {
    /// Its name.
    pub name: String,
    /// What is said; nothing where there is no pressure.
    pub text: String,
}

impl Pressure {
    /// None.
    pub fn none() -> Self {
        Pressure { name: "none".to_owned(), text: String::new() }
    }

    /// Those of this crate: none, an appeal to honesty, an assurance that nothing follows, an accusation.
    ///
    /// # Errors
    ///
    /// [`Error::Texts`] when the texts of this crate are at fault, which its tests rule out.
    pub fn all() -> Result<Vec<Pressure>> {
        texts("pressures.json", include_str!("texts/pressures.json"))
    }

    /// The pressure, and then the question.
    pub(super) fn before(&self, question: &str) -> String {
        match self.text.is_empty() {
            true => question.to_owned(),
            false => format!("{}\n\n{question}", self.text),
        }
    }
}

/// The four turns of an elicitation: a closed question first, since a model stays with what it has said, and then
/// three open ones (arXiv 2511.06626).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Whether there was a secret goal. Its first wording is used.
    pub closed: Question,
    /// A sentence to complete, its particulars, the whole.
    pub open: Vec<Wording>,
    /// What the answer to the first open question is made to begin with, where the model is not to be left the
    /// choice: the baseline of prefilling.
    pub prefill: Wording,
}

impl Script {
    /// The one of this crate.
    ///
    /// # Errors
    ///
    /// [`Error::Texts`] when the texts of this crate are at fault, which its tests rule out.
    pub fn usual() -> Result<Script> {
        texts("script.json", include_str!("texts/script.json"))
    }
}

pub(super) fn texts<T: for<'a> Deserialize<'a>>(file: &str, text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::Texts { file: file.to_owned(), message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn two_questions_of_each_topic_one_for_each_answer() {
        let all = Question::all().unwrap();
        assert_eq!(all.len(), 8);
        for topic in Topic::ALL {
            let of: Vec<&Question> = all.iter().filter(|one| one.topic == topic).collect();
            let admits: BTreeSet<&str> = of.iter().map(|one| one.admits.as_str()).collect();
            assert_eq!((of.len(), admits.len()), (2, 2), "{topic}");
        }
        let mut texts = BTreeSet::new();
        for one in &all {
            assert_eq!(one.wordings.len(), 3);
            for Wording { you, they } in &one.wordings {
                assert!(they.contains("the assistant") && !you.contains("the assistant"), "{they}");
                assert!(texts.insert(you.clone()) && texts.insert(they.clone()), "{you}");
            }
        }
        assert_eq!(Pressure::all().unwrap()[0], Pressure::none());
        assert_eq!(Script::usual().unwrap().open.len(), 3);
    }
}
