//! An answer in the making.

use ethos_core::{Completion, Request, Stop, Usage};

use super::{prompt, reasoning, sampler::Sampler, text::Text};
use crate::{Checkpoint, Error, Result, Tokenizer};

/// Tokens after which an answer is cut off, where the request does not say.
const MAX_TOKENS: u32 = 256;

/// An answer in the making. It knows nothing of the model: logits come in, a token is drawn.
#[derive(Debug)]
pub(super) struct Draft {
    prompt: Vec<u32>,
    last: [u32; 1],
    logprobs: Vec<f32>,
    text: Text,
    sampler: Sampler,
    /// Tokens after which it is cut off.
    limit: usize,
    /// Whether it begins within reasoning.
    reasons: bool,
    done: Option<Result<Stop>>,
}

impl Draft {
    /// An answer of which nothing is written.
    pub(super) fn new(checkpoint: &Checkpoint, request: &Request) -> Result<Self> {
        let wrong = |message| Err(Error::Config { what: "request", message });
        let rendered = prompt::render(checkpoint, request)?;
        let tokens = prompt::tokens(checkpoint, &rendered)?;
        prompt::not_empty(&tokens)?;
        let longest = checkpoint.model.config().max_position_embeddings;
        if tokens.len() == longest {
            let message = format!(
                "it has {longest} tokens, the model's longest is {longest}: no room for an answer"
            );
            return wrong(message);
        }
        let wanted = request.sampling.max_tokens.unwrap_or(MAX_TOKENS) as usize;
        if wanted == 0 {
            return wrong("`max_tokens` is 0, and must be 1 or more".to_owned());
        }
        Ok(Draft {
            last: [0],
            logprobs: Vec::new(),
            text: Text::new(&request.sampling.stop),
            sampler: Sampler::new(&request.sampling)?,
            limit: wanted.min(longest - tokens.len()),
            reasons: reasoning::is_open(&rendered, request.prefill.as_deref()),
            done: None,
            prompt: tokens,
        })
    }

    /// What is read first.
    pub(super) fn prompt(&self) -> &[u32] {
        &self.prompt
    }

    /// Tokens that it and its prompt have at the most.
    pub(super) fn longest(&self) -> usize {
        self.prompt.len() + self.limit
    }

    /// What is read next: the token drawn last.
    pub(super) fn last(&self) -> &[u32] {
        &self.last
    }

    /// Draws a token from the logits after what was read, unless it is one of `ends`, which end the
    /// answer.
    pub(super) fn extend(&mut self, logits: &[f32], tokenizer: &Tokenizer, ends: &[u32]) {
        self.done = self.draw(logits, tokenizer, ends).transpose();
    }

    fn draw(
        &mut self,
        logits: &[f32],
        tokenizer: &Tokenizer,
        ends: &[u32],
    ) -> Result<Option<Stop>> {
        let (token, logprob) = self.sampler.draw(logits)?;
        if ends.contains(&token) {
            return Ok(Some(Stop::End));
        }
        self.last = [token];
        self.logprobs.push(logprob);
        self.text.push(token, tokenizer)?;
        if self.text.is_stopped() {
            return Ok(Some(Stop::End));
        }
        Ok((self.logprobs.len() >= self.limit).then_some(Stop::Length))
    }

    /// Whether nothing is to be added.
    pub(super) fn is_done(&self) -> bool {
        self.done.is_some()
    }

    /// The answer, as far as it was written.
    pub(super) fn finish(self, tokenizer: &Tokenizer) -> Result<Completion> {
        let usage = Usage::new(self.prompt.len() as u64, self.logprobs.len() as u64);
        let (text, stopped) = self.text.finish(tokenizer)?;
        let stop = self.done.unwrap_or(Ok(Stop::Length))?;
        let stop = if stopped { Stop::End } else { stop };
        let (reasoning, answer) = reasoning::split(self.reasons, text);
        let mut completion = Completion::new(answer).with_stop(stop).with_usage(usage);
        completion.reasoning = reasoning;
        completion.logprobs = Some(self.logprobs);
        Ok(completion)
    }
}
