//! One stage of asking: many questions out, readings back in the questions' order.

use std::{
    borrow::Cow,
    collections::HashMap,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ethos_core::{
    Answer, Ask, AskId, Batching, Failure, Journal, Model, Progress, Query, Reply, Request,
    Sampling, Usage, Watch, ask_all, ask_batch, read::Read,
};
use futures::{StreamExt, stream};

use crate::{error::Result, report::Requests};

pub(crate) const DOMAINS: &str = "corpus/domains";
pub(crate) const TOPICS: &str = "corpus/topics";
pub(crate) const ASSERTIONS: &str = "corpus/assertions";
pub(crate) const TYPES: &str = "corpus/types";
pub(crate) const IDEAS: &str = "corpus/ideas";
pub(crate) const DOCUMENTS: &str = "corpus/documents";
pub(crate) const REVIEW: &str = "corpus/review";
pub(crate) const REVISE: &str = "corpus/revise";

/// A stage, and the account of what it asked.
pub(crate) struct Stage<'a> {
    model: &'a dyn Model,
    journal: &'a Journal,
    watch: &'a dyn Watch,
    sampling: Sampling,
    tries: u32,
    draw: u32,
    name: String,
    requests: Requests,
    /// How often each prompt was asked. Equal prompts of two items, or of two rounds, are two draws:
    /// otherwise they would share one reply.
    asked: HashMap<blake3::Hash, u64>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(
        name: &str,
        (model, journal, watch): (&'a dyn Model, &'a Journal, &'a dyn Watch),
        sampling: Sampling,
        (tries, draw): (u32, u32),
    ) -> Self {
        let name = name.to_owned();
        let requests = Requests { stage: name.clone(), ..Requests::default() };
        let asked = HashMap::new();
        Stage { model, journal, watch, sampling, tries, draw, name, requests, asked }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Asks the question of every item, and gives what `read` makes of the answers in the items' order: one for each,
    /// those of one id too.
    ///
    /// A model that offers a batch service is asked through it. Any other is asked one by one, with prompts rendered
    /// as they are needed, so that a hundred thousand of them take no memory.
    pub(crate) async fn ask<T: Send>(
        &mut self,
        ids: &[&str],
        render: impl Fn(usize) -> Result<Request> + Send + Sync,
        read: impl Fn(usize, &str) -> Read<T> + Send + Sync,
    ) -> Result<Vec<Result<T, Failure>>> {
        let names = names(ids);
        let index: HashMap<&str, usize> =
            names.iter().enumerate().map(|(i, name)| (&**name, i)).collect();
        let (broken, usage) = (Mutex::new(None), Mutex::new(Usage::default()));
        let hearing = Hearing { outer: self.watch, last: Mutex::default() };
        let mut settled: Vec<Option<Result<T, Failure>>> = ids.iter().map(|_| None).collect();
        {
            let (stage, asked) = (&*self.name, &mut self.asked);
            let (sampling, tries, draw) = (&self.sampling, self.tries, self.draw);
            let asks = names.iter().enumerate().map_while(|(i, name)| match render(i) {
                Ok(request) => {
                    let mut said = blake3::Hasher::new();
                    for message in &request.messages {
                        said.update(message.text().as_bytes());
                        said.update(&[0xff]); // in no text
                    }
                    let nth = asked.entry(said.finalize()).or_default();
                    *nth += 1;
                    let request = request.with_sampling(sampling.clone());
                    let ask = Ask::new(stage, &**name, Query::Complete(request)).with_tries(tries);
                    Some(ask.with_draw(draw_of(draw, *nth - 1)))
                }
                Err(error) => {
                    *lock(&broken) = Some(error);
                    None
                }
            });
            let reader = |id: &AskId, reply: &Reply| {
                if let Reply::Completion(completion) = reply {
                    *lock(&usage) += completion.usage;
                }
                read(index[&*id.item], &reply.text()?)
            };
            let requests = &mut self.requests;
            let mut settle = |answer: Answer<T>| {
                requests.asked += 1;
                requests.reused += u64::from(answer.reused);
                requests.count_unusable(&answer.unusable);
                match &answer.result {
                    Ok(_) => requests.usable += 1,
                    Err(Failure::Unusable(_)) => {}
                    Err(_) => requests.errors += 1,
                }
                settled[index[&*answer.id.item]] = Some(answer.result);
            };
            let (model, journal) = (self.model, self.journal);
            if model.batch().is_some() {
                let terms = Batching::default();
                let answers = ask_batch(model, journal, asks, reader, &terms, &hearing).await?;
                answers.into_iter().for_each(settle);
            } else {
                let answers = ask_all(model, journal, stream::iter(asks), reader, &hearing);
                let mut answers = pin!(answers);
                while let Some(answer) = answers.next().await {
                    settle(answer?);
                }
            }
        }
        if let Some(error) = lock(&broken).take() {
            return Err(error);
        }
        self.requests.usage += *lock(&usage);
        let last = lock(&hearing.last);
        self.requests.paid += last.usage;
        self.requests.repaid += last.repaid;
        Ok(settled.into_iter().flatten().collect())
    }

    /// Tells of the end of the stage.
    pub(crate) fn done(self) -> Requests {
        let Requests { stage, asked, reused, errors, .. } = &self.requests;
        let unusable: u64 = self.requests.unusable.values().sum();
        tracing::info!(stage, asked, reused, unusable, errors, "stage finished");
        self.requests
    }
}

/// A name for each item: its id, with a number where others before it have the same.
fn names<'i>(ids: &[&'i str]) -> Vec<Cow<'i, str>> {
    let mut names: Vec<Cow<'i, str>> = Vec::with_capacity(ids.len());
    let mut taken: HashMap<Cow<'i, str>, u64> = HashMap::with_capacity(ids.len());
    for &id in ids {
        let mut name = Cow::Borrowed(id);
        while let Some(count) = taken.get_mut(&name) {
            *count += 1;
            name = Cow::Owned(format!("{id}#{count}"));
        }
        taken.insert(name.clone(), 1);
        names.push(name);
    }
    names
}

