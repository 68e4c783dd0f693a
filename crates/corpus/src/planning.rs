//! Planning: from the spec down to the ideas, stage by stage.

use std::collections::HashMap;

use ethos_core::{Journal, Model, Watch};
use ethos_spec::Spec;
use serde::Deserialize;

use crate::{
    config::{Mode, PlanConfig},
    error::{Error, Result},
    list::{Described, Given, Lister, Parent, Quotes},
    plan::{Assertion, DocType, Domain, Idea, Label, Plan, Topic, TypeAt},
    preview,
    prompts::{Prompts, Values},
    report::PlanReport,
    rules,
    stage::{ASSERTIONS, DOMAINS, IDEAS, Stage, TOPICS, TYPES, draw_of},
};

/// Plans a corpus: domains, topics, assertions, document types, ideas (arXiv 2605.02087 §3).
///
/// Each stage is asked for in one stream, so that as much is in flight as the model likes. A list that
/// comes short is asked for again, showing what is there, at most [`rounds`](PlanConfig::rounds)
/// times; a list that is too long is cut; an item that repeats another is dropped. What topics and
/// assertions quote is looked for in the spec; an assertion without a quote that stands there is
/// dropped, and a topic without assertions gets no documents. All of it is counted in the report, and
/// every list that stayed short is named there with its cause.
///
/// In [`Mode::Rules`] the first three are taken from the spec as they stand there, and only types and ideas are
/// asked for.
///
/// The spec has to have its names filled in ([`Spec::fill`]): what is planned holds for this very text. The same
/// journal gives the same plan, to the byte, without asking anything.
///
/// # Errors
///
/// [`Error::EmptySpec`], [`Error::Unfilled`], [`Error::NoRules`], [`Error::Config`], a prompt that does not render or is
/// larger than the model's context (before anything is asked),
/// [`Error::NothingCameBack`] when a whole stage failed, [`Error::NothingUsable`] when one gave
/// nothing, and the journal's. What was answered is in the journal whatever happens.
pub async fn plan(
    spec: &Spec,
    config: &PlanConfig,
    prompts: &Prompts,
    model: &dyn Model,
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<(Plan, PlanReport)> {
    preview::check_spec(spec)?;
    if let Some(open) = spec.placeholders().first() {
        let placeholder = spec.slice(open.span);
        tracing::warn!(placeholder, "the spec has braces that look like a placeholder");
    }
    config.check()?;
    if config.mode == Mode::Rules && rules::of(spec).next().is_none() {
        return Err(Error::NoRules);
    }
    preview::check_prompts(spec, config, prompts)?;

    let means = (model, journal, watch);
    let lister = |name, max_tokens| {
        let draws = (config.tries, config.draw);
        Lister::new(
            spec,
            Stage::new(name, means, config.sampling(max_tokens), draws),
            config.rounds,
        )
    };
    let mut report = PlanReport { model: model.id().key.clone(), ..PlanReport::default() };
    let Prompts { domains, topics, assertions, types, ideas, .. } = prompts;
    let asked = [domains, topics, assertions, types, ideas];
    // The rules of a spec stand for the first three.
    for prompt in &asked[if config.mode == Mode::Rules { 3 } else { 0 }..] {
        report.prompts.insert(prompt.name().to_owned(), prompt.hash());
    }
    let who = config.who.clone();
    let mut plan = Plan { spec_hash: spec.hash(), who: who.clone(), domains: Vec::new() };
    let seen = Values::new(spec, &who);
    let unseen = Values::without_spec(&who);
    let tokens = &config.max_tokens;

    match config.mode {
        Mode::Rules => plan.domains = rules::domains(spec),
        Mode::Prose => {
            let parents = [Parent::new(&plan.id(), &[], seen.clone(), config.domains)];
            let mut listing = lister(DOMAINS, tokens.domains);
            let lists = listing.fill(&parents, &prompts.domains, domain).await?;
            listing.finish(&mut report)?;
            plan.domains = lists.into_iter().flatten().collect();

            let at = plan.domains_at();
            let parents = at.iter().map(|(id, domain)| {
                let values = seen.clone().domain(domain);
                Parent::new(id, &[&domain.name], values, config.topics_per_domain)
            });
            let parents: Vec<_> = parents.collect();
            let mut listing = lister(TOPICS, tokens.topics);
            let lists = listing.fill(&parents, &prompts.topics, topic).await?;
            listing.finish(&mut report)?;
            for (domain, topics) in plan.domains.iter_mut().zip(lists) {
                domain.topics = topics;
            }

            let at = plan.topics_at();
            let parents = at.iter().map(|at| {
                let values = seen.clone().domain(at.domain).topic(at.topic);
                let names = [&*at.domain.name, &*at.topic.name];
                Parent::new(&at.id, &names, values, config.assertions_per_topic)
            });
            let parents: Vec<_> = parents.collect();
            let mut listing = lister(ASSERTIONS, tokens.assertions);
            let lists = listing.fill(&parents, &prompts.assertions, assertion).await?;
            listing.finish(&mut report)?;
            for (topic, assertions) in topics_mut(&mut plan).zip(lists) {
                topic.assertions = assertions;
            }
        }
    }

    let at = plan.topics_at();
    let grounded = at.iter().filter(|at| !at.topic.assertions.is_empty());
    let parents = grounded.map(|at| {
        let values =
            unseen.clone().domain(at.domain).topic(at.topic).assertions(&at.topic.assertions);
        let names = [&*at.domain.name, &*at.topic.name];
        Parent::new(&at.id, &names, values, config.types_per_topic)
    });
    let parents: Vec<_> = parents.collect();
    let mut listing = lister(TYPES, tokens.types);
    let lists = listing.fill(&parents, &prompts.types, doc_type).await?;
    listing.finish(&mut report)?;
    let grounded = topics_mut(&mut plan).filter(|topic| !topic.assertions.is_empty());
    for (topic, types) in grounded.zip(lists) {
        topic.types = types;
    }

    let at = plan.types_at();
    let parents: Vec<_> = at.iter().map(|at| ideas_of(at, &seen, config.ideas_per_type)).collect();
    let mut listing = lister(IDEAS, tokens.ideas);
    let lists = listing.fill(&parents, &prompts.ideas, idea).await?;
    listing.finish(&mut report)?;
    for (doc_type, ideas) in types_mut(&mut plan).zip(lists) {
        doc_type.ideas = ideas;
    }
    Ok((plan, report))
}

/// Asks for more ideas: so many for each document type, by the type's id. What a type has is shown, and not
/// to be repeated. The new ideas are put behind the old ones.
pub(crate) async fn more_ideas(
    plan: &mut Plan,
    wanted: &HashMap<String, usize>,
    spec: &Spec,
    config: &PlanConfig,
    prompts: &Prompts,
    means: (&dyn Model, &Journal, &dyn Watch),
    (round, report): (u32, &mut PlanReport),
) -> Result<()> {
    let who = plan.who.clone();
    let seen = Values::new(spec, &who);
    let at = plan.types_at();
    let mut parents: Vec<_> =
        at.iter().map(|at| ideas_of(at, &seen, wanted.get(&at.id).copied().unwrap_or(0))).collect();
    for (parent, at) in parents.iter_mut().zip(&at) {
        parent.has = at.doc_type.ideas.iter().map(|idea| (&*idea.name, &*idea.idea)).collect();
    }
    let sampling = config.sampling(config.max_tokens.ideas);
    let draw = draw_of(config.draw, u64::from(round));
    let stage = Stage::new(IDEAS, means, sampling, (config.tries, draw));
    let mut listing = Lister::new(spec, stage, config.rounds);
    let lists = listing.fill(&parents, &prompts.ideas, idea).await?;
    // That no idea came is no error here: the corpus stays as it is, and the report says so.
    listing.account(report);
    for (doc_type, mut ideas) in types_mut(plan).zip(lists) {
        doc_type.ideas.append(&mut ideas);
    }
    Ok(())
}

fn ideas_of<'p>(at: &'p TypeAt<'p>, seen: &Values<'p>, want: usize) -> Parent<'p> {
    let values = seen
        .clone()
        .domain(at.domain)
        .topic(at.topic)
        .assertions(&at.topic.assertions)
        .doc_type(at.doc_type);
    let names = [&*at.domain.name, &*at.topic.name, &*at.doc_type.name];
    Parent::new(&at.id, &names, values, want)
}

