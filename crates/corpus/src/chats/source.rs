//! Where questions come from.

use std::collections::HashMap;

use ethos_core::{Journal, Model, Prompt, Watch};
use ethos_spec::Spec;
use serde::Deserialize;
use serde_json::json;

use super::{config::ChatConfig, prompts::ChatKind};
use crate::{
    error::Result,
    id,
    list::{Given, Lister, Parent, Quotes},
    prompts::Values,
    report::PlanReport,
    stage::{Stage, draw_of},
};

/// What questions are asked about: a domain or a preference, in one kind.
pub(super) struct Source<'v> {
    pub(super) id: String,
    pub(super) domain: String,
    pub(super) kind: String,
    pub(super) values: Values<'v>,
    /// The questions that came of it, those that fell too: none is to be asked again.
    pub(super) questions: Vec<String>,
}

/// A source for every domain and kind.
pub(super) fn sources<'v>(domains: &[(String, Values<'v>)], kinds: &[ChatKind]) -> Vec<Source<'v>> {
    let mut sources = Vec::new();
    for (domain, values) in domains {
        for kind in kinds {
            let about = json!({"name": kind.name, "description": kind.description});
            sources.push(Source {
                id: id::hash("source", [&**domain, &kind.name], 0),
                domain: domain.clone(),
                kind: kind.name.clone(),
                values: values.clone().own("kind", about),
                questions: Vec::new(),
            });
        }
    }
    sources
}

/// A question, on its way to an answer.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) id: String,
    pub(super) source: usize,
    pub(super) text: String,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Message(String);

impl Given for Message {
    fn name(&self) -> &str {
        &self.0
    }
    fn says(&self) -> &str {
        &self.0
    }
}

fn message(_: &mut Quotes<'_>, given: Message) -> Option<String> {
    Some(given.0.trim().to_owned())
}

/// Asks for so many more questions of each source, by its number.
pub(super) async fn ask(
    sources: &mut [Source<'_>],
    wanted: &HashMap<usize, usize>,
    (stage, prompt): (&str, &Prompt),
    (config, spec): (&ChatConfig, &Spec),
    means: (&dyn Model, &Journal, &dyn Watch),
    (round, report): (u32, &mut PlanReport),
) -> Result<Vec<Question>> {
    let sampling = config.sampling(config.max_tokens.questions);
    let draw = draw_of(config.draw, u64::from(round));
    let stage = Stage::new(stage, means, sampling, (config.tries, draw));
    let mut listing = Lister::new(spec, stage, config.list_rounds);
    let parents = sources.iter().enumerate().map(|(number, source)| {
        let want = wanted.get(&number).copied().unwrap_or(0);
        let names = [&*source.domain, &*source.kind];
        let mut parent = Parent::new(&source.id, &names, source.values.clone(), want);
        parent.has = source.questions.iter().map(|text| (&**text, &**text)).collect();
        parent
    });
    let parents: Vec<_> = parents.collect();
    let lists = listing.fill(&parents, prompt, message).await?;
    drop(parents);
    listing.account(report);
    let mut questions = Vec::new();
    for (number, (source, list)) in sources.iter_mut().zip(lists).enumerate() {
        for text in list {
            let id = id::hash("question", [&*source.id, &text], 0);
            source.questions.push(text.clone());
            questions.push(Question { id, source: number, text });
        }
    }
    Ok(questions)
}
