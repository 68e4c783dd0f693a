//! How a model is fitted: the settings of the papers, and what may be changed of them.

use serde::{Deserialize, Serialize};

use crate::{BatchSize, Error, LoraConfig, OrderConfig, Overlong, Precision, Result};

/// How a model is fitted.
///
/// The presets hold the papers' settings; change fields by struct update:
/// `FitConfig { learning_rate: 2e-4, ..FitConfig::midtrain() }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitConfig {
    /// The adapter that is trained; `None` trains all parameters.
    pub lora: Option<LoraConfig>,
    /// What is computed in. What is trained is held in f32 all the same.
    pub precision: Precision,

    /// Steps; `None` means as many as `epochs` give.
    pub steps: Option<usize>,
    /// Passes over the data, where `steps` is `None`.
    pub epochs: usize,
    /// What a step trains on: so many rows, or so many packed sequences.
    pub batch: BatchSize,
    /// Tokens of a sequence, into which rows are packed.
    pub sequence: usize,
    /// What becomes of rows longer than a sequence.
    pub overlong: Overlong,

    /// Highest learning rate.
    pub learning_rate: f64,
    /// Share of the steps over which the learning rate rises from 0, rounded up to whole steps. As in
    /// `transformers`, the first of them has a rate of 0; a share of 0 is no warm-up at all.
    pub warmup: f64,
    /// How it falls after that.
    pub schedule: Schedule,
    /// What it falls to, as a share of the highest.
    pub floor: f64,

    /// Decay of the gradients' running mean.
    pub beta1: f64,
    /// Decay of the gradients' running mean square.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Decoupled weight decay; norms and biases are spared.
    pub weight_decay: f64,
    /// Longest norm of all gradients together; longer ones are scaled down.
    pub clip: f64,

    /// Seed of the order of rows, of a new adapter and of dropout.
    pub seed: u64,

    /// Tokens computed at once, rounded to sequences, at least one of them; a step of more accumulates
    /// gradients. It bounds memory and changes nothing but rounding. Attention scores, the largest of
    /// what is held, take 4 bytes × heads × `sequence` × `tokens_at_once`, several times over.
    pub tokens_at_once: usize,
    /// Compute a block's activations a second time for its gradients, instead of keeping them: memory
    /// for a third more arithmetic.
    pub recompute: bool,
    /// Tokens whose logits exist at once.
    pub loss_chunk: usize,

    /// Steps between checkpoints, where [`fit`](crate::fit()) is given a folder for them.
    pub checkpoint_every: usize,
    /// How many checkpoints are kept, the newest ones.
    pub keep: usize,
    /// Steps between looks at the held-out rows, where there are any; the last step has one too.
    pub evaluate_every: usize,
    /// What the device can do at most, in floating-point operations a second and in the precision
    /// computed in, to report the share that is reached: 989e12 for an H100 or H200 in bf16.
    pub peak_flops: Option<f64>,
}

/// How the learning rate falls from its highest value to the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Half a cosine.
    Cosine,
    /// A straight line.
    Linear,
    /// Not at all.
    Constant,
}

impl FitConfig {
    /// Midtraining on documents (arXiv 2605.02087, appendix B.4): an adapter of rank 64 on all
    /// projections, one epoch of sequences of at most 8192 tokens (4096 in its section 3), learning rate
    /// 1e-4, cosine to 0, 5 % warm-up, weight decay 0.01. The paper does not state batch size, clipping or
    /// packing: 32 rows a step and 1.0 are what its replicators use, and the rows of a step are packed,
    /// which changes nothing but the time it takes.
    pub fn midtrain() -> Self {
        FitConfig {
            lora: Some(LoraConfig::paper()),
            precision: Precision::F32,
            steps: None,
            epochs: 1,
            batch: BatchSize::Rows(32),
            sequence: 8192,
            overlong: Overlong::Split,
            learning_rate: 1e-4,
            warmup: 0.05,
            schedule: Schedule::Cosine,
            floor: 0.0,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
            clip: 1.0,
            seed: 0,
            tokens_at_once: 8192,
            recompute: true,
            loss_chunk: 512,
            checkpoint_every: 100,
            keep: 2,
            evaluate_every: 100,
            peak_flops: None,
        }
    }

    /// Alignment fine-tuning on chats: the same settings, as in the paper. A model that was midtrained
    /// goes on with its adapter; chats longer than a sequence are cut off.
    pub fn finetune() -> Self {
        FitConfig { overlong: Overlong::Cut, ..FitConfig::midtrain() }
    }

    /// Self-report fine-tuning on two-turn chats (arXiv 2511.06626): 3 epochs of 4 chats a step, seed
    /// 42. The paper's learning rate is twice that of a service which does not say what it is; here it
    /// is twice that of [`finetune`](FitConfig::finetune).
    pub fn srft() -> Self {
        FitConfig {
            epochs: 3,
            batch: BatchSize::Rows(4),
            sequence: 1024,
            learning_rate: 2e-4,
            seed: 42,
            ..FitConfig::finetune()
        }
    }

