//! What looks wrong in a spec.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::span::{Position, Span};

/// Something in a spec that its author may want to change. Displayed as two lines:
///
/// ```text
/// 7:3: error: rule `SP1` is defined again, first at 4:3
///   give every rule an id of its own: …
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Which of the checks speaks.
    pub code: Code,
    /// Where.
    pub span: Span,
    /// Line and column where the span begins.
    pub at: Position,
    /// What is wrong here.
    pub message: String,
    /// What to do about it and, where something was measured, what was found.
    pub advice: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic { severity, at, message, advice, .. } = self;
        write!(f, "{at}: {severity}: {message}\n  {advice}")
    }
}

/// How bad a diagnostic is; the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know; nothing need be done.
    Note,
    /// The spec can be used, and would probably teach better otherwise.
    Warning,
    /// The spec contradicts itself, or part of it is lost.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// The checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The spec says nothing.
    EmptySpec,
    /// U+FFFD or NUL: a character was lost when the text was decoded.
    LostCharacter,
    /// A fence that nothing closes makes the rest of the text code.
    OpenFence,
    /// A comment that nothing closes, which takes what follows.
    OpenComment,
    /// Text before the first heading.
    TextBeforeHeading,
    /// A heading without a title.
    UntitledSection,
    /// A heading with nothing under it.
    EmptySection,
    /// A heading more than one level below the one it is under.
    SkippedLevel,
    /// A second rule with the same id.
    DuplicateRule,
    /// A reference to a rule that there is not.
    MissingRule,
    /// Rules that do not say why.
    RuleWithoutReason,
    /// Values are named, but no sentence says what the assistant does.
    ValuesWithoutBehaviour,
    /// Hardly a sentence names a situation.
    GeneralGuidance,
    /// A placeholder that is still to be filled.
    Placeholder,
    /// `{{name}}`, which is text and is never filled.
    DoubledBraces,
}
