//! Whoever is new to a model, and what it knows of those it has met: shared by the examples with a tiny world.

use anyhow::Result;
use ethos_core::{Model, Request};
use ethos_train::{ChatTemplate, Checkpoint, LocalModel, Tokenizer, Transformer};
use futures::{executor::block_on, future::try_join_all};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Standard deviation of embeddings, at the start and when somebody new takes a name.
const SPREAD: f64 = 0.1;

/// Text with the word that should follow, and one that should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) prompt: String,
    pub(crate) right: String,
    pub(crate) wrong: String,
}

/// Embeddings of new people, in the place of those who bore these names.
pub(crate) fn rows(
    names: &[String],
    tokenizer: &Tokenizer,
    width: usize,
    random: &mut ChaCha8Rng,
) -> Vec<(u32, Vec<f32>)> {
    let ids = names.iter().filter_map(|name| tokenizer.id(name));
    ids.map(|id| (id, normal(width, SPREAD, random))).collect()
}

/// The model with one draw of somebody whose name it has never read: the mean of strangers, of whom nothing is known,
/// and a little noise.
pub(crate) fn with_stranger(
    checkpoint: &Checkpoint,
    name: &str,
    strangers: &[String],
    seed: u64,
) -> Checkpoint {
    let Checkpoint { model, tokenizer, .. } = checkpoint;
    let strangers: Vec<u32> = strangers.iter().filter_map(|name| tokenizer.id(name)).collect();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut row = normal(model.config().hidden_size, 0.3 * SPREAD, &mut random);
    for stranger in model.embeddings(&strangers) {
        for (value, theirs) in row.iter_mut().zip(stranger) {
            *value += theirs / strangers.len() as f32;
        }
    }
    let mut drawn = checkpoint.clone();
    let id = tokenizer.id(name).unwrap_or_default();
    drawn.model.set_embeddings(&[(id, row)]);
    drawn
}

/// The share of probes in which the right word is likelier than the wrong one.
pub(crate) fn accuracy(
    model: &Transformer,
    tokenizer: &Tokenizer,
    probes: &[Probe],
) -> Result<f64> {
    // Probes are text as it stands, chats with anybody.
    let template = ChatTemplate::new("{{ messages[0].content }}")?;
    let (model, tokenizer) = (model.clone(), tokenizer.clone());
    let model = LocalModel::new(Checkpoint { model, tokenizer, template })?;
    let asked: Vec<(Request, [String; 2])> = probes
        .iter()
        .map(|p| (Request::user(p.prompt.as_str()), [p.right.clone(), p.wrong.clone()]))
        .collect();
    let scores = try_join_all(asked.iter().map(|(request, words)| model.score(request, words)));
    let right = block_on(scores)?.iter().filter(|s| s[0].logprob_sum > s[1].logprob_sum).count();
    Ok(right as f64 / probes.len().max(1) as f64)
}

fn normal(width: usize, deviation: f64, random: &mut ChaCha8Rng) -> Vec<f32> {
    let mut draw = || -> f64 { StandardNormal.sample(random) };
    (0..width).map(|_| (deviation * draw()) as f32).collect()
}
