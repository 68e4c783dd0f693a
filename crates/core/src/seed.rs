//! Seeds that follow from others.

/// A seed that follows from another and from what sets it apart: a hash of both, of 31 bits, since servers differ in how
/// many they take.
pub fn derived_seed(seed: u64, apart: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    for part in apart {
        hasher.update(part);
    }
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(bytes) >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ_and_stay() {
        assert_ne!(derived_seed(1, &[b"a"]), derived_seed(1, &[b"b"]));
        assert_ne!(derived_seed(1, &[b"a"]), derived_seed(2, &[b"a"]));
        assert_eq!(derived_seed(0, &[]), derived_seed(0, &[]));
        assert!(derived_seed(u64::MAX, &[b"a"]) < 1 << 31);
    }
}
