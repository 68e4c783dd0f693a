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
    prefixes::{Prefixes, rest},
    score::{Scoring, score},
};
use crate::{Checkpoint, Error, Result, device, model::Cache};

/// How long memory is kept for requests to come.
const PATIENCE: Duration = Duration::from_secs(1);

/// What runs on the thread.
pub(super) struct Server {
    checkpoint: Checkpoint,
    /// Tokens that end an answer.
    ends: Vec<u32>,
    config: LocalConfig,
    waiting: VecDeque<(Draft, Reply<Completion>)>,
    /// Answers in the making, one for each row of the cache.
    open: Vec<(Draft, Reply<Completion>)>,
    cache: Cache,
    prefixes: Prefixes,
    scores: VecDeque<(Scoring, Reply<Vec<Scored>>)>,
}

impl Server {
    pub(super) fn new(checkpoint: Checkpoint, config: LocalConfig) -> Self {
        Server {
            ends: checkpoint.tokenizer.ends().to_vec(),
            waiting: VecDeque::new(),
            open: Vec::new(),
            cache: checkpoint.model.cache(),
            prefixes: Prefixes::new(config.prefix_tokens),
            scores: VecDeque::new(),
            config,
            checkpoint,
        }
    }

    /// Answers until nobody can ask any more.
    pub(super) fn run(&mut self, inbox: &Receiver<Job>) {
        loop {
            if self.waiting.is_empty() && self.open.is_empty() && self.scores.is_empty() {
                let job = inbox.recv_timeout(PATIENCE).or_else(|_| {
                    self.cache.shrink();
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
                fail(self.open.drain(..), &error);
                self.cache = self.checkpoint.model.cache();
                self.forget();
            }
        }
    }

    /// What was read is not to be trusted after a panic: a device may tell of it later.
    fn forget(&mut self) {
        self.prefixes = Prefixes::new(self.config.prefix_tokens);
    }

    /// Requests and what is held for them.
    #[cfg(test)]
    pub(super) fn unfinished(&self) -> usize {
        self.waiting.len() + self.open.len() + self.scores.len() + self.cache.rows()
    }

    // Whoever stopped waiting does not mind that an answer finds nobody: what `send` gives is ignored.

    fn take(&mut self, job: Job) {
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
        for row in (0..self.open.len()).rev() {
            if self.open[row].1.is_canceled() {
                self.close(row);
            }
        }
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
    fn step(&mut self) {
        if !self.open.is_empty() {
            let place = self.cache.extend(1);
            let last: Vec<&[u32]> = self.open.iter().map(|(draft, _)| draft.last()).collect();
            let logits = self.checkpoint.model.read(&mut self.cache, &place, &last);
            self.extend(0, &logits);
            self.close_done();
        }
        let mut row = self.open.len();
        self.admit();
        // Read with those of which about as much is to be read, so that little is padding.
        let unread = |(draft, _): &(Draft, _)| rest(draft.prompt().len());
        self.open[row..].sort_by_key(unread);
        while row < self.open.len() {
            let size = magnitude(unread(&self.open[row]));
            let alike = self.open[row..].iter().take_while(|one| magnitude(unread(one)) == size);
            let prompts: Vec<&[u32]> = alike.map(|(draft, _)| draft.prompt()).collect();
            let model = &self.checkpoint.model;
            let lengths: Vec<usize> = prompts.iter().map(|prompt| prompt.len()).collect();
            let place = self.cache.join(&lengths);
            for (row, prompt) in prompts.iter().enumerate() {
                self.prefixes.read(model, &mut self.cache, (&place, row), prompt);
            }
            let place = place.last(lengths.into_iter().map(rest).max().unwrap_or(0));
            let logits = model.read(&mut self.cache, &place, &place.of(&prompts));
            self.extend(row, &logits);
            row += place.rows.len();
        }
        self.close_done();
    }

    /// Takes in those who wait, in their order, as long as there are slots and tokens for them; one, in any case.
    fn admit(&mut self) {
        let mut longest = self.open.iter().map(|(draft, _)| draft.longest()).max().unwrap_or(0);
        while self.open.len() < self.config.slots
            && let Some((next, _)) = self.waiting.front()
        {
            longest = longest.max(next.longest());
            let tokens = longest.saturating_mul(self.open.len() + 1);
            if tokens > self.config.tokens && !self.open.is_empty() {
                return;
            }
            self.open.extend(self.waiting.pop_front());
        }
    }

    /// Gives logits to the answers from a row on.
    fn extend(&mut self, row: usize, logits: &[f32]) {
        let logits = logits.chunks(self.checkpoint.model.config().vocab_size);
        for ((draft, _), logits) in self.open[row..].iter_mut().zip(logits) {
            draft.extend(logits, &self.checkpoint.tokenizer, &self.ends);
        }
    }

    fn close_done(&mut self) {
        // From the end, since the last takes the place of one that leaves.
        for row in (0..self.open.len()).rev() {
            if self.open[row].0.is_done() {
                let (draft, reply) = self.close(row);
                let _ = reply.send(draft.finish(&self.checkpoint.tokenizer));
            }
        }
    }

    fn close(&mut self, row: usize) -> (Draft, Reply<Completion>) {
        self.cache.leave(row);
        self.open.swap_remove(row)
    }
}

fn fail<T, R>(asked: impl IntoIterator<Item = (T, Reply<R>)>, error: &Error) {
    for (_, reply) in asked {
        let _ = reply.send(Err(Error::Inference(error.to_string())));
    }
}

/// So that lengths within a factor of two are the same.
fn magnitude(length: usize) -> u32 {
    length.max(1).ilog2()
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
    use futures::{executor::block_on, future::join};

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

        let (good, bad) = (ask("a b"), ask("a c"));
        let (good, bad) = block_on(join(local.complete(&good), local.complete(&bad)));
        let error = bad.unwrap_err().to_string();
        assert!(error.contains("panicked"), "{error}");
        // Whether the other was in flight at the time is chance.
        match good {
            Ok(answer) => assert_eq!(answer, alone),
            Err(error) => assert!(error.to_string().contains("panicked"), "{error}"),
        }
        assert_eq!(block_on(local.complete(&ask("a b"))).unwrap(), alone);
        assert!(block_on(local.score(&ask("a"), &["c".to_owned()])).is_err());
        assert!(block_on(local.score(&ask("a"), &["b".to_owned()])).is_ok());
    }
}
