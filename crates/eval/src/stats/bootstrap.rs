//! The bootstrap, over clusters or epochs.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Interval, Undefined,
    normal::{normal_cdf, normal_quantile},
};

/// What is drawn again, with replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resample {
    /// Whole clusters, each with all of its epochs. The one for results that shall hold for prompts like
    /// these: the spread within clusters comes along (Davison and Hinkley 1997, §3.8).
    Clusters,
    /// Clusters, and then epochs within each drawn one. For reducers that are not smooth; for a mean it
    /// counts the spread within clusters twice and is somewhat too wide.
    Hierarchical,
    /// Epochs within every cluster, which stay. For results on these very prompts, and the only one
    /// possible with a single cluster.
    Epochs,
}

/// How to bootstrap. 9,999 replicates of 27 clusters with 300 epochs each take 0.2 s by whole clusters and
/// under 2 s where epochs are drawn, on two cores.
///
/// # Errors
///
/// Running it gives [`Undefined::Empty`] when nothing was scored; [`Undefined::TooFew`] with a single
/// cluster to draw clusters from, which would come out the same each time, or without replicates; and
/// [`Undefined::Statistic`] when the statistic has no value on a resample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bootstrap {
    /// What is drawn again.
    pub resample: Resample,
    /// How many times; 9,999 leave about 1 % of an interval's width to chance.
    pub replicates: u32,
    /// Same seed, same scores: same replicates, to the bit, on any number of threads.
    pub seed: u64,
}

/// What a bootstrap found.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrapped {
    estimate: f64,
    /// In ascending order.
    replicates: Vec<f64>,
    /// How fast the standard error changes with the truth; `None` where no jackknife tells.
    acceleration: Option<f64>,
}

impl Bootstrap {
    /// 9,999 resamples of whole clusters.
    pub fn clusters(seed: u64) -> Self {
        Bootstrap { resample: Resample::Clusters, replicates: 9_999, seed }
    }

    pub(super) fn run(
        &self,
        clusters: &[&[f64]],
        statistic: impl Fn(&[&[f64]]) -> Option<f64> + Sync,
    ) -> Result<Bootstrapped, Undefined> {
        let few = |what, have, need| Err(Undefined::TooFew { what, have, need });
        match (self.resample, clusters.len() as u64) {
            (_, 0) => return Err(Undefined::Empty),
            (Resample::Clusters | Resample::Hierarchical, 1) => return few("clusters", 1, 2),
            _ if self.replicates < 2 => return few("replicates", self.replicates.into(), 2),
            _ => {}
        }
        let estimate = statistic(clusters).ok_or(Undefined::Statistic)?;
        let replicate = |number: u32| {
            // A stream for each, so that it does not matter which thread draws it, and when.
            let mut random = ChaCha8Rng::seed_from_u64(self.seed);
            random.set_stream(number.into());
            statistic_of_draw(clusters, self.resample, &mut random, &statistic)
        };
        let replicates = (0..self.replicates).into_par_iter().map(replicate);
        let mut replicates =
            replicates.collect::<Option<Vec<f64>>>().ok_or(Undefined::Statistic)?;
        replicates.sort_by(f64::total_cmp);
        let acceleration = match self.resample {
            Resample::Epochs => acceleration(&without_an_epoch(clusters, &statistic)),
            _ => acceleration(&[without_a_cluster(clusters, &statistic)]),
        };
        Ok(Bootstrapped { estimate, replicates, acceleration })
    }
}

/// A place in 0..n. Written out, since the bits of a generator's own ranges may change with its version; it
/// favours some places by less than n / 2^64.
pub(crate) fn place(random: &mut ChaCha8Rng, n: usize) -> usize {
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}

