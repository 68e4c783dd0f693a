//! More facts, drafted by a model.

mod alike;
mod item;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ethos_core::{
    Journal, Model, Prompt, Reason, Request, Sampling, Unusable, Watch,
    read::{self, Read},
};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::item::Rejection;
use self::{alike::Known, item::Item};
use crate::{
    asking::{Asked, ask},
    error::{Error, Result},
    fact::{Fact, check},
    seeded::random,
};

/// How facts are drafted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftConfig {
    /// How many new facts each subject shall get. A subject may be one that has none yet.
    pub subjects: BTreeMap<String, usize>,
    /// Facts that are asked for at once, at most: long lists repeat themselves.
    pub at_once: usize,
    /// How often a subject is asked for what it still lacks.
    pub rounds: u32,
    /// Questions of the subject that are shown, so that they are not repeated, at most.
    pub shown: usize,
    /// How often an answer without a readable list is asked again.
    pub tries: u32,
    /// Softmax temperature; the model's own where there is none.
    pub temperature: Option<f64>,
    /// Tokens after which a list is cut off, and so cannot be used.
    pub max_tokens: u32,
    /// Seed of which questions are shown, and in what order.
    pub seed: u64,
}

impl DraftConfig {
    /// So many new facts for each of these subjects: twenty at once, in ten rounds at most.
    pub fn each(subjects: impl IntoIterator<Item = impl Into<String>>, wanted: usize) -> Self {
        DraftConfig {
            subjects: subjects.into_iter().map(|subject| (subject.into(), wanted)).collect(),
            at_once: 20,
            rounds: 10,
            shown: 100,
            tries: 2,
            temperature: Some(1.0),
            max_tokens: 4_000,
            seed: 42,
        }
    }

    fn check(&self) -> Result<()> {
        let wrong =
            |setting, message: &str| Err(Error::Config { setting, message: message.to_owned() });
        if self.at_once == 0 {
            return wrong("at_once", "is 0, and must be at least 1");
        }
        if self.subjects.keys().any(|subject| subject.trim().is_empty()) {
            return wrong("subjects", "has one without a name");
        }
        Ok(())
    }
}

/// What a model drafted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Drafted {
    /// Key of the model.
    pub model: String,
    /// Hash of the prompt's template.
    pub prompt_hash: String,
    /// The new facts, by subject and then as they came. Their basis is [`Basis::Drafted`](crate::Basis::Drafted), and
    /// their ids hash what they say.
    pub facts: Vec<Fact>,
    /// Items of its lists that are no new facts, in the same order.
    pub rejected: Vec<Rejected>,
    /// How many facts are missing of those that were wanted, by subject, where some are.
    pub short: BTreeMap<String, usize>,
    /// What was asked.
    pub asked: Asked,
}

/// An item of a model's list that is no new fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rejected {
    /// The subject it was given for.
    pub subject: String,
    /// The item as the model gave it, in JSON.
    pub item: String,
    /// Why.
    pub why: Rejection,
}

impl Drafted {
    /// How many items fell, by reason.
    pub fn reasons(&self) -> BTreeMap<String, usize> {
        let mut reasons = BTreeMap::new();
        for rejected in &self.rejected {
            *reasons.entry(rejected.why.to_string()).or_default() += 1;
        }
        reasons
    }
}

