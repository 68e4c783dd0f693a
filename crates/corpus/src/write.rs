//! Writing: from ideas to documents.

use std::ops::Range;

use ethos_core::{Document, Failure, Journal, Lineage, Model, Request, Watch};
use ethos_spec::Spec;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};

use crate::{
    config::WriteConfig,
    content,
    corpus::Corpus,
    error::{Error, Result},
    plan::{Place, Plan},
    preview,
    prompts::{Prompts, Values},
    report::{Cause, Missing, Requests, WriteReport},
    stage::{DOCUMENTS, Stage},
};

/// Writes the documents of a plan, one for each idea (arXiv 2605.02087 §3).
///
/// A refusal, an answer that was cut off, one whose tags are missing or do not close and one whose
/// scratchpad leaks into the content cannot be used: it is asked again, and counted. An idea without
/// a usable answer is named in the report ([`WriteReport::is_complete`]), never a row. A model that
/// fails on one document does not stop the others; a rerun on the same journal asks for what is
/// missing and pays for nothing twice.
///
/// Rows are sorted by id and then shuffled by the seed: same journal, same seed, same bytes.
///
/// # Errors
///
/// [`Error::EmptyPlan`], [`Error::OtherSpec`] or [`Error::Span`] when the plan is not one of this
/// spec, [`Error::Config`], a prompt that does not render or is larger than the model's context, [`Error::NothingCameBack`] when there is no
/// document at all, and the journal's.
pub async fn write(
    plan: &Plan,
    spec: &Spec,
    config: &WriteConfig,
    prompts: &Prompts,
    model: &dyn Model,
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<Corpus> {
    let means = (model, journal, watch);
    write_some(plan, &plan.ideas(), spec, config, prompts, means).await?.something()
}

/// What came of writing some ideas; it may be nothing.
pub(crate) struct Written {
    pub(crate) corpus: Corpus,
    /// Why the first of those that are missing is.
    first: Option<Failure>,
}

impl Written {
    /// The corpus, unless there is no document in it.
    pub(crate) fn something(self) -> Result<Corpus> {
        match self.first {
            Some(source) if self.corpus.documents.is_empty() => {
                let Requests { stage, asked, .. } = self.corpus.report.requests;
                Err(Error::NothingCameBack { stage, asked, source: Box::new(source) })
            }
            _ => Ok(self.corpus),
        }
    }
}

/// Writes some of the ideas of a plan.
pub(crate) async fn write_some(
    plan: &Plan,
    places: &[Place<'_>],
    spec: &Spec,
    config: &WriteConfig,
    prompts: &Prompts,
    means: (&dyn Model, &Journal, &dyn Watch),
) -> Result<Written> {
    config.check()?;
    plan.check(spec)?;
    if places.is_empty() {
        return Err(Error::EmptyPlan);
    }

    let values = Values::new(spec, &plan.who);
    let render = |i: usize| {
        let place: &Place<'_> = &places[i];
        let values = values
            .clone()
            .domain(place.domain)
            .topic(place.topic)
            .assertions(&place.topic.assertions)
            .doc_type(place.doc_type)
            .idea(place.idea);
        Ok::<_, Error>(prompts.document.render(&values)?)
    };
    // One that does not render, or is too large, fails here, before anything is asked.
    let looked_at = if config.context.is_some() { places.len() } else { 1 };
    for place in 0..looked_at {
        preview::fits(DOCUMENTS, &render(place)?, config.max_tokens, config.context)?;
    }
    let mut stage = Stage::new(DOCUMENTS, means, config.sampling(), (config.tries, config.draw));
    let ids: Vec<&str> = places.iter().map(|place| &*place.id).collect();
    let texts = stage
        .ask(&ids, |i| Ok(Request::user(render(i)?)), |_, text| content::document(text))
        .await?;

    let mut report = WriteReport {
        model: means.0.id().key.clone(),
        prompt_hash: prompts.document.hash(),
        planned: places.len() as u64,
        requests: stage.done(),
        ..WriteReport::default()
    };
    let mut documents = Vec::new();
    let mut first: Option<Failure> = None;
    for (place, text) in places.iter().zip(texts) {
        match text {
            Ok(text) => documents.push(row(plan, place, text, &report)),
            Err(failure) => {
                let (id, path) = (place.id.clone(), place.path());
                report.missing.push(Missing { id, path, cause: Cause::from(&failure) });
                first.get_or_insert(failure);
            }
        }
    }
    report.written = documents.len() as u64;
    shuffle(&mut documents, config.seed);
    Ok(Written { corpus: Corpus { documents, report }, first })
}

/// Puts documents into the order that a seed gives, whatever their order was.
pub(crate) fn shuffle(documents: &mut [Document], seed: u64) {
    documents.sort_by(|a, b| a.id.cmp(&b.id));
    documents.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
}

fn row(plan: &Plan, place: &Place<'_>, text: String, report: &WriteReport) -> Document {
    let spans = place.topic.assertions.iter().flat_map(|a| a.spans.iter().cloned());
    let lineage = Lineage::new(&plan.spec_hash, merged(spans.collect()));
    let mut document = Document::new(&place.id, text).with_lineage(lineage);
    let text = |text: &str| Value::String(text.to_owned());
    document.metadata = Map::from_iter([
        ("domain".to_owned(), text(&place.domain.name)),
        ("topic".to_owned(), text(&place.topic.name)),
        ("assertions".to_owned(), place.assertions.iter().map(|id| text(id)).collect()),
        ("type".to_owned(), text(&place.doc_type.name)),
        ("idea".to_owned(), text(&place.idea.name)),
        ("model".to_owned(), text(&report.model)),
        ("prompt_hash".to_owned(), text(&report.prompt_hash)),
    ]);
    document
}

/// The same bytes in order and without overlap: a document speaks of a byte once.
fn merged(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_by_key(|span| span.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn merging_keeps_every_byte_once(spans in prop::collection::vec((0usize..40, 1usize..9), 0..9)) {
            let spans: Vec<_> = spans.into_iter().map(|(start, len)| start..start + len).collect();
            let before: BTreeSet<usize> = spans.iter().cloned().flatten().collect();
            let merged = merged(spans);
            let after: Vec<usize> = merged.iter().cloned().flatten().collect();
            prop_assert_eq!(before.into_iter().collect::<Vec<_>>(), after);
            prop_assert!(merged.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
