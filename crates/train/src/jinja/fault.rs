//! What goes wrong in a template.

use std::fmt;

/// Why a template could not be compiled or rendered, and on which line.
#[derive(Debug)]
pub(crate) struct Fault {
    message: String,
    line: Option<u32>,
}

/// The outcome of a step of a template. Boxed: it is passed up through every expression.
pub(super) type Eval<T> = Result<T, Box<Fault>>;

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Box<Self> {
        Box::new(Fault { message: message.into(), line: None })
    }

    /// The line, unless a statement further in has given one.
    pub(super) fn at(mut self: Box<Self>, line: u32) -> Box<Self> {
        self.line.get_or_insert(line);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Ends a function with a fault, its message formatted.
macro_rules! fail {
    ($($message:tt)*) => {
        return Err($crate::jinja::fault::Fault::new(format!($($message)*)))
    };
}
pub(super) use fail;
