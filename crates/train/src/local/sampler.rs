//! Drawing a token from logits.

use std::cmp::Ordering;

use ethos_core::Sampling;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Error, Result};

/// How many of the likeliest tokens are sorted at first to find where the nucleus ends. Most nuclei are
/// smaller; each further try sorts eight times as many.
const SORTED: usize = 64;

/// Draws the tokens of one answer.
///
/// The order is that of `transformers`: temperature, then top-k, then the nucleus. Both filters come
/// down to a lowest logit that may be drawn; tokens that tie with it may be drawn too.
#[derive(Debug)]
pub(super) struct Sampler {
    temperature: f64,
    top_k: Option<usize>,
    top_p: f64,
    random: ChaCha8Rng,
    /// Room for logits in another order.
    sorted: Vec<f32>,
}

impl Sampler {
    /// What is not set is drawn from the whole distribution at temperature 1, without a seed from the
    /// system's.
    pub(super) fn new(sampling: &Sampling) -> Result<Self> {
        let wrong = |message| Err(Error::Config { what: "sampling", message });
        let temperature = sampling.temperature.unwrap_or(1.0);
        if !temperature.is_finite() || temperature < 0.0 {
            return wrong(format!("`temperature` is {temperature}, and must be 0 or more"));
        }
        let top_p = sampling.top_p.unwrap_or(1.0);
        if !(top_p > 0.0 && top_p <= 1.0) {
            return wrong(format!("`top_p` is {top_p}, and must be above 0 and at most 1"));
        }
        if sampling.top_k == Some(0) {
            return wrong("`top_k` is 0, and must be 1 or more; leave it out for all".to_owned());
        }
        let random = match sampling.seed {
            Some(seed) => ChaCha8Rng::seed_from_u64(seed),
            None => ChaCha8Rng::from_rng(&mut rand::rng()),
        };
        let top_k = sampling.top_k.map(|k| k as usize);
        Ok(Sampler { temperature, top_k, top_p, random, sorted: Vec::new() })
    }

    /// A token and its log-probability among all, before temperature and filters.
    pub(super) fn draw(&mut self, logits: &[f32]) -> Result<(u32, f32)> {
        let finite = logits.iter().all(|logit| logit.is_finite());
        // Ties go to the lower id, as argmax has it.
        let best = (0..).zip(logits).reduce(|a, b| if b.1 > a.1 { b } else { a });
        let (Some((best, &highest)), true) = (best, finite) else {
            let message = "logits are not numbers; the weights or their precision are to blame";
            return Err(Error::Inference(message.to_owned()));
        };
        let drawn: usize =
            if self.temperature == 0.0 { best } else { self.sample(logits, highest) };
        let total: f64 = logits.iter().map(|logit| f64::from((logit - highest).exp())).sum();
        let logprob = f64::from(logits[drawn]) - f64::from(highest) - total.ln();
        Ok((drawn as u32, (logprob as f32).max(f32::MIN)))
    }

    fn sample(&mut self, logits: &[f32], highest: f32) -> usize {
        let floor = self.floor(logits, highest);
        let mass = mass(self.temperature, highest);
        let kept = || logits.iter().enumerate().filter(|(_, logit)| **logit >= floor);
        let total: f64 = kept().map(|(_, logit)| mass(*logit)).sum();
        // In the order of ids, so that a rounding error moves a boundary and never the tokens.
        let mut point = self.random.random::<f64>() * total;
        let mut last = 0;
        for (id, logit) in kept() {
            let mass = mass(*logit);
            if point < mass {
                return id;
            }
            point -= mass;
            last = if mass > 0.0 { id } else { last };
        }
        last
    }

