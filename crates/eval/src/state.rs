//! A sample while it is being run.

use std::{fmt, sync::Arc, time::Instant};

use ethos_core::{Completion, Message, Request, Role, Sampling, Scored, Stop, Tool, Usage};
use serde_json::{Map, Value};

use crate::{Outcome, Sample, run::draw};

/// A sample while it is being run: the conversation so far, and what came of it.
///
/// Solvers change it, scorers look at it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct State {
    /// The sample.
    pub sample: Arc<Sample>,
    /// Which of its runs this is, from 1.
    pub epoch: u32,
    /// The conversation.
    pub messages: Vec<Message>,
    /// Text that the next answer must begin with; it becomes a part of the answer.
    pub prefill: Option<String>,
    /// Tools that the model may call.
    pub tools: Vec<Tool>,
    /// A JSON schema that answers must satisfy, where the model can be held to one.
    pub schema: Option<Value>,
    /// How answers are drawn.
    pub sampling: Sampling,
    /// The last answer.
    pub completion: Option<Completion>,
    /// The log-probabilities of texts, where they were asked for: see [`Generator::score`](crate::Generator).
    pub scored: Vec<Scored>,
    /// What happened, step by step.
    pub steps: Vec<Step>,
    /// Whatever solvers keep for scorers; it is in the log.
    pub store: Map<String, Value>,
    /// Tokens of all answers.
    pub usage: Usage,
    /// Answers so far.
    pub turns: u32,
    /// Why nothing more is asked, when something has gone wrong or a limit is reached.
    pub ended: Option<Ended>,
    pub(crate) began: Instant,
    /// Its place among all of the run.
    pub(crate) number: u64,
}

/// Why nothing more is asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Ended {
    /// The model failed.
    Failed(String),
    /// A limit of the task is reached.
    Limit(Reached),
}

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reached {
    /// So many answers.
    Turns(u32),
    /// So many tokens of answers and requests.
    Tokens(u64),
    /// So many seconds.
    Seconds(f64),
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reached::Turns(turns) => write!(f, "the limit of {turns} answers is reached"),
            Reached::Tokens(tokens) => write!(f, "the limit of {tokens} tokens is reached"),
            Reached::Seconds(seconds) => write!(f, "the limit of {seconds} s is reached"),
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// The model answered.
    Answer {
        /// How many messages of the conversation it was given.
        after: usize,
        /// The answer, without what it had to begin with.
        completion: Box<Completion>,
        /// Whether it came from the journal.
        reused: bool,
    },
    /// The model scored texts.
    Scores {
        /// How many messages of the conversation it was given.
        after: usize,
        /// The texts.
        continuations: Vec<String>,
        /// Their log-probabilities.
        scored: Vec<Scored>,
    },
    /// A tool was called.
    Tool {
        /// Its name.
        name: String,
        /// The arguments, as the model sent them.
        arguments: String,
        /// What it gave back, or why it could not be called.
        result: Result<String, String>,
    },
    /// A solver's note.
    Note {
        /// Who notes it.
        source: String,
        /// What.
        data: Value,
    },
}

impl State {
    /// A sample that nothing has been asked of yet.
    pub fn new(sample: impl Into<Arc<Sample>>, epoch: u32) -> Self {
        let sample = sample.into();
        State {
            epoch,
            messages: sample.input.clone(),
            sample,
            prefill: None,
            tools: Vec::new(),
            schema: None,
            sampling: Sampling::default(),
            completion: None,
            scored: Vec::new(),
            steps: Vec::new(),
            store: Map::new(),
            usage: Usage::default(),
            turns: 0,
            ended: None,
            began: Instant::now(),
            number: 0,
        }
    }

    /// What the model would be asked now. A seed is another one for each answer of a sample.
    pub fn request(&self) -> Request {
        let mut sampling = self.sampling.clone();
        sampling.seed = sampling.seed.map(|seed| draw::turn(seed, self.turns));
        let mut request = Request::new(self.messages.iter().cloned());
        request.prefill.clone_from(&self.prefill);
        request.tools.clone_from(&self.tools);
        request.schema.clone_from(&self.schema);
        request.with_sampling(sampling)
    }

    /// The text of the last answer, whole; of one that was declined, cut off or never came, the reason.
    pub fn answer(&self) -> Outcome<String> {
        match &self.ended {
            Some(Ended::Failed(why)) => return Outcome::Infrastructure(why.clone()),
            Some(Ended::Limit(limit)) => return Outcome::CutOff(limit.to_string()),
            None => {}
        }
        let Some(completion) = &self.completion else {
            return Outcome::Infrastructure("the model was not asked".to_owned());
        };
        let text = self.last_text();
        match &completion.stop {
            Stop::Refusal => Outcome::Refused("the model or its provider declined".to_owned()),
            Stop::Length => Outcome::CutOff("the answer reached its token limit".to_owned()),
            Stop::Other(why) if why != Stop::UNKNOWN => {
                Outcome::CutOff(format!("the answer ended with `{why}`"))
            }
            _ if text.trim().is_empty() => Outcome::Unreadable("the answer is empty".to_owned()),
            _ => Outcome::Scored(text),
        }
    }

    /// The text of the last answer as far as there is one, what it had to begin with included.
    pub fn last_text(&self) -> String {
        self.answered().map(|at| self.messages[at].text().into_owned()).unwrap_or_default()
    }

    /// Which message is the last answer. Results of tools may follow it, where a limit came first.
    pub(crate) fn answered(&self) -> Option<usize> {
        self.completion.as_ref()?;
        self.messages.iter().rposition(|message| message.role == Role::Assistant)
    }

    /// Why the last answer ended.
    pub fn stop(&self) -> Option<&Stop> {
        self.completion.as_ref().map(|completion| &completion.stop)
    }

    /// The last thing that the model was asked.
    pub(crate) fn asked_mut(&mut self) -> Option<&mut Message> {
        self.messages.iter_mut().rfind(|message| message.role == Role::User)
    }

    /// Notes something for the log.
    pub fn note(&mut self, source: impl Into<String>, data: impl Into<Value>) {
        self.steps.push(Step::Note { source: source.into(), data: data.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_ended_otherwise_is_not_whole() {
        let answer = |stop: Stop| {
            let mut state = State::new(Sample::new("s", "?"), 1);
            state.messages.push(Message::assistant("So far"));
            state.completion = Some(Completion::new("So far").with_stop(stop));
            state.answer()
        };
        assert_eq!(answer(Stop::End), Outcome::Scored("So far".to_owned()));
        assert_eq!(answer(Stop::Other(Stop::UNKNOWN.into())), Outcome::Scored("So far".to_owned()));
        let paused = Outcome::CutOff("the answer ended with `pause_turn`".to_owned());
        assert_eq!(answer(Stop::Other("pause_turn".into())), paused);
        assert!(matches!(answer(Stop::Length), Outcome::CutOff(_)));
        assert!(matches!(answer(Stop::Refusal), Outcome::Refused(_)));
    }
}
