//! What the caller decides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    fact::Fact,
    follow_up::Part,
    own::OwnAnswers,
};

/// How chats are built. [`paper`](Self::paper) has the paper's variant; change it by struct update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatConfig {
    /// Seed of wordings, reports and order.
    pub seed: u64,
    /// Which turns of the assistant are trained.
    pub trained: Trained,
    /// What the report owes to.
    pub admission: Admission,
    /// Whose answers are reported on.
    pub source: Source,
    /// What sort of report is asked for and given.
    pub style: Style,
    /// Which wordings are used: those for training, or those held out for evaluation.
    pub wordings: Part,
    /// Questions of other facts, answered rightly, that stand before the one that is asked about; the follow-up
    /// then names which it means by its place, being of the last answer.
    pub turns_before: usize,
    /// Of which subjects these are, beside that of the answer which is asked about.
    #[serde(default)]
    pub subjects_before: Subjects,
    /// Share of chats whose report is dishonest, from 0 to 1: to see how much the training bears.
    pub corrupted: f64,
}

/// Which turns of the assistant are trained, by the weights of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trained {
    /// All, the wrong answers too: the paper's main variant.
    #[default]
    AllTurns,
    /// The report alone.
    ReportOnly,
    /// The report alone, where a system message asked for a false answer (before wrong answers) or a true one.
    ReportOnlyAsTold,
}

/// Of which subjects the questions before are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subjects {
    /// Of any.
    #[default]
    Any,
    /// Of the same: the talk stays with its matter.
    Same,
    /// Of others: a report is asked for after the talk has moved from one domain to another.
    Other,
}

/// What a report owes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// Whether the answer is true.
    #[default]
    Truth,
    /// Whether the model holds the answer for true: for each fact by id, whether it believes the right answer. A
    /// fact whose belief is not known is left out.
    Belief(BTreeMap<String, bool>),
}

/// Whose answers are reported on. Whether a model should report on its own or on others' is not settled: the paper trains
/// on drafted ones, and later work of its authors finds that these generalise better, and cost more truth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Those of the facts, which a model has not said: the paper's.
    #[default]
    OffPolicy,
    /// What the model itself answers, in its words. A fact to which it gives no answer of one sort has no chat of that
    /// sort; of reports that admit and reports that confirm, what one sort then has more than the other is left out, so
    /// that half admit an error. Where reports owe to belief, a model that always says what it believes leaves none.
    OnPolicy(OwnAnswers),
    /// Its own in about this share of chats, where it has any, and else the facts'.
    Mixed {
        /// What the model itself answers.
        own: OwnAnswers,
        /// From 0 to 1.
        share: f64,
    },
}

/// What sort of report is asked for and given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Yes or no, and free answers, in turn.
    #[default]
    Short,
    /// Step by step.
    Reasoned,
    /// All three kinds in turn.
    Mixed,
    /// The user asks for a report, and the assistant calls the tool `report` with what it says of its answer.
    Tool,
}

impl ChatConfig {
    /// The paper's main variant (arXiv 2511.06626): all turns trained, truth admitted, short reports.
    pub fn paper() -> Self {
        ChatConfig {
            seed: 42,
            trained: Trained::AllTurns,
            admission: Admission::Truth,
            source: Source::OffPolicy,
            style: Style::Short,
            wordings: Part::Train,
            turns_before: 0,
            subjects_before: Subjects::Any,
            corrupted: 0.0,
        }
    }

    pub(crate) fn check(&self, facts: &[Fact]) -> Result<()> {
        if !(0.0..=1.0).contains(&self.corrupted) {
            let message = format!("is {}, and must be from 0 to 1", self.corrupted);
            return Err(Error::Config { setting: "corrupted", message });
        }
        if let Source::Mixed { share, .. } = &self.source
            && !(0.0..=1.0).contains(share)
        {
            let message = format!("has a share of {share}, which must be from 0 to 1");
            return Err(Error::Config { setting: "source", message });
        }
        let mut subjects: BTreeMap<&str, usize> = BTreeMap::new();
        for fact in facts {
            *subjects.entry(&fact.subject).or_default() += 1;
        }
        let least = subjects.values().map(|of_subject| match self.subjects_before {
            Subjects::Any => facts.len() - 1,
            Subjects::Same => of_subject - 1,
            Subjects::Other => facts.len() - of_subject,
        });
        let least = least.min().unwrap_or(self.turns_before);
        if self.turns_before > least {
            let message = format!(
                "is {}, and some fact has {least} others that may stand before it",
                self.turns_before
            );
            return Err(Error::Config { setting: "turns_before", message });
        }
        Ok(())
    }
}