    /// The lowest logit that may be drawn.
    fn floor(&mut self, logits: &[f32], highest: f32) -> f32 {
        let all = f32::NEG_INFINITY;
        let top_k = self.top_k.filter(|k| *k < logits.len());
        if top_k.is_none() && self.top_p >= 1.0 {
            return all;
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(logits);
        let floor = top_k.map_or(all, |k| *self.sorted.select_nth_unstable_by(k - 1, down).1);
        if self.top_p >= 1.0 {
            return floor;
        }
        self.sorted.retain(|logit| *logit >= floor);
        let mass = mass(self.temperature, highest);
        let wanted = self.top_p * self.sorted.iter().map(|logit| mass(*logit)).sum::<f64>();
        let (mut rest, mut size, mut gathered) = (self.sorted.as_mut_slice(), SORTED, 0.0);
        while size < rest.len() {
            rest.select_nth_unstable_by(size, down);
            let (head, tail) = rest.split_at_mut(size);
            if let Some(floor) = nucleus_end(head, &mut gathered, wanted, &mass) {
                return floor;
            }
            rest = tail;
            size *= 8;
        }
        nucleus_end(rest, &mut gathered, wanted, &mass).unwrap_or(floor)
    }
}

/// Where the mass gathered from the highest down reaches what is wanted.
fn nucleus_end(
    logits: &mut [f32],
    gathered: &mut f64,
    wanted: f64,
    mass: impl Fn(f32) -> f64,
) -> Option<f32> {
    logits.sort_unstable_by(down);
    logits.iter().copied().find(|logit| {
        *gathered += mass(*logit);
        *gathered >= wanted
    })
}

/// Unnormalised probability of a logit; that of the highest is 1.
fn mass(temperature: f64, highest: f32) -> impl Fn(f32) -> f64 {
    move |logit| f64::from(((f64::from(logit - highest) / temperature) as f32).exp())
}

fn down(a: &f32, b: &f32) -> Ordering {
    b.total_cmp(a)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOGITS: [f32; 6] = [1.0, 3.0, -2.0, 2.5, 2.0, 0.0];

    fn sampling(temperature: f64, top_k: Option<u32>, top_p: Option<f64>) -> Sampling {
        let mut sampling = Sampling::default();
        (sampling.temperature, sampling.top_k, sampling.top_p) = (Some(temperature), top_k, top_p);
        sampling.seed = Some(1);
        sampling
    }

    /// How often each token is drawn, against how often it should be: `transformers`' order of filters,
    /// written out.
    fn check(temperature: f64, top_k: Option<u32>, top_p: Option<f64>, allowed: &[usize]) {
        let mut sampler = Sampler::new(&sampling(temperature, top_k, top_p)).unwrap();
        let draws = 20_000;
        let mut counts = [0.0; LOGITS.len()];
        for _ in 0..draws {
            counts[sampler.draw(&LOGITS).unwrap().0 as usize] += 1.0;
        }
        let mass = |id: usize| (f64::from(LOGITS[id]) / temperature).exp();
        let total: f64 = allowed.iter().map(|&id| mass(id)).sum();
        let mut squares = 0.0;
        for (id, count) in counts.into_iter().enumerate() {
            if allowed.contains(&id) {
                let expected = f64::from(draws) * mass(id) / total;
                squares += (count - expected) * (count - expected) / expected;
            } else {
                assert_eq!(count, 0.0, "token {id} was drawn");
            }
        }
        // Chi-square of at most five degrees of freedom: 1 in 10,000 is beyond this.
        assert!(squares < 26.0, "{squares}: {counts:?}");
    }

    #[test]
    fn draws_follow_the_distribution() {
        check(1.0, None, None, &[0, 1, 2, 3, 4, 5]);
        check(2.0, None, None, &[0, 1, 2, 3, 4, 5]);
        check(1.0, Some(2), None, &[1, 3]);
        // Shares are 0.41, 0.25 and 0.15 for the first three, at temperature 1.
        check(1.0, None, Some(0.4), &[1]);
        check(1.0, None, Some(0.6), &[1, 3]);
        check(1.0, None, Some(0.8), &[1, 3, 4]);
        // The nucleus is that of what top-k left.
        check(1.0, Some(2), Some(0.7), &[1, 3]);
        check(0.5, Some(3), None, &[1, 3, 4]);
    }

    #[test]
    fn greedy_takes_the_first_of_equals() {
        let mut sampler = Sampler::new(&sampling(0.0, None, None)).unwrap();
        assert_eq!(sampler.draw(&[0.0, 2.0, 2.0]).unwrap().0, 1);
        let (_, logprob) = sampler.draw(&[0.0, 0.0]).unwrap();
        assert!((logprob + 2f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn what_cannot_be_drawn_from_is_an_error() {
        let mut sampler = Sampler::new(&sampling(1.0, None, None)).unwrap();
        for logits in [&[0.0, f32::NAN][..], &[f32::INFINITY, 0.0], &[]] {
            assert!(sampler.draw(logits).is_err());
        }
        for wrong in [sampling(-1.0, None, None), sampling(f64::NAN, None, None)] {
            assert!(Sampler::new(&wrong).is_err());
        }
        assert!(Sampler::new(&sampling(1.0, Some(0), None)).is_err());
        assert!(Sampler::new(&sampling(1.0, None, Some(0.0))).is_err());
    }

    proptest! {
        /// Nothing outside what the filters leave, found here by sorting everything.
        #[test]
        fn a_draw_lies_in_the_nucleus(
            logits in prop::collection::vec(-30f32..30.0, 1..300),
            temperature in 0.05f64..4.0,
            top_k in prop::option::of(1u32..40),
            top_p in prop::option::of(0.01f64..1.0),
        ) {
            let mut sampler = Sampler::new(&sampling(temperature, top_k, top_p)).unwrap();
            let mut sorted = logits.clone();
            sorted.sort_unstable_by(down);
            sorted.truncate(top_k.map_or(usize::MAX, |k| k as usize));
            let mass = |logit: f32| (f64::from(logit - sorted[0]) / temperature).exp();
            let total: f64 = sorted.iter().map(|logit| mass(*logit)).sum();
            let mut gathered = 0.0;
            let kept = sorted.iter().take_while(|logit| {
                let before = gathered;
                gathered += mass(**logit);
                // A little more than the nucleus, for sums in another order.
                before < total * (top_p.unwrap_or(1.0) + 1e-6)
            });
            let lowest = *kept.last().unwrap();
            for _ in 0..20 {
                let (token, logprob) = sampler.draw(&logits).unwrap();
                prop_assert!(logits[token as usize] >= lowest);
                prop_assert!(logprob <= 1e-6 && logprob.is_finite());
            }
        }
    }
}