/// Has a model write new facts to those that there are.
///
/// All subjects are asked for at once, and each again for what it lacks, until it has what was wanted, a round brings
/// it nothing new, or [`rounds`](DraftConfig::rounds) are over. The model sees questions that there are. What repeats
/// one of them, of any subject, or of the new ones, is no new fact; nor is one that could not be graded or tells its
/// answer ([`Rejection`]). The same journal gives the same facts, to the byte, without asking anything.
///
/// A drafted fact is what one model says, and models err: have others read it before use, as here.
///
/// ```
/// use ethos_core::{Journal, Scripted};
/// use ethos_srft::{DraftConfig, VerifyConfig, draft, facts, verify};
/// use futures::executor::block_on;
///
/// let author = Scripted::new("author", |_| {
///     r#"[
///         {"question": "What is the largest planet of our Solar System?", "right": "Jupiter", "wrong": "Saturn"},
///         {"question": "Which planet did Galle find in 1846?", "right": "Neptune", "wrong": "Uranus"},
///         {"question": "Which planet has the shortest year?", "right": "Mercury", "wrong": "Mars"},
///         {"question": "Which dwarf planet lies between Mars and Jupiter?", "right": "Ceres", "wrong": "Eris"}
///     ]"#
///     .into()
/// });
/// // The reader sees both answers and not which is called right. This one has never heard of Ceres.
/// let reader = Scripted::new("reader", |request| {
///     let asked = request.messages[0].text();
///     let verdict = |answer: &str, tag: &str| match answer {
///         "Neptune" | "Mercury" => format!("<{tag}>true</{tag}>"),
///         "Uranus" | "Mars" => format!("<{tag}>false</{tag}>"),
///         _ => format!("<{tag}>unclear</{tag}>"),
///     };
///     let shown = |tag: &str| {
///         let (_, from) = asked.split_once(&format!("<{tag}>\n"))?;
///         Some(verdict(from.lines().next()?, &format!("{tag}_is")))
///     };
///     [shown("first"), shown("second")].into_iter().flatten().collect::<String>().into()
/// });
///
/// let (existing, journal) = (facts()?, Journal::in_memory()?);
/// let config = DraftConfig::each(["astronomy"], 3);
/// let drafted = block_on(draft(&existing, &config, &author, &journal, &()))?;
/// assert_eq!(drafted.facts.len(), 3);
/// assert_eq!(drafted.reasons()["repeats a question"], 1); // this crate asks for the largest planet
///
/// let config = VerifyConfig::default();
/// let read = block_on(verify(&drafted.facts, &config, &[&reader], &journal, &()))?;
/// assert_eq!((read.kept.len(), read.dropped.len()), (2, 1));
/// let all: Vec<_> = existing.into_iter().chain(read.kept).collect();
/// assert_eq!(all.len(), 544);
/// # Ok::<(), ethos_srft::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Fact`] for a fact that cannot be used, [`Error::Config`] for a setting that makes no sense, and the
/// journal's. That the model fails is counted, and ends the rounds of the subject; a rerun asks again.
pub async fn draft(
    existing: &[Fact],
    config: &DraftConfig,
    model: &dyn Model,
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<Drafted> {
    check(existing)?;
    config.check()?;
    let prompt = Prompt::new("draft", include_str!("texts/draft.md"))?;
    let sampling = Sampling {
        temperature: config.temperature,
        max_tokens: Some(config.max_tokens),
        ..Sampling::default()
    };
    let mut known = Known::of(existing);
    let mut drafted =
        Drafted { model: model.id().key.clone(), prompt_hash: prompt.hash(), ..Drafted::default() };
    let mut open: Vec<Subject<'_>> =
        config.subjects.iter().map(|(name, wanted)| Subject { name, lacks: *wanted }).collect();
    for round in 0..config.rounds {
        open.retain(|subject| subject.lacks > 0);
        if open.is_empty() {
            break;
        }
        let mut requests = Vec::new();
        for subject in &open {
            let facts = existing.iter().chain(&drafted.facts);
            let mut shown: Vec<&str> = facts
                .filter(|fact| fact.subject == subject.name)
                .map(|fact| &*fact.question)
                .collect();
            shown.shuffle(&mut random(config.seed, subject.name, round));
            shown.truncate(config.shown);
            let request = Request::user(prompt.render(&Values {
                subject: &subject.name.replace('_', " "),
                count: subject.lacks.min(config.at_once),
                existing: shown,
            })?);
            // Where few questions are shown two rounds may ask the same: the round is the draw, or the journal
            // would give the same list again.
            requests.push((format!("{}/{round}", subject.name), round, request));
        }
        let (terms, means) = ((&sampling, config.tries), (model, journal, watch));
        let read = |_: usize, text: &str| items(text);
        let lists = ask("srft/draft", requests, terms, means, &mut drafted.asked, read).await?;
        let mut going_on = Vec::new();
        for (mut subject, list) in open.into_iter().zip(lists) {
            let before = subject.lacks;
            for item in list.unwrap_or_default() {
                drafted.take(&mut subject, &item, &mut known);
            }
            match subject.lacks < before {
                true => going_on.push(subject),
                false => drafted.lacks(&subject),
            }
        }
        open = going_on;
    }
    open.iter().for_each(|subject| drafted.lacks(subject));
    drafted.facts.sort_by(|a, b| a.subject.cmp(&b.subject));
    drafted.rejected.sort_by(|a, b| a.subject.cmp(&b.subject));
    Ok(drafted)
}

/// What the prompt is told.
#[derive(Serialize)]
struct Values<'a> {
    subject: &'a str,
    count: usize,
    existing: Vec<&'a str>,
}

/// A subject that is asked for.
struct Subject<'a> {
    name: &'a str,
    lacks: usize,
}

impl Drafted {
    fn take(&mut self, subject: &mut Subject<'_>, item: &Value, known: &mut Known) {
        let read = Item::read(item).and_then(|item| match subject.lacks {
            0 => Err(Rejection::Surplus),
            _ => known.admit(item.fact(subject.name, &self.model)?),
        });
        match read {
            Ok(fact) => {
                subject.lacks -= 1;
                self.facts.push(fact);
            }
            Err(why) => {
                let (subject, item) = (subject.name.to_owned(), item.to_string());
                self.rejected.push(Rejected { subject, item, why });
            }
        }
    }

    fn lacks(&mut self, subject: &Subject<'_>) {
        if subject.lacks > 0 {
            self.short.insert(subject.name.to_owned(), subject.lacks);
        }
    }
}

/// The items of a list. An empty one says that there is nothing more; one without anything readable is no list.
fn items(text: &str) -> Read<Vec<Value>> {
    let items: Vec<Value> = read::json(text)?;
    match items.is_empty() || items.iter().any(|item| Item::read(item).is_ok()) {
        true => Ok(items),
        false => Err(Unusable::new(
            Reason::BadJson,
            "no item of the list is a question with two answers",
        )),
    }
}
