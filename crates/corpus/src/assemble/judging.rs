//! What a judge lets through, revised where that is wanted.

use ethos_core::{Document, Journal, Model, Prompt, Watch};
use ethos_spec::Spec;
use serde::{Deserialize, Serialize};

use super::{Assembly, Fell};
use crate::{
    error::{Error, Result},
    plan::Plan,
    report::Requests,
    review::{Review, ReviewReport, Reviewer, Revision},
};

/// Which documents are criticised and written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Revise {
    /// All, before a judge sees them: the pass that synthetic document finetuning (Wang et al. 2025) has, and the
    /// paper has not.
    All,
    /// Those that a judge objects to, by what it says; it sees them once more. Without a judge, none.
    Rejected,
}

/// The account of revising.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Revised {
    /// Documents that were written anew.
    pub revised: u64,
    /// Documents that could not be, and stayed as they were.
    pub unrevised: u64,
    /// Of those that the judge had objected to, the ones that it then let pass.
    pub saved: u64,
    /// Hash of the prompt.
    #[serde(default)]
    pub prompt_hash: String,
    /// The requests.
    pub requests: Requests,
}

/// The accounts of judging and revising in all rounds.
#[derive(Default)]
pub(super) struct Accounts {
    pub(super) review: Option<ReviewReport>,
    pub(super) revised: Option<Revised>,
}

impl Accounts {
    fn reviewed(&mut self, report: ReviewReport) {
        match &mut self.review {
            None => self.review = Some(report),
            Some(sum) => {
                sum.passed += report.passed;
                for (objection, count) in report.objections {
                    *sum.objections.entry(objection).or_default() += count;
                }
                sum.requests.add(&report.requests);
            }
        }
    }

    fn revised(&mut self, revision: &Revision, prompt: &Prompt) -> &mut Revised {
        let sum = self.revised.get_or_insert_with(|| Revised {
            prompt_hash: prompt.hash(),
            requests: Requests { stage: revision.requests.stage.clone(), ..Requests::default() },
            ..Revised::default()
        });
        let unrevised = revision.unrevised.len() as u64;
        sum.revised += revision.documents.len() as u64 - unrevised;
        sum.unrevised += unrevised;
        sum.requests.add(&revision.requests);
        sum
    }
}

/// The documents as they are to be, each with the reason why it falls, if it does.
///
/// A judge that answers for none of the documents of the first round is an error: what it would have said of them is
/// no reason to write others.
pub(super) async fn judge(
    documents: Vec<Document>,
    (plan, spec): (&Plan, &Spec),
    assembly: &Assembly<'_>,
    (writer, journal, watch): (&dyn Model, &Journal, &dyn Watch),
    (round, accounts): (u32, &mut Accounts),
) -> Result<Vec<(Document, Option<Fell>)>> {
    let mut reviewer = Reviewer::new(plan, spec);
    if let Some((_, config, prompts)) = &assembly.review {
        (reviewer.judging, reviewer.prompts) = (config.clone(), prompts.clone());
    }
    let mut documents = documents;
    if assembly.revise == Some(Revise::All) {
        let revision = reviewer.revise(&documents, &[], writer, journal, watch).await?;
        accounts.revised(&revision, &reviewer.prompts.revise);
        documents = revision.documents;
    }
    let Some((judge, ..)) = &assembly.review else {
        return Ok(documents.into_iter().map(|document| (document, None)).collect());
    };
    let (Review { judgements, report }, down) =
        reviewer.judged(&documents, *judge, journal, watch).await?;
    if let (1, Some(source)) = (round, down) {
        let (stage, asked) = (report.requests.stage, report.requests.asked);
        return Err(Error::NothingCameBack { stage, asked, source: Box::new(source) });
    }
    accounts.reviewed(report);
    let whys = judgements.into_iter().map(why);
    let mut judged: Vec<(Document, Option<Fell>)> = documents.into_iter().zip(whys).collect();
    if assembly.revise != Some(Revise::Rejected) {
        return Ok(judged);
    }

    let (mut places, mut problems, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for (place, (document, why)) in judged.iter().enumerate() {
        if let Some(Fell::Rejected { problems: said, .. }) = why {
            places.push(place);
            problems.push(said.clone());
            again.push(document.clone());
        }
    }
    if again.is_empty() {
        return Ok(judged);
    }
    let revision = reviewer.revise(&again, &problems, writer, journal, watch).await?;
    let sum = accounts.revised(&revision, &reviewer.prompts.revise);
    // What could not be revised is what the judge has objected to already.
    let unrevised: Vec<&str> = revision.unrevised.iter().map(|missing| &*missing.id).collect();
    let (mut at, mut better) = (Vec::new(), Vec::new());
    for (place, document) in places.into_iter().zip(revision.documents) {
        if !unrevised.contains(&&*document.id) {
            at.push(place);
            better.push(document);
        }
    }
    let Review { judgements, report } = reviewer.review(&better, *judge, journal, watch).await?;
    sum.saved += report.passed;
    accounts.reviewed(report);
    for ((place, document), judgement) in at.into_iter().zip(better).zip(judgements) {
        judged[place] = (document, why(judgement));
    }
    Ok(judged)
}

fn why(judgement: Result<crate::Judgement, crate::Cause>) -> Option<Fell> {
    match judgement {
        Ok(judgement) if judgement.passes() => None,
        Ok(judgement) => Some(Fell::Rejected {
            criteria: judgement.objections().map(str::to_owned).collect(),
            problems: judgement.problems(),
        }),
        Err(cause) => Some(Fell::Unjudged(cause)),
    }
}
