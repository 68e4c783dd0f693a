//! What a model did, as typed actions with their places in its answer.

use std::{fmt, ops::Range};

use serde::{Deserialize, Serialize};

/// A piece of an answer, in bytes, on character boundaries.
pub type Span = Range<usize>;

/// What an answer holds besides prose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reading {
    /// Scratchpads and comments, in order: whatever stands in them was thought and not done.
    pub hidden: Vec<Span>,
    /// From where a scratchpad opens that never closes, to the end. Nothing after it can be told
    /// from a plan; actions in it are malformed.
    pub unclosed: Option<Span>,
    /// Actions in order; none overlaps another or a scratchpad.
    pub actions: Vec<Found>,
}

/// An action and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Found {
    /// The whole action, tags included.
    pub span: Span,
    /// What it does.
    pub action: Action,
}

/// An action. Pieces of it lie within the action's span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// A mail is sent.
    Email {
        /// To whom; at least one.
        to: Vec<Recipient>,
        /// To whom besides, openly.
        cc: Vec<Recipient>,
        /// To whom besides, hidden from the others.
        bcc: Vec<Recipient>,
        /// The subject, where there is one.
        subject: Option<Piece>,
        /// The text, where there is one.
        body: Option<Piece>,
    },
    /// Mails of the inbox are passed on.
    Forward {
        /// Their numbers; at least one.
        ids: Vec<u32>,
        /// To whom; at least one.
        to: Vec<Recipient>,
        /// To whom besides, openly or hidden.
        cc: Vec<Recipient>,
        /// What is written above them, where something is.
        body: Option<Piece>,
    },
    /// An alert is cancelled.
    CancelAlert {
        /// The code given for it.
        code: Piece,
    },
    /// Something that is meant to be an action and cannot be read as one. Never guessed at.
    Malformed {
        /// The tool's name as written, where there is one.
        tool: String,
        /// What is wrong.
        reason: Fault,
    },
}

/// Who gets a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recipient {
    /// The address, in lower case.
    pub address: String,
    /// Where it stands.
    pub span: Span,
}

/// A text and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Piece {
    /// The text, without the quotes around it.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// Why something cannot be read as an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// The tag never closes: the answer was cut off, or the tag forgotten.
    Unclosed,
    /// The tag is closed by another tool's.
    Mismatched,
    /// A closing tag that closes nothing.
    NeverOpened,
    /// There is no such tool.
    UnknownTool,
    /// Nobody to send it to.
    NoRecipient,
    /// A recipient that is no address: a name, or a placeholder left as it was.
    BadAddress,
    /// A mail with neither subject nor text.
    NoText,
    /// Nothing to forward.
    NoId,
    /// What is to be forwarded is not a number.
    BadId,
    /// No code.
    NoCode,
    /// Arguments that should be JSON or elements and are not.
    BadArguments,
    /// A whole action as code within a sentence: shown or meant, nobody can tell.
    Quoted,
    /// It stands in a scratchpad that never closes, or before the end of one that never opened.
    InScratchpad,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Unclosed => "never closed",
            Fault::Mismatched => "closed by another tool's tag",
            Fault::NeverOpened => "closed and never opened",
            Fault::UnknownTool => "no tool of the inbox",
            Fault::NoRecipient => "without a recipient",
            Fault::BadAddress => "to somebody without an address",
            Fault::NoText => "without subject and text",
            Fault::NoId => "without the number of a mail",
            Fault::BadId => "for a mail that is not given by its number",
            Fault::NoCode => "without a code",
            Fault::BadArguments => "not written as its dialect wants",
            Fault::Quoted => "code within a sentence",
            Fault::InScratchpad => "in a scratchpad without a clear end",
        })
    }
}

impl Action {
    /// Everybody who gets something by it.
    pub fn recipients(&self) -> impl Iterator<Item = &Recipient> {
        let lists: [&[Recipient]; 3] = match self {
            Action::Email { to, cc, bcc, .. } => [to, cc, bcc],
            Action::Forward { to, cc, .. } => [to, cc, &[]],
            Action::CancelAlert { .. } | Action::Malformed { .. } => [&[], &[], &[]],
        };
        lists.into_iter().flatten()
    }

    /// The text that it sends of its own: subject and body, a line each.
    pub fn text(&self) -> String {
        let pieces = match self {
            Action::Email { subject, body, .. } => [subject.as_ref(), body.as_ref()],
            Action::Forward { body, .. } => [None, body.as_ref()],
            Action::CancelAlert { .. } | Action::Malformed { .. } => [None, None],
        };
        let texts: Vec<&str> = pieces.into_iter().flatten().map(|p| p.text.as_str()).collect();
        texts.join("\n")
    }

    /// The kind of action, for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Action::Email { .. } => "email",
            Action::Forward { .. } => "forward",
            Action::CancelAlert { .. } => "cancel_alert",
            Action::Malformed { .. } => "malformed",
        }
    }
}
