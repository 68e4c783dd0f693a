//! What a request asks, as the model reads it.

use ethos_core::Request;

use crate::{Checkpoint, Error, Result};

/// The text that the model reads before it answers.
pub(super) fn render(checkpoint: &Checkpoint, request: &Request) -> Result<String> {
    if request.schema.is_some() {
        return Err(Error::Unsupported("schemas; ask for JSON and read it strictly"));
    }
    checkpoint.template.prompt(request, &checkpoint.tokenizer)
}

/// The tokens of a text, all of which the model knows, no more than it can read.
pub(super) fn tokens(checkpoint: &Checkpoint, text: &str) -> Result<Vec<u32>> {
    let wrong = |message| Err(Error::Config { what: "request", message });
    let config = checkpoint.model.config();
    let ids = checkpoint.tokenizer.encode(text)?;
    let (tokens, longest) = (ids.len(), config.max_position_embeddings);
    if tokens > longest {
        return wrong(format!("it has {tokens} tokens, the model's longest is {longest}"));
    }
    if let Some(id) = ids.iter().find(|id| **id as usize >= config.vocab_size) {
        let known = config.vocab_size;
        return wrong(format!("the tokenizer gave token {id}, and the model knows {known}"));
    }
    Ok(ids)
}

/// Whether there is something to predict from.
pub(super) fn not_empty(tokens: &[u32]) -> Result<()> {
    match tokens {
        [] => {
            let message =
                "the prompt has no tokens, and an answer follows from something".to_owned();
            Err(Error::Config { what: "request", message })
        }
        _ => Ok(()),
    }
}
