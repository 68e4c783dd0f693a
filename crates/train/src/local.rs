//! A checkpoint as a [`Model`].

mod config;
mod draft;
mod lane;
mod prefixes;
mod prompt;
mod reasoning;
mod sampler;
mod score;
mod server;
mod text;

#[cfg(test)]
mod load;

use std::{fmt, sync::mpsc, thread::JoinHandle};

use ethos_core::{Completion, Error as CoreError, Model, ModelErrorKind, ModelId, Request, Scored};
use futures::{channel::oneshot, future::BoxFuture};

pub use self::config::LocalConfig;
use self::server::Server;
use crate::{Checkpoint, Error, Result};

/// A checkpoint that samples and scores, on a thread of its own.
///
/// Requests in flight decode together, one token each per step: new ones join between steps, those that
/// are done leave at once, and a future that is dropped gives up its slot. Whoever decodes along changes
/// no answer, apart from how a device rounds sums of another size; only a tie to the last digits could
/// turn out differently.
///
/// Of prompts of 256 tokens and more what was read is kept, and serves those that begin alike: a transcript about which
/// fifty questions are asked is read once, and on `flex` a step looks at it once for several answers in the making. An
/// answer is the same to the last digit, whether its prompt's beginning was kept or not. [`LocalConfig`] says how much of
/// all this there is room for.
///
/// A request that names no temperature is sampled at 1, one without `max_tokens` is cut off after 256;
/// sampling without a seed draws one from the system. Of the checkpoint's
/// [`GenerationConfig`](crate::GenerationConfig) only the end tokens are used: whoever wants its temperature,
/// `top_p` or `top_k` puts them into the request, and its repetition penalty is not applied.
/// [`Completion::logprobs`] are those of the model itself, before temperature and filters, and of all tokens
/// that [`Usage`](ethos_core::Usage) counts.
/// `<think>…</think>` at the start of an answer becomes [`Completion::reasoning`].
///
/// A continuation to be scored is tokenised together with the prompt it follows. A tokenizer of words
/// takes them apart by a space, which it does not know.
///
/// What fails is an error of the requests in flight, even a panic within a device's driver; later
/// requests start afresh.
pub struct LocalModel {
    id: ModelId,
    config: LocalConfig,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

enum Job {
    Complete(Request, Reply<Completion>),
    Score(Request, Vec<String>, Reply<Vec<Scored>>),
}

type Reply<T> = oneshot::Sender<Result<T>>;

impl LocalModel {
    /// Takes a checkpoint into service as [`LocalConfig::default`] has it.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer cannot be hashed, [`Error::Unavailable`] when no thread
    /// can be started.
    pub fn new(checkpoint: Checkpoint) -> Result<Self> {
        LocalModel::with_config(checkpoint, LocalConfig::default())
    }

    /// Takes a checkpoint into service.
    ///
    /// # Errors
    ///
    /// As [`new`](LocalModel::new), and [`Error::Config`] when there is no slot.
    pub fn with_config(checkpoint: Checkpoint, config: LocalConfig) -> Result<Self> {
        config.check()?;
        let id = ModelId::new(format!("local/{}", checkpoint.hash()?));
        let (jobs, inbox) = mpsc::channel();
        let device = format!("{:?}", checkpoint.model.device());
        let mut server = Server::new(checkpoint, config);
        let thread = std::thread::Builder::new()
            .name("ethos local model".to_owned())
            .spawn(move || server.run(&inbox))
            .map_err(|e| Error::Unavailable { device, message: format!("no thread: {e}") })?;
        Ok(LocalModel { id, config, jobs: Some(jobs), thread: Some(thread) })
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T>>) -> Job,
    ) -> ethos_core::Result<T> {
        let (reply, replied) = oneshot::channel();
        let gone = || Error::Inference("the model's thread is gone".to_owned());
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job(reply)).is_ok());
        let answer = if sent { replied.await.unwrap_or_else(|_| Err(gone())) } else { Err(gone()) };
        answer.map_err(|error| {
            let kind = match &error {
                Error::Unsupported(_) => ModelErrorKind::Unsupported,
                Error::Config { .. } | Error::Template(_) => ModelErrorKind::BadRequest,
                _ => ModelErrorKind::Other,
            };
            CoreError::model(&self.id.key, kind, error.to_string())
        })
    }
}

impl Model for LocalModel {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
    ) -> BoxFuture<'a, ethos_core::Result<Completion>> {
        Box::pin(self.ask(|reply| Job::Complete(request.clone(), reply)))
    }

    fn score<'a>(
        &'a self,
        request: &'a Request,
        continuations: &'a [String],
    ) -> BoxFuture<'a, ethos_core::Result<Vec<Scored>>> {
        Box::pin(self.ask(|reply| Job::Score(request.clone(), continuations.to_vec(), reply)))
    }

    fn concurrency(&self) -> usize {
        self.config.slots
    }
}

impl Drop for LocalModel {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for LocalModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalModel").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ethos_core::{Sampling, Stop};
    use futures::{
        executor::block_on,
        future::{maybe_done, poll_immediate},
    };

    use super::*;
    use crate::{
        BatchSize, ChatTemplate, FitConfig, Tokenizer, Transformer, TransformerConfig, fit,
    };

