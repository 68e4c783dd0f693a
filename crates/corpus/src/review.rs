//! Whether documents are faithful to the spec, and making them so.

use std::collections::{BTreeMap, HashMap};

use ethos_core::{Document, Failure, Journal, Model, Prompt, Request, Sampling, Watch};
use ethos_spec::Spec;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    content,
    criteria::Judgement,
    error::{Error, Result},
    plan::{Place, Plan},
    prompts::Values,
    report::{Cause, Missing, Requests},
    stage::{REVIEW, REVISE, Stage},
};

/// What a document is judged by: nothing is said of the assistant that the spec does not give, it conveys what it
/// was to convey of this assistant, and it holds no fabricated facts or talk of how it was written.
pub const CRITERIA: [&str; 3] = ["faithful", "specific", "clean"];

/// How documents are judged or revised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewConfig {
    /// How often an answer that cannot be used is asked again.
    pub tries: u32,
    /// Which drawing of the review this is: another number asks for every verdict anew.
    pub draw: u32,
    /// Softmax temperature; the model's own where there is none.
    pub temperature: Option<f64>,
    /// Tokens after which an answer is cut off, and so cannot be used.
    pub max_tokens: u32,
    /// Tokens that the model can hold, request and answer together; see [`PlanConfig::context`](crate::PlanConfig::context).
    /// [`assemble`](crate::assemble()) looks at the judge's before it writes.
    #[serde(default)]
    pub context: Option<u64>,
}

impl ReviewConfig {
    /// For judging: greedy, with room for reasons.
    pub fn judging() -> Self {
        let temperature = Some(0.0);
        ReviewConfig { tries: 2, draw: 0, temperature, max_tokens: 1_500, context: None }
    }

    /// For revising: as documents are written, with room for the critique.
    pub fn revising() -> Self {
        let temperature = Some(1.0);
        ReviewConfig { tries: 2, draw: 0, temperature, max_tokens: 8_000, context: None }
    }

    fn stage<'a>(
        &self,
        name: &str,
        means: (&'a dyn Model, &'a Journal, &'a dyn Watch),
    ) -> Result<Stage<'a>> {
        if self.max_tokens == 0 {
            let message = "is 0 and must be at least 1";
            return Err(Error::Config { setting: "max_tokens", message });
        }
        let (temperature, max_tokens) = (self.temperature, Some(self.max_tokens));
        let sampling = Sampling { temperature, max_tokens, ..Sampling::default() };
        Ok(Stage::new(name, means, sampling, (self.tries, self.draw)))
    }
}

/// The prompts of review. They are rendered strictly, with `spec`, `assistant`, `provider`, `assertions` and
/// `document`; `revise` has `problems` besides, which may be empty.
#[derive(Clone, Debug)]
pub struct ReviewPrompts {
    /// Document → verdicts, in a tag for each of [`CRITERIA`], with `<quote>`.
    pub judge: Prompt,
    /// Document → a better one, in `<content>`.
    pub revise: Prompt,
}

impl Default for ReviewPrompts {
    /// Those of this crate.
    fn default() -> Self {
        let prompt = |name, source| Prompt::new(name, source).expect("a test compiles it");
        ReviewPrompts {
            judge: prompt("review/judge", include_str!("prompts/review/judge.md")),
            revise: prompt("review/revise", include_str!("prompts/review/revise.md")),
        }
    }
}

/// What a judge says of documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Review {
    /// For each document, in their order: the judgement, or why there is none.
    pub judgements: Vec<Result<Judgement, Cause>>,
    /// The account.
    pub report: ReviewReport,
}

/// The account of a review.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReviewReport {
    /// Key of the model that judged.
    pub model: String,
    /// Hash of the judge's prompt.
    pub prompt_hash: String,
    /// Documents that pass.
    pub passed: u64,
    /// Documents that do not, by criterion and verdict, such as `faithful: no`.
    pub objections: BTreeMap<String, u64>,
    /// The requests.
    pub requests: Requests,
}

impl Review {
    /// Whether the document of this number passes: it was judged, and every verdict is yes.
    pub fn passes(&self, number: usize) -> bool {
        matches!(self.judgements.get(number), Some(Ok(judgement)) if judgement.passes())
    }
}

/// What came of revising.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Revision {
    /// All documents, in their order: the revised ones, and those as they were that could not be revised.
    pub documents: Vec<Document>,
    /// Documents that stayed as they were.
    pub unrevised: Vec<Missing>,
    /// The requests.
    pub requests: Requests,
}

/// Judges and revises the documents of a plan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reviewer<'a> {
    /// The plan that they are of.
    pub plan: &'a Plan,
    /// The spec that they speak of.
    pub spec: &'a Spec,
    /// What is asked.
    pub prompts: ReviewPrompts,
    /// How judges are asked.
    pub judging: ReviewConfig,
    /// How revisions are asked for.
    pub revising: ReviewConfig,
}

