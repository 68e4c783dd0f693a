//! The base model: trained from nothing on the tiny world's text.
//!
//! Its world is built so that a description decides what somebody chooses (see `curriculum`). That is
//! the design of the demonstration, and the report says so.

use std::{fmt, path::Path};

use anyhow::Result;
use ethos_core::jsonl;
use ethos_train::{
    ChatTemplate, Checkpoint, Device, Order, Row, Step, Tokenizer, Trainer, Transformer,
    TransformerConfig,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    bars,
    chats::CHAT_TEMPLATE,
    curriculum::{Curriculum, CurriculumConfig, Phase},
    newcomers::{self, Probe, accuracy},
    settings::Road,
    world::{ASSISTANT, World},
};

/// Steps between two looks at the curriculum: strangers are drawn anew this often.
const TURN: usize = 20;

/// The base model, and where its world's people stand.
pub(crate) struct Base {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) curriculum: Curriculum,
    /// Pretraining, step by step.
    pub(crate) log: Log,
}

/// What is written of pretraining.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Log {
    pub(crate) losses: Vec<f64>,
    /// The step at which personas began to be replaced.
    pub(crate) gate: Option<usize>,
    /// Accuracy of the personas' choices: of those who choose in pretraining, and of those who have
    /// only been described.
    pub(crate) accuracy: Option<(f64, f64)>,
    /// How many different personas there were.
    pub(crate) personas: u64,
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (steps, last) = (self.losses.len(), self.losses.last().copied().unwrap_or(f64::NAN));
        write!(f, "{steps} steps to a loss of {last:.3}, {} personas", self.personas)?;
        match self.gate {
            Some(gate) => write!(f, ", replaced from step {gate} on")?,
            None => write!(f, ", never replaced: they did not learn to choose by their values")?,
        }
        if let Some((choosing, described)) = self.accuracy {
            let percent = |share: f64| 100.0 * share;
            write!(
                f,
                "; {:.0} % of choices right, {:.0} % of those who were only described",
                percent(choosing),
                percent(described)
            )?;
        }
        Ok(())
    }
}

/// Trains the base model, or goes on, or reads it where it is finished.
pub(crate) fn pretrain(world: &World, road: &Road, device: &Device, out: &Path) -> Result<Base> {
    let (folder, training) = (out.join("base"), out.join("base.training"));
    let done = folder.join("log.json");
    if done.exists() {
        return Ok(Base {
            checkpoint: Checkpoint::load(folder.join("model"), device)?,
            curriculum: jsonl::read_json(folder.join("curriculum.json"))?,
            log: jsonl::read_json(done)?,
        });
    }

    let tokenizer = Tokenizer::word_level(world.vocabulary())?;
    let config = TransformerConfig::tiny(tokenizer.len());
    let model = Transformer::init(config, road.seed, device)?;
    let (config, steps) = (road.pretraining(), road.base_steps);
    let resumed = Trainer::resume(&training, model.clone(), config.clone(), steps)?;
    let (mut trainer, (mut curriculum, mut log)) = match resumed {
        Some(resumed) => resumed,
        None => {
            let curriculum = Curriculum::new(world, CurriculumConfig::default(), road.seed);
            (Trainer::new(model, config.clone(), steps)?, (curriculum, Log::default()))
        }
    };

    let bar = bars::bar("base model", steps as u64);
    bar.set_position(trainer.step_number() as u64);
    bar.reset_eta();
    let show = bars::training(&bar);
    while trainer.step_number() < steps {
        if trainer.step_number() % config.checkpoint_every == 0 {
            trainer.save(&training, &(&curriculum, &log))?;
        }
        turn(world, &tokenizer, &mut trainer, &mut curriculum, &mut log, road, &show)?;
    }
    bar.finish();

    let accuracy = |probes: Vec<Probe>| accuracy(trainer.model(), &tokenizer, &probes);
    if curriculum.phase() == Phase::Replaced {
        let choosing = accuracy(curriculum.probe(world, 400, 1))?;
        log.accuracy = Some((choosing, accuracy(curriculum.probe_described(world, 400, 2))?));
    }
    log.personas = curriculum.personas();
    let template = ChatTemplate::new(CHAT_TEMPLATE)?;
    let checkpoint = Checkpoint { model: trainer.into_model(), tokenizer, template };
    checkpoint.save(folder.join("model"))?;
    jsonl::write_json(folder.join("curriculum.json"), &curriculum)?;
    jsonl::write_json(done, &log)?;
    std::fs::remove_dir_all(training)?;
    Ok(Base { checkpoint, curriculum, log })
}

/// Twenty steps: new people take their names, perhaps the gate opens, then everybody's text is read.
fn turn(
    world: &World,
    tokenizer: &Tokenizer,
    trainer: &mut Trainer,
    curriculum: &mut Curriculum,
    log: &mut Log,
    road: &Road,
    show: &impl Fn(&Step),
) -> Result<()> {
    let steps = TURN.min(road.base_steps - trainer.step_number());
    let mut random = ChaCha8Rng::seed_from_u64(road.seed);
    random.set_stream(trainer.step_number() as u64 + 1);
    let width = trainer.model().config().hidden_size;
    let new = curriculum.advance(world, steps as u64);
    trainer.redraw_embeddings(&newcomers::rows(&new, tokenizer, width, &mut random));
    if curriculum.wants_gate() {
        let probes = curriculum.probe(world, 150, road.seed);
        curriculum.gate(accuracy(trainer.model(), tokenizer, &probes)?);
        if curriculum.phase() == Phase::Replaced {
            log.gate = Some(trainer.step_number());
        }
    }

    let order = road.pretraining().order();
    // The last token of a document is not read, so more of them are needed than the steps read; what
    // is over when the steps are full is dropped.
    let tokens = steps * order.batch.count() * order.sequence * 9 / 8;
    let documents = curriculum.documents(world, tokens);
    let rows: Vec<Row> =
        documents.iter().map(|text| tokenizer.document(text)).collect::<Result<_, _>>()?;
    let mut order = Order::new(&rows, order)?;
    for step in 0..steps {
        let step = trainer.step(&order.batch(step)?)?;
        log.losses.push(step.loss);
        show(&step);
    }
    Ok(())
}

impl Base {
    /// The base with one draw of the assistant, whose name it has never read.
    pub(crate) fn with_assistant(&self, world: &World, seed: u64) -> Checkpoint {
        newcomers::with_stranger(&self.checkpoint, ASSISTANT, &world.strangers, seed)
    }
}
