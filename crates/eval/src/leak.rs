//! Whether training text gives a task away.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{Result, preference::Preference, words::words};

/// A text that gives something of a task away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Leak {
    /// The number of the text, in the order given.
    pub text: usize,
    /// What of the task it holds.
    pub what: Leaked,
}

/// What a text holds of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Leaked {
    /// An option of a pair.
    Option(String),
    /// A whole question.
    Question(String),
}

/// Looks for a task's options and questions in texts that a model is trained on: whole words, whatever
/// their case, spacing and the punctuation around them. An evaluation on what was trained on measures
/// memory.
///
/// # Errors
///
/// [`Error::Task`](crate::Error::Task) when the task cannot be run.
pub fn leaks<'t>(task: &Preference, texts: impl IntoIterator<Item = &'t str>) -> Result<Vec<Leak>> {
    let options = task.pairs.iter().flat_map(|pair| [&pair.shows, &pair.other]);
    let options: HashSet<String> = options.map(|option| normal(option)).collect();
    let questions: HashSet<String> = task.questions()?.iter().map(|q| normal(q)).collect();
    // A phrase of n words is looked for among all runs of n words: one hash a word, not one a phrase.
    let lengths: HashSet<usize> =
        options.iter().chain(&questions).map(|phrase| phrase.split(' ').count()).collect();
    let mut found = Vec::new();
    for (number, text) in texts.into_iter().enumerate() {
        let text = normal(text);
        let words: Vec<&str> = text.split(' ').collect();
        let mut seen = HashSet::new();
        for &length in &lengths {
            for run in words.windows(length) {
                let run = run.join(" ");
                if (options.contains(&run) || questions.contains(&run)) && seen.insert(run.clone())
                {
                    let what = match options.contains(&run) {
                        true => Leaked::Option(run),
                        false => Leaked::Question(run),
                    };
                    found.push(Leak { text: number, what });
                }
            }
        }
    }
    Ok(found)
}

/// Lower-case words with single spaces, without punctuation.
fn normal(text: &str) -> String {
    words(text).join(" ")
}
