//! Why there is no number.

/// Why a statistic has no value for these data. Never a NaN, never a standard error of 0 that only means
/// that nothing varied.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Undefined {
    /// Nothing was scored.
    #[error("nothing was scored")]
    Empty,

    /// Too little to tell how much it varies.
    #[error("{have} {what}, at least {need} are needed")]
    TooFew {
        /// What there is too little of.
        what: &'static str,
        /// How many there are.
        have: u64,
        /// How many there must be.
        need: u64,
    },

    /// Everything is the same, so the spread says nothing about the error.
    #[error(
        "no variation among {what}, which is not certainty; an exact interval of the proportion \
         (Clopper-Pearson) still holds"
    )]
    NoVariation {
        /// What does not vary.
        what: &'static str,
    },

    /// A number that cannot be what it is given as.
    #[error("{what} is {value}, but must be {wanted}")]
    Value {
        /// What it is given as.
        what: &'static str,
        /// The number.
        value: f64,
        /// What it must be.
        wanted: &'static str,
    },

    /// A statistic that has no value on these scores, or not on a resample of them.
    #[error("the statistic has no value on these scores or on a resample of them")]
    Statistic,

    /// A label that is not on the scale.
    #[error(
        "the label `{0}` is not on the scale; name every label that a judge may give, in order"
    )]
    Label(String),

    /// A sample with several epochs, or with a score that is neither 0 nor 1, where one yes or no of each
    /// model is compared.
    #[error(
        "sample `{0}` is not one yes or no of each model; compare means, by t test or bootstrap"
    )]
    NotOneVerdict(String),
}

impl Undefined {
    /// A confidence level must be in (0, 1).
    pub(crate) fn level(level: f64) -> Result<(), Undefined> {
        let value =
            Undefined::Value { what: "the confidence level", value: level, wanted: "in (0, 1)" };
        if level > 0.0 && level < 1.0 { Ok(()) } else { Err(value) }
    }

    /// A score must be finite.
    pub(super) fn score(score: f64) -> Result<f64, Undefined> {
        let value = Undefined::Value { what: "a score", value: score, wanted: "finite" };
        if score.is_finite() { Ok(score) } else { Err(value) }
    }
}
