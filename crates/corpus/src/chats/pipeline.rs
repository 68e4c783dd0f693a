//! From a spec to chats.

use std::collections::{HashMap, HashSet};

use ethos_core::{Failure, Journal, Message, Model, Prompt, Request, Watch};
use ethos_spec::Spec;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::{
    answer,
    config::ChatConfig,
    prompts::{ChatKind, ChatPrompts},
    set::{ChatReport, ChatRow, ChatSet},
    source::{self, Question, Source, sources},
};
use crate::{
    criteria::Judgement,
    dedup::{Embedder, Novel},
    error::{Error, Result},
    list::{Described, Lister, Parent, Quotes},
    plan::Who,
    prompts::Values,
    report::{PlanReport, Requests},
    stage::Stage,
};

pub(super) const DOMAINS: &str = "chats/domains";
pub(super) const QUESTIONS: &str = "chats/questions";
pub(super) const ANSWERS: &str = "chats/answers";
pub(super) const JUDGE: &str = "chats/judge";

/// Who writes, who judges, and who says what questions mean.
#[derive(Clone, Copy)]
pub struct Writers<'a> {
    /// Writes questions and answers.
    pub writer: &'a dyn Model,
    /// Judges them.
    pub judge: &'a dyn Model,
    /// Tells questions that mean the same, beside those that are near in their letters.
    pub embedder: Option<&'a dyn Embedder>,
}

impl<'a> Writers<'a> {
    /// Without an embedder.
    pub fn new(writer: &'a dyn Model, judge: &'a dyn Model) -> Self {
        Writers { writer, judge, embedder: None }
    }
}

impl std::fmt::Debug for Writers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (writer, judge) = (self.writer.id(), self.judge.id());
        f.debug_struct("Writers").field("writer", writer).field("judge", judge).finish()
    }
}

