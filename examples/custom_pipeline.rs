//! Your own `Model`, your own stage, your own scorer, in one page.
//!
//! ```text
//! cargo run --release --example custom_pipeline
//! ```
//!
//! The question: does a model keep to its spec when it is asked in capitals? The model is a toy that
//! answers from a table, and stands for anything that can answer: a client of your own endpoint, say.

#![allow(clippy::print_stdout)] // a program speaks to its user

use std::collections::BTreeMap;

use anyhow::Result;
use ethos_core::{
    Ask, Completion, Journal, Model, ModelId, Query, Reason, Reply, Request, Unusable, ask_all,
};
use ethos_eval::{Outcome, Proportion};
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

    fn complete<'a>(
        &'a self,
        request: &'a Request,
    ) -> BoxFuture<'a, ethos_core::Result<Completion>> {
        Box::pin(
            async move { Ok(Completion::new(request.messages[0].text().replace("Say", "OK:"))) },
        )
    }

    fn concurrency(&self) -> usize {
        8
    }
}

/// Your scorer: whether an answer keeps to a rule. What it cannot tell is unusable, never "fine".
fn keeps(rule: &str, answer: &str) -> Result<bool, Unusable> {
    let said = answer.to_lowercase();
    match rule {
        "G1" => Ok(said.contains("hello")),
        "G2" => Ok(answer.contains(char::is_lowercase)),
        "G3" => Ok(said.contains("bye")),
        _ => Err(Unusable::new(Reason::Other("unknown rule".to_owned()), rule)),
    }
}

/// Your stage: every rule of a spec, asked softly and in capitals.
async fn obey(
    spec: &Spec,
    model: &dyn Model,
    journal: &Journal,
) -> Result<BTreeMap<String, Outcome<bool>>> {
    let words = [("softly", "Say hello and bye"), ("in capitals", "SAY HELLO AND BYE")];
    let asks = spec.rules().iter().flat_map(|rule| {
        words.map(|(how, text)| {
            let item = format!("{} {how}", rule.id);
            Ask::new("obey", item, Query::Complete(Request::user(text)))
        })
    });
    let read = |id: &ethos_core::AskId, reply: &Reply| {
        keeps(id.item.split(' ').next().unwrap_or_default(), &reply.text()?)
    };
    let answers = ask_all(model, journal, stream::iter(asks), read, &());
    Ok(answers.map_ok(|answer| (answer.id.item, answer.result.into())).try_collect().await?)
}

fn main() -> Result<()> {
    let (spec, model) = (Spec::parse(SPEC), Parrot(ModelId::new("parrot-1")));
    let journal = Journal::open("out/custom_pipeline/journal.redb")?;
    let found = block_on(obey(&spec, &model, &journal))?;
    let mut kept = Proportion::default();
    for (ask, outcome) in &found {
        println!("{ask:<16} {outcome:?}");
        if let Some(score) = outcome.score() {
            kept.trials += 1;
            kept.successes += u64::from(*score);
        }
    }
    let Proportion { successes, trials } = kept;
    println!("kept in {successes} of {trials}; 95 % interval {:.2?}", kept.wilson(0.95));
    Ok(())
}