/// The number of a draw: the n-th asking of one prompt, in one drawing of the whole.
///
/// A round that asks what an earlier one asked, since nothing came of it, is a drawing of its own: it would be
/// given the same useless answer out of the journal.
pub(crate) fn draw_of(draw: u32, nth: u64) -> u32 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&draw.to_le_bytes());
    hasher.update(&nth.to_le_bytes());
    let mut number = [0; 4];
    number.copy_from_slice(&hasher.finalize().as_bytes()[..4]);
    u32::from_le_bytes(number)
}

/// Passes progress on, and keeps the last of it: it knows what this run paid.
struct Hearing<'w> {
    outer: &'w dyn Watch,
    last: Mutex<Progress>,
}

impl Watch for Hearing<'_> {
    fn progress(&self, progress: &Progress) {
        progress.clone_into(&mut lock(&self.last));
        self.outer.progress(progress);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use ethos_core::Scripted;
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn items_of_one_id_are_told_apart() {
        assert_eq!(names(&["a", "a#2", "a", "b", "a"]), ["a", "a#2", "a#3", "b", "a#4"]);
    }

    #[test]
    fn every_item_has_its_own_answer() {
        let model = Scripted::new("echo", |request| request.messages[0].text().into_owned().into());
        let journal = Journal::in_memory().unwrap();
        let mut stage = Stage::new("test", (&model, &journal, &()), Sampling::default(), (0, 0));
        let render = |i: usize| Ok(Request::user(format!("item {i}")));
        let answers = stage.ask(&["x", "y", "x"], render, |_, text| Ok(text.to_owned()));
        let answers: Vec<String> =
            block_on(answers).unwrap().into_iter().map(|answer| answer.unwrap()).collect();
        assert_eq!(answers, ["item 0", "item 1", "item 2"]);
    }
}
