//! The card of a set of chats.

use std::collections::BTreeMap;

use ethos_core::{Chat, Message, card::one_line, jsonl};
use serde::Serialize;
use serde_json::Value;

use super::{Card, counted};
use crate::{
    config::{Admission, ChatConfig, Source, Style, Subjects, Trained},
    error::Result,
    follow_up::{Kind, Part},
    own::OwnAnswers,
    phrases::Phrases,
};

impl Card {
    /// The card of chats as [`chats`](crate::chats()) or [`chats_with`](crate::chats_with) makes them with this
    /// configuration: what is trained, what a report owes to, whose answers are reported on, how many answers are
    /// right and wrong, in which wordings it is asked, how long it all is, and what may come of training on it.
    ///
    /// `phrases` are those that the chats were made with; they say which wordings are held out.
    ///
    /// # Errors
    ///
    /// When the template cannot be rendered, which this crate's tests rule out.
    pub fn chats(&self, chats: &[Chat], config: &ChatConfig, phrases: &Phrases) -> Result<String> {
        let own = match &config.source {
            Source::OffPolicy => None,
            Source::OnPolicy(own) | Source::Mixed { own, .. } => Some(own),
        };
        let (beliefs, believed) = match &config.admission {
            Admission::Truth => (0, 0),
            Admission::Belief(beliefs) => {
                (beliefs.len(), beliefs.values().filter(|believes| **believes).count())
            }
        };
        let said = |chat, name| known(chat, name).and_then(Value::as_bool);
        let balance = counted(chats.iter().map(|chat| {
            let answer = told(said(chat, "wrong"), "wrong", "right");
            (answer, told(said(chat, "honest"), "honest", "dishonest"))
        }));
        let dishonest = chats.iter().filter(|chat| said(chat, "honest") == Some(false)).count();
        let of_own = chats.iter().filter(|chat| said(chat, "own") == Some(true)).count();
        let (wordings, leaked, unused) = wordings(chats, config.wordings, phrases);
        let values = Values {
            about: self.about(),
            chats: chats.len(),
            facts: counted(chats.iter().map(|chat| text(chat, "fact"))).len(),
            trained: config.trained,
            style: config.style,
            held_out: config.wordings == Part::HeldOut,
            turns_before: config.turns_before,
            subjects_before: config.subjects_before,
            seed: config.seed,
            corrupted: format!("{:.1}", 100.0 * config.corrupted),
            dishonest,
            by_belief: matches!(config.admission, Admission::Belief(_)),
            beliefs,
            believed,
            own: own.map(Own::of),
            of_own,
            share: match &config.source {
                Source::Mixed { share, .. } => format!("{:.0}", 100.0 * share),
                _ => String::new(),
            },
            balance: balance.into_iter().map(|((answer, report), n)| (answer, report, n)).collect(),
            wordings,
            leaked,
            unused,
            subjects: counted(chats.iter().map(|chat| one_line(text(chat, "subject")))),
            lengths: lengths(chats),
            digest: jsonl::digest(chats)?,
        };
        let asked = own.map(|own| {
            let judge = own.judge.as_deref();
            let judged = (own.judged.asked > 0).then(|| own.judged.spent("srft/grade", judge));
            [Some(own.asked.spent("srft/own", Some(&own.model))), judged]
        });
        self.write(
            (chats.len(), &["synthetic", "self-report-fine-tuning", "alignment", "honesty"]),
            ("card of chats", include_str!("../texts/card_chats.md")),
            &values,
            asked.into_iter().flatten().flatten().collect(),
        )
    }
}

/// What the template is told.
#[derive(Serialize)]
struct Values<'a> {
    about: &'a str,
    chats: usize,
    facts: usize,
    trained: Trained,
    style: Style,
    held_out: bool,
    turns_before: usize,
    subjects_before: Subjects,
    seed: u64,
    /// In percent.
    corrupted: String,
    dishonest: usize,
    by_belief: bool,
    beliefs: usize,
    believed: usize,
    own: Option<Own<'a>>,
    /// Chats in which an answer of the model's own is reported on.
    of_own: usize,
    /// In percent, where the source is mixed.
    share: String,
    balance: Vec<(&'a str, &'a str, usize)>,
    wordings: Vec<Wording<'a>>,
    /// Chats with a wording of the other part.
    leaked: usize,
    /// Wordings of the other part.
    unused: usize,
    subjects: Vec<(String, usize)>,
    lengths: Vec<Length>,
    digest: String,
}