impl<'a> Reviewer<'a> {
    /// With the prompts and settings of this crate.
    pub fn new(plan: &'a Plan, spec: &'a Spec) -> Self {
        Reviewer {
            plan,
            spec,
            prompts: ReviewPrompts::default(),
            judging: ReviewConfig::judging(),
            revising: ReviewConfig::revising(),
        }
    }

    /// Has a model judge documents by the spec they were written from, strictly: a verdict that is unclear, or that
    /// cannot be read, does not let a document pass.
    ///
    /// # Errors
    ///
    /// [`Error::OtherSpec`] or [`Error::Span`] when the plan is not one of this spec, [`Error::Unplanned`] for a
    /// document that is not of the plan, a prompt that does not render, and the journal's.
    pub async fn review(
        &self,
        documents: &[Document],
        judge: &dyn Model,
        journal: &Journal,
        watch: &dyn Watch,
    ) -> Result<Review> {
        Ok(self.judged(documents, judge, journal, watch).await?.0)
    }

    /// The review, and the model's first failure, if it failed to answer for every document.
    pub(crate) async fn judged(
        &self,
        documents: &[Document],
        judge: &dyn Model,
        journal: &Journal,
        watch: &dyn Watch,
    ) -> Result<(Review, Option<Failure>)> {
        let Reviewer { plan, spec, prompts, judging: config, .. } = self;
        let places = places(documents, plan, spec)?;
        let values = Values::new(spec, &plan.who);
        let render = |i: usize| {
            let assertions = &places[i].topic.assertions;
            let values =
                values.clone().assertions(assertions).own("document", documents[i].text.as_str());
            Ok(Request::user(prompts.judge.render(&values)?))
        };
        let mut stage = config.stage(REVIEW, (judge, journal, watch))?;
        let ids: Vec<&str> = documents.iter().map(|document| &*document.id).collect();
        let read = |i: usize, text: &str| Judgement::read(text, &CRITERIA, &[&documents[i].text]);
        let judged = stage.ask(&ids, render, read).await?;
        let mut report = ReviewReport {
            model: judge.id().key.clone(),
            prompt_hash: prompts.judge.hash(),
            requests: stage.done(),
            ..ReviewReport::default()
        };
        let down = judged.iter().all(|judged| matches!(judged, Err(Failure::Model(_))));
        let mut first = None;
        let judgements: Vec<Result<Judgement, Cause>> = judged
            .into_iter()
            .map(|judged| {
                judged.map_err(|failure| {
                    let cause = Cause::from(&failure);
                    first.get_or_insert(failure);
                    cause
                })
            })
            .collect();
        for judgement in judgements.iter().flatten() {
            report.passed += u64::from(judgement.passes());
            for criterion in judgement.objections() {
                let verdict =
                    format!("{criterion}: {:?}", judgement.verdicts[criterion]).to_lowercase();
                *report.objections.entry(verdict).or_default() += 1;
            }
        }
        Ok((Review { judgements, report }, first.filter(|_| down)))
    }

    /// Has a model criticise each document and write it anew. `problems` says, for each document, what a judge
    /// objected to ([`Judgement::problems`]); where it is shorter, there is nothing.
    ///
    /// A revised document has its id and its lineage, and says so: `revised` in its metadata is the hash of the
    /// prompt. A revision that cannot be used leaves the document as it was.
    ///
    /// # Errors
    ///
    /// Those of [`Reviewer::review`].
    pub async fn revise(
        &self,
        documents: &[Document],
        problems: &[String],
        writer: &dyn Model,
        journal: &Journal,
        watch: &dyn Watch,
    ) -> Result<Revision> {
        let Reviewer { plan, spec, prompts, revising: config, .. } = self;
        let places = places(documents, plan, spec)?;
        let values = Values::new(spec, &plan.who);
        let render = |i: usize| {
            let problems = problems.get(i).map_or("", |problems| problems.as_str());
            let values = values
                .clone()
                .assertions(&places[i].topic.assertions)
                .own("document", documents[i].text.as_str())
                .own("problems", problems);
            Ok(Request::user(prompts.revise.render(&values)?))
        };
        let mut stage = config.stage(REVISE, (writer, journal, watch))?;
        let ids: Vec<&str> = documents.iter().map(|document| &*document.id).collect();
        let texts = stage.ask(&ids, render, |_, text| content::document(text)).await?;
        let mut revision =
            Revision { documents: Vec::new(), unrevised: Vec::new(), requests: stage.done() };
        let hash = prompts.revise.hash();
        for ((document, place), text) in documents.iter().zip(&places).zip(texts) {
            let mut document = document.clone();
            match text {
                Ok(text) => {
                    document.text = text;
                    document.metadata.insert("revised".to_owned(), Value::String(hash.clone()));
                }
                Err(failure) => revision.unrevised.push(missing(place, &failure)),
            }
            revision.documents.push(document);
        }
        Ok(revision)
    }
}

