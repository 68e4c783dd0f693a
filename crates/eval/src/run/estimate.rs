//! A measure of a run as a number, and how sure it is.

use serde::{Deserialize, Serialize};

use super::Run;
use crate::{
    Error, Kind, Measure, Result,
    stats::{Correction, Interval, Missing, Scope},
};

/// A measure's mean over a run, and how sure it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Estimate {
    /// What was measured.
    pub measure: Measure,
    /// The mean over all that was scored.
    pub mean: f64,
    /// Its standard error; `None` when nothing varies, which is not certainty.
    pub se: Option<f64>,
    /// What the error and the interval speak of: prompts like these, or more epochs of this one.
    pub scope: Scope,
    /// The interval at [`Estimate::level`]: of Korn and Graubard for a rate, of Student for other numbers;
    /// `None` where there is too little for one.
    pub interval: Option<Interval>,
    /// The level of the interval.
    pub level: f64,
    /// Clusters with a score.
    pub clusters: usize,
    /// Scores.
    pub observations: usize,
    /// What could not be scored.
    pub missing: Missing,
    /// The mean if all that is missing were as low as can be, and as high; `None` where there are no such
    /// ends.
    pub bounds: Option<(f64, f64)>,
}

impl Run {
    /// The mean of a measure, with an interval at this level, such as 0.95.
    ///
    /// Samples of one cluster count as alike, epochs of one sample too: with one prompt and many epochs
    /// the interval speaks of that prompt alone.
    ///
    /// # Errors
    ///
    /// [`Error::Measure`] when there is none of the name, [`Error::Undefined`] when nothing was scored, with
    /// a score that is not finite, or a level outside (0, 1).
    pub fn estimate(&self, measure: &str, level: f64) -> Result<Estimate> {
        let Some(measure) = self.measures.iter().find(|known| known.name == measure) else {
            let known: Vec<&str> = self.measures.iter().map(|known| known.name.as_str()).collect();
            let (wanted, known) = (measure.to_owned(), known.join(", "));
            return Err(Error::Measure { task: self.task.clone(), wanted, known });
        };
        let clusters = self.clusters(&measure.name)?;
        let mean = clusters.mean(Correction::SmallSample)?;
        let interval = match measure.kind {
            Kind::Rate => Some(clusters.korn_graubard(level)?),
            _ => mean.interval(level).ok(),
        };
        let missing = clusters.missing();
        let filled = |score| -> Result<f64> {
            Ok(clusters.filled(score)?.mean(Correction::SmallSample)?.mean)
        };
        let bounds = match (missing.total(), measure.ends()) {
            (0, _) => Some((mean.mean, mean.mean)),
            (_, Some((low, high))) => Some((filled(low)?, filled(high)?)),
            (_, None) => None,
        };
        Ok(Estimate {
            measure: measure.clone(),
            mean: mean.mean,
            se: mean.se,
            scope: mean.scope,
            interval,
            level,
            clusters: mean.clusters,
            observations: mean.observations,
            missing,
            bounds,
        })
    }

    /// That enough of every measure could be scored.
    pub(crate) fn covered(&self, coverage: f64) -> Result<()> {
        for measure in &self.measures {
            let tally = self.tally(&measure.name);
            let (scored, asked) = (tally.scored.trials, tally.total());
            if (scored as f64) < coverage * asked as f64 {
                let first = self.outcomes(&measure.name).find_map(|(_, outcome)| outcome.why());
                let first = first.map(|why| format!("; the first: {why}")).unwrap_or_default();
                let missing = format!("`{}`: {}{first}", measure.name, tally.missing);
                return Err(Error::Coverage { task: self.task.clone(), scored, asked, missing });
            }
        }
        Ok(())
    }
}
