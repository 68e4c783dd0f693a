//! What tokens cost.

use std::collections::BTreeMap;

use ethos_core::Usage;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What a model's tokens cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Tokens of requests, in USD per million.
    pub input: f64,
    /// Tokens of answers, reasoning included, in USD per million.
    pub output: f64,
    /// Tokens of requests that the server had in its cache, in USD per million; like others without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<f64>,
    /// Tokens of requests that the server wrote into its cache, where it counts them (Anthropic), in USD
    /// per million; like others without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
    /// What share of all these a batch costs, 0.5 at OpenAI and Anthropic; the whole without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<f64>,
}

/// Tokens of a request's input that the server's cache gave or took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cached {
    pub(crate) read: u64,
    pub(crate) written: u64,
}

impl Price {
    /// So much for a million tokens in and out, in USD.
    pub fn new(input: f64, output: f64) -> Price {
        Price { input, output, cached_input: None, cache_write: None, batch: None }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let all = [Some(self.input), Some(self.output), self.cached_input, self.cache_write];
        for given in all.into_iter().flatten() {
            if !(0.0..=1e6).contains(&given) {
                let why = "it is a number of USD per million tokens, from 0 to a million";
                let given = given.to_string();
                return Err(Error::Setting { what: "a price", given, why });
            }
        }
        if let Some(given) = self.batch
            && !(0.0..=1.0).contains(&given)
        {
            let (what, why) = ("a batch's share of prices", "it is from 0 to 1");
            return Err(Error::Setting { what, given: given.to_string(), why });
        }
        Ok(())
    }

    /// The same in a batch.
    pub(crate) fn batched(self) -> Price {
        let share = self.batch.unwrap_or(1.0);
        Price {
            input: self.input * share,
            output: self.output * share,
            cached_input: self.cached_input.map(|price| price * share),
            cache_write: self.cache_write.map(|price| price * share),
            batch: None,
        }
    }

    /// What these tokens cost.
    pub(crate) fn of(&self, usage: Usage, cached: Cached) -> Cost {
        let read = cached.read.min(usage.input);
        let written = cached.written.min(usage.input - read);
        let fresh = cost(usage.input - read - written, self.input);
        let read = cost(read, self.cached_input.unwrap_or(self.input));
        let written = cost(written, self.cache_write.unwrap_or(self.input));
        Cost(fresh.0 + read.0 + written.0 + cost(usage.output, self.output).0)
    }

    /// What so many tokens cost at most.
    pub(crate) fn worst(&self, usage: Usage) -> Cost {
        let cached =
            self.cached_input.unwrap_or_default().max(self.cache_write.unwrap_or_default());
        Price { input: self.input.max(cached), ..*self }.of(usage, Cached::default())
    }
}

/// Prices by the names of models, as a caller knows them: `{"gpt-4o": {"input": 2.5, "output": 10.0}}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prices(pub BTreeMap<String, Price>);

impl Prices {
    /// An empty table.
    pub fn new() -> Prices {
        Prices::default()
    }

    /// The same table with the price of a model, by the name that requests give it.
    pub fn with(mut self, model: impl Into<String>, price: Price) -> Prices {
        self.0.insert(model.into(), price);
        self
    }
}

/// A sum of money, in picodollars: whole numbers, so that a million small sums add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cost(pub(crate) u128);

impl Cost {
    /// Of USD; what is no sum is none.
    pub(crate) fn usd(usd: f64) -> Cost {
        Cost((usd * 1e12).round() as u128)
    }

    pub(crate) fn as_usd(self) -> f64 {
        self.0 as f64 / 1e12
    }
}

fn cost(tokens: u64, usd_per_million: f64) -> Cost {
    Cost(u128::from(tokens) * (usd_per_million * 1e6).round() as u128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_cost_what_the_table_says() {
        let none = Cached::default();
        let of = |read, written| Cached { read, written };
        let kept =
            Price { cached_input: Some(0.25), cache_write: Some(5.0), ..Price::new(2.5, 10.0) };
        assert_eq!(kept.of(Usage::new(1_000_000, 100_000), none).as_usd(), 3.5);
        assert_eq!(kept.of(Usage::new(1_000_000, 0), of(400_000, 0)).as_usd(), 1.6);
        assert_eq!(kept.of(Usage::new(1_000_000, 0), of(0, 400_000)).as_usd(), 3.5);
        let all = kept.of(Usage::new(10, 0), of(10, 0));
        assert_eq!(kept.of(Usage::new(10, 0), of(1000, 1000)), all);
        assert_eq!(kept.worst(Usage::new(1_000_000, 0)).as_usd(), 5.0);
        assert_eq!(Price::new(0.15, 0.6).of(Usage::new(1, 0), none), Cost(150_000));
        let half = Price { batch: Some(0.5), ..kept }.batched();
        assert_eq!(half.of(Usage::new(1_000_000, 100_000), of(400_000, 0)).as_usd(), 1.3);
        assert!(Price { batch: Some(1.5), ..kept }.check().is_err());
        assert_eq!((Cost::usd(-1.0), Cost::usd(f64::NAN)), (Cost(0), Cost(0)));
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(Price::new(wrong, 1.0).check().is_err());
        }
    }
}
