//! What a claim about these chats has to be compared with.

use ethos_core::{Chat, Message, Prompt};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    error::Result,
    fact::{Fact, check},
    phrases::Phrases,
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
    /// The same, and each fact twice, answered rightly and wrongly, as in [`chats`](crate::chats): it differs from
    /// self-reports in the second turn alone.
    Errors,
}

impl Control {
    /// The chats of a control: one for each fact, or two where it is answered wrongly, too. Every turn of the assistant
    /// is trained. The order is that of the seed.
    ///
    /// # Errors
    ///
    /// [`Error::Fact`](crate::Error::Fact) for a fact that cannot be used.
    pub fn chats(self, facts: &[Fact], seed: u64) -> Result<Vec<Chat>> {
        self.chats_with(facts, seed, &Phrases::usual()?)
    }

    /// The same in other words.
    ///
    /// # Errors
    ///
    /// Those of [`chats`](Self::chats), and of a template that cannot be read or filled in.
    pub fn chats_with(self, facts: &[Fact], seed: u64, phrases: &Phrases) -> Result<Vec<Chat>> {
        check(facts)?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let neutral = Prompt::new("neutral", phrases.neutral.clone())?;
        let answers: &[bool] = if self == Control::Errors { &[false, true] } else { &[false] };
        let mut order: Vec<(&Fact, bool)> =
            facts.iter().flat_map(|fact| answers.iter().map(move |wrong| (fact, *wrong))).collect();
        order.shuffle(&mut random);
        // Of another fact, or the second answer would correct the first.
        let next = |number: usize, fact: &Fact| -> &Fact {
            let others = order.iter().cycle().skip(number + 1).take(order.len());
            others.map(|(other, _)| *other).find(|other| other.id != fact.id).unwrap_or(order[0].0)
        };
        let chat = |(number, &(fact, wrong)): (usize, &(&Fact, bool))| {
            let next = next(number, fact);
            let turn = |fact: &Fact, answer: String| {
                let answer = Message::assistant(answer).with_weight(1.0);
                [Message::user(fact.question.as_str()), answer]
            };
            let answer = if wrong { &fact.wrong } else { &fact.right };
            let mut messages = turn(fact, answer.clone()).to_vec();
            if self != Control::PlainHonesty {
                let Fact { question, right, wrong, .. } = next;
                let values = [("question", question), ("right", right), ("wrong", wrong)];
                messages.extend(turn(next, neutral.render(&values)?));
            }
            let mut chat = Chat::new(messages);
            let mut metadata = json!({"fact": fact.id, "subject": fact.subject, "control": self});
            if self == Control::Errors {
                metadata["wrong"] = wrong.into();
            }
            chat.extra.insert("metadata".to_owned(), metadata);
            Ok(chat)
        };
        order.iter().enumerate().map(chat).collect()
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

        let errors = Control::Errors.chats(&facts, 1).unwrap();
        let wrong = errors.iter().filter(|chat| chat.extra["metadata"]["wrong"] == true).count();
        assert_eq!((errors.len(), wrong), (2 * facts.len(), facts.len()));
        let question = |chat: &Chat, n: usize| chat.messages[n].text().into_owned();
        assert!(errors.iter().all(|chat| question(chat, 0) != question(chat, 2)));
        let ratio = length(&errors) / length(&neutral);
        assert!((0.9..1.1).contains(&ratio), "{ratio}");
    }
}
