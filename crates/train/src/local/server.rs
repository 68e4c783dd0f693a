//! The thread of a local model: requests join between steps, decode together and leave when they are
//! done.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::Receiver,
    time::Duration,
};

use ethos_core::{Completion, Scored};

use super::{
    Job, LocalConfig, Reply,
    draft::Draft,
    lane::Lane,
    prefixes::Prefixes,
    score::{Scoring, score},
};
use crate::{Checkpoint, Error, Result, device};

/// How long memory is kept for requests to come; an allocator may keep it longer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Answers up to which a lane is filled before the next: so many are multiplied with a weight at a time.
const TOGETHER: usize = 4;

/// What runs on the thread.
pub(super) struct Server {
    checkpoint: Checkpoint,
    /// Tokens that end an answer.
    ends: Vec<u32>,
    config: LocalConfig,
    waiting: VecDeque<(Draft, Reply<Completion>)>,
    /// Answers in the making. A step of one lane is done beside those of the others.
    lanes: Vec<Lane>,
    prefixes: Prefixes,
    scores: VecDeque<(Scoring, Reply<Vec<Scored>>)>,
}

impl Server {
    pub(super) fn new(checkpoint: Checkpoint, config: LocalConfig) -> Self {
        Server {
            ends: checkpoint.tokenizer.ends().to_vec(),
            waiting: VecDeque::new(),
            lanes: lanes(&checkpoint),
            prefixes: Prefixes::new(config.prefix_tokens, checkpoint.model.device()),
            scores: VecDeque::new(),
            config,
            checkpoint,
        }
    }

    /// Answers until nobody can ask any more.
    pub(super) fn run(&mut self, inbox: &Receiver<Job>) {
        loop {
            if self.waiting.is_empty() && self.open() == 0 && self.scores.is_empty() {
                let job = inbox.recv_timeout(PATIENCE).or_else(|_| {
                    self.lanes.iter_mut().for_each(Lane::trim);
                    inbox.recv()
                });
                let Ok(job) = job else { return };
                self.take(job);
            }
            inbox.try_iter().for_each(|job| self.take(job));
            let device = self.checkpoint.model.device().clone();
            let stepped = device::at_home(&device, || {
                self.score();
                unpanicked(|| {
                    self.drop_cancelled();
                    self.step();
                    Ok(())
                })
            });
            if let Err(error) = stepped {
                let failed = std::mem::replace(&mut self.lanes, lanes(&self.checkpoint));
                fail(failed.into_iter().flat_map(Lane::into_open), &error);
                self.forget();
            }
        }
    }

    /// What was read is not to be trusted after a panic: a device may tell of it later.
    fn forget(&mut self) {
        let device = self.checkpoint.model.device();
        self.prefixes = Prefixes::new(self.config.prefix_tokens, device);
    }

    /// Requests and what is held for them.
    #[cfg(test)]
    pub(super) fn unfinished(&self) -> usize {
        let rows: usize = self.lanes.iter().map(Lane::rows).sum();
        self.waiting.len() + self.open() + self.scores.len() + rows
    }

    /// Tokens that memory is held for.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.lanes.iter().map(Lane::held).sum()
    }

    /// How many answers are in the making.
    fn open(&self) -> usize {
        self.lanes.iter().map(Lane::len).sum()
    }

    // Whoever stopped waiting does not mind that an answer finds nobody: what `send` gives is ignored.

    pub(super) fn take(&mut self, job: Job) {
        match job {
            Job::Complete(request, reply) => {
                match unpanicked(|| Draft::new(&self.checkpoint, &request)) {
                    Ok(draft) => self.waiting.push_back((draft, reply)),
                    Err(error) => drop(reply.send(Err(error))),
                }
            }
            Job::Score(request, continuations, reply) => {
                match unpanicked(|| Scoring::new(&self.checkpoint, &request, &continuations)) {
                    Ok(scoring) => self.scores.push_back((scoring, reply)),
                    Err(error) => drop(reply.send(Err(error))),
                }
            }
        }
    }

    fn drop_cancelled(&mut self) {
        self.waiting.retain(|(_, reply)| !reply.is_canceled());
        self.lanes.iter_mut().for_each(Lane::drop_cancelled);
    }

    /// Scores what was asked first, alone: a sum in another company is rounded otherwise, and who asks at
    /// the same time is chance.
    fn score(&mut self) {
        self.scores.retain(|(_, reply)| !reply.is_canceled());
        let Some((scoring, reply)) = self.scores.pop_front() else { return };
        let (model, prefixes) = (&self.checkpoint.model, &mut self.prefixes);
        let LocalConfig { slots, tokens, .. } = self.config;
        let rows = slots.min(tokens / scoring.longest().max(1));
        let found = unpanicked(|| Ok(score(model, &scoring, prefixes, rows)));
        if found.is_err() {
            self.forget();
        }
        let _ = reply.send(found);
    }

    /// One more token for every open answer, and the first for those that join.
    pub(super) fn step(&mut self) {
        let (checkpoint, ends) = (&self.checkpoint, &self.ends);
        device::each_beside(&mut self.lanes, |lane| lane.go_on(checkpoint, ends));
        self.admit();
        self.make_room();
        let (checkpoint, ends) = (&self.checkpoint, &self.ends);
        // One lane after the other, so that what prompts of several have in common is read once.
        let division = self.prefixes.division();
        for lane in self.lanes.iter_mut().filter(|lane| lane.awaits_long(division)) {
            lane.join(checkpoint, ends, &mut self.prefixes);
        }
        device::each_beside(&mut self.lanes, |lane| {
            lane.join(checkpoint, ends, &mut Prefixes::new(0, checkpoint.model.device()));
        });
    }

    /// Where a lane had more answers, or longer ones, its memory is left to the others before they need more than there
    /// is to be.
    fn make_room(&mut self) {
        let room: usize = self.lanes.iter().map(Lane::room).sum();
        if room > LocalConfig::room(self.config.tokens) {
            self.lanes.iter_mut().for_each(Lane::trim);
        }
    }

    /// Takes in those who wait, in their order, as long as there are slots and tokens for them; one, in any case.
    fn admit(&mut self) {
        let mut longest = self.lanes.iter().map(Lane::longest).max().unwrap_or(0);
        while self.open() < self.config.slots
            && let Some((next, _)) = self.waiting.front()
        {
            longest = longest.max(next.longest());
            let tokens = longest.saturating_mul(self.open() + 1);
            if tokens > self.config.tokens && self.open() > 0 {
                return;
            }
            let next = self.waiting.pop_front();
            let emptiest = self.lanes.iter_mut().min_by_key(|lane| lane.len() / TOGETHER);
            if let (Some(lane), Some(next)) = (emptiest, next) {
                lane.take(next);
            }
        }
    }
}

