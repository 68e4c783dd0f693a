//! Rotary position embedding (arXiv 2104.09864) in Hugging Face's layout: the two halves of a head
//! are rotated against each other, not neighbouring pairs.

use std::f64::consts::PI;

use super::{RopeScaling, TransformerConfig};

/// The angles by which a position turns a head's pairs.
#[derive(Clone, Debug)]
pub(crate) struct Rope {
    /// Radians per position, one for each pair.
    frequencies: Vec<f32>,
}

impl Rope {
    pub(crate) fn new(config: &TransformerConfig) -> Self {
        let size = config.head_dim as f64;
        let frequency = |pair: usize| {
            let frequency = config.rope_theta.powf(-2.0 * pair as f64 / size);
            config.rope_scaling.map_or(frequency, |scaling| scaling.stretch(frequency)) as f32
        };
        Rope { frequencies: (0..config.head_dim / 2).map(frequency).collect() }
    }

    /// `of` each angle at these positions, `[positions, head size]`, row by row.
    pub(crate) fn table(
        &self,
        positions: impl IntoIterator<Item = usize>,
        of: fn(f32) -> f32,
    ) -> Vec<f32> {
        let mut values = Vec::new();
        for position in positions {
            for _half in 0..2 {
                // The product is rounded to f32 before the sine, as in the reference.
                values.extend(self.frequencies.iter().map(|f| of(position as f32 * f)));
            }
        }
        values
    }
}

impl RopeScaling {
    fn stretch(self, frequency: f64) -> f64 {
        match self {
            RopeScaling::Linear { factor } => frequency / factor,
            RopeScaling::Llama3 {
                factor,
                low_freq_factor: low,
                high_freq_factor: high,
                original_max_position_embeddings: original,
            } => {
                let waves = original as f64 * frequency / (2.0 * PI);
                // How far up the ramp from divided (0) to kept (1).
                let kept = ((waves - low) / (high - low)).clamp(0.0, 1.0);
                (1.0 - kept) * frequency / factor + kept * frequency
            }
        }
    }
}
