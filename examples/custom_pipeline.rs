//! Your own `Model`, your own stage, your own scorer, in 80 lines.
//!
//! ```text
//! cargo run --release --example custom_pipeline
//! ```
//!
//! Does a model keep to its spec when asked in capitals? The toy here stands for your own endpoint.

#![allow(clippy::print_stdout)] // a program speaks to its user

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use ethos_core::{Ask, AskId, Completion, Error, Journal, Model, ModelId, Query};
use ethos_core::{Reason, Reply, Request, Unusable, ask_all};
use ethos_eval::{Outcome, Tally};
use ethos_spec::Spec;
use futures::{TryStreamExt, executor::block_on, future::BoxFuture, stream};

const SPEC: &str = "\
- G1: It greets back, because a greeting is a question whether anybody is there.
- G2: It never shouts, because nobody listens better to a louder voice.
- G3: It says goodbye, because an end is kinder when it is marked.
";

/// Your model: an id, and how it answers.
struct Parrot(ModelId);

impl Model for Parrot {
    fn id(&self) -> &ModelId {
        &self.0
    }

    fn complete<'a>(&'a self, asked: &'a Request) -> BoxFuture<'a, Result<Completion, Error>> {
        let answer = asked.messages[0].text().replace("Say", "OK:");
        Box::pin(async { Ok(Completion::new(answer)) })
    }
}

/// Your scorer: whether an answer keeps to a rule. What it cannot tell is unusable, never "fine".
fn keeps(rule: &str, answer: &str) -> Result<bool, Unusable> {
    match rule {
        "G1" => Ok(answer.to_lowercase().contains("hello")),
        "G2" => Ok(answer.contains(char::is_lowercase)),
        "G3" => Ok(answer.to_lowercase().contains("bye")),
        _ => Err(Unusable::new(Reason::Other("unknown rule".to_owned()), rule)),
    }
}

/// What became of every ask.
type Found = BTreeMap<String, Outcome<bool>>;

/// Your stage: every rule of a spec, asked softly and in capitals.
async fn obey(spec: &Spec, model: &dyn Model, journal: &Journal) -> Result<Found> {
    let words = [("softly", "Say hello and bye"), ("in capitals", "SAY HELLO AND BYE")];
    let asks = spec.rules().iter().flat_map(|rule| {
        words.map(|(how, text)| {
            let item = format!("{} {how}", rule.id);
            Ask::new("obey", item, Query::Complete(Request::user(text)))
        })
    });
    let rule = |id: &AskId| id.item.split(' ').next().unwrap_or_default().to_owned();
    let read = |id: &AskId, reply: &Reply| keeps(&rule(id), &reply.text()?);
    let answers = ask_all(model, journal, stream::iter(asks), read, &());
    Ok(answers.map_ok(|answer| (answer.id.item, answer.result.into())).try_collect().await?)
}

fn main() -> Result<()> {
    let (spec, model) = (Spec::parse(SPEC), Parrot(ModelId::new("parrot-1")));
    let journal = Journal::open("out/custom_pipeline/journal.redb")?;
    let found = block_on(obey(&spec, &model, &journal))?;
    found.iter().for_each(|(ask, outcome)| println!("{ask:<16} {outcome:?}"));

    let kept = Tally::of(found.values(), |kept| *kept).scored;
    let interval = kept.wilson(0.95).context("no answer could be scored")?;
    println!("kept in {} of {}; 95 % interval {interval:.2}", kept.successes, kept.trials);
    Ok(())
}
