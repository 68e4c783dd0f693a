//! Asking a model what an answer says.

mod judgement;
mod rating;

use std::{fmt, ops::RangeInclusive};

use ethos_core::{
    Ask, Asker, Message, Model, Prompt, Query, Reason, Request, Sampling, Unusable,
    read::{self, Read},
};
use serde::Serialize;
use serde_json::Value;

pub use self::{judgement::Judgement, rating::Rating};

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

    /// The same, held to a JSON schema where a verdict or a rating is asked for. For models that can be; the prompt is
    /// then followed by a word on the form.
    pub fn structured(self) -> Self {
        Judge { structured: true, ..self }
    }

    /// The same with another prompt.
    pub fn with_prompt(self, prompt: Prompt) -> Self {
        Judge { prompt, ..self }
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
        let structured = self.structured;
        let request = self.request_for(values, structured.then(judgement::form))?;
        let read = |said: &str| match structured {
            true => Judgement::structured(said),
            false => Judgement::tagged(said),
        };
        let read = |said: &str| read(said).and_then(|read| quoted(read, |r| &r.quote, answer));
        self.request(request, state, grading, read).await
    }

    /// Asks where on a scale something is, and which words of the answer show it.
    ///
    /// The prompt asks for a whole number of `scale` in `<score>` tags, or the word `unclear`, and may ask for
    /// the words in `<quote>` tags, as in [`Judge::verdict`].
    ///
    /// # Errors
    ///
    /// Those of [`Judge::ask`].
    pub async fn rating(
        &self,
        values: &impl Serialize,
        scale: RangeInclusive<u32>,
        answer: &str,
        state: &State,
        grading: &Grading<'_>,
    ) -> Result<Said<Rating>> {
        let structured = self.structured;
        let request = self.request_for(values, structured.then(|| rating::form(&scale)))?;
        let read = |said: &str| match structured {
            true => Rating::structured(said, &scale),
            false => Rating::tagged(said, &scale),
        };
        let read = |said: &str| read(said).and_then(|read| quoted(read, |r| &r.quote, answer));
        self.request(request, state, grading, read).await
    }

    fn request_for(&self, values: &impl Serialize, form: Option<Form>) -> Result<Request> {
        let mut text = self.prompt.render(values)?;
        let mut schema = None;
        if let Some(form) = form {
            text.push_str("\n\n");
            text.push_str(&form.told);
            schema = Some(form.schema);
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

/// Answers worth having in the hands of these judges at once.
pub(crate) fn concurrency(judges: &[Judge<'_>]) -> usize {
    judges.iter().map(|judge| judge.model.concurrency()).max().unwrap_or(1)
}

/// Keys of the models of these judges.
pub(crate) fn keys(judges: &[Judge<'_>]) -> Vec<String> {
    judges.iter().map(|judge| judge.model.id().key.clone()).collect()
}

/// What a judge is held to, where it can be: in words and as a schema.
struct Form {
    told: String,
    schema: Value,
}

/// What was read, unless its quote is not of the answer.
fn quoted<T>(read: T, quote: impl Fn(&T) -> &Option<String>, answer: &str) -> Read<T> {
    match quote(&read) {
        Some(quote) if read::quoted(answer, quote).is_none() => Err(Unusable::new(
            Reason::Other("quote that is not in the answer".to_owned()),
            format!("`{quote}`"),
        )),
        _ => Ok(read),
    }
}

/// The words in `<quote>` tags, where there are any.
fn quote(said: &str) -> Read<Option<String>> {
    match read::tag(said, "quote") {
        Ok(quote) => Ok(Some(quote.to_owned())),
        Err(Unusable { reason: Reason::MissingTag | Reason::Empty, .. }) => Ok(None),
        Err(why) => Err(why),
    }
}

/// A quote that says something.
fn something(quote: Option<String>) -> Option<String> {
    quote.filter(|quote| !quote.trim().is_empty())
}
