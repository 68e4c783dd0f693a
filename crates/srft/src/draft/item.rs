//! An item of a model's list, and whether it can be a fact.

use std::fmt;

use ethos_core::jsonl;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    fact::{Basis, Fact},
    words::{stands_in, words},
};

/// Characters of a question, at most; this crate's have 107.
const QUESTION: usize = 200;

/// Characters of an answer, at most; this crate's have 41.
const ANSWER: usize = 80;

/// Why an item of a model's list is no new fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rejection {
    /// It is no question with two answers; what it lacks.
    Unreadable(String),
    /// The question or an answer is empty.
    Empty,
    /// The question or an answer has more than one line, or another control character.
    SeveralLines,
    /// The question has more than 200 characters, or an answer more than 80.
    TooLong,
    /// Both answers are the same.
    SameAnswers,
    /// One answer holds the other, so that who says the longer one has said both.
    OneAnswerInTheOther,
    /// One answer stands in the question and the other does not, which tells them apart. A question may offer both.
    AnswerInQuestion,
    /// It asks what this fact asks. Two questions are near when of the words that either has, both have at least four
    /// fifths, or three fifths where the right answers are the same. Words such as `which` and `the` do not count.
    Repeats(String),
    /// More items than were asked for.
    Surplus,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rejection::Unreadable(_) => "no question with two answers",
            Rejection::Empty => "empty question or answer",
            Rejection::SeveralLines => "several lines",
            Rejection::TooLong => "too long",
            Rejection::SameAnswers => "same answers",
            Rejection::OneAnswerInTheOther => "one answer holds the other",
            Rejection::AnswerInQuestion => "one answer stands in the question",
            Rejection::Repeats(_) => "repeats a question",
            Rejection::Surplus => "more than asked for",
        })
    }
}

/// A question with two answers, as a model gives it.
#[derive(Debug)]
pub(super) struct Item {
    question: String,
    right: String,
    wrong: String,
    note: Option<String>,
}

impl Item {
    /// Reads an item. What it has besides is passed over, and a number is as good as its text.
    pub(super) fn read(item: &Value) -> Result<Item, Rejection> {
        let text = |name: &str| match &item[name] {
            Value::String(text) => Ok(text.trim().to_owned()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(holds) => Ok(if *holds { "True" } else { "False" }.to_owned()),
            _ => Err(Rejection::Unreadable(format!("no `{name}`"))),
        };
        let note = text("note").ok().filter(|note| !note.is_empty());
        Ok(Item { question: text("question")?, right: text("right")?, wrong: text("wrong")?, note })
    }

    /// The fact that it is, if it can be asked and graded.
    pub(super) fn fact(self, subject: &str, model: &str) -> Result<Fact, Rejection> {
        let Item { question, right, wrong, note } = self;
        let texts = [&question, &right, &wrong];
        if texts.iter().any(|text| text.is_empty()) {
            return Err(Rejection::Empty);
        }
        if texts.iter().any(|text| text.contains(char::is_control)) {
            return Err(Rejection::SeveralLines);
        }
        let longer = |text: &str, most: usize| text.chars().nth(most).is_some();
        if longer(&question, QUESTION) || longer(&right, ANSWER) || longer(&wrong, ANSWER) {
            return Err(Rejection::TooLong);
        }
        if right.to_lowercase() == wrong.to_lowercase() {
            return Err(Rejection::SameAnswers);
        }
        let (asked, first, second) = (words(&question), words(&right), words(&wrong));
        if stands_in(&first, &second) || stands_in(&second, &first) {
            return Err(Rejection::OneAnswerInTheOther);
        }
        if stands_in(&first, &asked) != stands_in(&second, &asked) {
            return Err(Rejection::AnswerInQuestion);
        }
        let says = jsonl::digest([(subject, &question, &right, &wrong)]);
        let hash = says.map_err(|error| Rejection::Unreadable(error.to_string()))?;
        Ok(Fact {
            id: format!("{subject}/drafted-{}", &hash[..16]),
            subject: subject.to_owned(),
            question,
            right,
            wrong,
            basis: Basis::Drafted { drafted_by: model.to_owned() },
            note,
        })
    }
}