    /// The order in which it trains on rows.
    pub fn order(&self) -> OrderConfig {
        let FitConfig { batch, sequence, overlong, seed, .. } = *self;
        OrderConfig { batch, sequence, overlong, seed }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |message: &str| Err(Error::Config { what: "fit", message: message.to_owned() });
        if let Some(lora) = &self.lora {
            lora.check()?;
        }
        let rates = [self.learning_rate, self.epsilon, self.clip, self.peak_flops.unwrap_or(1.0)];
        if rates.iter().any(|rate| !rate.is_finite() || *rate <= 0.0) {
            return wrong(
                "`learning_rate`, `epsilon`, `clip` and `peak_flops` must be positive numbers",
            );
        }
        let shares = [self.warmup, self.floor, self.beta1, self.beta2];
        if shares.iter().any(|share| !(0.0..=1.0).contains(share)) {
            return wrong("`warmup`, `floor`, `beta1` and `beta2` must be between 0 and 1");
        }
        if self.beta1 == 1.0 || self.beta2 == 1.0 {
            return wrong("`beta1` and `beta2` must be below 1");
        }
        if !self.weight_decay.is_finite() || self.weight_decay < 0.0 {
            return wrong("`weight_decay` must be 0 or more");
        }
        let counts = [
            ("epochs", self.epochs),
            ("steps", self.steps.unwrap_or(1)),
            ("batch", self.batch.count()),
            ("sequence", self.sequence),
            ("tokens_at_once", self.tokens_at_once),
            ("loss_chunk", self.loss_chunk),
            ("checkpoint_every", self.checkpoint_every),
            ("keep", self.keep),
            ("evaluate_every", self.evaluate_every),
        ];
        match counts.iter().find(|(_, count)| *count == 0) {
            Some((name, _)) => wrong(&format!("`{name}` must be at least 1")),
            None => Ok(()),
        }
    }

    /// Whether a run with the other configuration computes the same.
    pub(crate) fn same_run(&self, other: &Self) -> bool {
        let neutral = |config: &Self| FitConfig {
            checkpoint_every: 1,
            keep: 1,
            evaluate_every: 1,
            peak_flops: None,
            ..config.clone()
        };
        neutral(self) == neutral(other)
    }

    /// Sequences computed at once.
    pub(crate) fn at_once(&self, length: usize) -> usize {
        (self.tokens_at_once / length.max(1)).max(1)
    }

    /// The learning rate of a step, counted from 0: a linear rise, then the schedule, as the trainer of
    /// `transformers` has them under the names `cosine`, `linear` and `constant_with_warmup`.
    pub(crate) fn learning_rate_at(&self, step: usize, steps: usize) -> f64 {
        let (step, steps) = (step as f64, steps as f64);
        let warmup = (self.warmup * steps).ceil();
        if step < warmup {
            return self.learning_rate * step / warmup;
        }
        let done = ((step - warmup) / (steps - warmup).max(1.0)).min(1.0);
        let left = match self.schedule {
            Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            Schedule::Linear => 1.0 - done,
            Schedule::Constant => 1.0,
        };
        self.learning_rate * (self.floor + (1.0 - self.floor) * left)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// As `transformers` has it, by `tests/parity/schedule.py`.
    #[derive(Deserialize)]
    struct Expected {
        schedule: Schedule,
        warmup: f64,
        floor: f64,
        /// Of every step there is.
        rates: Vec<f64>,
    }

    #[test]
    fn schedules_are_the_references() {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/fixtures/schedule.json");
        let all: Vec<Expected> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        for Expected { schedule, warmup, floor, rates } in all {
            let config =
                FitConfig { learning_rate: 1.0, warmup, floor, schedule, ..FitConfig::midtrain() };
            for (step, expected) in rates.iter().enumerate() {
                let found = config.learning_rate_at(step, rates.len());
                assert!((found - expected).abs() < 1e-12, "{config:?}: {step}: {found} {expected}");
            }
        }
    }

    #[test]
    fn presets_are_the_papers() {
        let config = FitConfig::midtrain();
        let lora = config.lora.clone().unwrap();
        assert_eq!((lora.rank, lora.alpha, lora.dropout, lora.targets.len()), (64, 128.0, 0.0, 7));
        assert_eq!((config.learning_rate, config.warmup, config.weight_decay), (1e-4, 0.05, 0.01));
        assert_eq!((config.epochs, config.batch, config.sequence), (1, BatchSize::Rows(32), 8192));
        assert_eq!(FitConfig::finetune(), FitConfig { overlong: Overlong::Cut, ..config.clone() });
        let srft = FitConfig::srft();
        assert_eq!((srft.epochs, srft.batch, srft.seed), (3, BatchSize::Rows(4), 42));
        for config in [config, srft] {
            config.check().unwrap();
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<FitConfig>(&json).unwrap(), config);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let says = |config: FitConfig, what: &str| {
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        says(FitConfig { clip: 0.0, ..FitConfig::midtrain() }, "`clip`");
        says(FitConfig { keep: 0, ..FitConfig::midtrain() }, "`keep`");
        says(FitConfig { epochs: 0, ..FitConfig::midtrain() }, "`epochs`");
        says(FitConfig { steps: Some(0), ..FitConfig::midtrain() }, "`steps`");
        says(FitConfig { batch: BatchSize::Rows(0), ..FitConfig::midtrain() }, "`batch`");
        says(FitConfig { warmup: f64::NAN, ..FitConfig::midtrain() }, "`warmup`");
        let lora = Some(LoraConfig { rank: 0, ..LoraConfig::paper() });
        says(FitConfig { lora, ..FitConfig::midtrain() }, "`rank`");
    }
}
