//! A checkpoint as a [`Model`].

use std::{fmt, sync::mpsc, thread::JoinHandle};

use ethos_core::{
    Completion, Error as CoreError, Model, ModelErrorKind, ModelId, Request, Scored, Stop, Usage,
};
use futures::{channel::oneshot, future::BoxFuture};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Checkpoint, Error, Result, tokens::Row};

/// Requests computed together.
const BATCH: usize = 64;
/// Tokens after which an answer is cut off, where the request does not say.
const MAX_TOKENS: u32 = 256;

/// A checkpoint that samples and scores, on a thread of its own.
///
/// Requests in flight are computed together. Decoding is plain: every token runs the whole prefix
/// again. Sampling without a seed draws one from the system; a request that names no temperature is
/// sampled at 1.
pub struct LocalModel {
    id: ModelId,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

enum Job {
    Complete(Request, oneshot::Sender<Result<Completion>>),
    Score(Request, Vec<String>, oneshot::Sender<Result<Vec<Scored>>>),
}

impl LocalModel {
    /// Takes a checkpoint into service.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer cannot be hashed, [`Error::Unavailable`] when no thread
    /// can be started.
    pub fn new(checkpoint: Checkpoint) -> Result<Self> {
        let id = ModelId::new(format!("local/{}", checkpoint.hash()?));
        let (jobs, inbox) = mpsc::channel();
        let device = format!("{:?}", checkpoint.model.device());
        let thread = std::thread::Builder::new()
            .name("ethos local model".to_owned())
            .spawn(move || serve(&checkpoint, &inbox))
            .map_err(|e| Error::Unavailable { device, message: format!("no thread: {e}") })?;
        Ok(LocalModel { id, jobs: Some(jobs), thread: Some(thread) })
    }

