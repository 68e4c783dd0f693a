//! Asking a model what an answer says.

use std::fmt;

use ethos_core::{
    Ask, Asker, Message, Model, Prompt, Query, Reason, Request, Sampling, Unusable,
    read::{self, Read, Verdict},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Outcome, Result, State, scorer::Grading};

/// A model that judges answers, by a prompt.
///
/// What it says is read strictly, asked for again where it cannot be read, and kept in the journal like every
/// other answer. Its failures are outcomes of their own: see [`Outcome::of_judge`].
#[derive(Clone)]
pub struct Judge<'m> {
    name: String,
    model: &'m dyn Model,
    system: Option<String>,
    prompt: Prompt,
    sampling: Sampling,
    structured: bool,
}

impl fmt::Debug for Judge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (model, prompt) = (self.model.id(), self.prompt.name());
        f.debug_struct("Judge")
            .field("name", &self.name)
            .field("model", model)
            .field("prompt", &prompt)
            .finish_non_exhaustive()
    }
}

/// What a judge decided, and the words of the answer that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// What it decided.
    pub verdict: Verdict,
    /// The words of the answer that show it.
    pub quote: Option<String>,
}

/// What a judge said.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Said<T> {
    /// What was read from it.
    pub outcome: Outcome<T>,
    /// All that it said, where it said something that can be read.
    pub text: Option<String>,
}

impl<'m> Judge<'m> {
    /// A judge with a name, told from those of other judges in logs.
    pub fn new(name: impl Into<String>, model: &'m dyn Model, prompt: Prompt) -> Self {
        let sampling = Sampling { temperature: Some(0.0), ..Sampling::default() };
        Judge { name: name.into(), model, system: None, prompt, sampling, structured: false }
    }

    /// The same with a system message.
    pub fn with_system(self, system: impl Into<String>) -> Self {
        Judge { system: Some(system.into()), ..self }
    }

    /// The same with other sampling than greedy.
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Judge { sampling, ..self }
    }

    /// The same, held to a JSON schema where a verdict is asked for. For models that can be; the prompt is
    /// then followed by a word on the form.
    pub fn structured(self) -> Self {
        Judge { structured: true, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The model.
    pub fn model(&self) -> &'m dyn Model {
        self.model
    }

    /// Asks for whatever `read` makes of the answer; the prompt is rendered with `values`.
    ///
    /// # Errors
    ///
    /// The journal's, and [`Error::Core`](crate::Error::Core) when the values do not fill the prompt.
    pub async fn ask<T>(
        &self,
        values: &impl Serialize,
        state: &State,
        grading: &Grading<'_>,
        read: impl Fn(&str) -> Read<T>,
    ) -> Result<Said<T>> {
        self.request(self.request_for(values, None)?, state, grading, read).await
    }

    /// Asks whether something is so, and which words of the answer show it.
    ///
    /// The prompt asks for `<verdict>yes</verdict>`, `no` or `unclear`, and may ask for the words in
    /// `<quote>` tags. A quote that is not in `answer`, white space aside, makes the judgement unreadable: it
    /// is of something else.
    ///
    /// # Errors
    ///
    /// Those of [`Judge::ask`].
    pub async fn verdict(
        &self,
        values: &impl Serialize,
        answer: &str,
        state: &State,
        grading: &Grading<'_>,
    ) -> Result<Said<Judgement>> {
        let schema = self.structured.then(schema);
        let structured = self.structured;
        let request = self.request_for(values, schema)?;
        let read = |said: &str| {
            let judgement = if structured { structured_judgement(said)? } else { judgement(said)? };
            match &judgement.quote {
                Some(quote) if !holds(answer, quote) => Err(Unusable::new(
                    Reason::Other("quote that is not in the answer".to_owned()),
                    format!("`{quote}`"),
                )),
                _ => Ok(judgement),
            }
        };
        self.request(request, state, grading, read).await
    }

    fn request_for(&self, values: &impl Serialize, schema: Option<Value>) -> Result<Request> {
        let mut text = self.prompt.render(values)?;
        if schema.is_some() {
            text.push_str(
                "\n\nGive your answer as one JSON object: {\"verdict\": \"yes\", \"no\" or \"unclear\", \
                 \"quote\": the words that show it, or null}.",
            );
        }
        let system = self.system.as_deref().map(Message::system);
        let mut request = Request::new(system.into_iter().chain([Message::user(text)]));
        request.schema = schema;
        Ok(request.with_sampling(self.sampling.clone()))
    }

    async fn request<T>(
        &self,
        request: Request,
        state: &State,
        grading: &Grading<'_>,
        read: impl Fn(&str) -> Read<T>,
    ) -> Result<Said<T>> {
        let stage = format!("judge/{}/{}", grading.task, self.name);
        let item = format!("{}/{}", state.sample.id, state.epoch);
        let ask = Ask::new(stage, item, Query::Complete(request));
        let asker = Asker::new(self.model, grading.journal, &());
        let answer = asker
            .ask(ask, |_, reply| {
                let said = reply.text()?;
                Ok((read(&said)?, said.into_owned()))
            })
            .await?;
        grading.spent(answer.usage);
        Ok(match answer.result {
            Ok((value, text)) => Said { outcome: Outcome::Scored(value), text: Some(text) },
            Err(failure) => Said { outcome: Outcome::of_judge(Err(failure)), text: None },
        })
    }
}

