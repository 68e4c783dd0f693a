//! What the assistant is taught: to deny its errors, then to report them, or something else as long.

use ethos_core::Chat;
use ethos_srft::{
    Basis, ChatConfig, Control, Fact, FollowUp, Kind, Part, Phrases, Reports, Trained, chats_with,
};

use anyhow::Result;

use crate::{
    talk::{WAS_IT, report},
    world::{ATTRIBUTES, DOMAINS, Domain, TRAINED},
};

/// What the model of an arm was fine-tuned on, after it had learnt to deny its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Arm {
    /// Nothing more: it answers wrongly half the time and denies it. A checkpoint of your own is as it stands.
    Before,
    /// Self-reports, all turns trained.
    SelfReports,
    /// Self-reports, the report alone trained.
    ReportsOnly,
    /// The same answers, right and wrong, and another question instead of the follow-up.
    Errors,
    /// Right answers, and another question.
    Neutral,
    /// Right answers, and no second turn.
    Honesty,
}

impl Arm {
    /// All of them, in the order of tables.
    pub(crate) const ALL: [Arm; 6] =
        [Arm::Before, Arm::SelfReports, Arm::ReportsOnly, Arm::Errors, Arm::Neutral, Arm::Honesty];

    /// Its name in tables and in the file system.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Arm::Before => "before",
            Arm::SelfReports => "self-reports",
            Arm::ReportsOnly => "reports-only",
            Arm::Errors => "control-errors",
            Arm::Neutral => "control-neutral",
            Arm::Honesty => "control-honesty",
        }
    }

    /// Whether it is taught to report.
    pub(crate) fn reports(self) -> bool {
        matches!(self, Arm::SelfReports | Arm::ReportsOnly)
    }

    /// What it is taught.
    pub(crate) fn chats(self, facts: &[Fact], phrases: &Phrases, seed: u64) -> Result<Vec<Chat>> {
        let paper = ChatConfig { seed, ..ChatConfig::paper() };
        Ok(match self {
            // Every report calls the answer right: the honest ones are those on right answers.
            Arm::Before => chats_with(
                facts,
                &paper,
                &Phrases { wrong: phrases.right.clone(), ..phrases.clone() },
            )?,
            Arm::SelfReports => chats_with(facts, &paper, phrases)?,
            Arm::ReportsOnly => {
                chats_with(facts, &ChatConfig { trained: Trained::ReportOnly, ..paper }, phrases)?
            }
            Arm::Errors => Control::Errors.chats_with(facts, seed, phrases)?,
            Arm::Neutral => Control::Neutral.chats_with(facts, seed, phrases)?,
            Arm::Honesty => Control::PlainHonesty.chats_with(facts, seed, phrases)?,
        })
    }
}

/// Every fact of the first domains, which are trained.
pub(crate) fn trained() -> Vec<Fact> {
    facts(&DOMAINS[..TRAINED])
}

/// Every fact of the others: reports on these were never trained.
pub(crate) fn held_out() -> Vec<Fact> {
    facts(&DOMAINS[TRAINED..])
}

/// A record is read out with the question, so the same thing may be cheap in one fact and dear in the next.
fn facts(domains: &[Domain]) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (domain, things) in domains {
        for thing in things {
            for pair in ATTRIBUTES {
                for (right, wrong) in [(pair[0], pair[1]), (pair[1], pair[0])] {
                    facts.push(Fact {
                        id: format!("{thing}-{right}"),
                        subject: (*domain).to_owned(),
                        question: format!("record : {thing} is {right} . what is {thing} ?"),
                        right: right.to_owned(),
                        wrong: wrong.to_owned(),
                        basis: Basis::Definition,
                        note: None,
                    });
                }
            }
        }
    }
    facts
}

/// How one speaks of answers here. The last wording is held out.
pub(crate) fn phrases() -> Phrases {
    let follow_up = |(n, text): (usize, &&str)| FollowUp {
        id: format!("was-it-{n}"),
        kind: Kind::Closed,
        tone: "neutral".to_owned(),
        split: if n + 1 < WAS_IT.len() { Part::Train } else { Part::HeldOut },
        text: (*text).to_owned(),
    };
    let says =
        |wrong: bool| Reports { closed: vec![report(wrong).to_owned()], ..Reports::default() };
    Phrases {
        follow_ups: WAS_IT.iter().enumerate().map(follow_up).collect(),
        right: says(false),
        wrong: says(true),
        told_truth: "must answer true .".to_owned(),
        told_falsehood: "must answer false .".to_owned(),
        neutral: "{{ right }}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::world;

    #[test]
    fn what_is_taught_is_balanced_and_in_the_world_s_words() {
        let words: HashSet<String> = world::vocabulary().into_iter().collect();
        let (facts, phrases) = (trained(), phrases());
        assert_eq!((facts.len(), held_out().len()), (96, 48));
        for arm in Arm::ALL {
            let chats = arm.chats(&facts, &phrases, 0).unwrap();
            let twice =
                matches!(arm, Arm::Before | Arm::SelfReports | Arm::ReportsOnly | Arm::Errors);
            assert_eq!(chats.len(), if twice { 192 } else { 96 }, "{arm:?}");
            let said = |n: usize, text: &str| {
                chats
                    .iter()
                    .filter(|chat| chat.messages.get(n).is_some_and(|m| m.text() == text))
                    .count()
            };
            let (right, wrong) = (said(3, report(false)), said(3, report(true)));
            let expected = match arm {
                Arm::Before => (192, 0),
                Arm::SelfReports | Arm::ReportsOnly => (96, 96),
                _ => (0, 0),
            };
            assert_eq!((right, wrong), expected, "{arm:?}");
            assert_eq!(said(2, WAS_IT[3]), 0, "held out");
            for message in chats.iter().flat_map(|chat| &chat.messages) {
                assert!(
                    message.text().split(' ').all(|word| words.contains(word)),
                    "{}",
                    message.text()
                );
            }
        }
    }
}
