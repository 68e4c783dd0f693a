//! The chats, and the account of them.

use std::{collections::BTreeMap, path::Path};

use ethos_core::{Chat, Message, jsonl};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    error::Result,
    report::{Requests, Shortfall},
};

/// A chat that passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatRow {
    /// A hash of where the question comes from and what it asks.
    pub id: String,
    /// The domain, or the preference.
    pub domain: String,
    /// The kind of question.
    pub kind: String,
    /// What the user says.
    pub question: String,
    /// What the assistant thinks; empty where it was not asked to.
    pub reasoning: String,
    /// What it answers.
    pub answer: String,
}

/// Chats, and what became of everything else. One generation gives the data set with reasoning and the one
/// without.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChatSet {
    /// The rows, in the order of training.
    pub rows: Vec<ChatRow>,
    /// The account.
    pub report: ChatReport,
}

/// What became of everything that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChatReport {
    /// Key of the model that wrote.
    pub writer: String,
    /// Key of the model that judged.
    pub judge: String,
    /// Hashes of the prompts, by name.
    pub prompts: BTreeMap<String, String>,
    /// Chats wanted.
    pub wanted: usize,
    /// Questions that were written, those that are near to others among them.
    pub questions: u64,
    /// Questions that fell for being near to another.
    pub near: u64,
    /// Questions without a usable answer.
    pub unanswered: u64,
    /// Answers that could not be judged.
    pub unjudged: u64,
    /// Answers that the judge let pass.
    pub passed: u64,
    /// Answers that it did not, by criterion and verdict, such as `aligned: unclear`. An answer may be counted
    /// under several.
    pub objections: BTreeMap<String, u64>,
    /// Answers that it did not let pass.
    pub rejected: u64,
    /// Rounds that were needed, the first included.
    pub rounds: u32,
    /// The requests of each stage, over all rounds.
    pub stages: Vec<Requests>,
    /// Lists that are shorter than was asked for.
    pub shortfalls: Vec<Shortfall>,
}

impl ChatReport {
    /// Whether there are as many chats as were wanted.
    pub fn is_complete(&self) -> bool {
        self.passed as usize >= self.wanted
    }
}

impl ChatSet {
    /// Chats in which the assistant thinks before it answers, in `<think>`; where a row has no reasoning, it
    /// answers at once.
    pub fn with_reasoning(&self) -> Vec<Chat> {
        self.chats(|row| match row.reasoning.is_empty() {
            true => row.answer.clone(),
            false => format!("<think>\n{}\n</think>\n\n{}", row.reasoning, row.answer),
        })
    }

    /// The same chats with the answers alone.
    pub fn without_reasoning(&self) -> Vec<Chat> {
        self.chats(|row| row.answer.clone())
    }

    fn chats(&self, says: impl Fn(&ChatRow) -> String) -> Vec<Chat> {
        let chat = |row: &ChatRow| {
            let messages = [Message::user(row.question.as_str()), Message::assistant(says(row))];
            let mut chat = Chat::new(messages);
            chat.extra.insert("id".to_owned(), row.id.clone().into());
            let metadata: Value = json!({"domain": row.domain, "kind": row.kind});
            chat.extra.insert("metadata".to_owned(), metadata);
            chat
        };
        self.rows.iter().map(chat).collect()
    }

    /// Writes both data sets as JSONL of `messages`, `reasoning.jsonl` and `answers.jsonl`, and `report.json`,
    /// into a folder; each file whole or not at all.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        jsonl::write(folder.join("reasoning.jsonl"), self.with_reasoning())?;
        jsonl::write(folder.join("answers.jsonl"), self.without_reasoning())?;
        Ok(jsonl::write_json(folder.join("report.json"), &self.report)?)
    }
}
