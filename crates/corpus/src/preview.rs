//! What a plan or a corpus will take, before it is asked for.

use std::fmt;

use ethos_spec::Spec;
use serde::{Deserialize, Serialize};

use crate::{
    config::{Mode, PlanConfig, PlanTokens, WriteConfig},
    error::{Error, Result},
    plan::{Assertion, DocType, Domain, Idea, Label, Plan, Topic, Who},
    prompts::{Prompts, Values},
    review::{ReviewConfig, ReviewPrompts},
    rules,
    stage::{ASSERTIONS, DOCUMENTS, DOMAINS, IDEAS, REVIEW, REVISE, TOPICS, TYPES},
};

/// Bytes of English prose in one token, for estimates.
const BYTES_PER_TOKEN: usize = 4;

/// Tokens of one item of a stage's list, quotes included. Rough: the prompts ask for a few sentences.
const ITEM_TOKENS: [u64; 5] = [50, 300, 200, 80, 120];

/// Tokens of one answer with a document: 3,100 is the mean of the paper's documents (13,201 of them
/// hold 41.4 M tokens), 500 is our guess at the scratchpad.
const DOCUMENT_TOKENS: u64 = 3_600;

/// Tokens of a verdict with its grounds and its quote.
const VERDICT_TOKENS: u64 = 200;

/// What will be asked, and about how many tokens that takes.
///
/// Requests are those of a run in which every answer can be used and no list comes short. Tokens are
/// estimates: input from the bytes of the rendered prompts, output from what such answers usually
/// hold, never above `max_tokens`. Prefix caching, which most of this input allows, is not counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Preview {
    /// Rows of the data set: documents of a corpus, or chats.
    pub rows: u64,
    /// What each stage asks.
    pub stages: Vec<StagePreview>,
}

/// What one stage will ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StagePreview {
    /// The stage.
    pub stage: String,
    /// Requests.
    pub requests: u64,
    /// Tokens of the requests, about.
    pub input_tokens: u64,
    /// Tokens of the answers, about.
    pub output_tokens: u64,
}

impl StagePreview {
    /// What the stage costs, about, at prices of a million tokens of requests and of answers.
    pub fn cost(&self, input_price: f64, output_price: f64) -> f64 {
        let (input, output) = (self.input_tokens as f64, self.output_tokens as f64);
        (input * input_price + output * output_price) / 1e6
    }
}

impl Preview {
    /// Requests of all stages.
    pub fn requests(&self) -> u64 {
        self.stages.iter().map(|stage| stage.requests).sum()
    }

    /// Tokens of all requests, about.
    pub fn input_tokens(&self) -> u64 {
        self.stages.iter().map(|stage| stage.input_tokens).sum()
    }

    /// Tokens of all answers, about.
    pub fn output_tokens(&self) -> u64 {
        self.stages.iter().map(|stage| stage.output_tokens).sum()
    }

    /// What all of it costs, about, at prices of a million tokens of requests and of answers.
    ///
    /// ```
    /// # use ethos_core::Scripted;
    /// # use ethos_corpus::{PlanConfig, Prompts, Who, WriteConfig};
    /// # use ethos_spec::Spec;
    /// let spec = Spec::parse("Aria likes hard cheese, because it keeps.");
    /// let config = PlanConfig::paper(Who::new("Aria", "Acme"));
    /// let preview = config.preview(&spec, &WriteConfig::paper(), &Prompts::prose())?;
    /// assert!((500.0..1500.0).contains(&preview.cost(5.0, 25.0)));
    /// # Ok::<(), ethos_corpus::Error>(())
    /// ```
    pub fn cost(&self, input_price: f64, output_price: f64) -> f64 {
        self.stages.iter().map(|stage| stage.cost(input_price, output_price)).sum()
    }

    /// The table of the stages, with what each costs, about, at prices of a million tokens.
    pub fn priced(&self, input_price: f64, output_price: f64) -> impl fmt::Display {
        Priced { preview: self, prices: Some((input_price, output_price)) }
    }
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Priced { preview: self, prices: None }.fmt(f)
    }
}

