//! AdamW (arXiv 1711.05101), as PyTorch computes it, with moments in f32.

use crate::{
    FitConfig, Transformer,
    backward::Gradients,
    fused::{Moments, Update, adamw},
    model::{Trained, Weights, parameters, update},
};

/// First and second moments of every trained parameter, in the order of [`parameters`].
#[derive(Clone, Debug)]
pub(crate) struct AdamW {
    trained: Trained,
    pub(crate) moments: Vec<Moments>,
    /// Updates made so far.
    pub(crate) updates: usize,
}

impl AdamW {
    pub(crate) fn new(model: &Transformer) -> Self {
        let trained = model.trained();
        let named = parameters(model.weights(), trained);
        let zeros = named.into_iter().map(|p| p.flat.zeros_like());
        let moments = zeros.map(|zeros| Moments { mean: zeros.clone(), square: zeros }).collect();
        AdamW { trained, moments, updates: 0 }
    }

    /// One update. Gradients are multiplied by `scale` first, which is how they are clipped. Norms and
    /// biases, being vectors, do not decay.
    pub(crate) fn step(
        &mut self,
        weights: Weights,
        gradients: &mut Gradients,
        scale: f64,
        learning_rate: f64,
        config: &FitConfig,
    ) -> Weights {
        self.updates += 1;
        let updates = self.updates as i32;
        let (b1, b2) = (config.beta1, config.beta2);
        let (unbias1, unbias2) = (1.0 - b1.powi(updates), 1.0 - b2.powi(updates));
        update(weights, self.trained, &mut |number, rank, value| {
            let Some(gradient) = gradients[number].take() else { return value };
            let decay = if rank > 1 { 1.0 - learning_rate * config.weight_decay } else { 1.0 };
            let update = Update {
                scale,
                beta1: b1,
                beta2: b2,
                unbias: unbias2.sqrt().recip(),
                epsilon: config.epsilon,
                decay,
                rate: learning_rate / unbias1,
            };
            adamw(value, gradient, &mut self.moments[number], update)
        })
    }
}