fn statistic_of_draw(
    clusters: &[&[f64]],
    resample: Resample,
    random: &mut ChaCha8Rng,
    statistic: &impl Fn(&[&[f64]]) -> Option<f64>,
) -> Option<f64> {
    let drawn: Vec<&[f64]> = match resample {
        Resample::Epochs => clusters.to_vec(),
        _ => clusters.iter().map(|_| clusters[place(random, clusters.len())]).collect(),
    };
    if resample == Resample::Clusters {
        return statistic(&drawn);
    }
    let mut epoch = |scores: &[f64]| scores[place(random, scores.len())];
    let redrawn: Vec<Vec<f64>> =
        drawn.iter().map(|scores| scores.iter().map(|_| epoch(scores)).collect()).collect();
    statistic(&redrawn.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// The statistic without each cluster in turn; `None` where it has no value.
fn without_a_cluster(
    clusters: &[&[f64]],
    statistic: &impl Fn(&[&[f64]]) -> Option<f64>,
) -> Option<Vec<f64>> {
    let without = |place: usize| {
        let mut rest = clusters.to_vec();
        rest.remove(place);
        statistic(&rest)
    };
    (0..clusters.len()).map(without).collect()
}

/// For every cluster, the statistic without each of its epochs in turn.
fn without_an_epoch(
    clusters: &[&[f64]],
    statistic: &impl Fn(&[&[f64]]) -> Option<f64>,
) -> Vec<Option<Vec<f64>>> {
    let of_cluster = |cluster: usize| {
        let without = |place: usize| {
            let mut epochs = clusters[cluster].to_vec();
            epochs.remove(place);
            let mut rest = clusters.to_vec();
            rest[cluster] = &epochs;
            statistic(&rest)
        };
        // A single epoch cannot be left out, nor does drawing it again move anything.
        match clusters[cluster].len() {
            1 => Some(vec![0.0]),
            epochs => (0..epochs).map(without).collect(),
        }
    };
    (0..clusters.len()).map(of_cluster).collect()
}

/// Efron's acceleration from the jackknife values of each stratum that is drawn from by itself (Davison and
/// Hinkley 1997, §5.3.2).
fn acceleration(strata: &[Option<Vec<f64>>]) -> Option<f64> {
    let (mut cubes, mut squares) = (0.0, 0.0);
    for values in strata {
        let values = values.as_deref()?;
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let influence = values.iter().map(|value| (n - 1.0) * (mean - value) / n);
        let (cube, square) = influence.fold((0.0, 0.0), |(c, s), i| (c + i.powi(3), s + i.powi(2)));
        cubes += cube;
        squares += square;
    }
    (squares > 0.0).then(|| cubes / (6.0 * squares.powf(1.5)))
}

impl Bootstrapped {
    /// The statistic on the scores as they are.
    pub fn estimate(&self) -> f64 {
        self.estimate
    }

    /// The standard error: the standard deviation of the replicates; `None` when they are all the same,
    /// which is not certainty.
    pub fn se(&self) -> Option<f64> {
        self.spread().ok()?;
        let n = self.replicates.len() as f64;
        let mean = self.replicates.iter().sum::<f64>() / n;
        let squares: f64 = self.replicates.iter().map(|r| (r - mean).powi(2)).sum();
        Some((squares / (n - 1.0)).sqrt())
    }

    /// The percentile interval (Efron 1979): what lies between, of the replicates. It always holds the
    /// median of the replicates, and is simple; near 0 and 1 and with few clusters it is too narrow, which
    /// [`Bootstrapped::bca`] mends in part.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoVariation`] when all replicates are the same, [`Undefined::Value`] at a level outside
    /// (0, 1).
    pub fn percentile(&self, level: f64) -> Result<Interval, Undefined> {
        Undefined::level(level)?;
        self.spread()?;
        let tail = (1.0 - level) / 2.0;
        Ok(Interval { low: self.quantile(tail), high: self.quantile(1.0 - tail), level })
    }

    /// The bias-corrected and accelerated interval (Efron 1987, JASA 82, 171-185), the one to report: the
    /// percentiles moved by how skew the replicates are.
    ///
    /// # Errors
    ///
    /// As [`Bootstrapped::percentile`]; and [`Undefined::Statistic`] where the estimate lies outside all
    /// replicates, or the statistic has no value when a cluster is left out.
    pub fn bca(&self, level: f64) -> Result<Interval, Undefined> {
        Undefined::level(level)?;
        self.spread()?;
        let acceleration = self.acceleration.ok_or(Undefined::Statistic)?;
        // The same value may come out a bit off when summed in another order.
        let slack = 1e-13 * self.estimate.abs();
        let below = self.replicates.partition_point(|r| *r < self.estimate - slack);
        let up_to = self.replicates.partition_point(|r| *r <= self.estimate + slack);
        let bias = normal_quantile((below + up_to) as f64 / (2.0 * self.replicates.len() as f64));
        if bias.is_infinite() {
            return Err(Undefined::Statistic);
        }
        let moved = |z: f64| {
            let shifted = bias + z;
            // At 0 and below the transformation has left the numbers on the side that it bends to.
            let bend = (1.0 - acceleration * shifted).max(0.0);
            self.quantile(normal_cdf(bias + shifted / bend))
        };
        let z = normal_quantile(0.5 + level / 2.0);
        Ok(Interval { low: moved(-z), high: moved(z), level })
    }

    fn spread(&self) -> Result<(), Undefined> {
        match (self.replicates.first(), self.replicates.last()) {
            (Some(low), Some(high)) if low < high => Ok(()),
            _ => Err(Undefined::NoVariation { what: "replicates" }),
        }
    }

    /// A quantile of the replicates, between neighbours by a straight line (type 7 of Hyndman and Fan).
    fn quantile(&self, p: f64) -> f64 {
        let last = self.replicates.len() - 1;
        let at = p.clamp(0.0, 1.0) * last as f64;
        let (below, above) = (at.floor() as usize, at.ceil() as usize);
        let (low, high) = (self.replicates[below], self.replicates[above]);
        low + (high - low) * at.fract()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{
        Clusters, Correction, Reducer,
        clusters::tests::clusters,
        fixture::{close, read},
    };

    #[derive(Deserialize)]
    struct Fixture {
        bootstrap: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        sample: Vec<f64>,
        replicates: Vec<f64>,
        se: f64,
        percentile: Vec<Interval>,
        bca: Vec<Interval>,
    }

    fn mean(clusters: &[&[f64]]) -> Option<f64> {
        Reducer::Mean.over(clusters)
    }

    #[test]
    fn intervals_from_the_same_replicates_are_those_of_scipy() {
        for row in read::<Fixture>("bootstrap").bootstrap {
            let alone: Vec<&[f64]> = row.sample.iter().map(std::slice::from_ref).collect();
            let mut found = Bootstrap::clusters(1).run(&alone, mean).unwrap();
            found.replicates = row.replicates;
            found.replicates.sort_by(f64::total_cmp);
            close(found.se().unwrap(), row.se);
            for theirs in row.percentile {
                let ours = found.percentile(theirs.level).unwrap();
                close(ours.low, theirs.low);
                close(ours.high, theirs.high);
            }
            for theirs in &row.bca {
                let ours = found.bca(theirs.level).unwrap();
                close(ours.low, theirs.low);
                close(ours.high, theirs.high);
            }
            // The same sample as the epochs of one cluster has the same acceleration.
            let config = Bootstrap { resample: Resample::Epochs, ..Bootstrap::clusters(1) };
            let epochs = config.run(&[&row.sample], mean).unwrap();
            close(epochs.acceleration.unwrap(), found.acceleration.unwrap());
        }
    }

    #[test]
    fn the_error_is_the_cluster_robust_one() {
        let scores: Vec<Vec<f64>> = (0..27)
            .map(|c| (0..20).map(|e| f64::from((c * 7 + e * e) % 23 < c % 12)).collect())
            .collect();
        let found = clusters(&scores);
        let robust = found.mean(Correction::None).unwrap().se.unwrap();
        let drawn = found.bootstrap(&Bootstrap::clusters(3), mean).unwrap();
        assert!((drawn.se().unwrap() / robust - 1.0).abs() < 0.03, "{:?} {robust}", drawn.se());
        let both = Bootstrap { resample: Resample::Hierarchical, ..Bootstrap::clusters(3) };
        assert!(found.bootstrap(&both, mean).unwrap().se() > drawn.se());
        // These very prompts vary less than prompts like these.
        let within = Bootstrap { resample: Resample::Epochs, ..Bootstrap::clusters(3) };
        assert!(found.bootstrap(&within, mean).unwrap().se() < drawn.se());
    }

    #[test]
    fn one_cluster_has_epochs_to_draw_and_nothing_else() {
        let mut epochs = vec![0.0; 255];
        epochs.extend([1.0; 45]);
        let one = clusters(&[epochs]);
        let few = Undefined::TooFew { what: "clusters", have: 1, need: 2 };
        assert_eq!(one.bootstrap(&Bootstrap::clusters(1), mean), Err(few));
        let config = Bootstrap { resample: Resample::Epochs, ..Bootstrap::clusters(1) };
        let drawn = one.bootstrap(&config, mean).unwrap();
        let expected = one.mean(Correction::SmallSample).unwrap().se.unwrap();
        assert!((drawn.se().unwrap() / expected - 1.0).abs() < 0.03);
        assert!(drawn.bca(0.95).unwrap().contains(0.15));
    }

    #[test]
    fn what_does_not_vary_or_has_no_value_is_undefined() {
        let config = Bootstrap::clusters(1);
        assert_eq!(Clusters::default().bootstrap(&config, mean), Err(Undefined::Empty));
        let same = clusters(&vec![vec![0.0; 5]; 5]).bootstrap(&config, mean).unwrap();
        assert_eq!(same.se(), None);
        assert_eq!(same.percentile(0.9), Err(Undefined::NoVariation { what: "replicates" }));
        assert_eq!(same.bca(0.9), Err(Undefined::NoVariation { what: "replicates" }));
        let two = clusters(&[vec![0.0], vec![1.0]]);
        assert_eq!(two.bootstrap(&config, |_| None), Err(Undefined::Statistic));
        assert!(two.bootstrap(&Bootstrap { replicates: 0, ..config }, mean).is_err());
        assert!(two.bootstrap(&config, mean).unwrap().percentile(2.0).is_err());
    }

    #[test]
    fn threads_do_not_matter() {
        let found = clusters(&(0..9).map(|c| vec![f64::from(c).sin(); 4]).collect::<Vec<_>>());
        let config = Bootstrap { replicates: 500, ..Bootstrap::clusters(8) };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| found.bootstrap(&config, mean)).unwrap()
        };
        assert_eq!(on(1), on(4));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn same_seed_same_bits_and_intervals_grow(
            scores in prop::collection::vec(prop::collection::vec(0.0f64..1.0, 1..6), 2..8),
            seed in any::<u64>(), a in 0.01f64..0.999, b in 0.01f64..0.999,
        ) {
            let found = clusters(&scores);
            for resample in [Resample::Clusters, Resample::Hierarchical, Resample::Epochs] {
                let config = Bootstrap { resample, replicates: 200, seed };
                let drawn = found.bootstrap(&config, mean).unwrap();
                prop_assert_eq!(&drawn, &found.bootstrap(&config, mean).unwrap());
                for interval in [Bootstrapped::percentile, Bootstrapped::bca] {
                    let both = (interval(&drawn, a.min(b)), interval(&drawn, a.max(b)));
                    if let (Ok(narrow), Ok(wide)) = both {
                        prop_assert!(narrow.low <= narrow.high);
                        prop_assert!(wide.low <= narrow.low + 1e-12);
                        prop_assert!(narrow.high <= wide.high + 1e-12);
                    }
                }
            }
        }
    }
}
