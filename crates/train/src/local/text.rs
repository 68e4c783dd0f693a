//! The text of tokens as they come.

use crate::{Result, Tokenizer};

/// Tokens that may wait for the rest of a character. Text that never becomes whole is taken as it is.
const WAITING: usize = 16;
/// What a decoder puts for bytes that are no character, or not yet.
const BROKEN: char = '\u{FFFD}';

/// A text that grows token by token and ends before the first of its stop strings.
///
/// Only the last few tokens are decoded again for a new one: enough for what a tokenizer decides by
/// neighbours, such as spaces between words.
#[derive(Debug)]
pub(super) struct Text {
    text: String,
    stops: Vec<String>,
    /// The last tokens: some that are in the text, then those that wait.
    window: Vec<u32>,
    /// How many of the window are in the text.
    settled: usize,
    /// Bytes of the decoded window that are in the text.
    shown: usize,
    stopped: bool,
}

impl Text {
    /// Nothing yet. Empty stop strings never stop.
    pub(super) fn new(stops: &[String]) -> Self {
        Text {
            text: String::new(),
            stops: stops.iter().filter(|stop| !stop.is_empty()).cloned().collect(),
            window: Vec::new(),
            settled: 0,
            shown: 0,
            stopped: false,
        }
    }

    /// Adds a token.
    pub(super) fn push(&mut self, token: u32, tokenizer: &Tokenizer) -> Result<()> {
        self.window.push(token);
        let decoded = tokenizer.decode(&self.window)?;
        if decoded.ends_with(BROKEN) && self.window.len() - self.settled < WAITING {
            return Ok(());
        }
        self.show(&decoded);
        self.window.drain(..self.settled);
        self.settled = self.window.len();
        self.shown = tokenizer.decode(&self.window)?.len();
        Ok(())
    }

    /// Whether a stop string has ended the text.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The whole text, with what still waits as it is, and whether a stop string has ended it.
    pub(super) fn finish(mut self, tokenizer: &Tokenizer) -> Result<(String, bool)> {
        if !self.stopped {
            let decoded = tokenizer.decode(&self.window)?;
            self.show(&decoded);
        }
        Ok((self.text, self.stopped))
    }

    fn show(&mut self, decoded: &str) {
        let before = self.text.len();
        self.text.push_str(decoded.get(self.shown..).unwrap_or_default());
        // A stop string may have begun in what was there before.
        let longest = self.stops.iter().map(String::len).max().unwrap_or(0);
        let from = self.text.floor_char_boundary(before.saturating_sub(longest));
        let found = self.stops.iter().filter_map(|stop| self.text[from..].find(stop.as_str()));
        if let Some(end) = found.min() {
            self.text.truncate(from + end);
            self.stopped = true;
        }
    }
}
