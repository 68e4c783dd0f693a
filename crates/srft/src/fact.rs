//! Facts: questions with a right and a wrong answer.

use std::{collections::BTreeSet, path::Path};

use ethos_core::jsonl;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, lines};

/// A question with its right answer and a wrong one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// A name that no other fact has.
    pub id: String,
    /// The subject.
    pub subject: String,
    /// The question; it has one right answer.
    pub question: String,
    /// The right answer, short and by itself.
    pub right: String,
    /// A wrong one of the same kind: plausible and clearly false.
    pub wrong: String,
    /// Why the right answer is beyond doubt.
    pub basis: Basis,
    /// What makes the wrong answer false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Why an answer is beyond doubt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Basis {
    /// It is true by definition.
    Definition,
    /// It can be computed.
    Arithmetic,
    /// It is in every encyclopedia.
    CommonKnowledge,
    /// It was read at this place.
    #[serde(untagged)]
    Citation {
        /// Where.
        citation: String,
    },
    /// It is not: a model wrote it, and nothing else speaks for it. What [`verify`](crate::verify()) finds is not
    /// written here.
    #[serde(untagged)]
    Drafted {
        /// The model's key.
        drafted_by: String,
    },
}

impl Fact {
    /// Reads facts of your own from a JSONL file, and checks them.
    ///
    /// # Errors
    ///
    /// Those of reading, and [`Error::Fact`] as [`chats`](crate::chats) has it.
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<Fact>> {
        let facts: Vec<Fact> = jsonl::read_all(path)?;
        check(&facts)?;
        Ok(facts)
    }
}

/// The facts of this crate: 542 in twelve subjects, written for it, of common schooling and stable over time.
///
/// A second reader, who saw the two answers of each question in an order drawn by hash and nothing else, took the
/// right one in all 542. Nine wordings that were found loose were made tighter.
///
/// # Errors
///
/// [`Error::Texts`] when the texts of this crate are at fault, which its tests rule out.
pub fn facts() -> Result<Vec<Fact>> {
    lines("facts.jsonl", include_str!("texts/facts.jsonl"))
}

/// That facts can be told apart, and their answers.
pub(crate) fn check(facts: &[Fact]) -> Result<()> {
    let mut ids = BTreeSet::new();
    for fact in facts {
        let wrong =
            |message: &str| Err(Error::Fact { id: fact.id.clone(), message: message.to_owned() });
        let blank =
            [&fact.question, &fact.right, &fact.wrong].iter().any(|text| text.trim().is_empty());
        if blank {
            return wrong("the question or an answer is empty");
        }
        if fact.right.trim().eq_ignore_ascii_case(fact.wrong.trim()) {
            return wrong("both answers are the same");
        }
        if !ids.insert(&fact.id) {
            return wrong("another fact has this id");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn twelve_subjects_and_no_question_twice() {
        let facts = facts().unwrap();
        check(&facts).unwrap();
        assert!(facts.len() >= 400, "{}", facts.len());
        let mut subjects: BTreeMap<&str, usize> = BTreeMap::new();
        let mut questions = BTreeSet::new();
        for fact in &facts {
            *subjects.entry(&fact.subject).or_default() += 1;
            assert!(questions.insert(fact.question.to_lowercase()), "{}", fact.question);
            assert!(fact.question.ends_with('?'), "{}", fact.question);
            for answer in [&fact.right, &fact.wrong] {
                assert!((1..=12).contains(&answer.split_whitespace().count()), "{answer}");
                assert!(!answer.contains('"'), "{answer}");
            }
        }
        assert_eq!(subjects.len(), 12);
        assert!(subjects.values().all(|count| *count >= 38), "{subjects:?}");
    }

    #[test]
    fn length_does_not_tell_the_right_answer() {
        let facts = facts().unwrap();
        let longer = facts.iter().filter(|fact| fact.right.len() > fact.wrong.len()).count();
        let shorter = facts.iter().filter(|fact| fact.right.len() < fact.wrong.len()).count();
        let share = longer as f64 / (longer + shorter) as f64;
        assert!((0.45..0.55).contains(&share), "{share}");
    }

    #[test]
    fn facts_that_cannot_be_used_are_named() {
        let fact = |id: &str, right: &str| Fact {
            id: id.to_owned(),
            subject: "s".to_owned(),
            question: "q?".to_owned(),
            right: right.to_owned(),
            wrong: "No".to_owned(),
            basis: Basis::Citation { citation: "a book, page 3".to_owned() },
            note: None,
        };
        let error = |facts: &[Fact]| check(facts).unwrap_err().to_string();
        assert!(error(&[fact("a", " no ")]).contains("`a`: both answers"));
        assert!(error(&[fact("a", "")]).contains("empty"));
        assert!(error(&[fact("a", "x"), fact("a", "y")]).contains("another fact"));
        let drafted = Basis::Drafted { drafted_by: "m".to_owned() };
        for fact in [fact("a", "x"), Fact { basis: drafted, ..fact("b", "y") }] {
            let json = serde_json::to_string(&fact).unwrap();
            assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), fact);
        }
    }
}
