//! Many requests at once, of every sort.

use std::{sync::mpsc, thread};

use ethos_core::{Completion, Model, Request, Sampling, Scored};
use futures::{
    channel::oneshot,
    executor::block_on,
    future::{join_all, maybe_done, poll_immediate},
};
use rand::{
    RngExt, SeedableRng,
    seq::{IndexedRandom, SliceRandom},
};
use rand_chacha::ChaCha8Rng;

use super::{Job, LocalConfig, LocalModel, server::Server};
use crate::{ChatTemplate, Checkpoint, Result, Tokenizer, Transformer, TransformerConfig};

const CONTEXT: usize = 1024;

/// Random weights, and a context in which prompts may be long.
fn checkpoint() -> Checkpoint {
    checkpoint_with(|tiny| tiny)
}

fn checkpoint_with(change: impl FnOnce(TransformerConfig) -> TransformerConfig) -> Checkpoint {
    let tokenizer = Tokenizer::word_level((0..90).map(|n| format!("w{n}"))).unwrap();
    let config = TransformerConfig {
        max_position_embeddings: CONTEXT,
        ..change(TransformerConfig::tiny(tokenizer.len()))
    };
    let model = Transformer::init(config, 3, &crate::testing::device()).unwrap();
    let template =
        ChatTemplate::new("{% for m in messages %}{{ m.content }} {% endfor %}").unwrap();
    Checkpoint { model, tokenizer, template }
}

/// As many heads in a group as at Qwen2.5-0.5B.
fn seven_heads() -> Checkpoint {
    checkpoint_with(|tiny| TransformerConfig {
        num_attention_heads: 7,
        num_key_value_heads: 1,
        head_dim: 64,
        ..tiny
    })
}

/// Heads as wide as at Qwen2.5-7B.
fn wide_heads() -> Checkpoint {
    checkpoint_with(|tiny| TransformerConfig {
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 128,
        ..tiny
    })
}

/// Wider than `gemm` sums at a time, and no multiple of that, with keys that are narrow.
fn odd_width() -> Checkpoint {
    checkpoint_with(|tiny| TransformerConfig {
        hidden_size: 896,
        num_attention_heads: 7,
        num_key_value_heads: 1,
        head_dim: 64,
        ..tiny
    })
}

fn words(count: usize, random: &mut ChaCha8Rng) -> String {
    let words: Vec<String> =
        (0..count).map(|_| format!("w{}", random.random_range(0..90))).collect();
    words.join(" ")
}

fn greedy(text: impl Into<String>) -> Request {
    Request::user(text).with_sampling(Sampling {
        temperature: Some(0.0),
        max_tokens: Some(12),
        ..Sampling::default()
    })
}

/// Prompts of a few words, of hundreds, and of more than there is room for.
fn requests(count: usize, random: &mut ChaCha8Rng) -> Vec<Request> {
    let transcript = words(700, random);
    let ask = |n: usize| match n % 8 {
        0 => greedy(words(CONTEXT + 1, random)),
        1 => greedy(words(300, random)),
        2 | 3 => greedy(format!("{transcript} {}", words(9, random))),
        _ => {
            let count = random.random_range(1..40);
            greedy(words(count, random))
        }
    };
    let mut requests: Vec<Request> = (0..count).map(ask).collect();
    requests.shuffle(random);
    requests
}

#[test]
fn many_at_once_are_answered_as_one_alone() {
    // Fewer slots and tokens than are asked for, so that some wait and are given up while they do; and all together.
    let few = LocalConfig::default().with_slots(24).with_tokens(12 * CONTEXT);
    for config in [few, LocalConfig::default()] {
        answered_as_one_alone(config);
    }
}

fn answered_as_one_alone(config: LocalConfig) {
    let random = &mut ChaCha8Rng::seed_from_u64(0);
    let requests = requests(64, random);
    let model = LocalModel::with_config(checkpoint(), config).unwrap();
    let alone = LocalModel::new(checkpoint()).unwrap();

    let asked: Vec<_> =
        requests.iter().map(|one| Box::pin(maybe_done(model.complete(one)))).collect();
    let mut asked: Vec<_> = asked.into_iter().zip(&requests).collect();
    for (answer, _) in &mut asked {
        block_on(poll_immediate(answer));
    }
    asked.retain(|_| random.random_bool(0.6));
    let (answers, kept): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    let mut answers = block_on(join_all(answers.into_iter().map(|mut answer| async move {
        (&mut answer).await;
        answer.as_mut().take_output().unwrap()
    })));
    let (mut good, mut bad) = (0, 0);
    for (request, answer) in kept.into_iter().zip(&mut answers) {
        match (answer, block_on(alone.complete(request))) {
            (Ok(answer), Ok(alone)) => {
                assert_eq!((&answer.message, &answer.stop), (&alone.message, &alone.stop));
                good += 1;
            }
            (Err(error), Err(alone)) => {
                assert_eq!(error.to_string(), alone.to_string());
                assert!(error.to_string().contains("longest is 1024"), "{error}");
                bad += 1;
            }
            (answer, alone) => panic!("{answer:?}, and alone {alone:?}"),
        }
    }
    assert!(good > 25 && bad > 2, "{good} and {bad}");
}

