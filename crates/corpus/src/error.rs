//! The errors of this crate.

use ethos_core::Failure;

/// What can go wrong while planning and writing.
///
/// One answer that cannot be used is not among them: it is counted in a report, and the run goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no text in the spec.
    #[error("the spec is empty; there is nothing to write about")]
    EmptySpec,

    /// The spec speaks of `{assistant_name}` and not of somebody.
    #[error(
        "the spec's placeholder `{placeholder}` is not filled, so that documents would speak of it; give \
         `Spec::fill` a `Persona` first"
    )]
    Unfilled {
        /// The first of them, as it stands there.
        placeholder: String,
    },

    /// There is no rule in the spec.
    #[error(
        "the spec has no rules, written `- SP1: …` or `### SP1: …`; plan it as prose (`Mode::Prose`)"
    )]
    NoRules,

    /// A request is larger than what the model can hold.
    #[error(
        "`{stage}` takes about {tokens} tokens with its answer, and the model holds {context}: give a \
         shorter spec, a model that holds more, or a lower `max_tokens`"
    )]
    Context {
        /// The stage.
        stage: String,
        /// Tokens of request and answer, about.
        tokens: u64,
        /// Tokens that the model holds.
        context: u64,
    },

    /// A setting makes no sense.
    #[error("`{setting}` {message}")]
    Config {
        /// The setting, as it is written in the config.
        setting: &'static str,
        /// What is wrong with it.
        message: &'static str,
    },

    /// The plan was made for another text.
    #[error(
        "the plan was made for a spec with hash {planned}, this one has {given}; plan again, or \
         give the spec that was planned for (with the same placeholders filled)"
    )]
    OtherSpec {
        /// Hash of the spec that was planned for.
        planned: String,
        /// Hash of the spec that was given.
        given: String,
    },

    /// A span of the plan is not one of its spec.
    #[error("bytes {start} to {end}, which `{name}` quotes, are no text of the spec")]
    Span {
        /// The assertion or topic that has the span.
        name: String,
        /// Its first byte.
        start: usize,
        /// The byte after its last.
        end: usize,
    },

    /// A document that the plan does not know.
    #[error(
        "the document `{id}` is of no idea of the plan; give the plan that it was written from"
    )]
    Unplanned {
        /// The document's id.
        id: String,
    },

    /// The plan has no idea in it.
    #[error("the plan holds no idea, so there is no document to write; see the report of planning")]
    EmptyPlan,

    /// Every ask of a stage failed.
    #[error("nothing came back from `{stage}`: all of its {asked} questions failed")]
    NothingCameBack {
        /// The stage.
        stage: String,
        /// How many questions were asked.
        asked: u64,
        /// Why the first of them failed.
        #[source]
        source: Box<Failure>,
    },

    /// A stage was answered, but nothing in the answers could be taken into the plan.
    #[error("`{stage}` was answered {answers} times, and nothing could be used: {message}")]
    NothingUsable {
        /// The stage.
        stage: String,
        /// How many usable answers there were.
        answers: u64,
        /// What became of what they held.
        message: String,
    },

    /// Vectors of texts could not be made or used.
    #[error(transparent)]
    Embedding(#[from] crate::dedup::EmbeddingError),

    /// A Parquet file that cannot be written or read.
    #[error("`{path}`: {message}")]
    Parquet {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong.
        message: String,
    },

    /// A prompt, the journal or a file failed.
    #[error(transparent)]
    Core(#[from] ethos_core::Error),
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
