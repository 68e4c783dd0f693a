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
    /// A call of the tool `report`.
    Call,
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

/// The wordings of this crate: 60 for training and 20 held out. Of those that are answered in words there are as many of
/// each kind; six for training and two held out want the tool `report`.
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
        assert_eq!(all.len(), 80);
        let kinds = [(Kind::Closed, 18), (Kind::Open, 18), (Kind::Reasoned, 18), (Kind::Call, 6)];
        for (kind, trained) in kinds {
            assert_eq!(of(Part::Train).filter(|one| one.kind == kind).count(), trained);
            assert_eq!(of(Part::HeldOut).filter(|one| one.kind == kind).count(), trained / 3);
        }
        // Asked about the last of several answers, too.
        assert!(all.iter().all(|one| !one.text.contains("first answer")));
        assert!(all.iter().all(|one| one.text.contains("`report`") == (one.kind == Kind::Call)));
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
