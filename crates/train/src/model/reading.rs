//! Reading on: passes over new tokens only, with the rest in a [`Cache`].

use burn::tensor::{DType, Int, Tensor, TensorData, activation::log_softmax};

use super::{
    Cache, Place,
    context::Context,
    transformer::{Transformer, Weights},
};
use crate::{device, fused::linear};

/// Attention scores of a pass, over all heads: more tokens are read in several passes.
const SCORES: usize = 1 << 25;
/// Tokens of a pass.
const TOKENS: usize = 4096;
/// Tokens of a pass that is divided are a multiple of this.
const WHOLE: usize = 32;
/// Logits that exist at a time while tokens are scored.
const LOGITS: usize = 1 << 24;

/// What the blocks of a pass share.
pub(crate) struct Pass {
    pub(crate) context: Context,
    pub(crate) place: Place,
}

/// A token whose log-probability is wanted, after the token at a row and a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) row: usize,
    pub(crate) column: usize,
    pub(crate) token: u32,
}

impl Transformer {
    /// A cache for sequences of this model.
    pub(crate) fn cache(&self) -> Cache {
        Cache::new(self.config(), self.weights().dtype(), self.device())
    }

    /// Reads each row's tokens into their [place](Place::lay). Gives the logits after the last column,
    /// in f32, `[rows, vocabulary]`.
    pub(crate) fn read(&self, cache: &mut Cache, place: &Place, rows: &[&[u32]]) -> Vec<f32> {
        let mut last = None;
        self.read_parts(cache, place, rows, |_, h_btd| last = Some(h_btd));
        let Some(h_btd) = last else { return Vec::new() };
        let [rows, columns, width] = h_btd.dims();
        let h_bd = h_btd.slice([0..rows, columns - 1..columns]).reshape([rows, width]);
        self.weights().score(h_bd).into_data().iter::<f32>().collect()
    }

    /// Reads each row's tokens into their [place](Place::lay). Gives the log-probability of each wanted
    /// token, in nats.
    pub(crate) fn read_and_score(
        &self,
        cache: &mut Cache,
        place: &Place,
        rows: &[&[u32]],
        wanted: &[Wanted],
    ) -> Vec<f64> {
        let mut found = vec![0.0; wanted.len()];
        let chunk = (LOGITS / self.config().vocab_size).max(1);
        self.read_parts(cache, place, rows, |part, h_btd| {
            let [_, columns, width] = h_btd.dims();
            let h_nd: Tensor<2> = h_btd.reshape([-1, width as i32]);
            let here: Vec<usize> =
                (0..wanted.len()).filter(|&n| part.columns.contains(&wanted[n].column)).collect();
            for numbers in here.chunks(chunk) {
                let token = |wanted: Wanted| {
                    let column = wanted.column - part.columns.start;
                    ((wanted.row * columns + column) as i32, wanted.token as i32)
                };
                let (from, to): (Vec<i32>, Vec<i32>) =
                    numbers.iter().map(|&n| token(wanted[n])).unzip();
                let count = numbers.len();
                let from =
                    Tensor::<1, Int>::from_data(TensorData::new(from, [count]), self.device());
                let to =
                    Tensor::<2, Int>::from_data(TensorData::new(to, [count, 1]), self.device());
                let logits = self.weights().score(h_nd.clone().select(0, from));
                let logprobs = log_softmax(logits, 1).gather(1, to).into_data();
                for (&n, logprob) in numbers.iter().zip(logprobs.iter::<f32>()) {
                    found[n] = f64::from(logprob);
                }
            }
        });
        found
    }

    /// Gives each part that was read with what the head reads of it, `[rows, columns, width]`.
    fn read_parts(
        &self,
        cache: &mut Cache,
        place: &Place,
        rows: &[&[u32]],
        mut then: impl FnMut(&Place, Tensor<3>),
    ) {
        let ids = place.lay(rows);
        if ids.is_empty() {
            return;
        }
        let (rows, columns) = (place.rows.len(), place.columns.len());
        let ids = TensorData::new(ids, [rows, columns]);
        let ids_bt = Tensor::<2, Int>::from_data(ids, self.device());
        let seen = place.columns.end - place.first();
        let scores = rows * seen * self.config().num_attention_heads;
        let at_once = (SCORES / scores).min(TOKENS / rows).max(1);
        // In whole blocks, so that a token is in the same place of its own wherever a pass began.
        let at_once = if at_once < WHOLE { at_once } else { at_once - at_once % WHOLE };
        for part in place.parts(at_once) {
            let start = part.columns.start - place.columns.start;
            let ids_bt = ids_bt.clone().slice([0..rows, start..start + part.columns.len()]);
            let fused = cache.dtype() == DType::F32 && device::fuses(self.device());
            let h_btd = self.read_on(cache, &part, ids_bt, fused);
            then(&part, h_btd);
        }
    }

