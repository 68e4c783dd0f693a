//! Worlds by chance, the same for the same seed.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use crate::stats::place;

/// What makes worlds differ.
#[derive(Clone, Debug)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// Of an environment and a seed: worlds of two environments have nothing in common.
    pub(super) fn new(environment: &str, seed: u64) -> Self {
        let hash = blake3::hash(format!("{environment}/{seed}").as_bytes());
        Dice(ChaCha8Rng::from_seed(*hash.as_bytes()))
    }

    /// A number from `low` to below `high`, which must be more.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + place(&mut self.0, (high - low) as usize) as u32
    }

    /// One of these; there must be one.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[place(&mut self.0, from.len())]
    }

    /// So many of these, in an order of chance.
    pub(super) fn some<'a, T>(&mut self, from: &'a [T], count: usize) -> Vec<&'a T> {
        let mut all: Vec<&T> = from.iter().collect();
        self.shuffle(&mut all);
        all.truncate(count);
        all
    }

    /// Puts these in an order of chance (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, place(&mut self.0, last + 1));
        }
    }
}

/// People for all worlds.
pub(super) const PEOPLE: [&str; 24] = [
    "Ilse Brandvold",
    "Tomas Reyl",
    "Noor Haddach",
    "Petra Lindqvast",
    "Samir Oyelowe",
    "Greta Mossberg",
    "Anton Quille",
    "Yuki Tamarin",
    "Marisol Venn",
    "Dov Karsten",
    "Bela Horvay",
    "Odile Ferrand",
    "Kwame Astley",
    "Linnea Dorr",
    "Rafe Cullinan",
    "Zofia Malk",
    "Hugo Pellerin",
    "Ana Sorvino",
    "Idris Calloway",
    "Maud Ekström",
    "Pavel Ostrik",
    "Wren Halloran",
    "Celia Nakata",
    "Jonas Thielke",
];