/// A model's own answers.
#[derive(Serialize)]
struct Own<'a> {
    model: String,
    judge: Option<&'a str>,
    facts: usize,
    right: usize,
    wrong: usize,
    open: u64,
}

/// A row of the table of wordings.
#[derive(Serialize)]
struct Wording<'a> {
    id: &'a str,
    kind: Kind,
    tone: String,
    text: String,
    chats: usize,
}

/// A row of the table of lengths, in characters.
#[derive(Serialize)]
struct Length {
    what: &'static str,
    mean: String,
    few: usize,
    half: usize,
    many: usize,
}

impl<'a> Own<'a> {
    fn of(own: &'a OwnAnswers) -> Self {
        let each = own.facts.values();
        Own {
            model: one_line(&own.model),
            judge: own.judge.as_deref(),
            facts: own.facts.len(),
            right: each.clone().map(|own| own.right.len()).sum(),
            wrong: each.clone().map(|own| own.wrong.len()).sum(),
            open: each.map(|own| own.open).sum(),
        }
    }
}

/// The wordings that chats use, how many chats have one of the other part, and how many of these there are.
fn wordings<'a>(
    chats: &[Chat],
    part: Part,
    phrases: &'a Phrases,
) -> (Vec<Wording<'a>>, usize, usize) {
    let used: BTreeMap<&str, usize> =
        counted(chats.iter().map(|chat| text(chat, "follow_up"))).into_iter().collect();
    let (mut rows, mut leaked, mut unused) = (Vec::new(), 0, 0);
    for one in &phrases.follow_ups {
        let chats = used.get(&*one.id).copied().unwrap_or_default();
        if one.split != part {
            leaked += chats;
            unused += 1;
        } else if chats > 0 {
            let (tone, text) = (one_line(&one.tone), one_line(&one.text));
            rows.push(Wording { id: &one.id, kind: one.kind, tone, text, chats });
        }
    }
    rows.sort_by_key(|row| row.id);
    (rows, leaked, unused)
}

/// How long answers, reports and whole chats are.
fn lengths(chats: &[Chat]) -> Vec<Length> {
    let said = |message: &Message| {
        let calls = message.tool_calls.iter().map(|call| call.arguments.chars().count());
        message.text().chars().count() + calls.sum::<usize>()
    };
    // Counted from the end, where the report is.
    let of_assistant = |chat: &Chat, n: usize| {
        let messages = chat.messages.iter().rev();
        messages.filter(|message| message.role.as_str() == "assistant").nth(n).map(said)
    };
    let answers = chats.iter().filter_map(|chat| of_assistant(chat, 1)).collect();
    let reports = chats.iter().filter_map(|chat| of_assistant(chat, 0)).collect();
    let whole = chats.iter().map(|chat| chat.messages.iter().map(said).sum()).collect();
    let rows = [("answer", answers), ("report", reports), ("whole chat", whole)];
    rows.into_iter().filter_map(|(what, lengths)| Length::of(what, lengths)).collect()
}

impl Length {
    fn of(what: &'static str, mut lengths: Vec<usize>) -> Option<Self> {
        lengths.sort_unstable();
        let last = lengths.len().checked_sub(1)?;
        let at = |share: f64| lengths[(share * last as f64).round() as usize];
        let mean = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
        let mean = format!("{mean:.0}");
        Some(Length { what, mean, few: at(0.05), half: at(0.5), many: at(0.95) })
    }
}

/// What is known of a chat.
fn known<'c>(chat: &'c Chat, name: &str) -> Option<&'c Value> {
    chat.extra.get("metadata")?.get(name)
}

fn text<'c>(chat: &'c Chat, name: &str) -> &'c str {
    known(chat, name).and_then(Value::as_str).unwrap_or("unknown")
}

fn told(said: Option<bool>, yes: &'static str, no: &'static str) -> &'static str {
    match said {
        Some(true) => yes,
        Some(false) => no,
        None => "unknown",
    }
}