/// As many as a device does the work of at a time.
fn lanes(checkpoint: &Checkpoint) -> Vec<Lane> {
    let count = device::lanes(checkpoint.model.device());
    (0..count).map(|_| Lane::new(checkpoint)).collect()
}

fn fail<T, R>(asked: impl IntoIterator<Item = (T, Reply<R>)>, error: &Error) {
    for (_, reply) in asked {
        let _ = reply.send(Err(Error::Inference(error.to_string())));
    }
}

/// Runs something whose panic is an error: a device may run out of memory.
fn unpanicked<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        let said = said.unwrap_or("without a word");
        Err(Error::Inference(format!("the model's thread panicked: {said}")))
    })
}

#[cfg(test)]
mod tests {
    use ethos_core::{Model, Request, Sampling};
    use futures::{executor::block_on, future::join_all};

    use crate::{
        ChatTemplate, Checkpoint, DeviceSpec, LocalModel, Tokenizer, Transformer, TransformerConfig,
    };

    /// A token without its row of the embedding is out of bounds, which flex finds and a GPU may not.
    #[test]
    fn a_panic_is_an_error_of_the_requests_in_flight() {
        let tokenizer = Tokenizer::word_level(["a", "b", "c"].map(str::to_owned)).unwrap();
        let known = tokenizer.len() - 1;
        let config = TransformerConfig {
            tie_word_embeddings: false,
            ..TransformerConfig::tiny(tokenizer.len())
        };
        let mut model = Transformer::init(config, 0, &DeviceSpec::Flex.open().unwrap()).unwrap();
        model.update_weights(|mut weights| {
            let embedding = &mut weights.model.embed_tokens.weight;
            *embedding = embedding.clone().map(|weight| weight.narrow(0, 0, known));
            weights
        });
        let template =
            ChatTemplate::new("{% for m in messages %}{{ m.content }} {% endfor %}").unwrap();
        let local = LocalModel::new(Checkpoint { model, tokenizer, template }).unwrap();
        let sampling =
            Sampling { temperature: Some(0.0), max_tokens: Some(1), ..Sampling::default() };
        let ask = |text: &str| Request::user(text).with_sampling(sampling.clone());
        let alone = block_on(local.complete(&ask("a b"))).unwrap();

        // Alone beside a good one, and beside so many that they decode in several lanes.
        for good in [1, 8] {
            let asked: Vec<Request> = (0..good).map(|_| ask("a b")).chain([ask("a c")]).collect();
            let answers = block_on(join_all(asked.iter().map(|request| local.complete(request))));
            let (bad, good) = answers.split_last().unwrap();
            let error = bad.as_ref().unwrap_err().to_string();
            assert!(error.contains("panicked"), "{error}");
            // Whether the others were in flight at the time is chance.
            for good in good {
                match good {
                    Ok(answer) => assert_eq!(answer, &alone),
                    Err(error) => assert!(error.to_string().contains("panicked"), "{error}"),
                }
            }
            assert_eq!(block_on(local.complete(&ask("a b"))).unwrap(), alone);
        }
        assert_eq!(block_on(local.complete(&ask("a b"))).unwrap(), alone);
        assert!(block_on(local.score(&ask("a"), &["c".to_owned()])).is_err());
        assert!(block_on(local.score(&ask("a"), &["b".to_owned()])).is_ok());
    }
}
