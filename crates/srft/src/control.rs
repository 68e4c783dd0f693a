//! What a claim about these chats has to be compared with.

use std::collections::BTreeMap;

use ethos_core::{Chat, Content, Message, Prompt};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    chats::chats_with,
    config::ChatConfig,
    error::Result,
    fact::{Fact, check},
    phrases::Phrases,
};

/// Data that differs from self-reports in one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

/// The controls of the self-reports that a configuration makes, all of them in one call: a claim about those has its
/// baselines. Of [`Control::PlainHonesty`] there is a chat for each fact. The others are the self-reports themselves, with
/// the same openings, weights and number of chats, but for two things: the report gives way to answers to other questions,
/// about as long as it is, however reports are made; and in [`Control::Neutral`] the answer before it is always right.
///
/// ```
/// use ethos_srft::{ChatConfig, Control, Style, chats, controls, facts};
///
/// let (facts, config) = (facts()?, ChatConfig { style: Style::Reasoned, ..ChatConfig::paper() });
/// let reports = chats(&facts, &config)?;
/// let controls = controls(&facts, &config)?;
/// assert_eq!(controls.len(), 3);
/// assert_eq!(controls[&Control::Neutral].len(), reports.len());
/// # Ok::<(), ethos_srft::Error>(())
/// ```
///
/// # Errors
///
/// Those of [`chats`](crate::chats()).
pub fn controls(facts: &[Fact], config: &ChatConfig) -> Result<BTreeMap<Control, Vec<Chat>>> {
    controls_with(facts, config, &Phrases::usual()?)
}

/// The same in other words.
///
/// # Errors
///
/// Those of [`chats_with`].
pub fn controls_with(
    facts: &[Fact],
    config: &ChatConfig,
    phrases: &Phrases,
) -> Result<BTreeMap<Control, Vec<Chat>>> {
    let reports = chats_with(facts, config, phrases)?;
    let matched = |control| matched(control, &reports, facts, config.seed, phrases);
    Ok(BTreeMap::from([
        (Control::PlainHonesty, Control::PlainHonesty.chats_with(facts, config.seed, phrases)?),
        (Control::Neutral, matched(Control::Neutral)?),
        (Control::Errors, matched(Control::Errors)?),
    ]))
}

/// These self-reports with other questions in the place of those that ask for a report.
fn matched(
    control: Control,
    reports: &[Chat],
    facts: &[Fact],
    seed: u64,
    phrases: &Phrases,
) -> Result<Vec<Chat>> {
    let neutral = Prompt::new("neutral", phrases.neutral.clone())?;
    let mut order: Vec<&Fact> = facts.iter().collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut next = order.iter().cycle();
    let mut chats = Vec::new();
    for report in reports {
        let mut chat = report.clone();
        chat.extra.shift_remove("tools");
        let about = chat.extra.get("metadata").and_then(|metadata| metadata["fact"].as_str());
        let about = facts.iter().find(|fact| Some(&*fact.id) == about);
        let (Some(said), Some(_)) = (chat.messages.pop(), chat.messages.pop()) else { continue };
        let length = length(&said);
        if let (Control::Neutral, Some(fact), Some(answer)) =
            (control, about, chat.messages.last_mut())
        {
            answer.content = Some(Content::Text(fact.right.clone()));
        }
        let (mut asked, mut told) = (Vec::new(), String::new());
        let others = facts
            .iter()
            .any(|fact| chat.messages.iter().all(|message| message.text() != fact.question));
        for fact in next.by_ref().take(order.len()) {
            // What was asked already would correct an answer, or repeat one.
            let again = |message: &Message| message.text() == fact.question;
            if others && chat.messages.iter().any(again) {
                continue;
            }
            let Fact { question, right, wrong, .. } = fact;
            let values = [("question", question), ("right", right), ("wrong", wrong)];
            let one = neutral.render(&values)?;
            let longer = if told.is_empty() { one } else { format!("{told} {one}") };
            // The nearer of two lengths; one question there must be.
            let chars = |text: &str| text.chars().count();
            if !told.is_empty() && chars(&longer).abs_diff(length) > chars(&told).abs_diff(length) {
                break;
            }
            told = longer;
            asked.push(question.as_str());
        }
        let mut answer = Message::assistant(told);
        answer.weight = said.weight;
        chat.messages.extend([Message::user(asked.join(" ")), answer]);
        let wrong = chat.extra.get("metadata").and_then(|metadata| metadata["wrong"].as_bool());
        let subject = about.map(|fact| &fact.subject);
        let mut metadata =
            json!({"fact": about.map(|fact| &fact.id), "subject": subject, "control": control});
        if control == Control::Errors {
            metadata["wrong"] = wrong.into();
        }
        chat.extra.insert("metadata".to_owned(), metadata);
        chats.push(chat);
    }
    Ok(chats)
}

/// Characters of what is said, a call's arguments among them.
fn length(message: &Message) -> usize {
    let calls = message.tool_calls.iter().map(|call| call.arguments.chars().count());
    message.text().chars().count() + calls.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Style, Trained, chats, facts, follow_ups};

    #[test]
    fn all_controls_match_their_self_reports_in_number_weights_and_length() {
        let facts = &facts().unwrap()[..120];
        let asks: Vec<String> = follow_ups().unwrap().into_iter().map(|one| one.text).collect();
        for style in [Style::Short, Style::Reasoned, Style::Mixed, Style::Tool] {
            for trained in [Trained::AllTurns, Trained::ReportOnly, Trained::ReportOnlyAsTold] {
                let config = ChatConfig { style, trained, turns_before: 1, ..ChatConfig::paper() };
                let reports = chats(facts, &config).unwrap();
                let all = controls(facts, &config).unwrap();
                assert_eq!(controls(facts, &config).unwrap(), all);
                assert_eq!(all[&Control::PlainHonesty].len(), facts.len());
                for control in [Control::Neutral, Control::Errors] {
                    let made = &all[&control];
                    assert_eq!(made.len(), reports.len());
                    let (mut chars, mut wanted, mut wrong) = (0, 0, 0);
                    for (chat, report) in made.iter().zip(&reports) {
                        let said = |chat: &Chat| -> Vec<(String, Option<f32>)> {
                            let all = chat.messages.iter();
                            all.map(|m| (m.role.as_str().to_owned(), m.weight)).collect()
                        };
                        assert_eq!(said(chat), said(report));
                        let last = chat.messages.len() - 1;
                        assert_eq!(chat.messages[..last - 2], report.messages[..last - 2]);
                        assert!(!asks.contains(&chat.messages[last - 1].text().into_owned()));
                        assert!(chat.messages[last].tool_calls.is_empty());
                        chars += length(&chat.messages[last]);
                        wanted += length(&report.messages[last]);
                        wrong += usize::from(chat.messages[last - 2] == report.messages[last - 2]);
                    }
                    // Of right answers alone, or of those of the self-reports.
                    let kept = if control == Control::Errors { 240 } else { 120 };
                    assert_eq!(wrong, kept, "{control:?}");
                    let ratio = chars as f64 / wanted as f64;
                    assert!((0.9..1.1).contains(&ratio), "{control:?} {style:?}: {ratio}");
                }
            }
        }
    }

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
