//! The errors of this crate.

/// What can go wrong while running a task.
///
/// A sample that could not be scored is not among them: it is an [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A task that cannot be run; nothing was asked.
    #[error("task `{task}`: {message}")]
    Task {
        /// The task's name.
        task: String,
        /// What is wrong, and the way out.
        message: String,
    },

    /// Too little of a task could be scored for a number to mean anything.
    #[error(
        "task `{task}`: only {scored} of {asked} could be scored ({missing}); a rerun asks again for \
         what failed, and for nothing that was answered: where answers are cut off, declined or cannot \
         be read, change what is asked (`max_tokens`, the wording), or lower `Task::with_coverage`"
    )]
    Coverage {
        /// The task's name.
        task: String,
        /// Pairs that were scored.
        scored: u64,
        /// Pairs in all.
        asked: u64,
        /// What is missing, by reason.
        missing: String,
    },

    /// A file of samples that cannot be used.
    #[error("`{path}`: {message}")]
    Dataset {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it, and in which row.
        message: String,
    },

    /// A log that cannot be written or read.
    #[error(transparent)]
    Log(#[from] ethos_evallog::Error),

    /// A log that lacks samples.
    #[error(
        "`{path}` is not whole, its status is `{status}`: run the task again, it goes on where it was"
    )]
    Unfinished {
        /// The log.
        path: std::path::PathBuf,
        /// What it says of itself.
        status: String,
    },

    /// A measure that nobody took.
    #[error("task `{task}`: there is no measure `{wanted}`, there are {known}")]
    Measure {
        /// The task's name.
        task: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },

    /// A statistic that these data do not give.
    #[error(transparent)]
    Undefined(#[from] crate::stats::Undefined),

    /// A choice of scenario, goal and circumstances that means nothing.
    #[error("no such condition: {message}")]
    Condition {
        /// Why it means nothing, and the way out.
        message: String,
    },

    /// A text of a scenario that cannot be used: a template, its variables.
    #[error("`{file}`: {message}")]
    Texts {
        /// The file.
        file: String,
        /// What is wrong with it.
        message: String,
    },

    /// A file that cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },

    /// Asking failed altogether: the journal, a prompt.
    #[error(transparent)]
    Core(#[from] ethos_core::Error),
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