/// Makes chats that show what a spec says, without showing the spec.
///
/// Questions that are near to others are dropped, those of later rounds too. An answer that is declined, cut off
/// or whose reasoning never closes is asked again, then counted. Only what the judge lets pass on every
/// criterion is a row: unclear is no. What fell is made up for by new questions, at most
/// [`rounds`](ChatConfig::rounds) times; what is missing then is in the report. The same journal gives the same
/// rows, to the byte, without asking anything.
///
/// # Errors
///
/// [`Error::EmptySpec`], [`Error::Config`], a prompt that does not render or is larger than the models' context
/// (before anything is asked), [`Error::NothingCameBack`] when no domain, no answer or no verdict came back, what the
/// embedder gives, and the journal's.
pub async fn chats(
    spec: &Spec,
    who: &Who,
    config: &ChatConfig,
    prompts: &ChatPrompts,
    writers: &Writers<'_>,
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<ChatSet> {
    config.measured(spec, who, prompts)?;
    let values = Values::new(spec, who);
    let mut planned = PlanReport::default();
    let means = (writers.writer, journal, watch);
    let sampling = config.sampling(config.max_tokens.domains);
    let stage = Stage::new(DOMAINS, means, sampling, (config.tries, config.draw));
    let mut listing = Lister::new(spec, stage, config.list_rounds);
    let id = crate::id::hash("chats", [&*spec.hash(), &who.assistant, &who.provider], 0);
    let parents = [Parent::new(&id, &[], values.clone(), config.domains())];
    let lists = listing.fill(&parents, &prompts.domains, domain).await?;
    listing.finish(&mut planned)?;
    let domains: Vec<(String, Values<'_>)> = lists
        .into_iter()
        .flatten()
        .map(|given| {
            let about = json!({"name": given.name, "description": given.description});
            (given.name, values.clone().own("domain", about))
        })
        .collect();
    let pipeline = Pipeline {
        sources: sources(&domains, &prompts.kinds),
        questions: &prompts.questions,
        answer: &prompts.answer,
        judge: &prompts.judge,
        criteria: &prompts.criteria,
        reasoned: true,
        config,
        spec,
    };
    let mut set = pipeline.run(planned, writers, journal, watch).await?;
    for prompt in [&prompts.domains, &prompts.questions, &prompts.answer, &prompts.judge] {
        set.report.prompts.insert(prompt.name().to_owned(), prompt.hash());
    }
    Ok(set)
}

fn domain(_: &mut Quotes<'_>, given: Described) -> Option<Described> {
    Some(given)
}

/// Questions, answers and verdicts, whatever the questions are about.
pub(super) struct Pipeline<'p> {
    pub(super) sources: Vec<Source<'p>>,
    pub(super) questions: &'p Prompt,
    pub(super) answer: &'p Prompt,
    pub(super) judge: &'p Prompt,
    pub(super) criteria: &'p [String],
    /// Whether answers have reasoning before them.
    pub(super) reasoned: bool,
    pub(super) config: &'p ChatConfig,
    pub(super) spec: &'p Spec,
}

impl Pipeline<'_> {
    pub(super) async fn run(
        mut self,
        mut planned: PlanReport,
        writers: &Writers<'_>,
        journal: &Journal,
        watch: &dyn Watch,
    ) -> Result<ChatSet> {
        let config = self.config;
        let mut report = ChatReport {
            writer: writers.writer.id().key.clone(),
            judge: writers.judge.id().key.clone(),
            wanted: config.chats,
            ..ChatReport::default()
        };
        let mut filter = Filter::new(config, writers.embedder)?;
        let mut rows: Vec<ChatRow> = Vec::new();
        let mut stages = Stages::default();
        let mut lack = config.chats;
        loop {
            report.rounds += 1;
            let means = (writers.writer, journal, watch);
            let wanted = share(lack, &self.sources);
            let prompt = (QUESTIONS, self.questions);
            let asked = source::ask(
                &mut self.sources,
                &wanted,
                prompt,
                (config, self.spec),
                means,
                (report.rounds, &mut planned),
            );
            let asked = asked.await?;
            let count = asked.len() as u64;
            let fresh = filter.sift(asked).await?;
            report.questions += count;
            report.near += count - fresh.len() as u64;

            let answered = self.answer(&fresh, means, &mut stages).await?;
            report.unanswered += (fresh.len() - answered.len()) as u64;
            let means = (writers.judge, journal, watch);
            self.judge(answered, means, &mut stages, &mut report, &mut rows).await?;
            if rows.len() >= config.chats || report.rounds > config.rounds || count == 0 {
                break;
            }
            lack = ((config.chats - rows.len()) as f64 * config.margin).ceil() as usize;
        }
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows.shuffle(&mut ChaCha8Rng::seed_from_u64(config.seed));
        rows.truncate(config.chats);
        let PlanReport { stages: lists, shortfalls, .. } = planned;
        for list in lists {
            stages.add(list.requests);
        }
        (report.stages, report.shortfalls) = (stages.0, shortfalls);
        Ok(ChatSet { rows, report })
    }

    async fn answer<'q>(
        &self,
        questions: &'q [Question],
        means: (&dyn Model, &Journal, &dyn Watch),
        stages: &mut Stages,
    ) -> Result<Vec<(&'q Question, String, String)>> {
        let config = self.config;
        let sampling = config.sampling(config.max_tokens.answer);
        let mut stage = Stage::new(ANSWERS, means, sampling, (config.tries, config.draw));
        let ids: Vec<&str> = questions.iter().map(|question| &*question.id).collect();
        let render = |i: usize| {
            let question = &questions[i];
            let system = self.answer.render(&self.sources[question.source].values)?;
            Ok(Request::new([Message::system(system), Message::user(question.text.as_str())]))
        };
        let read = |_: usize, text: &str| match self.reasoned {
            true => answer::reasoned(text),
            false => Ok((String::new(), answer::plain(text)?)),
        };
        let answers = stage.ask(&ids, render, read).await?;
        let answers = something(answers, stage.done(), stages)?;
        let answered = questions.iter().zip(answers);
        Ok(answered
            .filter_map(|(question, answer)| {
                let (reasoning, answer) = answer?;
                Some((question, reasoning, answer))
            })
            .collect())
    }

    async fn judge(
        &self,
        answered: Vec<(&Question, String, String)>,
        means: (&dyn Model, &Journal, &dyn Watch),
        stages: &mut Stages,
        report: &mut ChatReport,
        rows: &mut Vec<ChatRow>,
    ) -> Result<()> {
        let config = self.config;
        let mut stage = Stage::new(JUDGE, means, config.judging(), (config.tries, config.draw));
        let criteria: Vec<&str> = self.criteria.iter().map(String::as_str).collect();
        let ids: Vec<&str> = answered.iter().map(|(question, ..)| &*question.id).collect();
        let render = |i: usize| {
            let (question, reasoning, answer) = &answered[i];
            let values = self.sources[question.source].values.clone();
            let values = values
                .own("question", question.text.as_str())
                .own("reasoning", reasoning.as_str())
                .own("answer", answer.as_str());
            Ok(Request::user(self.judge.render(&values)?))
        };
        let read = |i: usize, text: &str| {
            let (question, reasoning, answer) = &answered[i];
            Judgement::read(text, &criteria, &[reasoning, answer, &question.text])
        };
        let judged = stage.ask(&ids, render, read).await?;
        let judged = something(judged, stage.done(), stages)?;
        for ((question, reasoning, answer), judged) in answered.into_iter().zip(judged) {
            let Some(judgement) = judged else {
                report.unjudged += 1;
                continue;
            };
            if !judgement.passes() {
                report.rejected += 1;
                for (criterion, verdict) in judgement.objected() {
                    let objection = format!("{criterion}: {verdict:?}").to_lowercase();
                    *report.objections.entry(objection).or_default() += 1;
                }
                continue;
            }
            report.passed += 1;
            let source = &self.sources[question.source];
            rows.push(ChatRow {
                id: question.id.clone(),
                domain: source.domain.clone(),
                kind: source.kind.clone(),
                question: question.text.clone(),
                reasoning,
                answer,
            });
        }
        Ok(())
    }
}

