//! What all blocks of a forward pass share: how each position is turned, and what it may look at.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::{TransformerConfig, cache::Place, rope::Rope};
use crate::{
    Batch, device,
    fused::{self, Onward, Sight},
};

/// Made once for a batch.
#[derive(Clone)]
pub(crate) struct Context {
    /// `[batch, 1, time, head size]`.
    cos: Tensor<4>,
    sin: Tensor<4>,
    /// Where some block looks at everything before it. Absent also where nothing is out of sight.
    full: Option<View>,
    /// Where a window slides.
    windowed: Option<View>,
}

/// What each token may look at.
#[derive(Clone)]
#[allow(clippy::large_enum_variant, reason = "there is one of it for a batch")]
enum View {
    /// Added to scores, `[batch, 1, time, seen]`.
    Bias(Tensor<4>),
    /// Where attention is one operation.
    Sight(Sight),
    /// The same for tokens that go on from a cache.
    Onward(Onward),
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
        let fused = dtype == DType::F32 && device::fuses(device);
        let view = |window| match fused {
            true => View::Sight(Sight::of(batch, window)),
            false => View::Bias(batch.bias(window, device)),
        };
        let full = layers.clone().any(|layer| !slides(layer)).then(|| view(None));
        let windowed = layers.any(slides).then(|| view(config.sliding_window));
        Context { cos: turn(f32::cos), sin: turn(f32::sin), full, windowed }
    }

    /// For a pass that goes on from tokens read before; `fused` where attention is to be one operation.
    pub(crate) fn reading(
        place: &Place,
        config: &TransformerConfig,
        rope: &Rope,
        dtype: DType,
        device: &Device,
        fused: bool,
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
        let view = |window| match fused {
            true => Some(View::Onward(place.onward(window))),
            false => place.bias(window, device).map(View::Bias),
        };
        Context {
            cos: turn(f32::cos),
            sin: turn(f32::sin),
            full: full.then(|| view(None)).flatten(),
            windowed: windowed.then(|| view(config.sliding_window)).flatten(),
        }
    }

    /// The same, ready to meet parameters on the autodiff tape.
    pub(crate) fn on_tape(self) -> Self {
        let Context { cos, sin, full, windowed } = self;
        Context {
            cos: cos.autodiff(),
            sin: sin.autodiff(),
            full: full.map(View::on_tape),
            windowed: windowed.map(View::on_tape),
        }
    }

    /// Turns queries or keys, `[batch, heads, time, head size]`, by their positions.
    pub(crate) fn rotate(&self, x_bhtk: Tensor<4>) -> Tensor<4> {
        let [cos, sin] = self.angles();
        fused::rotate(x_bhtk, cos, sin)
    }

    /// Cosines and sines, `[batch, 1, time, head size]`.
    pub(crate) fn angles(&self) -> [Tensor<4>; 2] {
        [self.cos.clone(), self.sin.clone()]
    }

    /// What each token looks at, where attention is one operation.
    pub(crate) fn sight(&self, slides: bool) -> Option<Sight> {
        match self.view(slides) {
            Some(View::Sight(sight)) => Some(sight.clone()),
            _ => None,
        }
    }

    /// The same in a pass that goes on from a cache.
    pub(crate) fn onward(&self, slides: bool) -> Option<Onward> {
        match self.view(slides) {
            Some(View::Onward(onward)) => Some(onward.clone()),
            _ => None,
        }
    }

    /// What is added to scores, so that what a token may not look at is far below the rest.
    pub(crate) fn bias(&self, slides: bool) -> Option<Tensor<4>> {
        match self.view(slides) {
            Some(View::Bias(bias)) => Some(bias.clone()),
            _ => None,
        }
    }

    fn view(&self, slides: bool) -> Option<&View> {
        if slides { self.windowed.as_ref() } else { self.full.as_ref() }
    }
}

impl View {
    fn on_tape(self) -> Self {
        match self {
            View::Bias(bias) => View::Bias(bias.autodiff()),
            fused => fused,
        }
    }
}
