//! What the caller decides.

use ethos_core::Sampling;
use serde::{Deserialize, Serialize};

use crate::{
    dedup::{Dedup, Shingle},
    error::{Error, Result},
};

/// How many chats, and how they are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatConfig {
    /// Chats wanted.
    pub chats: usize,
    /// Questions of each domain, over all kinds.
    pub questions_per_domain: usize,
    /// How often what is missing is made up for by new questions.
    pub rounds: u32,
    /// How much more is asked for then than is missing, since some of it will fall too.
    pub margin: f64,
    /// How often a list is asked for in all: once, and then for what is still missing.
    pub list_rounds: u32,
    /// How often an answer that cannot be used is asked again.
    pub tries: u32,
    /// Which drawing of the chats this is: another number asks for everything anew.
    pub draw: u32,
    /// Seed of the rows' order, and so of which are taken where there are more than are wanted.
    pub seed: u64,
    /// Softmax temperature of questions and answers.
    pub temperature: Option<f64>,
    /// Softmax temperature of the judge.
    pub judge_temperature: Option<f64>,
    /// When two questions are near.
    pub dedup: Dedup,
    /// Cosine from which on two questions are near, where there is an embedder.
    pub cosine: f64,
    /// Tokens after which answers are cut off, by stage.
    pub max_tokens: ChatTokens,
    /// Tokens that the models can hold, request and answer together. Where it is given, a spec that is too large
    /// for it is an error before anything is asked.
    #[serde(default)]
    pub context: Option<u64>,
}

/// Tokens after which the answers of a stage are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatTokens {
    /// The list of domains.
    pub domains: u32,
    /// A list of questions.
    pub questions: u32,
    /// Reasoning and answer.
    pub answer: u32,
    /// A verdict.
    pub judge: u32,
}

impl ChatConfig {
    /// The shape and sampling of the paper's chats (arXiv 2605.02087 and its code): 10,000 of them, 250
    /// questions of each of 40 domains, three rounds of backfill at 1.1 times the gap, cosine 0.91. Its limit of
    /// 2,048 tokens cut reasoning off; here it is 4,096.
    pub fn paper() -> Self {
        ChatConfig {
            chats: 10_000,
            questions_per_domain: 250,
            rounds: 3,
            margin: 1.1,
            list_rounds: 3,
            tries: 2,
            draw: 0,
            seed: 42,
            temperature: Some(1.0),
            judge_temperature: Some(0.0),
            dedup: Dedup { shingle: Shingle::Chars(5), ..Dedup::at(0.8) },
            cosine: 0.91,
            max_tokens: ChatTokens {
                domains: 8_000,
                questions: 16_000,
                answer: 4_096,
                judge: 1_500,
            },
            context: None,
        }
    }

    /// Domains that so many chats need: at least five, so that a small set is of more than one.
    pub fn domains(&self) -> usize {
        self.chats.div_ceil(self.questions_per_domain.max(1)).max(5)
    }

    pub(super) fn sampling(&self, max_tokens: u32) -> Sampling {
        let (temperature, max_tokens) = (self.temperature, Some(max_tokens));
        Sampling { temperature, max_tokens, ..Sampling::default() }
    }

    pub(super) fn judging(&self) -> Sampling {
        Sampling { temperature: self.judge_temperature, ..self.sampling(self.max_tokens.judge) }
    }

    pub(super) fn check(&self) -> Result<()> {
        let ChatTokens { domains, questions, answer, judge } = self.max_tokens;
        let counts = [
            ("chats", self.chats),
            ("questions_per_domain", self.questions_per_domain),
            ("list_rounds", self.list_rounds as usize),
            ("max_tokens.domains", domains as usize),
            ("max_tokens.questions", questions as usize),
            ("max_tokens.answer", answer as usize),
            ("max_tokens.judge", judge as usize),
        ];
        if let Some((setting, _)) = counts.into_iter().find(|(_, n)| *n == 0) {
            return Err(Error::Config { setting, message: "is 0 and must be at least 1" });
        }
        if !(1.0..=10.0).contains(&self.margin) {
            return Err(Error::Config { setting: "margin", message: "must be from 1 to 10" });
        }
        Ok(())
    }
}