/// The table of a preview, with a column of costs where there are prices.
struct Priced<'p> {
    preview: &'p Preview,
    prices: Option<(f64, f64)>,
}

impl fmt::Display for Priced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let preview = self.preview;
        let head = if self.prices.is_some() { format!(" {:>9}", "cost") } else { String::new() };
        writeln!(
            f,
            "{:<20} {:>9} {:>13} {:>13}{head}",
            "stage", "requests", "tokens in", "tokens out"
        )?;
        let all = StagePreview {
            stage: "all".to_owned(),
            requests: preview.requests(),
            input_tokens: preview.input_tokens(),
            output_tokens: preview.output_tokens(),
        };
        for one in preview.stages.iter().chain([&all]) {
            let StagePreview { stage, requests, input_tokens, output_tokens } = one;
            write!(f, "{stage:<20} {requests:>9} {input_tokens:>13} {output_tokens:>13}")?;
            match self.prices {
                Some((input, output)) => writeln!(f, " {:>9.2}", one.cost(input, output))?,
                None => writeln!(f)?,
            }
        }
        write!(f, "{} rows", preview.rows)
    }
}

impl PlanConfig {
    /// What planning and writing at this size will take, before anything is planned.
    ///
    /// The prompts are rendered with the spec and with items of the usual length.
    ///
    /// # Errors
    ///
    /// [`Error::EmptySpec`], [`Error::Unfilled`], [`Error::NoRules`], [`Error::Config`], [`Error::Context`], and a
    /// prompt that does not render.
    pub fn preview(&self, spec: &Spec, write: &WriteConfig, prompts: &Prompts) -> Result<Preview> {
        check_spec(spec)?;
        self.check()?;
        write.check()?;
        let rules = self.mode == Mode::Rules;
        if rules && rules::of(spec).next().is_none() {
            return Err(Error::NoRules);
        }
        let assertions = if rules { 1 } else { self.assertions_per_topic };
        let inputs = usual(assertions).prompts(spec, &self.who, prompts)?;
        self.check_context(&inputs)?;
        fits(DOCUMENTS, &inputs[5], write.max_tokens, write.context)?;
        let product = |counts: &[usize]| {
            counts.iter().fold(1_u64, |product, &n| product.saturating_mul(n as u64))
        };
        let (topics, all_topics) = (self.topics_per_domain, self.topics(spec));
        let lists = all_topics.saturating_mul(self.types_per_topic as u64);
        let mut stages = Vec::new();
        for (((stage, requests, items, limit), item), input) in [
            (DOMAINS, 1, self.domains, self.max_tokens.domains),
            (TOPICS, product(&[self.domains]), topics, self.max_tokens.topics),
            (ASSERTIONS, all_topics, assertions, self.max_tokens.assertions),
            (TYPES, all_topics, self.types_per_topic, self.max_tokens.types),
            (IDEAS, lists, self.ideas_per_type, self.max_tokens.ideas),
        ]
        .into_iter()
        .zip(ITEM_TOKENS)
        .zip(&inputs)
        .skip(if rules { 3 } else { 0 })
        {
            let output = item.saturating_mul(items as u64).min(u64::from(limit));
            stages.push(StagePreview {
                stage: stage.to_owned(),
                requests,
                input_tokens: requests.saturating_mul(tokens(input)),
                output_tokens: requests.saturating_mul(output),
            });
        }
        let documents = self.documents(spec);
        let input = documents.saturating_mul(tokens(&inputs[5]));
        stages.push(writing(documents, input, write));
        Ok(Preview { rows: documents, stages })
    }

