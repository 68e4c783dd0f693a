use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use ethos_core::{
    Answer, Ask, BatchLimits, Batching, Failure, Journal, ModelErrorKind, Progress, Query, Request,
    Scripted, Usage, ask_all, ask_batch,
};
use futures::{TryStreamExt, executor::block_on, future::poll_immediate, stream};

use crate::{
    asks,
    provider::{Faults, Provider},
    text,
};

struct Place {
    folder: tempfile::TempDir,
    journal: Journal,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path().join("journal.redb")).unwrap();
    Place { folder, journal }
}

impl Place {
    fn provider(&self, faults: Faults) -> Provider {
        Provider::new(self.folder.path(), faults)
    }

    fn run(&self, provider: &Provider, asks: Vec<Ask>) -> (Vec<Answer<String>>, Progress) {
        let seen = Mutex::new(Progress::default());
        let watch = |p: &Progress| p.clone_into(&mut seen.lock().unwrap());
        let terms = Batching::default();
        let answers = ask_batch(provider, &self.journal, asks, text, &terms, &watch);
        let answers = block_on(answers).unwrap();
        (answers, seen.into_inner().unwrap())
    }
}

/// How often each item was in a batch.
fn times(provider: &Provider) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for id in provider.batches().into_iter().flatten() {
        *times.entry(id).or_default() += 1;
    }
    times
}

#[test]
fn batches_answer_as_asking_does_and_a_rerun_asks_nothing() {
    let place = place();
    let provider = place.provider(Faults::default());
    let (answers, seen) = place.run(&provider, asks(205));
    for (n, answer) in answers.iter().enumerate() {
        let said = answer.result.as_ref().unwrap();
        assert!(said.starts_with(&format!("{n} ")), "{n}: {said}");
        assert_eq!(answer.usage, Usage::new(1, 1).times(1 + answer.unusable.len() as u64));
        assert!(!answer.reused);
    }
    let refused: usize = answers.iter().map(|answer| answer.unusable.len()).sum();
    assert!(refused > 0, "no answer was refused");
    assert_eq!((seen.done, seen.total, seen.repaid), (205, Some(205), 0));
    assert_eq!((seen.batched, seen.batched_done), (0, 0));
    assert_eq!(seen.usage, Usage::new(1, 1).times((205 + refused) as u64));
    let batches = provider.batches();
    assert!(batches.iter().all(|batch| batch.len() <= 20));
    assert!(times(&provider).values().all(|&times| times == 1));
    let stats = place.journal.stats().unwrap();
    assert_eq!((stats.in_flight, stats.batches), (0, 0));

    let (again, seen) = place.run(&provider, asks(205));
    assert_eq!(provider.batches(), batches);
    assert_eq!(seen.reused, 205);
    let said = |answers: &[Answer<String>]| -> Vec<String> {
        answers.iter().map(|answer| answer.result.as_ref().unwrap().clone()).collect()
    };
    assert_eq!(said(&again), said(&answers));
    // What batches answered is not asked at once, and the other way round.
    let one = ask_all(&provider, &place.journal, stream::iter(asks(210)), text, &());
    let one: Vec<_> = block_on(one.try_collect()).unwrap();
    assert_eq!(one.iter().filter(|answer| answer.reused).count(), 205);
    let (all, _) = place.run(&provider, asks(210));
    assert_eq!(all[207].result.as_ref().unwrap(), "207 at once");
    assert_eq!(provider.batches(), batches);
}

trait Times {
    fn times(self, n: u64) -> Usage;
}

impl Times for Usage {
    fn times(self, n: u64) -> Usage {
        Usage::new(self.input * n, self.output * n)
    }
}

