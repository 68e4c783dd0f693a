//! Chance: which draw of a question an epoch is, and by which seed.

use std::collections::HashMap;

use ethos_core::derived_seed;

use crate::Dataset;

/// Draws kept for one sample, and so the most epochs of a task.
pub(crate) const EPOCHS: u32 = 1 << 16;

/// The first draw of every sample. Samples that ask the same would share their answers in the journal, and
/// with them their chance; so the second of them has draws of its own.
pub(super) struct Draws(Vec<u32>);

impl Draws {
    pub(super) fn of(dataset: &Dataset) -> Self {
        let mut seen: HashMap<String, u32> = HashMap::new();
        let first = dataset.samples.iter().map(|sample| {
            let asked = serde_json::to_string(&sample.input).unwrap_or_default();
            let before = seen.entry(asked).or_default();
            let first = before.wrapping_mul(EPOCHS);
            *before += 1;
            first
        });
        Draws(first.collect())
    }

    pub(super) fn first(&self, sample: usize) -> u32 {
        self.0.get(sample).copied().unwrap_or_default()
    }
}

/// The seed of a sample in an epoch. With the task's own seed everywhere, a model that honours it would
/// give every epoch the same answer and all samples the same luck.
pub(super) fn seed(seed: u64, id: &str, epoch: u32) -> u64 {
    derived_seed(seed, &[&epoch.to_le_bytes(), id.as_bytes()])
}

/// The seed of an answer after so many others in one sample: under the same one, whoever admits in the first turn
/// would be lucky in the second, too.
pub(crate) fn turn(seed: u64, turns: u32) -> u64 {
    if turns == 0 {
        return seed;
    }
    derived_seed(seed, &[&turns.to_le_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sample;

    #[test]
    fn equal_questions_do_not_share_their_chance() {
        let sample = |id: &str, question: &str| Sample::new(id, question);
        let draws = Draws::of(&Dataset::new(
            "d",
            [sample("a", "Why?"), sample("b", "Who?"), sample("c", "Why?")],
        ));
        assert_eq!(draws.0, [0, 0, EPOCHS]);
    }

    #[test]
    fn seeds_differ_and_stay() {
        assert_ne!(seed(1, "a", 1), seed(1, "a", 2));
        assert_ne!(seed(1, "a", 1), seed(1, "b", 1));
        assert_ne!(seed(1, "a", 1), seed(2, "a", 1));
        assert_eq!(seed(0, "", 1), seed(0, "", 1));
        assert!(seed(u64::MAX, "a", 7) < 1 << 31);
        assert_eq!(turn(5, 0), 5);
        assert_ne!(turn(5, 1), turn(5, 2));
        assert!(turn(u64::MAX, 1) < 1 << 31);
    }
}
