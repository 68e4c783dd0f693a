//! Rotary position embedding (arXiv 2104.09864) in Hugging Face's layout: the two halves of a head
//! are rotated against each other, not neighbouring pairs.

use burn::tensor::{Device, Tensor, TensorData};

use super::TransformerConfig;

/// Cosines and sines of every position and frequency, `[positions, head size]`.
#[derive(Clone, Debug)]
pub(crate) struct Rope {
    cos: Tensor<2>,
    sin: Tensor<2>,
}

impl Rope {
    pub(crate) fn new(config: &TransformerConfig, device: &Device) -> Self {
        let (positions, size) = (config.max_position_embeddings, config.head_dim);
        let table = |of: fn(f64) -> f64| {
            let mut values = Vec::with_capacity(positions * size);
            for position in 0..positions {
                for place in 0..size {
                    let pair = (place % (size / 2)) as f64;
                    let frequency = config.rope_theta.powf(-2.0 * pair / size as f64);
                    values.push(of(position as f64 * frequency) as f32);
                }
            }
            Tensor::from_data(TensorData::new(values, [positions, size]), device)
        };
        Rope { cos: table(f64::cos), sin: table(f64::sin) }
    }

    /// Rotates `[batch, heads, time, head size]` from position 0 on.
    ///
    /// Positions run on through packed rows: what counts in attention is how far two tokens are apart,
    /// and attention stays within a row.
    pub(crate) fn rotate(&self, x_bhtk: Tensor<4>) -> Tensor<4> {
        let [_, _, time, size] = x_bhtk.dims();
        // The tables follow their tensor onto the autodiff tape and off it again.
        let table = |t: &Tensor<2>| {
            let table = t.clone().narrow(0, 0, time).reshape([1, 1, time, size]);
            if x_bhtk.is_autodiff() { table.autodiff() } else { table }
        };
        let (cos, sin) = (table(&self.cos), table(&self.sin));
        let first = x_bhtk.clone().narrow(3, 0, size / 2);
        let second = x_bhtk.clone().narrow(3, size / 2, size / 2);
        let turned = Tensor::cat(vec![second.neg(), first], 3);
        x_bhtk * cos + turned * sin
    }
}
