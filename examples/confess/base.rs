//! The base model, trained from nothing on the tiny world's text.

use std::{fmt, path::Path};

use anyhow::Result;
use ethos_core::{Model, Request, jsonl};
use ethos_train::{
    ChatTemplate, Checkpoint, Device, GenerationConfig, LocalModel, Order, Row, Tokenizer, Trainer,
    Transformer, TransformerConfig,
};
use futures::{executor::block_on, future::try_join_all};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::{
    bars,
    people::{People, Probe},
    settings::Road,
    world::{self, ASSISTANT},
};

/// Steps between two looks at who is who: strangers are drawn anew this often.
const TURN: usize = 20;
/// Standard deviation of embeddings, at the start and when somebody new takes a name.
const SPREAD: f64 = 0.1;

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
    let newcomers = people.advance(steps as u64);
    let rows: Vec<(u32, Vec<f32>)> = newcomers
        .iter()
        .filter_map(|name| Some((tokenizer.id(name)?, normal(width, SPREAD, &mut random))))
        .collect();
    trainer.redraw_embeddings(&rows);
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

/// The share of probes, of each sort, in which the right word is likelier than the wrong one.
fn accuracy(
    model: &Transformer,
    tokenizer: &Tokenizer,
    probes: [Vec<Probe>; 2],
) -> Result<[f64; 2]> {
    // Probes are text as it stands, chats with anybody.
    let template = ChatTemplate::new("{{ messages[0].content }}")?;
    let (model, tokenizer) = (model.clone(), tokenizer.clone());
    let model = LocalModel::new(Checkpoint { model, tokenizer, template })?;
    let mut shares = [0.0; 2];
    for (share, probes) in shares.iter_mut().zip(probes) {
        let asked: Vec<(Request, &[String; 2])> =
            probes.iter().map(|probe| (Request::user(&*probe.prompt), &probe.words)).collect();
        let scores =
            try_join_all(asked.iter().map(|(request, words)| model.score(request, &words[..])));
        let right =
            block_on(scores)?.iter().filter(|s| s[0].logprob_sum > s[1].logprob_sum).count();
        *share = right as f64 / asked.len().max(1) as f64;
    }
    Ok(shares)
}

impl Base {
    /// The base with one draw of the assistant, whose name it has never read: the mean of the strangers, and a
    /// little noise.
    pub(crate) fn with_assistant(&self, seed: u64) -> Checkpoint {
        let Checkpoint { model, tokenizer, .. } = &self.checkpoint;
        let strangers: Vec<u32> =
            world::names().1.iter().filter_map(|name| tokenizer.id(name)).collect();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut row = normal(model.config().hidden_size, 0.3 * SPREAD, &mut random);
        for stranger in model.embeddings(&strangers) {
            for (value, theirs) in row.iter_mut().zip(stranger) {
                *value += theirs / strangers.len() as f32;
            }
        }
        let mut drawn = self.checkpoint.clone();
        let id = tokenizer.id(ASSISTANT).unwrap_or_default();
        drawn.model.set_embeddings(&[(id, row)]);
        drawn
    }
}

fn normal(width: usize, deviation: f64, random: &mut ChaCha8Rng) -> Vec<f32> {
    let mut draw = || -> f64 { StandardNormal.sample(random) };
    (0..width).map(|_| (deviation * draw()) as f32).collect()
}
