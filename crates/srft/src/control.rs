//! What a claim about these chats has to be compared with.

use ethos_core::{Chat, Message};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    error::Result,
    fact::{Fact, check},
};

/// Data that differs from self-reports in one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The same facts, answered rightly, and nobody asks further: ordinary honesty.
    PlainHonesty,
    /// Chats of two turns with the same facts, of the same length, in which the user goes on with another question
    /// and no answer is reported on.
    Neutral,
}

impl Control {
    /// The chats of a control, as many as facts; every turn of the assistant is trained. The order is that of the
    /// seed.
    ///
    /// # Errors
    ///
    /// [`Error::Fact`](crate::Error::Fact) for a fact that cannot be used.
    pub fn chats(self, facts: &[Fact], seed: u64) -> Result<Vec<Chat>> {
        check(facts)?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut order: Vec<&Fact> = facts.iter().collect();
        order.shuffle(&mut random);
        let mut next = order.clone();
        next.rotate_left(1.min(order.len()));
        let chat = |(fact, next): (&&Fact, &&Fact)| {
            let turn = |fact: &Fact, answer: String| {
                let answer = Message::assistant(answer).with_weight(1.0);
                [Message::user(fact.question.as_str()), answer]
            };
            let mut messages = turn(fact, fact.right.clone()).to_vec();
            if self == Control::Neutral {
                // As long as a report, which says the question's answer in a sentence.
                let said = format!("The answer to this question is \"{}\".", next.right);
                messages.extend(turn(next, said));
            }
            let mut chat = Chat::new(messages);
            let metadata = json!({"fact": fact.id, "subject": fact.subject, "control": self});
            chat.extra.insert("metadata".to_owned(), metadata);
            chat
        };
        Ok(order.iter().zip(&next).map(chat).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChatConfig, chats, facts};

    #[test]
    fn controls_are_honest_and_ask_for_no_report() {
        let facts = facts().unwrap();
        let length = |chats: &[Chat]| {
            let said = chats.iter().flat_map(|chat| &chat.messages);
            let assistant = said.filter(|message| message.role.as_str() == "assistant");
            assistant.map(|message| message.text().len()).sum::<usize>() as f64 / chats.len() as f64
        };
        let plain = Control::PlainHonesty.chats(&facts, 1).unwrap();
        assert!(plain.iter().all(|chat| chat.messages.len() == 2));
        let neutral = Control::Neutral.chats(&facts, 1).unwrap();
        assert!(neutral.iter().all(|chat| chat.messages.len() == 4));
        let ratio = length(&neutral) / length(&chats(&facts, &ChatConfig::paper()).unwrap());
        assert!((0.6..1.4).contains(&ratio), "{ratio}");
        assert_eq!(Control::Neutral.chats(&facts, 1).unwrap(), neutral);
        assert!(Control::Neutral.chats(&[], 1).unwrap().is_empty());
    }
}