fn missing(place: &Place<'_>, failure: &Failure) -> Missing {
    Missing { id: place.id.clone(), path: place.path(), cause: Cause::from(failure) }
}

/// The place in the plan of each document.
fn places<'p>(documents: &[Document], plan: &'p Plan, spec: &Spec) -> Result<Vec<Place<'p>>> {
    plan.check(spec)?;
    let places: HashMap<String, Place<'p>> =
        plan.ideas().into_iter().map(|place| (place.id.clone(), place)).collect();
    documents
        .iter()
        .map(|document| {
            let place = places.get(&document.id).cloned();
            place.ok_or_else(|| Error::Unplanned { id: document.id.clone() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ethos_core::{Journal, Scripted};
    use futures::executor::block_on;

    use super::*;
    use crate::{fixture, write};

    fn corpus(journal: &Journal) -> Vec<Document> {
        let (model, _) = fixture::writer("right", |_, asked| asked.answer().into());
        let (spec, plan) = (fixture::spec(), fixture::plan());
        let config = fixture::write_config();
        block_on(write(&plan, &spec, &config, &fixture::prompts(), &model, journal, &()))
            .unwrap()
            .documents
    }

    #[test]
    fn only_three_times_yes_passes() {
        let journal = Journal::in_memory().unwrap();
        let (documents, spec, plan) = (corpus(&journal), fixture::spec(), fixture::plan());
        let judge = Scripted::new("judge", |request| {
            let asked = request.messages[0].text();
            let verdicts = |faithful: &str, clean: &str| {
                format!(
                    "Well.<quote></quote><faithful>{faithful}</faithful><specific>yes</specific>\
                     <clean>{clean}</clean>"
                )
            };
            match () {
                () if asked.contains("Letter 0/Speak of it, 0.") => verdicts("yes", "yes").into(),
                () if asked.contains("Letter 0/Speak of it, 1.") => {
                    verdicts("no", "unclear").into()
                }
                () if asked.contains("Letter 1/Speak of it, 0.") => "I like it.".into(),
                () => verdicts("unclear", "yes").into(),
            }
        });
        let reviewer = Reviewer::new(&plan, &spec);
        let review =
            |documents: &[Document]| block_on(reviewer.review(documents, &judge, &journal, &()));
        let found = review(&documents).unwrap();
        assert_eq!((found.report.passed, documents.len()), (1, 4));
        let objections: Vec<_> = found.report.objections.iter().map(|(o, n)| (&**o, *n)).collect();
        assert_eq!(
            objections,
            [("clean: unclear", 1), ("faithful: no", 1), ("faithful: unclear", 1)]
        );
        assert_eq!(found.report.requests.unusable["missing tag"], 3, "asked three times in all");
        let passing = (0..4).find(|&i| found.passes(i)).unwrap();
        assert!(documents[passing].text.contains("Letter 0/Speak of it, 0."));
        let stranger = Document::new("stranger", "Who am I?");
        assert!(matches!(review(&[stranger]), Err(Error::Unplanned { .. })));
    }

    #[test]
    fn a_document_that_cannot_be_revised_stays_as_it_was() {
        let journal = Journal::in_memory().unwrap();
        let (documents, spec, plan) = (corpus(&journal), fixture::spec(), fixture::plan());
        let writer = Scripted::new("reviser", |request| {
            let asked = request.messages[0].text();
            match asked.contains("Letter 0/") {
                true => {
                    assert_eq!(
                        asked.contains("Not faithful."),
                        asked.contains("it, 0."),
                        "{asked}"
                    );
                    "<scratchpad>Better.</scratchpad><content>It is better now.</content>".into()
                }
                false => "It is fine as it is.".into(),
            }
        });
        let problems: Vec<String> = documents
            .iter()
            .map(|document| match document.text.contains("it, 0.") {
                true => "Not faithful.".to_owned(),
                false => String::new(),
            })
            .collect();
        let reviewer = Reviewer::new(&plan, &spec);
        let revised =
            block_on(reviewer.revise(&documents, &problems, &writer, &journal, &())).unwrap();
        assert_eq!(revised.unrevised.len(), 2);
        for (before, after) in documents.iter().zip(&revised.documents) {
            assert_eq!((&before.id, &before.lineage), (&after.id, &after.lineage));
            match before.text.contains("Letter 0/") {
                true => {
                    assert_eq!(after.text, "It is better now.");
                    assert_eq!(after.metadata["revised"], reviewer.prompts.revise.hash());
                }
                false => assert_eq!(before, after),
            }
        }
    }
}
