//! A blind second reading of facts, by models.

use std::fmt;

use ethos_core::{
    Failure, Journal, Model, Prompt, Reason, Request, Sampling, Unusable, Watch,
    read::{self, Read},
};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{
    asking::{Asked, ask},
    error::Result,
    fact::{Fact, check},
    seeded::random,
};

/// How facts are read a second time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyConfig {
    /// Readings of each fact by each reader, each with the answers in an order of its own.
    pub draws: u32,
    /// How often a reading that cannot be read is asked again.
    pub tries: u32,
    /// Tokens after which a reading is cut off, and so cannot be used.
    pub max_tokens: u32,
    /// Seed of the orders.
    pub seed: u64,
}

impl Default for VerifyConfig {
    /// Two readings, room for reasons.
    fn default() -> Self {
        VerifyConfig { draws: 2, tries: 2, max_tokens: 1_000, seed: 42 }
    }
}

/// What a second reading found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verified {
    /// Facts that every reading confirms, in their order.
    pub kept: Vec<Fact>,
    /// Facts that one reading at least does not confirm, with the first reason.
    pub dropped: Vec<(Fact, Doubt)>,
    /// Readings of each fact by each reader.
    pub draws: u32,
    /// The key of each reader, and what it was asked.
    pub readers: Vec<(String, Asked)>,
    /// What was asked, of all readers.
    pub asked: Asked,
}

/// Why a fact is not confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Doubt {
    /// The right answer was not called true.
    Right(Holds),
    /// The wrong answer was not called false.
    Wrong(Holds),
    /// A reading could not be read, or never came.
    Unread(String),
}

/// What a reader says of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// It is right beyond doubt.
    True,
    /// It is wrong beyond doubt.
    False,
    /// Neither.
    Unclear,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (answer, holds) = match self {
            Doubt::Right(holds) => ("right", holds),
            Doubt::Wrong(holds) => ("wrong", holds),
            Doubt::Unread(_) => return f.write_str("a reading could not be read, or never came"),
        };
        let holds = match holds {
            Holds::True => "true",
            Holds::False => "false",
            Holds::Unclear => "unclear",
        };
        write!(f, "the {answer} answer was called {holds}")
    }
}