#[test]
fn batches_are_split_by_count_and_by_bytes_and_the_same_question_is_in_one_of_them_once() {
    let place = place();
    let provider = place.provider(Faults::default());
    let mut twice = asks(10);
    twice.extend(asks(10));
    let terms = Batching::default().with_limits(BatchLimits::new(15, 404));
    let answers = block_on(ask_batch(&provider, &place.journal, twice, text, &terms, &())).unwrap();
    assert_eq!(answers.len(), 20);
    assert!(answers.iter().all(|answer| answer.result.is_ok()));
    // Each takes 101 bytes.
    let sizes: Vec<_> = provider.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes[..3], [4, 4, 2]);
    assert!(times(&provider).values().all(|&times| times == 1));

    let terms = Batching::default().with_limits(BatchLimits::new(15, 100));
    let answers = ask_batch(&provider, &place.journal, asks(11), text, &terms, &());
    let answers = block_on(answers).unwrap();
    let error = answers[10].result.as_ref().unwrap_err().to_string();
    assert!(error.contains("takes 102 bytes"), "{error}");
}

#[test]
fn what_a_batch_lacks_is_submitted_again() {
    let place = place();
    let provider = place.provider(Faults { lacking: true, breaks: Some(3), ..Faults::default() });
    let (answers, seen) = place.run(&provider, asks(100));
    assert!(answers.iter().all(|answer| answer.result.is_ok()));
    // Those that are missing may have been paid; at least the nine of the first attempt.
    assert!(seen.repaid >= 9, "{seen:?}");
    assert!(times(&provider).values().all(|&times| times <= 2));
    assert_eq!(place.journal.stats().unwrap().in_flight, 0);
}

#[test]
fn a_bad_request_fails_alone_and_once() {
    let place = place();
    let provider = place.provider(Faults { bad: true, ..Faults::default() });
    let (answers, seen) = place.run(&provider, asks(20));
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.result.is_err(), n % 5 == 0);
    }
    assert_eq!((seen.failed, place.journal.stats().unwrap().in_flight), (4, 0));
    assert!(times(&provider).values().all(|&times| times == 1));
    let score = Query::Score(Request::user("a"), vec!["b".into()]);
    let (answers, _) = place.run(&provider, vec![Ask::new("test", "score", score)]);
    assert!(
        matches!(&answers[0].result, Err(Failure::Model(error)) if error.to_string().contains("scores"))
    );
}

#[test]
fn a_submission_that_arrived_unheard_is_found_by_its_tag_or_its_results() {
    for untagged in [false, true] {
        let place = place();
        let faults = Faults { untagged, deaf: Some(2), ..Faults::default() };
        let provider = place.provider(faults);
        provider.foreign(20);
        let (answers, seen) = place.run(&provider, asks(100));
        assert!(answers.iter().all(|answer| answer.result.is_ok()));
        assert_eq!(seen.repaid, 0);
        assert!(times(&provider).values().all(|&times| times == 1), "untagged: {untagged}");
    }
}

#[test]
fn a_submission_that_did_not_arrive_is_made_again_and_counted() {
    let place = place();
    let provider = place.provider(Faults { mute: Some(3), ..Faults::default() });
    let (answers, seen) = place.run(&provider, asks(100));
    assert!(answers.iter().all(|answer| answer.result.is_ok()));
    // Twenty, and what the small batch of the refused was, where it is a third one.
    assert!(seen.repaid >= 20, "{}", seen.repaid);

    // And when it never does, everything has failed, and a rerun that can counts it.
    let provider = place.provider(Faults { dead: true, ..Faults::default() });
    let more = || asks(120).split_off(100);
    let (answers, _) = place.run(&provider, more());
    assert!(answers.iter().all(|answer| answer.result.is_err()));
    assert_eq!(place.journal.stats().unwrap().in_flight, 20);
    let provider = place.provider(Faults::default());
    let (answers, seen) = place.run(&provider, more());
    assert!(answers.iter().all(|answer| answer.result.is_ok()));
    assert_eq!((seen.repaid, place.journal.stats().unwrap().in_flight), (20, 0));
}