    /// That the usual prompts of all stages, and their answers, are within what the model holds.
    fn check_context(&self, inputs: &[String; 6]) -> Result<()> {
        let PlanTokens { domains, topics, assertions, types, ideas } = self.max_tokens;
        let stages = [
            (DOMAINS, domains),
            (TOPICS, topics),
            (ASSERTIONS, assertions),
            (TYPES, types),
            (IDEAS, ideas),
        ];
        // The first three are not asked where the rules stand for them.
        let asked = if self.mode == Mode::Rules { 3 } else { 0 };
        let mut stages = stages.into_iter().zip(inputs).skip(asked);
        stages.try_for_each(|((stage, answer), prompt)| fits(stage, prompt, answer, self.context))
    }
}

/// That a request and its answer are within what the model holds, where that is known.
pub(crate) fn fits(stage: &str, prompt: &str, answer: u32, context: Option<u64>) -> Result<()> {
    let needed = tokens(prompt).saturating_add(u64::from(answer));
    match context {
        Some(context) if needed > context => {
            Err(Error::Context { stage: stage.to_owned(), tokens: needed, context })
        }
        _ => Ok(()),
    }
}

impl ReviewPrompts {
    /// That the judge's prompt with a document of the usual length, and the verdict, are within what the judge holds.
    pub(crate) fn check(&self, config: &ReviewConfig, spec: &Spec, who: &Who) -> Result<()> {
        let path = usual(2);
        let prompt = self.judge.render(&usual_document(&path, spec, who))?;
        fits(REVIEW, &prompt, config.max_tokens, config.context)
    }

    /// What judging so many documents of the usual length will take, and what revising them all will: two stages, to
    /// be added to those of a preview where they are wanted.
    ///
    /// # Errors
    ///
    /// A prompt that does not render.
    pub fn preview(&self, documents: u64, spec: &Spec, who: &Who) -> Result<[StagePreview; 2]> {
        let path = usual(2);
        let values = usual_document(&path, spec, who);
        let stage =
            |stage: &str, prompt: String, output: u64, config: &ReviewConfig| StagePreview {
                stage: stage.to_owned(),
                requests: documents,
                input_tokens: documents.saturating_mul(tokens(&prompt)),
                output_tokens: documents.saturating_mul(output.min(u64::from(config.max_tokens))),
            };
        let judged = self.judge.render(&values)?;
        let revised = self.revise.render(&values.own("problems", words(40)))?;
        Ok([
            stage(REVIEW, judged, VERDICT_TOKENS, &ReviewConfig::judging()),
            stage(REVISE, revised, DOCUMENT_TOKENS, &ReviewConfig::revising()),
        ])
    }
}

impl Plan {
    /// What writing this plan will take: the very prompts are rendered and measured.
    ///
    /// # Errors
    ///
    /// [`Error::OtherSpec`] or [`Error::Span`] when the plan is not one of this spec,
    /// [`Error::Config`], and a prompt that does not render.
    pub fn preview(&self, spec: &Spec, write: &WriteConfig, prompts: &Prompts) -> Result<Preview> {
        self.check(spec)?;
        write.check()?;
        let places = self.ideas();
        let (mut documents, mut input) = (0, 0);
        for place in &places {
            let values = Values::new(spec, &self.who)
                .domain(place.domain)
                .topic(place.topic)
                .assertions(&place.topic.assertions)
                .doc_type(place.doc_type)
                .idea(place.idea);
            documents += 1;
            input += tokens(&prompts.document.render(&values)?);
        }
        Ok(Preview { rows: documents, stages: vec![writing(documents, input, write)] })
    }
}

fn writing(documents: u64, input_tokens: u64, write: &WriteConfig) -> StagePreview {
    let output = DOCUMENT_TOKENS.min(u64::from(write.max_tokens));
    StagePreview {
        stage: DOCUMENTS.to_owned(),
        requests: documents,
        input_tokens,
        output_tokens: documents.saturating_mul(output),
    }
}

pub(crate) fn tokens(text: &str) -> u64 {
    text.len().div_ceil(BYTES_PER_TOKEN) as u64
}

/// Renders every prompt once, so that one that cannot be rendered fails before anything is paid.
pub(crate) fn check_prompts(spec: &Spec, config: &PlanConfig, prompts: &Prompts) -> Result<()> {
    let prompts = usual(config.assertions_per_topic).prompts(spec, &config.who, prompts)?;
    config.check_context(&prompts)
}

