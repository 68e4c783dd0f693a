//! MinHash in bands: near texts agree in one of them, others nearly never do.

use super::words::mix;

/// The most similar of the hash functions of a family, cut into bands.
///
/// Fast similarity sketching (Dahlgaard, Knudsen and Thorup, arXiv 1704.04370): every piece is thrown
/// into one of the bins, round after round until none is empty, and each bin keeps its least value.
/// Two texts agree in a bin with a chance of their Jaccard similarity, as with one permutation for
/// each bin. A text of thousands of pieces takes one round, one of a few pieces as many steps in all:
/// unlike the filling of bins from their neighbours, which lets a short text's bins depend on one
/// another.
#[derive(Clone, Debug)]
pub(crate) struct Sketcher {
    bands: usize,
    rows: usize,
    seed: u64,
}

impl Sketcher {
    pub(crate) fn new(bands: usize, rows: usize, seed: u64) -> Self {
        Sketcher { bands, rows, seed: mix(seed ^ 0x6574_686F_7321) }
    }

    /// One key for each band, of pieces that are not none; `bins` is scratch.
    pub(crate) fn keys(&self, pieces: &[u64], bins: &mut Vec<u64>, keys: &mut [u32]) {
        let count = self.bands * self.rows;
        bins.clear();
        bins.resize(count, u64::MAX);
        let mut empty = count;
        // After `count` rounds of luck one bin a round is filled for certain.
        for round in 0..2 * count as u64 {
            let turn = mix(self.seed.wrapping_add(round)) | 1;
            let sure = round.checked_sub(count as u64);
            for &piece in pieces {
                let hash = spread(piece ^ turn);
                let bin = match sure {
                    None => ((hash >> 32).wrapping_mul(count as u64) >> 32) as usize,
                    Some(bin) => bin as usize,
                };
                let value = (round << 32) | (hash & 0xFFFF_FFFF);
                let least = &mut bins[bin];
                empty -= usize::from(*least == u64::MAX);
                *least = value.min(*least);
            }
            if empty == 0 || pieces.is_empty() {
                break;
            }
        }
        for (key, band) in keys.iter_mut().zip(bins.chunks(self.rows)) {
            let whole = band.iter().fold(0, |whole: u64, &bin| mix(whole.rotate_left(5) ^ bin));
            *key = (whole >> 32) as u32;
        }
    }
}

/// A multiplication to 128 bits, folded: the step of wyhash.
fn spread(x: u64) -> u64 {
    let wide = u128::from(x) * 0xA076_1D64_78BD_642F_u128;
    (wide as u64) ^ ((wide >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 400 pairs with this much in common, the share of bins that agree.
    fn agreement(shared: u64, apart: u64) -> f64 {
        let sketcher = Sketcher::new(64, 1, 7);
        let (mut bins, mut agree) = (Vec::new(), 0);
        for pair in 0..400_u64 {
            let piece = |kind: u64, i: u64| mix(pair << 32 | kind << 24 | i);
            let of = |kind: u64| -> Vec<u64> {
                let own = (0..apart).map(|i| piece(kind, i));
                (0..shared).map(|i| piece(0, i)).chain(own).collect()
            };
            let (mut a, mut b) = ([0; 64], [0; 64]);
            sketcher.keys(&of(1), &mut bins, &mut a);
            sketcher.keys(&of(2), &mut bins, &mut b);
            agree += a.iter().zip(&b).filter(|(a, b)| a == b).count();
        }
        agree as f64 / (400.0 * 64.0)
    }

    #[test]
    fn bins_agree_as_often_as_sets_are_similar() {
        for (shared, apart) in [(8, 1), (1, 1), (80, 10), (500, 250), (4, 8), (3000, 375)] {
            let similarity = shared as f64 / (shared + 2 * apart) as f64;
            let found = agreement(shared, apart);
            assert!((found - similarity).abs() < 0.02, "{shared} {apart}: {found}, {similarity}");
        }
    }

    #[test]
    fn one_piece_fills_every_bin() {
        let (mut bins, mut keys) = (Vec::new(), [0; 128]);
        Sketcher::new(128, 2, 0).keys(&[42], &mut bins, &mut keys);
        assert!(bins.iter().all(|&bin| bin != u64::MAX));
    }
}
