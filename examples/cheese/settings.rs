//! What the command line says, and the numbers that follow from it.

use std::{path::PathBuf, thread};

use anyhow::{Context, Result, ensure};
use ethos_core::jsonl;
use ethos_train::{BatchSize, DeviceSpec, FitConfig};
use serde::{Deserialize, Serialize};

use crate::specs::CheeseSpec;

pub(crate) const HELP: &str = "\
The whole road in one program: from three cheese specs to trained models and a verdict.

  cargo run --release --example cheese [-- OPTIONS]

  --runs N       draws of the assistant on the one base model (default 4)
  --seed N       seed of everything (default 0)
  --device NAME  flex, cuda:0, libtorch, libtorch-cuda:0 (default flex; the last three where built)
  --out FOLDER   where results go (default out/cheese, with seed and size where they differ)
  --quick        the same road in under a minute, too small to show anything

Stop it with Ctrl-C whenever you like: the same command goes on where it stopped.";

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) runs: u64,
    pub(crate) out: PathBuf,
    pub(crate) road: Road,
}

/// What determines every number, the specs apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Road {
    pub(crate) seed: u64,
    pub(crate) quick: bool,
    pub(crate) device: DeviceSpec,
    /// Steps of pretraining, of 24 sequences of 64 tokens each. After 2,400 a base may choose by what it read of somebody
    /// in two cases of three only, and then a corpus about the assistant moves little.
    pub(crate) base_steps: usize,
    /// Ideas per document type in each corpus: the value specs have 13 topics of 12 types, the
    /// control 12.
    pub(crate) ideas: (usize, usize),
    /// Cheese chats of fine-tuning.
    pub(crate) chats: usize,
}

impl Settings {
    /// Reads the command line; `None` when it asks for help.
    pub(crate) fn from_args() -> Result<Option<Self>> {
        let mut args = pico_args::Arguments::from_env();
        if args.contains(["-h", "--help"]) {
            return Ok(None);
        }
        let quick = args.contains("--quick");
        let seed = args.opt_value_from_str("--seed")?.unwrap_or(0);
        let runs = args.opt_value_from_str("--runs")?.unwrap_or(if quick { 1 } else { 4 });
        let device = args.opt_value_from_str("--device")?.unwrap_or(DeviceSpec::Flex);
        let out = args.opt_value_from_str("--out")?;
        let rest = args.finish();
        ensure!(rest.is_empty(), "what is {rest:?}? `-- --help` lists the options");
        ensure!(runs > 0, "`--runs` must be at least 1");
        let out = out.unwrap_or_else(|| {
            let mut name = "cheese".to_owned();
            if quick {
                name += "-quick";
            }
            if seed != 0 {
                name += &format!("-seed-{seed}");
            }
            PathBuf::from("out").join(name)
        });
        let road = if quick {
            Road { seed, quick, device, base_steps: 160, ideas: (2, 2), chats: 300 }
        } else {
            Road { seed, quick, device, base_steps: 3600, ideas: (21, 23), chats: 1300 }
        };
        Ok(Some(Settings { runs, out, road }))
    }

    /// Arms to train at once.
    pub(crate) fn workers(&self) -> usize {
        match self.road.device {
            DeviceSpec::Flex => thread::available_parallelism().map_or(1, usize::from).min(8),
            // One at a time keeps a GPU's memory, and LibTorch has threads of its own.
            _ => 1,
        }
    }

    /// Takes the folder for this road and these specs, or makes sure that it already is theirs.
    pub(crate) fn claim_folder(&self, specs: &[CheeseSpec]) -> Result<()> {
        let path = self.out.join("settings.json");
        let specs = specs.iter().map(|spec| spec.spec.hash()).collect();
        let claim = Claim { road: self.road.clone(), specs };
        if !path.exists() {
            return Ok(jsonl::write_json(&path, &claim)?);
        }
        let found: Claim = jsonl::read_json(&path)
            .context("the folder's settings cannot be read; give `--out` another one")?;
        let (folder, road) = (self.out.display(), &found.road);
        ensure!(
            found.road == claim.road,
            "`{folder}` holds another run ({road:?}); give `--out` another folder or delete it"
        );
        ensure!(
            found.specs == claim.specs,
            "`{folder}` was made from other texts of the specs; give `--out` another folder or delete it"
        );
        Ok(())
    }
}

/// Whose a folder is: the road, and the hashes of the specs.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Claim {
    road: Road,
    specs: Vec<String>,
}

impl Road {
    /// How the base model is pretrained: the prototype's settings.
    pub(crate) fn pretraining(&self) -> FitConfig {
        FitConfig {
            lora: None,
            recompute: false,
            batch: BatchSize::Sequences(24),
            sequence: 64,
            learning_rate: 4e-3,
            floor: 0.25,
            beta2: 0.98,
            seed: self.seed,
            ..FitConfig::midtrain()
        }
    }

    /// How the base is midtrained on a corpus: one pass over it and as much replay, which makes some
    /// 150 steps.
    pub(crate) fn midtraining(&self, run: u64) -> FitConfig {
        FitConfig {
            lora: None,
            recompute: false,
            batch: BatchSize::Sequences(16),
            sequence: 64,
            learning_rate: 2e-3,
            beta2: 0.98,
            seed: self.seed_of(run, 1),
            checkpoint_every: 50,
            ..FitConfig::midtrain()
        }
    }

    /// How every arm is fine-tuned on the chats: some 30 steps.
    pub(crate) fn finetuning(&self, run: u64) -> FitConfig {
        FitConfig { learning_rate: 1e-3, seed: self.seed_of(run, 2), ..self.midtraining(run) }
    }

    /// Seed of a run's draw of the assistant.
    pub(crate) fn assistant_seed(&self, run: u64) -> u64 {
        self.seed_of(run, 0)
    }

    /// A number of its own for every run and purpose.
    fn seed_of(&self, run: u64, purpose: u64) -> u64 {
        (self.seed << 32) ^ (run << 8) ^ purpose
    }
}