fn types_mut(plan: &mut Plan) -> impl Iterator<Item = &mut DocType> {
    topics_mut(plan).flat_map(|topic| &mut topic.types)
}

fn topics_mut(plan: &mut Plan) -> impl Iterator<Item = &mut Topic> {
    plan.domains.iter_mut().flat_map(|domain| &mut domain.topics)
}

#[derive(Deserialize)]
struct GivenTopic {
    name: String,
    context: String,
    #[serde(default)]
    quotes: Vec<String>,
}

impl Given for GivenTopic {
    fn name(&self) -> &str {
        &self.name
    }
    fn says(&self) -> &str {
        &self.context
    }
}

#[derive(Deserialize)]
struct GivenAssertion {
    name: String,
    assertion: String,
    explanation: String,
    label: Label,
    #[serde(default)]
    quotes: Vec<String>,
}

impl Given for GivenAssertion {
    fn name(&self) -> &str {
        &self.name
    }
    fn says(&self) -> &str {
        &self.assertion
    }
    fn same(&self) -> &str {
        &self.assertion
    }
}

/// As a model gives it: what it says besides is no reason to throw a list away.
#[derive(Deserialize)]
struct GivenIdea {
    name: String,
    idea: String,
}

impl Given for GivenIdea {
    fn name(&self) -> &str {
        &self.name
    }
    fn says(&self) -> &str {
        &self.idea
    }
    // Ideas may share a name, which two writers of names will sooner or later do.
    fn same(&self) -> &str {
        &self.idea
    }
}

fn domain(_: &mut Quotes<'_>, given: Described) -> Option<Domain> {
    let Described { name, description } = given;
    Some(Domain { name, description, topics: Vec::new() })
}

fn topic(quotes: &mut Quotes<'_>, given: GivenTopic) -> Option<Topic> {
    let spans = quotes.find(&given.name, given.quotes);
    let GivenTopic { name, context, .. } = given;
    Some(Topic { name, context, spans, assertions: Vec::new(), types: Vec::new() })
}

fn assertion(quotes: &mut Quotes<'_>, given: GivenAssertion) -> Option<Assertion> {
    let spans = quotes.find(&given.name, given.quotes);
    let GivenAssertion { name, assertion, explanation, label, .. } = given;
    (!spans.is_empty()).then_some(Assertion { name, assertion, explanation, label, spans })
}

fn doc_type(_: &mut Quotes<'_>, given: Described) -> Option<DocType> {
    let Described { name, description } = given;
    Some(DocType { name, description, ideas: Vec::new() })
}

fn idea(_: &mut Quotes<'_>, given: GivenIdea) -> Option<Idea> {
    let GivenIdea { name, idea } = given;
    Some(Idea { name, idea })
}