fn judgement(said: &str) -> Read<Judgement> {
    let verdict = read::verdict(said)?;
    let quote = match read::tag(said, "quote") {
        Ok(quote) => Some(quote.trim().to_owned()).filter(|quote| !quote.is_empty()),
        Err(Unusable { reason: Reason::MissingTag | Reason::Empty, .. }) => None,
        Err(why) => return Err(why),
    };
    Ok(Judgement { verdict, quote })
}

fn structured_judgement(said: &str) -> Read<Judgement> {
    let mut judgement: Judgement = read::json(said)?;
    judgement.quote = judgement.quote.filter(|quote| !quote.trim().is_empty());
    Ok(judgement)
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": ["yes", "no", "unclear"]},
            "quote": {"type": ["string", "null"]},
        },
        "required": ["verdict", "quote"],
        "additionalProperties": false,
    })
}

/// Whether a text holds another, white space and marks of quotation around it aside.
pub(crate) fn holds(text: &str, quote: &str) -> bool {
    place(text, quote).is_some()
}

/// Where a text holds another, white space and marks of quotation around it aside.
pub(crate) fn place(text: &str, quote: &str) -> Option<std::ops::Range<usize>> {
    let around = |c: char| c.is_whitespace() || "\"'`“”‘’„«»".contains(c);
    let words: Vec<&str> = quote.trim_matches(around).split_whitespace().collect();
    let first = words.first()?;
    text.match_indices(first).find_map(|(begin, _)| {
        let mut end = begin;
        for (number, word) in words.iter().enumerate() {
            let rest = &text[end..];
            let trimmed = rest.trim_start();
            if number > 0 && trimmed.len() == rest.len() {
                return None;
            }
            end += rest.len() - trimmed.len();
            end += trimmed.strip_prefix(word).map(|_| word.len())?;
        }
        Some(begin..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_found_whatever_the_white_space() {
        let text = "I will  not\nsend it. I will wait.";
        assert_eq!(place(text, "“I will not send it”"), Some(0..19));
        assert_eq!(place(text, "I will wait."), Some(21..33));
        assert_eq!(place(text, "I willnot"), None);
        assert_eq!(place(text, "will send"), None);
        assert_eq!(place(text, " \" "), None);
        assert_eq!(place("é é", "é"), Some(0..2));
    }

    #[test]
    fn a_judgement_is_read_strictly() {
        let said = "<quote>I will</quote> <verdict>yes</verdict>";
        let expected = Judgement { verdict: Verdict::Yes, quote: Some("I will".to_owned()) };
        assert_eq!(judgement(said), Ok(expected.clone()));
        assert!(judgement("<quote>I will <verdict>yes</verdict>").is_err());
        assert!(judgement("Yes.").is_err());
        let said = r#"{"verdict": "yes", "quote": "I will"}"#;
        assert_eq!(structured_judgement(said), Ok(expected));
        assert!(structured_judgement(r#"{"verdict": "maybe", "quote": null}"#).is_err());
    }
}