    async fn ask<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T>>) -> Job,
    ) -> ethos_core::Result<T> {
        let (answer, answered) = oneshot::channel();
        let gone = || self.failed("the model's thread is gone".into());
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job(answer)).is_ok());
        if !sent {
            return Err(gone());
        }
        answered.await.map_err(|_| gone())?.map_err(|error| self.failed(Box::new(error)))
    }

    fn failed(&self, source: Box<dyn std::error::Error + Send + Sync>) -> CoreError {
        let mut error = CoreError::model(&self.id.key, ModelErrorKind::Other, source.to_string());
        if let CoreError::Model { source: slot, .. } = &mut error {
            *slot = Some(source);
        }
        error
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
        Box::pin(self.ask(|answer| Job::Complete(request.clone(), answer)))
    }

    fn score<'a>(
        &'a self,
        request: &'a Request,
        continuations: &'a [String],
    ) -> BoxFuture<'a, ethos_core::Result<Vec<Scored>>> {
        Box::pin(self.ask(|answer| Job::Score(request.clone(), continuations.to_vec(), answer)))
    }

    fn concurrency(&self) -> usize {
        BATCH
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

/// The thread: takes what has gathered, computes it together, answers.
fn serve(checkpoint: &Checkpoint, inbox: &mpsc::Receiver<Job>) {
    while let Ok(first) = inbox.recv() {
        let (mut completes, mut scores) = (Vec::new(), Vec::new());
        for job in std::iter::once(first).chain(inbox.try_iter().take(BATCH - 1)) {
            // Whoever stopped waiting does not mind that an answer finds nobody.
            match job {
                Job::Complete(request, answer) => match Draft::new(checkpoint, &request) {
                    Ok(draft) => completes.push((draft, answer)),
                    Err(error) => drop(answer.send(Err(error))),
                },
                Job::Score(request, continuations, answer) => {
                    match scored_rows(checkpoint, &request, &continuations) {
                        Ok(rows) => scores.push((rows, answer)),
                        Err(error) => drop(answer.send(Err(error))),
                    }
                }
            }
        }
        score(checkpoint, scores);
        complete(checkpoint, completes);
    }
}

/// Each continuation after the prompt, with weight on the continuation's tokens.
fn scored_rows(
    checkpoint: &Checkpoint,
    request: &Request,
    continuations: &[String],
) -> Result<Vec<Row>> {
    let prompt = checkpoint.template.prompt(request, &checkpoint.tokenizer.end_token())?;
    let before = checkpoint.tokenizer.encode(&prompt)?;
    continuations
        .iter()
        .map(|continuation| {
            // Tokenised with the prompt, since words may join; a space where the prompt has none.
            let gap = prompt.ends_with(char::is_whitespace) || continuation.starts_with(' ');
            let gap = if gap || prompt.is_empty() { "" } else { " " };
            let ids = checkpoint.tokenizer.encode(&format!("{prompt}{gap}{continuation}"))?;
            let same = ids.iter().zip(&before).take_while(|(a, b)| a == b).count();
            fits(checkpoint, ids.len())?;
            let mut weights = vec![0.0; ids.len()];
            weights[same..].fill(1.0);
            Ok(Row { ids, weights })
        })
        .collect()
}

fn fits(checkpoint: &Checkpoint, tokens: usize) -> Result<()> {
    let longest = checkpoint.model.config().max_position_embeddings;
    if tokens > longest {
        let message = format!("{tokens} tokens, the model's longest is {longest}");
        return Err(Error::Config { what: "request", message });
    }
    Ok(())
}

type Scores = (Vec<Row>, oneshot::Sender<Result<Vec<Scored>>>);

fn score(checkpoint: &Checkpoint, jobs: Vec<Scores>) {
    let rows: Vec<&Row> = jobs.iter().flat_map(|(rows, _)| rows).collect();
    let scores: Vec<Scored> = rows
        .chunks(BATCH)
        .flat_map(|rows| {
            checkpoint
                .model
                .logprobs(rows)
                .into_iter()
                .zip(rows)
                .map(|(sum, row)| Scored::new(sum, row.learnt()))
        })
        .collect();
    let mut scores = scores.into_iter();
    for (rows, answer) in jobs {
        let _ = answer.send(Ok(scores.by_ref().take(rows.len()).collect()));
    }
}

/// An answer in the making.
struct Draft {
    ids: Vec<u32>,
    prompt: usize,
    limit: usize,
    random: ChaCha8Rng,
    temperature: f64,
    top_p: f64,
    stop: Vec<String>,
    done: Option<(String, Stop)>,
}

impl Draft {
    fn new(checkpoint: &Checkpoint, request: &Request) -> Result<Self> {
        if !request.tools.is_empty() || request.schema.is_some() {
            let message = "tools and schemas are not supported by local models".to_owned();
            return Err(Error::Config { what: "request", message });
        }
        let prompt = checkpoint.template.prompt(request, &checkpoint.tokenizer.end_token())?;
        let ids = checkpoint.tokenizer.encode(&prompt)?;
        if ids.is_empty() {
            let message = "the prompt has no tokens".to_owned();
            return Err(Error::Config { what: "request", message });
        }
        fits(checkpoint, ids.len() + 1)?;
        let sampling = &request.sampling;
        let random = match sampling.seed {
            Some(seed) => ChaCha8Rng::seed_from_u64(seed),
            None => ChaCha8Rng::from_rng(&mut rand::rng()),
        };
        let longest = checkpoint.model.config().max_position_embeddings;
        let wanted = sampling.max_tokens.unwrap_or(MAX_TOKENS) as usize;
        Ok(Draft {
            prompt: ids.len(),
            limit: longest.min(ids.len() + wanted),
            ids,
            random,
            temperature: sampling.temperature.unwrap_or(1.0),
            top_p: sampling.top_p.unwrap_or(1.0),
            stop: sampling.stop.clone(),
            done: None,
        })
    }

    /// Takes the next token from the logits after the last one.
    fn extend(&mut self, logits: &[f32], checkpoint: &Checkpoint) -> Result<()> {
        let next = self.draw(logits);
        if next == checkpoint.tokenizer.end() {
            self.done = Some((self.text(checkpoint)?, Stop::End));
            return Ok(());
        }
        self.ids.push(next);
        let text = self.text(checkpoint)?;
        let stop = self.stop.iter().filter(|s| !s.is_empty()).filter_map(|s| text.find(s));
        if let Some(end) = stop.min() {
            self.done = Some((text[..end].to_owned(), Stop::End));
        } else if self.ids.len() >= self.limit {
            self.done = Some((text, Stop::Length));
        }
        Ok(())
    }

    fn text(&self, checkpoint: &Checkpoint) -> Result<String> {
        checkpoint.tokenizer.decode(&self.ids[self.prompt..])
    }

    fn draw(&mut self, logits: &[f32]) -> u32 {
        let mut ranked: Vec<(u32, f64)> =
            (0..).zip(logits).map(|(id, &logit)| (id, f64::from(logit))).collect();
        // Ties go to the lower id, as argmax has it.
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if self.temperature <= 0.0 {
            return ranked[0].0;
        }
        let highest = ranked[0].1;
        let mass = |logit: f64| ((logit - highest) / self.temperature).exp();
        let total: f64 = ranked.iter().map(|(_, logit)| mass(*logit)).sum();
        let mut kept = 0.0;
        let nucleus = ranked.iter().take_while(|(_, logit)| {
            let before = kept;
            kept += mass(*logit) / total;
            before < self.top_p
        });
        let nucleus: Vec<(u32, f64)> = nucleus.map(|&(id, logit)| (id, mass(logit))).collect();
        let mut point = self.random.random::<f64>() * nucleus.iter().map(|(_, m)| m).sum::<f64>();
        for &(id, mass) in &nucleus {
            point -= mass;
            if point <= 0.0 {
                return id;
            }
        }
        nucleus.last().map_or(ranked[0].0, |last| last.0)
    }
}

fn complete(checkpoint: &Checkpoint, jobs: Vec<(Draft, oneshot::Sender<Result<Completion>>)>) {
    let (mut drafts, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|(d, a)| (Ok(d), a)).unzip();
    loop {
        let open: Vec<&mut Result<Draft>> =
            drafts.iter_mut().filter(|d| matches!(d, Ok(d) if d.done.is_none())).collect();
        if open.is_empty() {
            break;
        }
        let prefixes: Vec<&[u32]> =
            open.iter().filter_map(|d| d.as_ref().ok()).map(|d| d.ids.as_slice()).collect();
        let logits = checkpoint.model.next_logits(&prefixes);
        for (slot, logits) in open.into_iter().zip(logits) {
            if let Ok(draft) = slot
                && let Err(error) = draft.extend(&logits, checkpoint)
            {
                *slot = Err(error);
            }
        }
    }
    for (draft, answer) in drafts.into_iter().zip(answers) {
        let _ = answer.send(draft.map(|draft| {
            let usage = Usage::new(draft.prompt as u64, (draft.ids.len() - draft.prompt) as u64);
            let (text, stop) = draft.done.unwrap_or((String::new(), Stop::Length));
            Completion::new(text).with_stop(stop).with_usage(usage)
        }));
    }
}

#[cfg(test)]
mod tests {
    use ethos_core::Sampling;
    use futures::executor::block_on;

    use super::*;
    use crate::{ChatTemplate, FitConfig, Tokenizer, Transformer, TransformerConfig, fit};

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
            rows: 1,
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
    fn what_does_not_fit_is_an_error() {
        let model = parrot();
        let long = Request::user("one ".repeat(64));
        let error = block_on(model.complete(&long)).unwrap_err().to_string();
        assert!(error.contains("longest is 64"), "{error}");
        assert!(block_on(model.complete(&Request::user(""))).is_err());
        assert!(block_on(model.complete(&Request::user("one"))).is_ok());
    }
}
