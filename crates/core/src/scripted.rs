//! A model that answers from a function.

mod batches;

use std::fmt;

use futures::future::BoxFuture;

use self::batches::Batches;
use crate::{
    Result,
    batch::{Batch, BatchLimits},
    model::{self, Completion, Model, ModelId, Request, Scored},
};

type Answers = dyn Fn(&Request) -> Result<Completion> + Send + Sync;
type Scores = dyn Fn(&Request, &[String]) -> Result<Vec<Scored>> + Send + Sync;

/// A [`Model`] that answers from a function: for tests, examples and dry runs.
///
/// Faults are scripted like answers: return an [`Error`](crate::Error), a refusal, an answer that
/// was cut off.
///
/// ```
/// use ethos_core::{Completion, Model, Request, Scripted, Stop};
/// use futures::executor::block_on;
///
/// let model = Scripted::new("short-winded", |_| Completion::new("It all beg").with_stop(Stop::Length));
/// let answer = block_on(model.complete(&Request::user("Tell me a story.")))?;
/// assert_eq!(answer.stop, Stop::Length);
/// # Ok::<(), ethos_core::Error>(())
/// ```
pub struct Scripted {
    id: ModelId,
    answers: Box<Answers>,
    scores: Option<Box<Scores>>,
    concurrency: usize,
    batches: Option<Batches>,
}

impl Scripted {
    /// A model that never fails to answer.
    ///
    /// `name` becomes its key: give another one when the function changes, or a journal hands out
    /// what the old one said.
    pub fn new(
        name: impl Into<String>,
        answers: impl Fn(&Request) -> Completion + Send + Sync + 'static,
    ) -> Self {
        Scripted::fallible(name, move |request| Ok(answers(request)))
    }

    /// A model that may fail.
    pub fn fallible(
        name: impl Into<String>,
        answers: impl Fn(&Request) -> Result<Completion> + Send + Sync + 'static,
    ) -> Self {
        let id = ModelId::new(format!("scripted/{}", name.into()));
        Scripted { id, answers: Box::new(answers), scores: None, concurrency: 64, batches: None }
    }

    /// A model that repeats the last user message.
    pub fn echo() -> Self {
        Scripted::new("echo", |request| model::last_user(request).into())
    }

    /// The same model, which also scores continuations.
    pub fn with_scores(
        self,
        scores: impl Fn(&Request, &[String]) -> Result<Vec<Scored>> + Send + Sync + 'static,
    ) -> Self {
        Scripted { scores: Some(Box::new(scores)), ..self }
    }

    /// The same model with another number of requests in flight (64 unless told).
    pub fn with_concurrency(self, concurrency: usize) -> Self {
        Scripted { concurrency, ..self }
    }

    /// The same model with a batch service of these limits, for [`ask_batch`](crate::ask_batch). A batch has
    /// ended at the second look at it; it is gone with the model.
    pub fn with_batches(self, limits: BatchLimits) -> Self {
        Scripted { batches: Some(Batches::new(limits)), ..self }
    }
}

impl Model for Scripted {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Completion>> {
        Box::pin(async move { (self.answers)(request) })
    }

    fn score<'a>(
        &'a self,
        request: &'a Request,
        continuations: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Scored>>> {
        Box::pin(async move {
            match &self.scores {
                Some(scores) => scores(request, continuations),
                None => Err(crate::Error::model(
                    &self.id.key,
                    crate::ModelErrorKind::Unsupported,
                    "has no scores; give it some with `with_scores`",
                )),
            }
        })
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn batch(&self) -> Option<&dyn Batch> {
        self.batches.is_some().then_some(self as &dyn Batch)
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted").field("id", &self.id).finish_non_exhaustive()
    }
}
