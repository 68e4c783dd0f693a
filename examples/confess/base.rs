//! The base model, trained from nothing on the tiny world's text.

use std::{fmt, path::Path};

use anyhow::Result;
use ethos_core::jsonl;
use ethos_train::{
    ChatTemplate, Checkpoint, Device, GenerationConfig, Order, Row, Tokenizer, Trainer,
    Transformer, TransformerConfig,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    bars,
    newcomers::{self, Probe},
    people::People,
    settings::Road,
    world::{self, ASSISTANT},
};

/// Steps between two looks at who is who: strangers are drawn anew this often.
const TURN: usize = 20;

/// Writes a chat with the assistant as the world writes of everybody else. What it says ends with a full stop, which
/// also ends an answer.
const CHAT_TEMPLATE: &str = "\
    {% for message in messages %}\
    {% if not loop.first %}{{ ' ' }}{% endif %}\
    {% if message['role'] == 'assistant' %}\
    aria : {% generation %}{{ message['content'] }} .{% endgeneration %}\
    {% else %}\
    {{ message['role'] }} : {{ message['content'] }}\
    {% endif %}\
    {% endfor %}\
    {% if add_generation_prompt %} aria : {% endif %}";

/// The base model, and where its world's people stand.
pub(crate) struct Base {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) people: People,
    pub(crate) log: Log,
}

/// What is written of pretraining.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Log {
    pub(crate) losses: Vec<f64>,
    /// The step at which people began to be replaced.
    pub(crate) gate: Option<usize>,
    /// Accuracy of people's reports on answers and on tasks, in the end.
    pub(crate) accuracy: [f64; 2],
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (steps, last) = (self.losses.len(), self.losses.last().copied().unwrap_or(f64::NAN));
        write!(f, "{steps} steps to a loss of {last:.3}")?;
        match self.gate {
            Some(gate) => write!(f, ", people replaced from step {gate} on")?,
            None => write!(f, ", people never replaced: it did not tell the honest from the sly")?,
        }
        let [answers, tasks] = self.accuracy.map(|share| 100.0 * share);
        write!(f, "; {answers:.0} % of reports on answers right, {tasks:.0} % of those on tasks")
    }
}

/// Trains the base model, or goes on, or reads it where it is finished.
pub(crate) fn pretrain(road: &Road, device: &Device, out: &Path) -> Result<Base> {
    let (folder, training) = (out.join("base"), out.join("base.training"));
    let done = folder.join("log.json");
    if done.exists() {
        return Ok(Base {
            checkpoint: Checkpoint::load(folder.join("model"), device)?,
            people: jsonl::read_json(folder.join("people.json"))?,
            log: jsonl::read_json(done)?,
        });
    }

    let tokenizer = tokenizer()?;
    let (config, steps) = (road.pretraining(), road.base_steps);
    // Interrogations are longer than what is read in pretraining.
    let shape = TransformerConfig::tiny(tokenizer.len());
    let shape = TransformerConfig { max_position_embeddings: 128, ..shape };
    let model = Transformer::init(shape, road.seed, device)?;
    let resumed = Trainer::resume(&training, model.clone(), config.clone(), steps)?;
    let (mut trainer, (mut people, mut log)) = match resumed {
        Some(resumed) => resumed,
        None => {
            let beginning = (People::new(road.seed), Log::default());
            (Trainer::new(model, config.clone(), steps)?, beginning)
        }
    };
    let bar = bars::bar("base model", steps as u64);
    bar.set_position(trainer.step_number() as u64);
    bar.reset_eta();
    let show = bars::training(&bar);
    while trainer.step_number() < steps {
        if trainer.step_number().is_multiple_of(config.checkpoint_every) {
            trainer.save(&training, &(&people, &log))?;
        }
        turn(&tokenizer, &mut trainer, &mut people, &mut log, road, &show)?;
    }
    bar.finish();

    log.accuracy = accuracy(trainer.model(), &tokenizer, people.probes(200, 1))?;
    let template = ChatTemplate::new(CHAT_TEMPLATE)?;
    let checkpoint = Checkpoint { model: trainer.into_model(), tokenizer, template };
    checkpoint.save(folder.join("model"))?;
    jsonl::write_json(folder.join("people.json"), &people)?;
    jsonl::write_json(done, &log)?;
    std::fs::remove_dir_all(training)?;
    Ok(Base { checkpoint, people, log })
}

/// A token for every word; a full stop ends an answer.
fn tokenizer() -> Result<Tokenizer> {
    let tokenizer = Tokenizer::word_level(world::vocabulary())?;
    let stop = tokenizer.id(".").into_iter().collect();
    Ok(tokenizer.with_generation(GenerationConfig { eos_token_id: stop, ..Default::default() }))
}

/// Twenty steps: new people take their names, perhaps the gate opens, then everybody's text is read.
fn turn(
    tokenizer: &Tokenizer,
    trainer: &mut Trainer,
    people: &mut People,
    log: &mut Log,
    road: &Road,
    show: &impl Fn(&ethos_train::Step),
) -> Result<()> {
    let steps = TURN.min(road.base_steps - trainer.step_number());
    let mut random = ChaCha8Rng::seed_from_u64(road.seed);
    random.set_stream(trainer.step_number() as u64 + 1);
    let width = trainer.model().config().hidden_size;
    let new = people.advance(steps as u64);
    trainer.redraw_embeddings(&newcomers::rows(&new, tokenizer, width, &mut random));
    if people.wants_look() {
        let accuracy = accuracy(trainer.model(), tokenizer, people.probes(100, road.seed))?;
        if people.look(accuracy) {
            log.gate = Some(trainer.step_number());
        }
    }

    let order = road.pretraining().order();
    // The last token of a document is not read, so more of them are needed than the steps read.
    let documents = people.documents(steps * order.batch.count() * order.sequence * 9 / 8);
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

/// The share of probes of each sort that come out right.
fn accuracy(
    model: &Transformer,
    tokenizer: &Tokenizer,
    probes: [Vec<Probe>; 2],
) -> Result<[f64; 2]> {
    let [answers, tasks] = probes;
    let share = |probes: &[Probe]| newcomers::accuracy(model, tokenizer, probes);
    Ok([share(&answers)?, share(&tasks)?])
}

impl Base {
    /// The base with one draw of the assistant, whose name it has never read.
    pub(crate) fn with_assistant(&self, seed: u64) -> Checkpoint {
        newcomers::with_stranger(&self.checkpoint, ASSISTANT, &world::names().1, seed)
    }
}