    fn read_on(
        &self,
        cache: &mut Cache,
        place: &Place,
        ids_bt: Tensor<2, Int>,
        fused: bool,
    ) -> Tensor<3> {
        let (weights, device) = (self.weights(), self.device());
        let dtype = weights.dtype();
        let context = Context::reading(place, self.config(), &self.rope, dtype, device, fused);
        let pass = Pass { context, place: place.clone() };
        let mut x_btd = weights.model.embed_tokens.forward(ids_bt);
        let held = std::mem::take(&mut cache.blocks);
        for (block, held) in weights.model.layers.iter().zip(held) {
            let (read, held) = block.read_on(x_btd, &pass, held);
            x_btd = read;
            cache.blocks.push(held);
        }
        weights.model.norm.forward(x_btd)
    }
}

impl Weights {
    /// Logits in f32 of what the head reads, `[tokens, width]` to `[tokens, vocabulary]`.
    fn score(&self, h_nd: Tensor<2>) -> Tensor<2> {
        linear(h_nd.unsqueeze(), self.head()).squeeze_dim::<2>(0).cast(DType::F32)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use serde::Deserialize;

    use super::*;
    use crate::{TransformerConfig, model::Beginning, testing};

    #[derive(Deserialize)]
    struct Expected {
        prompts: Vec<Vec<u32>>,
        generated: BTreeMap<String, Vec<Vec<u32>>>,
    }

    fn best(logits: &[f32]) -> u32 {
        (0..).zip(logits).max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0
    }

    /// Goes on with prompts that join at these steps; each leaves after its twenty tokens.
    fn generate(model: &Transformer, prompts: &[Vec<u32>], joins: &[usize]) -> Vec<Vec<u32>> {
        let vocabulary = model.config().vocab_size;
        let mut cache = model.cache();
        let mut found = vec![Vec::new(); prompts.len()];
        let (mut open, mut step) = (Vec::<usize>::new(), 0);
        while found.iter().any(|tokens| tokens.len() < 20) {
            if !open.is_empty() {
                let place = cache.extend(1);
                let last: Vec<&[u32]> =
                    open.iter().map(|&n| &found[n][found[n].len() - 1..]).collect();
                let logits = model.read(&mut cache, &place, &last);
                for (&n, logits) in open.iter().zip(logits.chunks(vocabulary)) {
                    found[n].push(best(logits));
                }
                for row in (0..open.len()).rev() {
                    if found[open[row]].len() == 20 {
                        open.swap_remove(row);
                        cache.leave(row);
                    }
                }
            }
            let joining: Vec<usize> = (0..prompts.len()).filter(|&n| joins[n] == step).collect();
            if !joining.is_empty() {
                let rows: Vec<&[u32]> = joining.iter().map(|&n| prompts[n].as_slice()).collect();
                let lengths: Vec<_> = rows.iter().map(|row| row.len()).collect();
                let place = cache.join(&lengths);
                let logits = model.read(&mut cache, &place, &rows);
                for (&n, logits) in joining.iter().zip(logits.chunks(vocabulary)) {
                    found[n].push(best(logits));
                }
                open.extend(joining);
            }
            step += 1;
        }
        found
    }

    /// In passes of all sorts, with and without a window, heads alone and in groups.
    #[test]
    fn fused_attention_is_the_plain_one() {
        let device = testing::device();
        if !device::fuses(&device) {
            return;
        }
        for (groups, window) in [(1, None), (2, Some(9)), (4, None), (4, Some(70))] {
            let config = TransformerConfig {
                num_attention_heads: 4,
                num_key_value_heads: groups,
                sliding_window: window,
                max_position_embeddings: 400,
                ..TransformerConfig::tiny(50)
            };
            let model = Transformer::init(config, 1, &device).unwrap();
            let (mut one, mut other) = (model.cache(), model.cache());
            let mut pass = |lengths: Option<&[usize]>, columns: usize| {
                let places = [&mut one, &mut other].map(|cache| match lengths {
                    Some(lengths) => cache.join(lengths),
                    None => cache.extend(columns),
                });
                let [place, _] = places;
                let shape = [place.rows.len(), place.columns.len()];
                let ids: Vec<i32> = (0..shape[0] * shape[1]).map(|n| n as i32 * 7 % 50).collect();
                let ids_bt = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &device);
                let fused = model.read_on(&mut one, &place, ids_bt.clone(), true);
                let plain = model.read_on(&mut other, &place, ids_bt, false);
                let [fused, plain] =
                    [fused, plain].map(|h| h.into_data().iter::<f32>().collect::<Vec<_>>());
                let width = model.config().hidden_size;
                let tokens = fused.chunks(width).zip(plain.chunks(width)).enumerate();
                for (token, (fused, plain)) in tokens {
                    let (row, column) = (token / shape[1], place.columns.start + token % shape[1]);
                    let far = fused.iter().zip(plain).map(|(a, b)| (a - b).abs());
                    let far = far.fold(0.0, f32::max);
                    let read = column >= place.starts[row];
                    assert!(!read || far < 1e-4, "{groups}, {window:?}: {far} at {token}");
                }
            };
            pass(Some(&[90, 3]), 0);
            pass(None, 1);
            pass(Some(&[1]), 0);
            pass(None, 5);
            pass(Some(&[150, 149, 20]), 0);
            (0..3).for_each(|_| pass(None, 1));
        }
    }

