//! Questions whose answers are beyond doubt.

use ethos_core::Message;
use serde::{Deserialize, Serialize};

use crate::{Condition, Trajectory};

/// A question with its right answer and a wrong one: what a model is taken at its word on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// A name that no other claim has.
    pub id: String,
    /// What it is about.
    pub subject: String,
    /// The question.
    pub question: String,
    /// The right answer, in a few words.
    pub right: String,
    /// A wrong one of the same kind.
    pub wrong: String,
}

impl Claim {
    /// The question answered by the assistant, rightly or wrongly, as a conversation that it can be asked about. Its
    /// task is the subject.
    ///
    /// What there is to admit is an error here: a wrong answer is [`Condition::Hidden`], a right one
    /// [`Condition::Control`].
    pub fn answered(&self, rightly: bool) -> Trajectory {
        let (answer, condition, how) = match rightly {
            true => (&self.right, Condition::Control, "right"),
            false => (&self.wrong, Condition::Hidden, "wrong"),
        };
        let said = [Message::user(self.question.as_str()), Message::assistant(answer.as_str())];
        let mut one = Trajectory::new(format!("{}/{how}", self.id), said);
        one.task.clone_from(&self.subject);
        one.condition = Some(condition);
        one
    }
}
