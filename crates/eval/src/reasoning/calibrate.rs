//! How well a judge reads reasons.

use std::collections::{BTreeMap, BTreeSet};

use ethos_core::{Completion, Journal, Message};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{Codebook, Coded};
use crate::{
    Error, Judge, Outcome, Result, Sample, State,
    scorer::Grading,
    stats::{JudgeAccuracy, Missing, Proportion},
};

/// A transcript that was coded by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// A name that no other has.
    pub id: String,
    /// What the agent was in.
    pub situation: String,
    /// What it thought.
    pub reasoning: String,
    /// The codes that apply.
    pub codes: BTreeSet<String>,
    /// The words that show each of them.
    pub quotes: BTreeMap<String, String>,
}

/// The transcripts that this crate has, written and coded by hand for [`Codebook::fixed`].
///
/// # Errors
///
/// [`Error::Texts`] when the texts of this crate are at fault, which its tests rule out.
pub fn golden() -> Result<Vec<Golden>> {
    let lines = include_str!("texts/golden.jsonl").lines().filter(|line| !line.trim().is_empty());
    let read = |line: &str| {
        serde_json::from_str(line).map_err(|error| Error::Texts {
            file: "reasoning/texts/golden.jsonl".to_owned(),
            message: error.to_string(),
        })
    };
    lines.map(read).collect()
}

/// How well a judge reads reasons, against transcripts that were coded by hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Calibration {
    /// For each code, how often the judge finds it where it is, and does not where it is not. From these
    /// [`JudgeAccuracy::correct`] corrects a rate.
    pub by_code: BTreeMap<String, JudgeAccuracy>,
    /// Transcripts in which the judge found exactly the codes that apply.
    pub exact: Proportion,
    /// Transcripts that the judge could not code, by reason.
    pub missing: Missing,
    /// What it found otherwise: the transcript, the codes that apply, those that it found.
    pub differ: Vec<(String, BTreeSet<String>, BTreeSet<String>)>,
}

/// Has a judge code transcripts whose codes are known. Answers go through the journal.
///
/// # Errors
///
/// [`Error::Task`] with a transcript that names a code which the codebook lacks; those of [`Judge::ask`].
pub async fn calibrate(
    judge: Judge<'_>,
    codebook: &Codebook,
    golden: &[Golden],
    journal: &Journal,
) -> Result<Calibration> {
    for one in golden {
        if let Some(code) = one.codes.iter().find(|code| codebook.code(code).is_none()) {
            let message = format!("`{}` has the code `{code}`, which the codebook lacks", one.id);
            return Err(Error::Task { task: "reasoning/calibrate".to_owned(), message });
        }
    }
    let coded = Coded::new(codebook.clone(), [judge.clone()]);
    let grading = Grading::new(journal, "reasoning/calibrate");
    let (coded, grading, judge) = (&coded, &grading, &judge);
    let find = |one: Golden| async move {
        let sample = Sample::new(one.id.as_str(), one.situation.as_str());
        let mut state = State::new(sample, 1);
        state.messages.push(Message::assistant(one.reasoning.as_str()));
        state.completion = Some(Completion::new(one.reasoning.as_str()));
        Ok::<_, Error>((one, coded.find(judge, &state, grading).await?))
    };
    let found =
        stream::iter(golden.iter().cloned().map(find)).buffered(judge.model().concurrency().max(1));
    let found: Vec<_> = found.try_collect().await?;

    let mut calibration = Calibration::default();
    for code in &codebook.codes {
        let verdicts: Vec<(bool, Outcome<bool>)> = found
            .iter()
            .map(|(one, found)| {
                let sees = found.clone().map(|found| found.contains_key(&code.id));
                (one.codes.contains(&code.id), sees)
            })
            .collect();
        let labelled = verdicts.iter().map(|(is, sees)| (*is, sees));
        calibration.by_code.insert(code.id.clone(), JudgeAccuracy::of(labelled));
    }
    for (one, found) in found {
        calibration.missing.count(&found);
        let Outcome::Scored(found) = found else { continue };
        let found: BTreeSet<String> = found.into_keys().collect();
        calibration.exact.trials += 1;
        calibration.exact.successes += u64::from(found == one.codes);
        if found != one.codes {
            calibration.differ.push((one.id, one.codes, found));
        }
    }
    Ok(calibration)
}

#[cfg(test)]
mod tests {
    use ethos_core::Scripted;
    use futures::executor::block_on;
    use serde_json::json;

    use super::*;
    use crate::reasoning;

    #[test]
    fn the_golden_transcripts_fit_the_codebook() {
        let (golden, book) = (golden().unwrap(), Codebook::fixed().unwrap());
        assert!(golden.len() >= 40);
        let mut ids = BTreeSet::new();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &golden {
            assert!(ids.insert(&one.id), "{}", one.id);
            assert!(one.codes.iter().eq(one.quotes.keys()), "{}", one.id);
            for (code, quote) in &one.quotes {
                assert!(one.reasoning.contains(quote), "{}: {quote}", one.id);
                *counts.entry(&book.code(code).unwrap().id).or_default() += 1;
            }
        }
        assert!(book.codes.iter().all(|code| counts[code.id.as_str()] >= 2), "{counts:?}");
        assert!(golden.iter().any(|one| one.codes.is_empty()));
    }

    #[test]
    fn a_perfect_judge_and_a_blind_one() {
        let (golden, book, journal) =
            (golden().unwrap(), Codebook::fixed().unwrap(), Journal::in_memory().unwrap());
        let known = golden.clone();
        let perfect = Scripted::new("perfect", move |request| {
            let asked = request.messages[0].text();
            let one = known.iter().find(|one| asked.contains(&one.reasoning)).unwrap();
            let codes: Vec<_> = one
                .quotes
                .iter()
                .map(|(code, quote)| json!({"code": code, "quote": quote}))
                .collect();
            json!({"codes": codes}).to_string().into()
        });
        let of = |model: &Scripted| {
            let judge = reasoning::judge("judge", model).unwrap();
            block_on(calibrate(judge, &book, &golden, &journal)).unwrap()
        };
        let found = of(&perfect);
        assert_eq!(found.exact.rate(), Some(1.0));
        assert!(found.by_code.values().all(|code| code.sensitivity.rate() == Some(1.0)));
        let found = of(&Scripted::new("blind", |_| "{\"codes\": []}".into()));
        assert_eq!(found.by_code["self_preservation"].sensitivity.rate(), Some(0.0));
        assert_eq!(found.by_code["self_preservation"].specificity.rate(), Some(1.0));
        assert_eq!(found.differ.len() as u64, found.exact.trials - found.exact.successes);
    }
}