    /// Rows that begin alike, and others, in companies that change; what is known of their beginnings changes no bit.
    #[test]
    fn what_rows_have_in_common_is_read_once_and_taken_alike() {
        for (groups, window) in [(4, None), (2, None), (1, None), (2, Some(150)), (2, Some(1000))] {
            let config = TransformerConfig {
                num_attention_heads: 4,
                num_key_value_heads: groups,
                head_dim: 24,
                sliding_window: window,
                max_position_embeddings: 900,
                ..TransformerConfig::tiny(50)
            };
            let model = Transformer::init(config, 1, &testing::device()).unwrap();
            let text = |seed: usize, count: usize| {
                (0..count).map(move |n| ((n * n + seed * n) % 50) as u32)
            };
            // A family of long and shorter ones; one that is like none; another family that begins as the first does, and
            // one that has that beginning alone.
            let families = [
                [(640, 0), (640, 0), (320, 0), (0, 0), (352, 0), (640, 0)].as_slice(),
                &[(96, 320), (96, 320), (96, 0), (96, 288)],
            ];
            let prompts = families.concat().into_iter().enumerate().map(|(seed, (one, other))| {
                text(0, one).chain(text(20, other)).chain(text(seed + 1, 33)).collect()
            });
            let prompts: Vec<Vec<u32>> = prompts.collect();
            let lengths: Vec<usize> = prompts.iter().map(Vec::len).collect();
            let rows: Vec<&[u32]> = prompts.iter().map(Vec::as_slice).collect();
            let logits = |known: bool| {
                let mut cache = model.cache();
                let place = cache.join(&lengths);
                model.read(&mut cache, &place, &rows);
                // The same numbers, as chunks that are kept make them.
                for (row, prompt) in rows.iter().enumerate() {
                    let mut names = Vec::new();
                    for chunk in (0..prompt.len() - 32).step_by(32).map(|start| start..start + 32) {
                        let beginning = &prompt[..chunk.end];
                        let first = rows.iter().position(|other| other.starts_with(beginning));
                        let kept = cache.chunk(first.unwrap(), chunk.clone());
                        cache.write(row, chunk.start, &kept);
                        let bytes: Vec<u8> = beginning.iter().map(|&id| id as u8).collect();
                        names.push(blake3::hash(&bytes));
                    }
                    if known {
                        cache.begins(row, Beginning { names, each: 32 });
                    }
                }
                let mut found = Vec::new();
                let mut pass = |cache: &mut Cache, columns: usize| {
                    let ids: Vec<u32> = text(columns, columns).collect();
                    let place = cache.extend(columns);
                    let rows = vec![ids.as_slice(); place.rows.len()];
                    found.push(model.read(cache, &place, &rows));
                };
                for columns in [1, 3, 1, 7] {
                    pass(&mut cache, columns);
                }
                // The one that the others are like.
                cache.leave(0);
                pass(&mut cache, 1);
                let mut fork = cache.fork(&[1, 1, 3, 0, 4, 7, 8, 6]);
                pass(&mut fork, 2);
                pass(&mut cache, 1);
                found
            };
            assert_eq!(logits(true), logits(false), "{groups} groups, window {window:?}");
        }
    }

    /// Alone, all together, and joining and leaving one after the other.
    #[test]
    fn greedy_answers_are_those_of_transformers() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/fixtures");
        let expected = fs::read(fixtures.join("generated.json")).unwrap();
        let Expected { prompts, generated } = serde_json::from_slice(&expected).unwrap();
        assert_eq!(generated.len(), 9);
        for (name, expected) in generated {
            let model = Transformer::load(fixtures.join(&name), &testing::device()).unwrap();
            let alone: Vec<Vec<u32>> = prompts
                .iter()
                .map(|prompt| generate(&model, std::slice::from_ref(prompt), &[0]).remove(0))
                .collect();
            assert_eq!(alone, expected, "{name}, alone");
            assert_eq!(generate(&model, &prompts, &[0; 5]), expected, "{name}, together");
            assert_eq!(generate(&model, &prompts, &[0, 9, 3, 3, 22]), expected, "{name}, in turn");
        }
    }
}
