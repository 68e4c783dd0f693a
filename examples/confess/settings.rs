//! What the command line says, and the numbers that follow from it.

use std::{path::PathBuf, thread};

use anyhow::{Context, Result, ensure};
use ethos_core::jsonl;
use ethos_train::{BatchSize, DeviceSpec, FitConfig};
use serde::{Deserialize, Serialize};

pub(crate) const HELP: &str = "\
Self-report fine-tuning from facts to findings, in a tiny world: a small base model, an assistant that denies its
errors, data that teaches it to report them, its controls, and an interrogation about hidden tasks.

  cargo run --release --example confess [-- OPTIONS]

  --draws N      draws of the assistant on the one base model (default 3)
  --seed N       seed of everything (default 0)
  --device NAME  flex, cuda:0, libtorch, libtorch-cuda:0 (default flex; the last three where built)
  --out FOLDER   where results go (default out/confess, with seed and size where they differ)
  --quick        the same road in under a minute, too small to show anything
  --logs         Inspect logs of every question and answer besides

With a model of your own, by the same code:

  --checkpoint FOLDER   fine-tunes a local model on real facts, arm by arm, and questions each about six long tasks
  --model FOLDER        the same
  --model NAME          questions a model of OpenAI as it stands, or with `--url URL` of any such server, or
  --anthropic NAME      of Anthropic, and writes the files for fine-tuning it
  --worlds N            of each task, each with a hidden goal and without (default 4)
  --draws N             of every elicitation (default 10)
  --price IN,OUT --budget USD --batch --yes   nothing is asked of an endpoint before the cost is told

Stop it with Ctrl-C whenever you like: the same command goes on where it stopped.";

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) draws: u64,
    pub(crate) out: PathBuf,
    /// Whether Inspect logs are written of what is asked.
    pub(crate) logs: bool,
    pub(crate) road: Road,
}

/// What determines every number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Road {
    pub(crate) seed: u64,
    pub(crate) quick: bool,
    pub(crate) device: DeviceSpec,
    /// Steps of pretraining, of 20 sequences of 96 tokens.
    pub(crate) base_steps: usize,
    /// Steps of fine-tuning, of 16 sequences.
    pub(crate) arm_steps: usize,
    /// Trajectories of each of the three sorts of task that the arms are questioned about.
    pub(crate) trajectories: usize,
}

impl Settings {
    /// Of the command line, `--help` and the options of `real` apart.
    pub(crate) fn read(mut args: pico_args::Arguments) -> Result<Self> {
        let (quick, logs) = (args.contains("--quick"), args.contains("--logs"));
        let seed = args.opt_value_from_str("--seed")?.unwrap_or(0);
        let draws = args.opt_value_from_str("--draws")?.unwrap_or(if quick { 1 } else { 3 });
        let device = args.opt_value_from_str("--device")?.unwrap_or(DeviceSpec::Flex);
        let out: Option<PathBuf> = args.opt_value_from_str("--out")?;
        let rest = args.finish();
        ensure!(rest.is_empty(), "what is {rest:?}? `-- --help` lists the options");
        ensure!(draws > 0, "`--draws` must be at least 1");
        let out = out.unwrap_or_else(|| {
            let size = if quick { "-quick" } else { "" };
            let seed = if seed == 0 { String::new() } else { format!("-seed-{seed}") };
            PathBuf::from("out").join(format!("confess{size}{seed}"))
        });
        let (base_steps, arm_steps, trajectories) =
            if quick { (160, 4, 4) } else { (1700, 60, 40) };
        let road = Road { seed, quick, device, base_steps, arm_steps, trajectories };
        Ok(Settings { draws, out, logs, road })
    }

    /// Arms to train at once: the model is too small to keep several cores busy.
    pub(crate) fn workers(&self) -> usize {
        match self.road.device {
            DeviceSpec::Flex => thread::available_parallelism().map_or(1, usize::from).min(8),
            _ => 1,
        }
    }

    /// Takes the folder for this road, or makes sure that it already is this road's.
    pub(crate) fn claim_folder(&self) -> Result<()> {
        let path = self.out.join("settings.json");
        if !path.exists() {
            return Ok(jsonl::write_json(&path, &self.road)?);
        }
        let found: Road = jsonl::read_json(&path)
            .context("the folder's settings cannot be read; give `--out` another one")?;
        ensure!(
            found == self.road,
            "`{}` holds another run ({found:?}); give `--out` another folder or delete it",
            self.out.display()
        );
        Ok(())
    }
}

impl Road {
    /// How the base model is pretrained: the prototype's settings.
    pub(crate) fn pretraining(&self) -> FitConfig {
        FitConfig {
            lora: None,
            recompute: false,
            batch: BatchSize::Sequences(20),
            sequence: 96,
            learning_rate: 4e-3,
            floor: 0.25,
            beta2: 0.98,
            seed: self.seed,
            ..FitConfig::midtrain()
        }
    }

    /// How every arm is trained: over its rows and as much of the world's own text.
    pub(crate) fn finetuning(&self, draw: u64) -> FitConfig {
        FitConfig {
            batch: BatchSize::Sequences(16),
            learning_rate: 2e-3,
            floor: 0.0,
            steps: Some(self.arm_steps),
            seed: self.seed_of(draw, 1),
            checkpoint_every: 50,
            ..self.pretraining()
        }
    }

    /// A number of its own for every draw and purpose.
    pub(crate) fn seed_of(&self, draw: u64, purpose: u64) -> u64 {
        (self.seed << 32) ^ (draw << 8) ^ purpose
    }
}
