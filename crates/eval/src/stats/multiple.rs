//! Several comparisons at once.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Undefined;

/// Holm's adjusted p values, in the order given (Holm 1979, Scand. J. Statist. 6, 65-70): below α they
/// are significant with a chance of at most α that any one of the family is so wrongly, however they depend
/// on each other.
///
/// # Errors
///
/// [`Undefined::Value`] when a p value is outside [0, 1].
pub fn holm(p: &[f64]) -> Result<Vec<f64>, Undefined> {
    let order = ascending(p)?;
    let mut adjusted = vec![0.0; p.len()];
    let mut highest = 0.0_f64;
    for (rank, &place) in order.iter().enumerate() {
        highest = highest.max(p[place] * (p.len() - rank) as f64).min(1.0);
        adjusted[place] = highest;
    }
    Ok(adjusted)
}

/// Adjusted p values of Benjamini and Hochberg, in the order given (1995, J. R. Statist. Soc. B 57,
/// 289-300): among those below q, at most the share q is expected to be wrong, where the comparisons are
/// independent or depend positively on each other.
///
/// # Errors
///
/// [`Undefined::Value`] when a p value is outside [0, 1].
pub fn benjamini_hochberg(p: &[f64]) -> Result<Vec<f64>, Undefined> {
    let order = ascending(p)?;
    let mut adjusted = vec![0.0; p.len()];
    let mut lowest = 1.0_f64;
    for (rank, &place) in order.iter().enumerate().rev() {
        lowest = lowest.min(p[place] * p.len() as f64 / (rank + 1) as f64);
        adjusted[place] = lowest;
    }
    Ok(adjusted)
}

/// Places of p values, smallest value first.
fn ascending(p: &[f64]) -> Result<Vec<usize>, Undefined> {
    if let Some(&value) = p.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Undefined::Value { what: "a p value", value, wanted: "in [0, 1]" });
    }
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    Ok(order)
}

/// A family of comparisons: every one that was looked at, whatever came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparisons {
    /// The comparisons, in the order given.
    pub rows: Vec<Comparison>,
}

/// One comparison of a family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What is compared.
    pub name: String,
    /// Its p value alone.
    pub p: f64,
    /// Adjusted by [`holm`].
    pub holm: f64,
    /// Adjusted by [`benjamini_hochberg`].
    pub benjamini_hochberg: f64,
}

impl Comparisons {
    /// A family from names and p values.
    ///
    /// # Errors
    ///
    /// [`Undefined::Value`] when a p value is outside [0, 1].
    pub fn of<N: Into<String>>(
        family: impl IntoIterator<Item = (N, f64)>,
    ) -> Result<Self, Undefined> {
        let (names, p): (Vec<N>, Vec<f64>) = family.into_iter().unzip();
        let (holm, rates) = (holm(&p)?, benjamini_hochberg(&p)?);
        let rows = names.into_iter().zip(p).zip(holm.into_iter().zip(rates));
        let rows = rows.map(|((name, p), (holm, benjamini_hochberg))| Comparison {
            name: name.into(),
            p,
            holm,
            benjamini_hochberg,
        });
        Ok(Comparisons { rows: rows.collect() })
    }

    /// What a report says of this family at a level of significance, usually 0.05.
    pub fn note(&self, alpha: f64) -> ComparisonsNote {
        let below = |value: &dyn Fn(&Comparison) -> f64| {
            self.rows.iter().filter(|row| value(row) < alpha).count()
        };
        ComparisonsNote {
            comparisons: self.rows.len(),
            alpha,
            alone: below(&|row| row.p),
            holm: below(&|row| row.holm),
            benjamini_hochberg: below(&|row| row.benjamini_hochberg),
        }
    }
}

/// The note on multiple comparisons that stands under a table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonsNote {
    /// How many comparisons were made.
    pub comparisons: usize,
    /// The level of significance.
    pub alpha: f64,
    /// How many are below it alone.
    pub alone: usize,
    /// How many still are by [`holm`].
    pub holm: usize,
    /// How many still are by [`benjamini_hochberg`].
    pub benjamini_hochberg: usize,
}

impl fmt::Display for ComparisonsNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ComparisonsNote { comparisons, alpha, alone, holm, benjamini_hochberg } = self;
        match comparisons {
            0 => f.write_str("nothing was compared"),
            1 => write!(f, "one comparison was made; p values need no adjustment"),
            _ => write!(
                f,
                "{comparisons} comparisons were made: were there no difference anywhere, {:.1} of them \
                 would be expected below {alpha} by chance; {alone} are, {holm} after Holm's adjustment, \
                 {benjamini_hochberg} after Benjamini and Hochberg's",
                *comparisons as f64 * alpha
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::fixture::{close, read};

    #[derive(Deserialize)]
    struct Fixture {
        families: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        p: Vec<f64>,
        holm: Vec<f64>,
        benjamini_hochberg: Vec<f64>,
    }

    #[test]
    fn values_are_those_of_statsmodels() {
        for row in read::<Fixture>("multiple").families {
            let ours = holm(&row.p).unwrap();
            ours.iter().zip(&row.holm).for_each(|(ours, theirs)| close(*ours, *theirs));
            let ours = benjamini_hochberg(&row.p).unwrap();
            ours.iter().zip(&row.benjamini_hochberg).for_each(|(o, t)| close(*o, *t));
        }
    }

    #[test]
    fn a_note_counts_what_was_looked_at() {
        let family = Comparisons::of([("a", 0.004), ("b", 0.03), ("c", 0.04), ("d", 0.6)]).unwrap();
        assert_eq!(
            family.note(0.05).to_string(),
            "4 comparisons were made: were there no difference anywhere, 0.2 of them would be expected \
             below 0.05 by chance; 3 are, 1 after Holm's adjustment, 1 after Benjamini and Hochberg's"
        );
        assert_eq!(Comparisons::default().note(0.05).to_string(), "nothing was compared");
        assert!(Comparisons::of([("a", f64::NAN)]).is_err());
        assert!(holm(&[1.5]).is_err());
        assert_eq!(holm(&[]), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn adjusted_values_are_no_smaller_and_holm_is_the_stricter(
            p in prop::collection::vec(0.0f64..=1.0, 0..20),
        ) {
            let (strict, mild) = (holm(&p).unwrap(), benjamini_hochberg(&p).unwrap());
            for ((p, strict), mild) in p.iter().zip(&strict).zip(&mild) {
                prop_assert!(*p <= mild + 1e-12 && *mild <= strict + 1e-12 && *strict <= 1.0);
            }
        }
    }
}
