//! How a solver asks the model.

use std::time::Duration;

use ethos_core::{Ask, Asker, Failure, Query, Reply};
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    state::{Ended, Reached, State, Step},
};

/// What a sample may cost at most. A limit that is reached ends the sample; it counts as cut off, unless
/// its scorer can do with what there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<u32>,
    /// Tokens, of requests and answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Time since the sample began, looked at before every answer: an answer that is on its way is waited
    /// for. Answers from a journal take next to none, so a rerun may come further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Duration>,
}

impl Limits {
    /// At most so many answers.
    pub fn turns(turns: u32) -> Self {
        Limits { turns: Some(turns), ..Limits::default() }
    }

    fn reached(&self, state: &State) -> Option<Reached> {
        let (spent, elapsed) = (state.usage.input + state.usage.output, state.began.elapsed());
        let turns = self.turns.filter(|limit| state.turns >= *limit).map(Reached::Turns);
        let tokens = self.tokens.filter(|limit| spent >= *limit).map(Reached::Tokens);
        let time = self.time.filter(|limit| elapsed >= *limit);
        turns.or(tokens).or(time.map(|limit| Reached::Seconds(limit.as_secs_f64())))
    }
}

/// Asks the model that is evaluated, through the journal: what a [`Solver`](crate::solver::Solver) is given.
#[derive(Debug)]
pub struct Generator<'a> {
    pub(crate) asker: &'a Asker<'a>,
    pub(crate) limits: Limits,
    /// The stage of the asks: all that ask alike share an answer.
    pub(crate) stage: String,
    /// Which draw: different for every epoch.
    pub(crate) draw: u32,
}

impl Generator<'_> {
    /// Has the model answer the conversation, and adds the answer to it.
    ///
    /// An answer that was declined or cut off is added too; [`State::answer`] says so. A model that fails
    /// and a limit that is reached end the sample: see [`State::ended`].
    ///
    /// # Errors
    ///
    /// The journal's.
    pub async fn answer(&self, state: &mut State) -> Result<()> {
        if !self.may(state) {
            return Ok(());
        }
        let after = state.messages.len();
        let Some((reply, reused)) = self.ask(state, Query::Complete(state.request())).await? else {
            return Ok(());
        };
        let Reply::Completion(completion) = reply else { return Ok(()) };
        let mut message = completion.message.clone();
        if let Some(prefill) = state.prefill.take() {
            let text = format!("{prefill}{}", message.text());
            message.content = Some(ethos_core::Content::Text(text));
        }
        state.messages.push(message);
        state.turns += 1;
        state.steps.push(Step::Answer { after, completion: completion.clone(), reused });
        state.completion = Some(*completion);
        Ok(())
    }

    /// Asks how likely each of these texts is as the answer, and puts that into [`State::scored`]. The
    /// conversation stays as it is.
    ///
    /// # Errors
    ///
    /// The journal's.
    pub async fn score(&self, state: &mut State, continuations: &[String]) -> Result<()> {
        if !self.may(state) {
            return Ok(());
        }
        let query = Query::Score(state.request(), continuations.to_vec());
        if let Some((Reply::Scores(scored), _)) = self.ask(state, query).await? {
            let continuations = continuations.to_vec();
            let after = state.messages.len();
            state.steps.push(Step::Scores { after, continuations, scored: scored.clone() });
            state.scored = scored;
        }
        Ok(())
    }

    fn may(&self, state: &mut State) -> bool {
        if state.ended.is_none() {
            state.ended = self.limits.reached(state).map(Ended::Limit);
        }
        state.ended.is_none()
    }

    async fn ask(&self, state: &mut State, query: Query) -> Result<Option<(Reply, bool)>> {
        // Whatever the model says is a result here; asking again until it pleases would hide what it does.
        let ask = Ask::new(self.stage.as_str(), &state.sample.id, query)
            .with_draw(self.draw)
            .with_tries(0);
        let answer = self.asker.ask(ask, |_, reply| Ok(reply.clone())).await?;
        state.usage += answer.usage;
        match answer.result {
            Ok(reply) => Ok(Some((reply, answer.reused))),
            Err(Failure::Unusable(why)) => {
                state.ended = Some(Ended::Failed(why.to_string()));
                Ok(None)
            }
            Err(Failure::Model(error)) => {
                state.ended = Some(Ended::Failed(chain(&error)));
                Ok(None)
            }
            Err(other) => {
                state.ended = Some(Ended::Failed(other.to_string()));
                Ok(None)
            }
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
