//! What all blocks of a forward pass share: how each position is turned, and what it may look at.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::{TransformerConfig, cache::Place, rope::Rope};
use crate::Batch;

/// Made once for a batch.
#[derive(Clone)]
pub(crate) struct Context {
    /// `[batch, 1, time, head size]`.
    cos: Tensor<4>,
    sin: Tensor<4>,
    /// Added to scores, `[batch, 1, time, seen]`; where some block looks at everything before it.
    /// Absent also where nothing is out of sight.
    full: Option<Tensor<4>>,
    /// The same where a window slides.
    windowed: Option<Tensor<4>>,
}

impl Context {
    pub(crate) fn new(
        batch: &Batch,
        config: &TransformerConfig,
        rope: &Rope,
        dtype: DType,
        device: &Device,
    ) -> Self {
        let (sequences, length, size) = (batch.sequences(), batch.length, config.head_dim);
        let positions = batch.positions();
        let places = TensorData::new(positions, [sequences * length]);
        let places = Tensor::<1, Int>::from_data(places, device);
        let turn = |of: fn(f32) -> f32| {
            let table = TensorData::new(rope.table(0..length, of), [length, size]);
            let table = Tensor::<2>::from_data(table, device).select(0, places.clone());
            table.reshape([sequences, 1, length, size]).cast(dtype)
        };
        let slides = |layer| config.slides(layer);
        let mut layers = 0..config.num_hidden_layers;
        let full = layers.clone().any(|layer| !slides(layer)).then(|| batch.bias(None, device));
        let windowed = layers.any(slides).then(|| batch.bias(config.sliding_window, device));
        Context { cos: turn(f32::cos), sin: turn(f32::sin), full, windowed }
    }

    /// For a pass that goes on from tokens read before.
    pub(crate) fn reading(
        place: &Place,
        config: &TransformerConfig,
        rope: &Rope,
        dtype: DType,
        device: &Device,
    ) -> Self {
        let (rows, columns, size) = (place.rows.len(), place.columns.len(), config.head_dim);
        let positions = place.positions();
        let turn = |of: fn(f32) -> f32| {
            let shape = [rows, 1, columns, size];
            let table = TensorData::new(rope.table(positions.iter().copied(), of), shape);
            Tensor::<4>::from_data(table, device).cast(dtype)
        };
        let slides = |layer| config.slides(layer);
        let mut layers = 0..config.num_hidden_layers;
        let full = layers.clone().any(|layer| !slides(layer));
        let windowed = layers.any(slides);
        Context {
            cos: turn(f32::cos),
            sin: turn(f32::sin),
            full: full.then(|| place.bias(None, device)).flatten(),
            windowed: windowed.then(|| place.bias(config.sliding_window, device)).flatten(),
        }
    }

    /// The same, ready to meet parameters on the autodiff tape.
    pub(crate) fn on_tape(self) -> Self {
        let Context { cos, sin, full, windowed } = self;
        Context {
            cos: cos.autodiff(),
            sin: sin.autodiff(),
            full: full.map(Tensor::autodiff),
            windowed: windowed.map(Tensor::autodiff),
        }
    }

    /// Turns queries or keys, `[batch, heads, time, head size]`, by their positions.
    pub(crate) fn rotate(&self, x_bhtk: Tensor<4>) -> Tensor<4> {
        let size = x_bhtk.dims()[3];
        let first = x_bhtk.clone().narrow(3, 0, size / 2);
        let second = x_bhtk.clone().narrow(3, size / 2, size / 2);
        let turned = Tensor::cat(vec![second.neg(), first], 3);
        x_bhtk * self.cos.clone() + turned * self.sin.clone()
    }

    /// Scores with what a token may not look at far below the rest.
    pub(crate) fn mask(&self, scores_bhtt: Tensor<4>, slides: bool) -> Tensor<4> {
        let bias = if slides { &self.windowed } else { &self.full };
        bias.iter().fold(scores_bhtt, |scores, bias| scores + bias.clone())
    }
}
