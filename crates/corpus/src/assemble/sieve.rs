//! Which documents stay.

use ethos_core::Document;

use super::{Assembly, Fell};
use crate::{
    decontaminate::Evaluation,
    dedup::{How, Likeness, Novel},
    error::Result,
};

/// What lets documents through: no run of an evaluation, not near to one that is there.
pub(super) struct Sieve<'a> {
    novel: Novel<'a>,
    evaluation: Option<&'a Evaluation>,
    /// Ids by the numbers of their documents.
    ids: Vec<String>,
}

impl<'a> Sieve<'a> {
    pub(super) fn new(assembly: &'a Assembly<'_>) -> Result<Self> {
        let novel = Novel::new(assembly.dedup.as_ref(), assembly.embedder)?;
        Ok(Sieve { novel, evaluation: assembly.evaluation.as_ref(), ids: Vec::new() })
    }

    /// For each document why it falls, if it does.
    pub(super) async fn sift(&mut self, documents: &[Document]) -> Result<Vec<Option<Fell>>> {
        let mut whys: Vec<Option<Fell>> = documents.iter().map(|_| None).collect();
        if let Some(evaluation) = self.evaluation {
            let texts: Vec<&str> = documents.iter().map(|document| &*document.text).collect();
            for overlap in evaluation.decontaminate(&texts).overlaps {
                if evaluation.falls(&overlap) {
                    whys[overlap.document] = Some(Fell::Contaminated { prompt: overlap.prompt });
                }
            }
        }
        let clean: Vec<usize> = (0..documents.len()).filter(|&i| whys[i].is_none()).collect();
        let texts: Vec<&str> = clean.iter().map(|&i| &*documents[i].text).collect();
        self.ids.extend(clean.iter().map(|&i| documents[i].id.clone()));
        for (i, near) in clean.into_iter().zip(self.novel.sift(&texts).await?) {
            let Some(near) = near else { continue };
            let of = self.ids.get(near.kept).cloned().unwrap_or_default();
            whys[i] = Some(match near.how {
                How::Words(Likeness::Exact) => Fell::Duplicate { of, similarity: 1.0 },
                How::Words(Likeness::Near(similarity)) => Fell::Duplicate { of, similarity },
                How::Meaning(cosine) => Fell::Similar { of, cosine },
            });
        }
        Ok(whys)
    }
}
