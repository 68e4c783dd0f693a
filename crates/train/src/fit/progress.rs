//! How training comes along.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{FitConfig, Step, Transformer, device};

/// What a watcher of [`fit`](crate::fit()) hears after every step, and a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FitProgress {
    /// What happened in the step.
    #[serde(flatten)]
    pub step: Step,
    /// Mean cross-entropy per learnt token of the held-out rows after the step, in nats, where they
    /// were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out_loss: Option<f64>,
    /// Tokens read per second, padding included, since this process began to train.
    pub tokens_per_second: f64,
    /// Bytes in use: of the device where it says so, or else of this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Share of [`FitConfig::peak_flops`] reached, counting the arithmetic of the model and not what is
    /// computed twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_share: Option<f64>,
    /// Seconds left at this speed.
    pub seconds_left: f64,
}

impl FitProgress {
    /// Time left at this speed.
    pub fn time_left(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds_left).unwrap_or(Duration::MAX)
    }
}

/// Measures a run.
pub(crate) struct Pace {
    began: Instant,
    tokens: usize,
    made: usize,
    flops_per_token: f64,
    peak: Option<f64>,
}

impl Pace {
    pub(crate) fn new(model: &Transformer, config: &FitConfig) -> Self {
        Pace {
            began: Instant::now(),
            tokens: 0,
            made: 0,
            flops_per_token: model.flops_per_token(config.sequence),
            peak: config.peak_flops,
        }
    }

    pub(crate) fn of(
        &mut self,
        step: Step,
        held_out_loss: Option<f64>,
        model: &Transformer,
    ) -> FitProgress {
        self.tokens += step.tokens;
        self.made += 1;
        let seconds = self.began.elapsed().as_secs_f64().max(1e-9);
        let tokens_per_second = self.tokens as f64 / seconds;
        let left = step.steps.saturating_sub(step.step + 1) as f64;
        FitProgress {
            held_out_loss,
            tokens_per_second,
            memory: device::memory(model.device()),
            peak_share: self.peak.map(|peak| tokens_per_second * self.flops_per_token / peak),
            seconds_left: left * seconds / self.made as f64,
            step,
        }
    }
}