    const TEMPLATE: &str = "{% for m in messages %}{{ m.content }} {% endfor %}";

    /// A model that knows one sentence by heart.
    fn parrot() -> LocalModel {
        let words = ["one", "two", "three", "four", "five"].map(str::to_owned);
        let tokenizer = Tokenizer::word_level(words).unwrap();
        let rows = vec![tokenizer.document("one two three four five").unwrap()];
        let device = crate::testing::device();
        let model = Transformer::init(TransformerConfig::tiny(7), 0, &device).unwrap();
        let config = FitConfig {
            lora: None,
            steps: Some(60),
            batch: BatchSize::Sequences(1),
            sequence: 8,
            learning_rate: 1e-2,
            ..FitConfig::finetune()
        };
        let model = fit(model, &rows, &config, None, &()).unwrap();
        let template = ChatTemplate::new(TEMPLATE).unwrap();
        LocalModel::new(Checkpoint { model, tokenizer, template }).unwrap()
    }

    #[test]
    fn it_samples_stops_and_scores() {
        let model = parrot();
        let ask = |text: &str, sampling: Sampling| {
            let request = Request::user(text).with_sampling(sampling);
            block_on(model.complete(&request)).unwrap()
        };
        let greedy = Sampling { temperature: Some(0.0), ..Sampling::default() };
        let answer = ask("one two", greedy.clone());
        assert_eq!((answer.message.text().as_ref(), &answer.stop), ("three four five", &Stop::End));
        assert_eq!((answer.usage.input, answer.usage.output), (2, 3));
        let cut = ask("one", Sampling { max_tokens: Some(2), ..greedy.clone() });
        assert_eq!((cut.message.text().as_ref(), &cut.stop), ("two three", &Stop::Length));
        let stopped = ask("one", Sampling { stop: vec![" four".to_owned()], ..greedy });
        assert_eq!(stopped.message.text(), "two three");

        let next = ["three four", "five"].map(str::to_owned);
        let scores = block_on(model.score(&Request::user("one two"), &next)).unwrap();
        assert_eq!((scores[0].tokens, scores[1].tokens), (2, 1));
        assert!(scores[0].logprob_sum > -0.5 && scores[1].logprob_sum < -3.0, "{scores:?}");
    }

    #[test]
    fn a_seed_fixes_the_draw_and_neighbours_do_not_touch_it() {
        let model = parrot();
        let hot = |seed| {
            let sampling =
                Sampling { temperature: Some(3.0), seed: Some(seed), ..Sampling::default() };
            Request::user("one").with_sampling(sampling)
        };
        let requests: Vec<Request> = (0..20).map(hot).collect();
        let together = block_on(futures::future::join_all(
            requests.iter().map(|request| model.complete(request)),
        ));
        let texts: Vec<_> = together.into_iter().map(|c| c.unwrap().message).collect();
        for (request, text) in requests.iter().zip(&texts) {
            assert_eq!(&block_on(model.complete(request)).unwrap().message, text);
        }
        assert!(texts.iter().any(|text| text != &texts[0]));
    }

    #[test]
    fn whoever_gives_up_leaves_the_others_alone() {
        let model = parrot();
        let hot = |seed| {
            let sampling =
                Sampling { temperature: Some(2.0), seed: Some(seed), ..Sampling::default() };
            Request::user("one").with_sampling(sampling)
        };
        let requests: Vec<Request> = (0..200).map(hot).collect();
        // Polled once, so that all are under way, more of them than there are slots; the first may be
        // answered meanwhile.
        let asked = requests.iter().map(|request| maybe_done(model.complete(request)));
        let mut asked: Vec<_> = asked.map(Box::pin).collect();
        for future in &mut asked {
            block_on(poll_immediate(future));
        }
        let kept: Vec<_> = asked.into_iter().enumerate().filter(|(n, _)| n % 3 == 0).collect();
        for (n, mut answer) in kept {
            let alone = block_on(model.complete(&requests[n])).unwrap();
            block_on(&mut answer);
            assert_eq!(answer.as_mut().take_output().unwrap().unwrap().message, alone.message);
        }
    }

    #[test]
    fn stop_strings_end_an_answer_wherever_tokens_do() {
        let model = parrot();
        let stopped = |stop: &str| {
            let sampling = Sampling {
                temperature: Some(0.0),
                stop: vec![stop.to_owned()],
                ..Sampling::default()
            };
            let request = Request::user("one").with_sampling(sampling);
            let answer = block_on(model.complete(&request)).unwrap();
            assert_eq!(answer.stop, Stop::End);
            answer.message.text().into_owned()
        };
        assert_eq!(stopped("ee fo"), "two thr");
        assert_eq!(stopped("t"), "");
        assert_eq!(stopped("nowhere"), "two three four five");
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let model = parrot();
        let long = Request::user("one ".repeat(64));
        let error = block_on(model.complete(&long)).unwrap_err().to_string();
        assert!(error.contains("longest is 64"), "{error}");
        let nothing = Request::user("");
        assert!(block_on(model.complete(&nothing)).is_err());
        let error = block_on(model.score(&nothing, &["one".to_owned()])).unwrap_err().to_string();
        assert!(error.contains("the prompt has no tokens"), "{error}");
        assert!(block_on(model.complete(&Request::user("one"))).is_ok());
    }
}
