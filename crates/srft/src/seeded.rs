//! Random numbers by seed and name.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Random numbers that owe to a seed, a name and a number, and to nothing that was drawn before: what happens to one
/// thing changes nothing for the others.
pub(crate) fn random(seed: u64, name: &str, number: u32) -> ChaCha8Rng {
    let mixed = name.bytes().fold(seed, |mixed, byte| {
        mixed.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(byte)
    });
    let mut random = ChaCha8Rng::seed_from_u64(mixed);
    random.set_stream(number.into());
    random
}