/// Placeholders that stand for whom the spec is about. Other text in braces may be meant as it stands.
const NAMES: [&str; 2] = ["{assistant_name}", "{provider_name}"];

/// Whether there is something to plan from.
pub(crate) fn check_spec(spec: &Spec) -> Result<()> {
    if spec.text().trim().is_empty() {
        return Err(Error::EmptySpec);
    }
    let mut open = spec.placeholders().iter().map(|open| spec.slice(open.span));
    match open.find(|placeholder| NAMES.contains(placeholder)) {
        Some(placeholder) => Err(Error::Unfilled { placeholder: placeholder.to_owned() }),
        None => Ok(()),
    }
}

/// One path through a plan, with texts of the usual length.
struct Path {
    domain: Domain,
    topic: Topic,
    doc_type: DocType,
    idea: Idea,
}

fn words(count: usize) -> String {
    vec!["words"; count].join(" ")
}

fn usual(assertions: usize) -> Path {
    let assertion = Assertion {
        name: words(4),
        assertion: words(20),
        explanation: words(40),
        label: Label::Behavior,
        spans: Vec::new(),
    };
    Path {
        domain: Domain { name: words(3), description: words(30), topics: Vec::new() },
        topic: Topic {
            name: words(4),
            context: words(60),
            spans: Vec::new(),
            assertions: vec![assertion; assertions],
            types: Vec::new(),
        },
        doc_type: DocType { name: words(3), description: words(30), ideas: Vec::new() },
        idea: Idea { name: words(5), idea: words(70) },
    }
}

/// What a document of the usual length is judged with.
fn usual_document<'p>(path: &'p Path, spec: &'p Spec, who: &'p Who) -> Values<'p> {
    Values::new(spec, who)
        .assertions(&path.topic.assertions)
        .own("document", words(DOCUMENT_TOKENS as usize * BYTES_PER_TOKEN / "words ".len()))
}

