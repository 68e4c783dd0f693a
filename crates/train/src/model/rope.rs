//! Rotary position embedding (arXiv 2104.09864) in Hugging Face's layout: the two halves of a head
//! are rotated against each other, not neighbouring pairs.

use std::f32::consts::PI;

use super::{RopeScaling, TransformerConfig};

/// The angles by which a position turns a head's pairs.
#[derive(Clone, Debug)]
pub(crate) struct Rope {
    /// Radians per position, one for each pair.
    frequencies: Vec<f32>,
}

impl Rope {
    /// Rounded to f32 after every operation and in the reference's order: at thousands of radians the
    /// last bit of a frequency is seen, and models were trained with those bits.
    pub(crate) fn new(config: &TransformerConfig) -> Self {
        let (theta, size) = (config.rope_theta as f32, config.head_dim as f32);
        let frequency = |pair: usize| {
            let exponent = (2 * pair) as f32 / size;
            // A power in f64 is rounded right to f32 on every platform.
            let period = f64::from(theta).powf(f64::from(exponent)) as f32;
            config.rope_scaling.map_or(period.recip(), |scaling| scaling.stretch(period.recip()))
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
    fn stretch(self, frequency: f32) -> f32 {
        match self {
            RopeScaling::Linear { factor } => frequency / factor as f32,
            RopeScaling::Llama3 {
                factor,
                low_freq_factor: low,
                high_freq_factor: high,
                original_max_position_embeddings: original,
            } => {
                let (factor, original) = (factor as f32, original as f32);
                let length = 2.0 * PI * frequency.recip();
                // How far up the ramp from divided (0) to kept (1).
                let kept = (original * length.recip() - low as f32) / (high - low) as f32;
                if kept <= 0.0 {
                    frequency / factor
                } else if kept >= 1.0 {
                    frequency
                } else {
                    (1.0 - kept) * frequency / factor + kept * frequency
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use serde::Deserialize;

    use super::*;

    /// As `transformers` has it, by `tests/parity/long.py`.
    #[derive(Deserialize)]
    struct Expected {
        head_dim: usize,
        rope_theta: f64,
        rope_scaling: Option<RopeScaling>,
        frequencies: Vec<f32>,
    }

    #[test]
    fn frequencies_are_the_references() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/fixtures/rope.json");
        let all: Vec<Expected> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        for Expected { head_dim, rope_theta, rope_scaling, frequencies } in all {
            let config = TransformerConfig {
                head_dim,
                rope_theta,
                rope_scaling,
                ..TransformerConfig::tiny(8)
            };
            let found = Rope::new(&config).frequencies;
            assert_eq!(found.len(), frequencies.len());
            // PyTorch's vectorised power is not always rounded right: once in a while its last bit is
            // another, and dividing by a factor can make two of it.
            let bits = |pair: (&f32, &f32)| pair.0.to_bits().abs_diff(pair.1.to_bits());
            let apart: Vec<u32> = found.iter().zip(&frequencies).map(bits).collect();
            let others = apart.iter().filter(|apart| **apart > 0).count();
            assert!(others <= 1 && apart.iter().all(|apart| *apart <= 2), "{config:?}: {apart:?}");
        }
    }
}