/// What was answered, with its account. A model that has not given one usable answer, in this round or before, is an
/// error with its first cause: whoever runs it should hear why.
fn something<T>(
    answers: Vec<Result<T, Failure>>,
    requests: Requests,
    stages: &mut Stages,
) -> Result<Vec<Option<T>>> {
    let stage = stages.add(requests);
    let nothing = stage.usable == 0;
    let mut first = None;
    let answers = answers
        .into_iter()
        .map(|answer| answer.map_err(|failure| first.get_or_insert(failure)).ok())
        .collect();
    match first {
        Some(source) if nothing => {
            let (stage, asked) = (stage.stage.clone(), stage.asked);
            Err(Error::NothingCameBack { stage, asked, source: Box::new(source) })
        }
        _ => Ok(answers),
    }
}

/// How many questions each source gets, so that all together are enough: in turn, from those with the fewest.
fn share(count: usize, sources: &[Source<'_>]) -> HashMap<usize, usize> {
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&number| sources[number].questions.len());
    let each = count / sources.len().max(1);
    let more = count % sources.len().max(1);
    let share = order.into_iter().enumerate();
    share.map(|(place, number)| (number, each + usize::from(place < more))).collect()
}

/// Drops questions that are near to one that is kept, over all rounds.
struct Filter<'a> {
    novel: Novel<'a>,
    ids: HashSet<String>,
}

impl<'a> Filter<'a> {
    fn new(config: &ChatConfig, embedder: Option<&'a dyn Embedder>) -> Result<Self> {
        let meaning = embedder.map(|embedder| (embedder, config.cosine));
        Ok(Filter { novel: Novel::new(Some(&config.dedup), meaning)?, ids: HashSet::new() })
    }

    async fn sift(&mut self, mut questions: Vec<Question>) -> Result<Vec<Question>> {
        questions.retain(|question| self.ids.insert(question.id.clone()));
        let texts: Vec<&str> = questions.iter().map(|question| &*question.text).collect();
        let near = self.novel.sift(&texts).await?;
        let fresh = questions.into_iter().zip(near).filter(|(_, near)| near.is_none());
        Ok(fresh.map(|(question, _)| question).collect())
    }
}

/// The requests of each stage, over all rounds.
#[derive(Default)]
struct Stages(Vec<Requests>);

impl Stages {
    /// Adds the account of another round; gives the stage's over all rounds.
    fn add(&mut self, requests: Requests) -> &Requests {
        let known = self.0.iter().position(|known| known.stage == requests.stage);
        let at = known.unwrap_or(self.0.len());
        match self.0.get_mut(at) {
            Some(known) => known.add(&requests),
            None => self.0.push(requests),
        }
        &self.0[at]
    }
}

/// Kinds of messages that suit preferences without reasons.
pub(super) fn of_names(kinds: Vec<ChatKind>, names: &[&str]) -> Vec<ChatKind> {
    kinds.into_iter().filter(|kind| names.contains(&&*kind.name)).collect()
}