#[test]
fn a_dropped_call_is_adopted_whatever_is_asked_then() {
    let place = place();
    let sleeper = place.provider(Faults { asleep: true, ..Faults::default() });
    // Dropped at its first sleep, with two batches under way.
    let terms = Batching::default();
    let mut call = Box::pin(ask_batch(&sleeper, &place.journal, asks(40), text, &terms, &()));
    while sleeper.batches().len() < 2 {
        assert!(block_on(poll_immediate(&mut call)).is_none());
    }
    drop(call);
    assert_eq!(place.journal.stats().unwrap().in_flight, 40);
    let provider = place.provider(Faults::default());
    let (answers, seen) = place.run(&provider, asks(60).split_off(40));
    assert!(answers.iter().all(|answer| answer.result.is_ok()));
    assert_eq!(seen.repaid, 0);
    assert!(place.journal.replies().unwrap() >= 60);
    let before = provider.batches().len();
    let (answers, seen) = place.run(&provider, asks(40));
    assert!(answers.iter().all(|answer| answer.result.is_ok()));
    assert!(seen.reused >= 30, "all but what was refused is there: {seen:?}");
    assert!(provider.batches().len() <= before + 2);
    assert!(times(&provider).values().all(|&times| times == 1));
}

#[test]
fn what_the_provider_has_forgotten_is_asked_anew_and_counted() {
    let place = place();
    let provider = place.provider(Faults { endless: true, asleep: true, ..Faults::default() });
    let terms = Batching::default();
    let mut call = Box::pin(ask_batch(&provider, &place.journal, asks(20), text, &terms, &()));
    while provider.batches().is_empty() {
        assert!(block_on(poll_immediate(&mut call)).is_none());
    }
    drop(call);
    provider.forget();
    let provider = place.provider(Faults::default());
    let (answers, seen) = place.run(&provider, asks(20));
    assert!(answers.iter().all(|answer| answer.result.is_ok()));
    assert_eq!((seen.repaid, place.journal.stats().unwrap().in_flight), (20, 0));
}

#[test]
fn results_that_are_not_there_once_are_not_paid_again() {
    for (absent, repaid) in [(1, 0), (2, 20)] {
        let place = place();
        let provider = place.provider(Faults { absent, ..Faults::default() });
        let (answers, seen) = place.run(&provider, asks(20));
        assert!(answers.iter().all(|answer| answer.result.is_ok()));
        assert_eq!(seen.repaid, repaid);
    }
}

#[test]
fn what_is_given_up_is_cancelled_and_its_answers_are_taken() {
    let place = place();
    let provider = place.provider(Faults { endless: true, ..Faults::default() });
    let over = AtomicBool::new(false);
    let watch = |progress: &Progress| over.store(progress.batched == 40, Ordering::SeqCst);
    let given_up = AtomicBool::new(false);
    let stop = || given_up.fetch_or(over.load(Ordering::SeqCst), Ordering::SeqCst);
    let terms = Batching::default().with_given_up(&stop);
    let answers =
        block_on(ask_batch(&provider, &place.journal, asks(40), text, &terms, &watch)).unwrap();
    let fine = answers.iter().filter(|answer| answer.result.is_ok()).count();
    assert!((10..=20).contains(&fine), "{fine}");
    let failed = |answer: &&Answer<String>| matches!(&answer.result, Err(Failure::Model(ethos_core::Error::Model { kind, .. })) if *kind == ModelErrorKind::TimeLimit);
    assert_eq!(answers.iter().filter(failed).count(), 40 - fine);
    let stats = place.journal.stats().unwrap();
    assert_eq!((stats.replies, stats.in_flight, stats.batches), (20, 0, 0));
}

#[test]
fn a_model_without_batches_says_so() {
    let journal = Journal::in_memory().unwrap();
    let terms = Batching::default();
    let model = Scripted::echo();
    let answers = ask_batch(&model, &journal, asks(1), text, &terms, &());
    assert!(block_on(answers).unwrap_err().to_string().contains("no batch service"));
}

#[test]
fn two_calls_at_once_share_a_journal() {
    let place = place();
    let provider = place.provider(Faults::default());
    let terms = Batching::default();
    let call = || ask_batch(&provider, &place.journal, asks(100), text, &terms, &());
    let (one, other) = block_on(futures::future::join(call(), call()));
    for answers in [one.unwrap(), other.unwrap()] {
        assert!(answers.iter().all(|answer| answer.result.is_ok()));
    }
    assert!(times(&provider).values().all(|&times| times == 1));
}