/// Whoever asks may be gone at any time: nothing is left of it on the model's thread.
#[test]
fn what_is_given_up_leaves_nothing_behind() {
    let random = &mut ChaCha8Rng::seed_from_u64(1);
    let mut server = Server::new(checkpoint(), LocalConfig::default().with_slots(16));
    let (jobs, inbox) = mpsc::channel();
    let (mut answers, mut scores) = (Vec::new(), Vec::new());
    for request in requests(64, random) {
        let (reply, answer) = oneshot::channel::<Result<Completion>>();
        let (scored, score) = oneshot::channel::<Result<Vec<Scored>>>();
        jobs.send(Job::Complete(request.clone(), reply)).unwrap();
        jobs.send(Job::Score(request, vec!["w1".to_owned(), "w2 w3".to_owned()], scored)).unwrap();
        answers.push(answer);
        scores.push(score);
    }
    let serving = thread::spawn(move || {
        server.run(&inbox);
        server
    });
    // A third is gone before it is looked at, others go while some are answered.
    answers.retain(|_| random.random_bool(0.7));
    scores.retain(|_| random.random_bool(0.3));
    for (n, answer) in answers.into_iter().enumerate() {
        if n % 3 > 0 {
            assert!(block_on(answer).is_ok());
        }
    }
    let scores = block_on(join_all(scores));
    assert!(scores.iter().all(Result::is_ok));
    drop(jobs);
    let server = serving.join().unwrap();
    assert_eq!(server.unfinished(), 0);
}

/// Whatever there was before, and in whichever lane, there is memory for what [`LocalConfig::tokens`] says.
#[test]
fn no_more_memory_is_held_than_is_promised() {
    let random = &mut ChaCha8Rng::seed_from_u64(4);
    let (slots, tokens) = (8, 2 * CONTEXT);
    let config = LocalConfig::default().with_slots(slots).with_tokens(tokens);
    let mut server = Server::new(checkpoint(), config);
    let mut most = 0;
    for _ in 0..30 {
        // Long ones and short ones, not always as many as there are slots for.
        let answers: Vec<_> = (0..random.random_range(1..12))
            .map(|_| {
                let words = words(*[5, 200, 900].choose(random).unwrap(), random);
                let (reply, answer) = oneshot::channel::<Result<Completion>>();
                server.take(Job::Complete(greedy(words), reply));
                answer
            })
            .collect();
        for _ in 0..random.random_range(1..20) {
            server.step();
            most = most.max(server.held());
        }
        drop(answers);
    }
    // Two rows for each slot may be longer by what makes a multiple of 64.
    assert!(most <= LocalConfig::room(tokens) + 2 * slots * 63, "{most}");
    assert!(most > tokens, "{most}");
}

#[test]
fn prompts_that_begin_alike_are_read_once_and_answered_the_same() {
    let random = &mut ChaCha8Rng::seed_from_u64(2);
    let transcript = words(800, random);
    let questions: Vec<Request> =
        (0..6).map(|n| greedy(format!("{transcript} {}", words(20 + 30 * n, random)))).collect();
    for checkpoint in [checkpoint, seven_heads, wide_heads, odd_width] {
        answered_the_same(checkpoint, &questions);
    }
}

fn answered_the_same(checkpoint: fn() -> Checkpoint, questions: &[Request]) {
    let reading = LocalConfig::default().with_prefix_tokens(0);
    let anew = LocalModel::with_config(checkpoint(), reading).unwrap();
    let reusing = LocalModel::new(checkpoint()).unwrap();
    let choices = ["w4 w5", "w6"].map(str::to_owned);
    for question in questions.iter().chain(&questions[..2]) {
        // To the last digit.
        let answers = [&anew, &reusing].map(|model| block_on(model.complete(question)).unwrap());
        assert_eq!(answers[0], answers[1]);
        let scores =
            [&anew, &reusing].map(|model| block_on(model.score(question, &choices)).unwrap());
        assert_eq!(scores[0], scores[1]);
    }
}

#[test]
fn a_model_needs_a_slot() {
    let error = LocalModel::with_config(checkpoint(), LocalConfig::default().with_slots(0));
    assert!(error.unwrap_err().to_string().contains("`slots` is 0"));
}