/// Has readers judge both answers of every fact, which they see in an order that says nothing, and keeps a fact only
/// when every reading calls the right one true and the wrong one false. Unclear, and what cannot be read, lets none pass.
///
/// ```
/// use ethos_core::{Journal, Scripted};
/// use ethos_srft::{VerifyConfig, facts, verify};
/// use futures::executor::block_on;
///
/// // A reader who doubts everything.
/// let reader = Scripted::new("doubter", |_| {
///     "Who knows? <first_is>unclear</first_is><second_is>unclear</second_is>".into()
/// });
/// let facts = &facts()?[..3];
/// let config = VerifyConfig::default();
/// let found = block_on(verify(facts, &config, &[&reader], &Journal::in_memory()?, &()))?;
/// assert_eq!((found.kept.len(), found.dropped.len()), (0, 3));
/// # Ok::<(), ethos_srft::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Fact`](crate::Error::Fact) for a fact that cannot be used, and the journal's.
pub async fn verify(
    facts: &[Fact],
    config: &VerifyConfig,
    readers: &[&dyn Model],
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<Verified> {
    check(facts)?;
    let prompt = Prompt::new("verify", include_str!("texts/verify.md"))?;
    let sampling = Sampling { max_tokens: Some(config.max_tokens), ..Sampling::default() };
    let mut doubts: Vec<Option<Doubt>> = facts.iter().map(|_| None).collect();
    let mut by_reader = Vec::new();
    for reader in readers {
        let mut asked = Asked::default();
        let (mut requests, mut of) = (Vec::new(), Vec::new());
        for (number, fact) in facts.iter().enumerate() {
            for draw in 0..config.draws {
                let right_first = order(config.seed, &fact.id, draw);
                let (first, second) = match right_first {
                    true => (&fact.right, &fact.wrong),
                    false => (&fact.wrong, &fact.right),
                };
                let values = [("question", &fact.question), ("first", first), ("second", second)];
                let request = Request::user(prompt.render(&values)?);
                requests.push((format!("{}/{draw}", fact.id), draw, request));
                of.push((number, right_first));
            }
        }
        let read = |n: usize, text: &str| -> Read<(Holds, Holds)> {
            let (first, second) = (holds(text, "first_is")?, holds(text, "second_is")?);
            Ok(if of[n].1 { (first, second) } else { (second, first) })
        };
        let means = (*reader, journal, watch);
        let terms = (&sampling, config.tries);
        let readings = ask("srft/verify", requests, terms, means, &mut asked, read).await?;
        for ((number, _), reading) in of.iter().zip(readings) {
            let doubt = match reading {
                Ok((Holds::True, Holds::False)) => None,
                Ok((Holds::True, wrong)) => Some(Doubt::Wrong(wrong)),
                Ok((right, _)) => Some(Doubt::Right(right)),
                Err(failure) => Some(Doubt::Unread(why(&failure))),
            };
            let known = &mut doubts[*number];
            *known = known.take().or(doubt);
        }
        by_reader.push((reader.id().key.clone(), asked));
    }
    let mut asked = Asked::default();
    by_reader.iter().for_each(|(_, of)| asked += of);
    let mut found = Verified {
        kept: Vec::new(),
        dropped: Vec::new(),
        draws: config.draws,
        readers: by_reader,
        asked,
    };
    for (fact, doubt) in facts.iter().zip(doubts) {
        match doubt {
            // Without a reader nothing is confirmed.
            None if readers.is_empty() || config.draws == 0 => {
                found.dropped.push((fact.clone(), Doubt::Unread("nobody read it".to_owned())));
            }
            None => found.kept.push(fact.clone()),
            Some(doubt) => found.dropped.push((fact.clone(), doubt)),
        }
    }
    Ok(found)
}

fn why(failure: &Failure) -> String {
    failure.to_string()
}

/// Whether the right answer is shown first: by the fact and the draw, so that no place tells it.
fn order(seed: u64, id: &str, draw: u32) -> bool {
    random(seed, id, draw).random_bool(0.5)
}

fn holds(text: &str, tag: &str) -> Read<Holds> {
    match read::tag(text, tag)?.to_lowercase().as_str() {
        "true" => Ok(Holds::True),
        "false" => Ok(Holds::False),
        "unclear" => Ok(Holds::Unclear),
        other => Err(Unusable::new(Reason::Other("no verdict".to_owned()), format!("`{other}`"))),
    }
}

#[cfg(test)]
mod tests {
    use ethos_core::Scripted;
    use futures::executor::block_on;

    use super::*;
    use crate::facts;

    /// Knows the right answers of these facts, and what it says of others is what it is told to.
    fn reader(facts: &[Fact], strange: &'static str, says: &'static str) -> Scripted {
        let facts = facts.to_vec();
        Scripted::new("reader", move |request| {
            let asked = request.messages[0].text();
            let fact = facts.iter().find(|fact| asked.contains(&fact.question)).unwrap();
            let right_first = asked.contains(&format!("<first>\n{}\n</first>", fact.right));
            if fact.id == strange {
                return says.into();
            }
            let (first, second) = if right_first { ("true", "false") } else { ("false", "true") };
            format!("<first_is>{first}</first_is><second_is>{second}</second_is>").into()
        })
    }

    #[test]
    fn only_what_every_reading_confirms_is_kept() {
        let facts = &facts().unwrap()[..40];
        let (config, journal) = (VerifyConfig::default(), Journal::in_memory().unwrap());
        let strange: &'static str = Box::leak(facts[7].id.clone().into_boxed_str());
        for (says, doubt) in [
            ("<first_is>true</first_is><second_is>true</second_is>", Doubt::Wrong(Holds::True)),
            (
                "<first_is>unclear</first_is><second_is>unclear</second_is>",
                Doubt::Right(Holds::Unclear),
            ),
        ] {
            let model = reader(facts, strange, says);
            let found =
                block_on(verify(facts, &config, &[&model], &Journal::in_memory().unwrap(), &()))
                    .unwrap();
            assert_eq!(found.kept.len(), 39);
            assert_eq!(found.dropped, [(facts[7].clone(), doubt)]);
            assert_eq!((found.asked.asked, found.asked.reused), (80, 0));
            assert_eq!(found.readers, [("scripted/reader".to_owned(), found.asked.clone())]);
        }
        let model = reader(facts, strange, "I would not know.");
        let found = block_on(verify(facts, &config, &[&model], &journal, &())).unwrap();
        assert!(matches!(&found.dropped[0].1, Doubt::Unread(_)), "{:?}", found.dropped);
        assert_eq!(found.asked.unusable.values().sum::<u64>(), 2 * 3);
        let again = block_on(verify(facts, &config, &[&model], &journal, &())).unwrap();
        assert_eq!((again.asked.reused, again.kept), (80, found.kept));
        let none = block_on(verify(facts, &config, &[], &journal, &())).unwrap();
        assert!(none.kept.is_empty());
    }

    #[test]
    fn the_order_says_nothing() {
        let facts = facts().unwrap();
        let first = facts.iter().filter(|fact| order(1, &fact.id, 0)).count();
        let share = first as f64 / facts.len() as f64;
        assert!((0.42..0.58).contains(&share), "{share}");
    }
}
