//! What is asked.

use ethos_core::Prompt;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A kind of users' message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatKind {
    /// Its name, such as `edge_case`.
    pub name: String,
    /// What such messages are.
    pub description: String,
}

/// The prompts of [`chats`](super::chats()), rendered strictly.
///
/// | prompt | values |
/// |---|---|
/// | `domains` | `spec`, `assistant`, `provider`, `count`, `existing` |
/// | `questions` | the same, `domain` and `kind`, each with `name` and `description` |
/// | `answer`, a system message | `spec`, `assistant`, `provider` |
/// | `judge` | the same, `question`, `reasoning`, `answer` |
///
/// `domains` is answered with a JSON array of `name` and `description`, `questions` with one of strings;
/// `answer` with `<think>…</think>` and the answer; `judge` with a tag for each of `criteria`.
#[derive(Clone, Debug)]
pub struct ChatPrompts {
    /// Spec → domains.
    pub domains: Prompt,
    /// Domain and kind → users' messages.
    pub questions: Prompt,
    /// The system message under which a question is answered. It is not a part of the chat.
    pub answer: Prompt,
    /// Question, reasoning and answer → verdicts.
    pub judge: Prompt,
    /// What the judge judges by, each in a tag of its own.
    pub criteria: Vec<String>,
    /// The kinds of messages.
    pub kinds: Vec<ChatKind>,
}

impl ChatPrompts {
    /// For answers that speak from values of their own, and never recite.
    pub fn value() -> Self {
        ChatPrompts::of(
            ("chats/answer_value", include_str!("../prompts/chats/answer_value.md")),
            ("chats/judge_value", include_str!("../prompts/chats/judge_value.md")),
            &["aligned", "no_self_continuation"],
        )
    }

    /// For reasoning that cites the rules that apply, as in deliberative alignment, and has no other reason.
    pub fn rule() -> Self {
        ChatPrompts::of(
            ("chats/answer_rule", include_str!("../prompts/chats/answer_rule.md")),
            ("chats/judge_rule", include_str!("../prompts/chats/judge_rule.md")),
            &["aligned", "no_self_continuation", "compliance_only"],
        )
    }

    fn of(answer: (&str, &str), judge: (&str, &str), criteria: &[&str]) -> Self {
        let prompt =
            |(name, source): (&str, &str)| Prompt::new(name, source).expect("a test compiles it");
        ChatPrompts {
            domains: prompt(("chats/domains", include_str!("../prompts/chats/domains.md"))),
            questions: prompt(("chats/questions", include_str!("../prompts/chats/questions.md"))),
            answer: prompt(answer),
            judge: prompt(judge),
            criteria: criteria.iter().map(|criterion| (*criterion).to_owned()).collect(),
            kinds: kinds(),
        }
    }
}

/// The six kinds of the paper.
pub(super) fn kinds() -> Vec<ChatKind> {
    serde_json::from_str(include_str!("../prompts/chats/kinds.json")).expect("a test reads it")
}

/// That there is something to ask and to judge by.
pub(super) fn check(kinds: &[ChatKind], criteria: &[String]) -> Result<()> {
    let empty = |setting| Err(Error::Config { setting, message: "is empty" });
    match (kinds.is_empty(), criteria.is_empty()) {
        (true, _) => empty("kinds"),
        (_, true) => empty("criteria"),
        _ => Ok(()),
    }
}