impl Path {
    /// The prompts of all stages, in order.
    fn prompts(&self, spec: &Spec, who: &Who, prompts: &Prompts) -> Result<[String; 6]> {
        let existing = std::slice::from_ref(&self.idea.name);
        let seen = Values::new(spec, who);
        let domain = seen.clone().domain(&self.domain);
        let topic = domain.clone().topic(&self.topic);
        let ideas = topic.clone().assertions(&self.topic.assertions).doc_type(&self.doc_type);
        let types = Values::without_spec(who)
            .domain(&self.domain)
            .topic(&self.topic)
            .assertions(&self.topic.assertions);
        Ok([
            prompts.domains.render(&seen.list(1, &[]))?,
            prompts.topics.render(&domain.list(1, existing))?,
            prompts.assertions.render(&topic.list(1, existing))?,
            prompts.types.render(&types.list(1, existing))?,
            prompts.ideas.render(&ideas.clone().list(1, existing))?,
            prompts.document.render(&ideas.idea(&self.idea))?,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use ethos_core::Prompt;

    #[test]
    fn the_papers_shape_is_projected() {
        let config = PlanConfig::paper(Who::new("Aria", "Acme"));
        let spec = fixture::spec();
        let preview = config.preview(&spec, &WriteConfig::paper(), &Prompts::prose()).unwrap();
        assert_eq!(preview.rows, 8 * 3 * 20 * 25);
        let requests: Vec<_> = preview.stages.iter().map(|stage| stage.requests).collect();
        assert_eq!(requests, [1, 8, 24, 24, 480, 12_000]);
        let documents = &preview.stages[5];
        assert_eq!(documents.output_tokens, 12_000 * 3_600);
        assert!(documents.input_tokens > 12_000 * 500, "{preview}");
        assert!(preview.to_string().ends_with("\n12000 rows"));
    }

    #[test]
    fn every_stage_has_its_cost() {
        let config = PlanConfig::paper(Who::new("Aria", "Acme"));
        let spec = fixture::spec();
        let preview = config.preview(&spec, &WriteConfig::paper(), &Prompts::prose()).unwrap();
        let documents = &preview.stages[5];
        let cost = documents.cost(0.0, 10.0);
        assert!(
            (cost - 432.0).abs() < 1e-9,
            "12,000 times 3,600 tokens at 10 for a million: {cost}"
        );
        let sum: f64 = preview.stages.iter().map(|stage| stage.cost(2.0, 10.0)).sum();
        assert!((preview.cost(2.0, 10.0) - sum).abs() < 1e-9);
        let told = preview.priced(0.0, 10.0).to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[0].ends_with(" cost") && lines[6].ends_with(" 432.00"), "{told}");
        assert_eq!(lines.len(), 9);
    }

    #[test]
    fn what_a_model_does_not_hold_is_found_before_it_is_asked() {
        let config =
            PlanConfig { context: Some(20_000), ..PlanConfig::paper(Who::new("Aria", "Acme")) };
        let (write, prompts) = (WriteConfig::paper(), Prompts::prose());
        let error = config.preview(&fixture::spec(), &write, &prompts).unwrap_err().to_string();
        assert!(error.contains("`corpus/topics`") && error.contains("holds 20000"), "{error}");
        // Nobody is asked for the topics of rules, however long such an answer may be.
        let rules = Spec::parse("# Aria\n\n- S1: Is kind.\n- S2: Is brief.\n");
        let ruled = PlanConfig { mode: Mode::Rules, ..config.clone() };
        ruled.preview(&rules, &write, &Prompts::rules()).unwrap();
        check_prompts(&rules, &ruled, &Prompts::rules()).unwrap();
        let write = WriteConfig { context: Some(5_000), ..write };
        let error = ruled.preview(&rules, &write, &Prompts::rules()).unwrap_err().to_string();
        assert!(error.contains("`corpus/documents`"), "{error}");
        let judging = ReviewConfig { context: Some(4_096), ..ReviewConfig::judging() };
        let judged = ReviewPrompts::default().check(&judging, &rules, &config.who);
        assert!(judged.unwrap_err().to_string().contains("`corpus/review`"));
    }

    #[test]
    fn judging_and_revising_are_previewed_document_by_document() {
        let who = Who::new("Aria", "Acme");
        let [judge, revise] =
            ReviewPrompts::default().preview(100, &fixture::spec(), &who).unwrap();
        assert_eq!((&*judge.stage, judge.requests, judge.output_tokens), (REVIEW, 100, 20_000));
        assert_eq!((&*revise.stage, revise.output_tokens), (REVISE, 360_000));
        assert!((360_000..600_000).contains(&judge.input_tokens), "{judge:?}");
    }

    #[test]
    fn a_plan_is_measured_by_its_own_prompts() {
        let (spec, plan) = (fixture::spec(), fixture::plan());
        let prompts = Prompts {
            document: Prompt::new("document", "{{ idea.name }}").unwrap(),
            ..Prompts::prose()
        };
        let write = WriteConfig { max_tokens: 10, ..WriteConfig::paper() };
        let preview = plan.preview(&spec, &write, &prompts).unwrap();
        let ideas = plan.ideas();
        let input = ideas.iter().map(|place| place.idea.name.len().div_ceil(4) as u64).sum::<u64>();
        assert_eq!(preview.rows, ideas.len() as u64);
        assert_eq!((preview.input_tokens(), preview.output_tokens()), (input, 10 * preview.rows));
    }

    #[test]
    fn a_prompt_that_wants_what_is_not_there_is_found_out() {
        let document = Prompt::new("document", "{{ persona }}").unwrap();
        let prompts = Prompts { document, ..Prompts::prose() };
        let config = PlanConfig::paper(Who::new("Aria", "Acme"));
        let error = config.preview(&fixture::spec(), &WriteConfig::paper(), &prompts).unwrap_err();
        assert!(error.to_string().contains("prompt `document`"), "{error}");
    }
}
