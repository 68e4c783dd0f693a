//! One transcript of 150 turns, about which 8 closed questions are scored and 4 are asked in a row, ten times.
//!
//! What this takes is compared with one pass over the transcript and the drawing of the answers.

use std::time::Instant;

use ethos_core::{Message, Model, Request, Sampling};
use ethos_train::{LocalConfig, LocalModel};
use futures::{executor::block_on, future::join_all};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::model::Shape;

const TURNS: usize = 150;
const CLOSED: usize = 8;
const OPEN: usize = 4;
const DRAWS: u64 = 10;
/// Words of a question.
const QUESTION: usize = 24;

pub(crate) fn run(shape: &Shape) {
    let asked = Asked::new(shape);
    let fresh = || LocalModel::new(shape.checkpoint()).unwrap();

    let known = fresh();
    let pass = timed(|| asked.draw(&known, 1, 1));
    let after = timed(|| asked.everything(&known));
    // All is known now but what is behind the last chunk: what is left is to draw.
    let tokens = OPEN * shape.new;
    let first = timed(|| asked.draw(&known, DRAWS, 1));
    let draw = (timed(|| asked.draw(&known, DRAWS, tokens)) - first).max(0.0);
    let reusing = fresh();
    let all = timed(|| asked.everything(&reusing));
    println!(
        "{TURNS} turns, {} tokens; {CLOSED} questions scored, {OPEN} asked {DRAWS} times for answers of {} tokens",
        shape.prompt, shape.new
    );
    println!("one pass over the transcript      {pass:>7.2} s");
    println!("questions and answers after it    {after:>7.2} s, of which {draw:.2} for drawing");
    println!(
        "everything                        {all:>7.2} s: {:.2} of both, {:.2} of the pass and the drawing alone",
        all / (pass + after),
        all / (pass + draw)
    );
    let anew = LocalConfig::default().with_prefix_tokens(0);
    let anew = LocalModel::with_config(shape.checkpoint(), anew).unwrap();
    let anew = timed(|| asked.everything(&anew));
    println!("everything, nothing kept          {anew:>7.2} s, {:.1} times as long", anew / all);
}

struct Asked {
    transcript: Vec<Message>,
    closed: Vec<Message>,
    open: Vec<Message>,
    new: usize,
}

impl Asked {
    fn new(shape: &Shape) -> Self {
        let random = &mut ChaCha8Rng::seed_from_u64(0);
        let mut words = |count| shape.words(count, random);
        let turn = |n: usize| match n % 2 {
            0 => Message::user(words(shape.prompt / TURNS)),
            _ => Message::assistant(words(shape.prompt / TURNS)),
        };
        let transcript = (0..TURNS).map(turn).collect();
        let mut questions = (0..CLOSED + OPEN).map(|_| Message::user(words(QUESTION)));
        Asked {
            transcript,
            closed: questions.by_ref().take(CLOSED).collect(),
            open: questions.collect(),
            new: shape.new,
        }
    }

    fn everything(&self, model: &LocalModel) {
        let choices = ["w1", "w2"].map(str::to_owned);
        let scored = self.closed.iter().map(|question| {
            let choices = &choices;
            async move {
                let messages = self.transcript.iter().chain([question]).cloned();
                model.score(&Request::new(messages), choices).await.unwrap();
            }
        });
        let drawn = (0..DRAWS).map(|draw| self.four_turns(model, draw));
        block_on(async {
            join_all(scored).await;
            join_all(drawn).await;
        });
    }

    async fn four_turns(&self, model: &LocalModel, draw: u64) {
        let mut messages = self.transcript.clone();
        for (turn, question) in self.open.iter().enumerate() {
            messages.push(question.clone());
            let request = Request::new(messages.iter().cloned())
                .with_sampling(sampling(draw * OPEN as u64 + turn as u64, self.new));
            messages.push(model.complete(&request).await.unwrap().message);
        }
    }

    /// So many answers of so many tokens to the first question.
    fn draw(&self, model: &LocalModel, draws: u64, tokens: usize) {
        let messages = || self.transcript.iter().chain(&self.open[..1]).cloned();
        let requests: Vec<Request> = (0..draws)
            .map(|draw| Request::new(messages()).with_sampling(sampling(1000 + draw, tokens)))
            .collect();
        for answer in block_on(join_all(requests.iter().map(|one| model.complete(one)))) {
            answer.unwrap();
        }
    }
}

fn sampling(seed: u64, tokens: usize) -> Sampling {
    Sampling { seed: Some(seed), max_tokens: Some(tokens as u32), ..Sampling::default() }
}

fn timed(work: impl FnOnce()) -> f64 {
    let before = Instant::now();
    work();
    before.elapsed().as_secs_f64()
}
