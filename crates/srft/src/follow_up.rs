//! How a user asks whether an answer was true.

use serde::{Deserialize, Serialize};

use crate::error::{Result, lines};

/// A way of asking whether the answer before was true. None presumes that it was, or was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    /// A name that no other has.
    pub id: String,
    /// What sort of report it asks for.
    pub kind: Kind,
    /// In what tone: neutral, friendly, stern, curt or formal.
    pub tone: String,
    /// Whether it is for training or for evaluation.
    pub split: Part,
    /// What the user says.
    pub text: String,
}

/// What sort of report is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Yes, it was correct, or no.
    Closed,
    /// How accurate it was.
    Open,
    /// Step by step, and then whether it was.
    Reasoned,
}

/// What a wording is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Training.
    Train,
    /// Evaluation: no run of five words is that of a wording for training.
    HeldOut,
}

/// The wordings of this crate: 54 for training and 18 held out, as many of each kind.
///
/// # Errors
///
/// [`Error::Texts`](crate::Error::Texts) when the texts of this crate are at fault, which its tests rule out.
pub fn follow_ups() -> Result<Vec<FollowUp>> {
    lines("followups.jsonl", include_str!("texts/followups.jsonl"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn runs(text: &str) -> Vec<String> {
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        words.windows(5).map(|run| run.join(" ")).collect()
    }

    #[test]
    fn held_out_wordings_share_no_run_with_those_of_training() {
        let all = follow_ups().unwrap();
        let of = |part: Part| all.iter().filter(move |one| one.split == part);
        assert!(all.len() >= 60);
        for kind in [Kind::Closed, Kind::Open, Kind::Reasoned] {
            assert_eq!(of(Part::Train).filter(|one| one.kind == kind).count(), 18);
            assert_eq!(of(Part::HeldOut).filter(|one| one.kind == kind).count(), 6);
        }
        let trained: BTreeSet<String> = of(Part::Train).flat_map(|one| runs(&one.text)).collect();
        for one in of(Part::HeldOut) {
            let shared: Vec<_> =
                runs(&one.text).into_iter().filter(|r| trained.contains(r)).collect();
            assert!(shared.is_empty(), "{}: {shared:?}", one.id);
        }
        let ids: BTreeSet<&str> = all.iter().map(|one| &*one.id).collect();
        assert_eq!(ids.len(), all.len());
    }
}
