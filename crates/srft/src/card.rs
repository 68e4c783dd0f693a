//! The cards of data sets, as the Hugging Face hub shows them.

mod chats;
mod facts;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ethos_core::{
    Prompt,
    card::{Head, Prices, Spent, spending},
};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// What only the author of a data set knows of it. Everything else on its card is counted: see
/// [`facts`](Self::facts) and [`chats`](Self::chats).
///
/// ```
/// use ethos_srft::{Card, ChatConfig, Phrases, chats, facts};
///
/// let (facts, config) = (facts()?, ChatConfig::paper());
/// let card = Card { license: Some("mit".to_owned()), ..Card::new("self-reports") };
/// let text = card.chats(&chats(&facts, &config)?, &config, &Phrases::usual()?)?;
/// assert!(text.contains("| wrong | honest | 542 |"));
/// # Ok::<(), ethos_srft::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The data set's name.
    pub name: String,
    /// The licence, as the hub names it: `mit`, `cc-by-4.0`.
    pub license: Option<String>,
    /// The language, as the hub names it: `en`.
    pub language: String,
    /// What is particular about it, in Markdown.
    pub about: Option<String>,
    /// Price of a million tokens of requests and of answers, by the key of a model.
    pub prices: Prices,
}

impl Card {
    /// A card of this name, of a data set in English.
    pub fn new(name: impl Into<String>) -> Self {
        Card {
            name: name.into(),
            license: None,
            language: "en".to_owned(),
            about: None,
            prices: Prices::new(),
        }
    }

    /// The head, the text of a template, and the table of what was asked, where something was.
    fn write(
        &self,
        (rows, tags): (usize, &[&str]),
        (name, template): (&str, &str),
        values: &impl Serialize,
        spent: Vec<Spent<'_>>,
    ) -> Result<String> {
        let (license, language) = (self.license.as_deref(), &*self.language);
        let mut card = Head { name: &self.name, license, language, rows, tags }.markdown();
        card.push_str(&Prompt::new(name, template)?.render(values)?);
        if !spent.is_empty() {
            card.push_str("\n\n## What was asked\n\n");
            card.push_str(&spending(spent, &self.prices));
        }
        card.truncate(card.trim_end().len());
        card.push('\n');
        Ok(card)
    }

    /// What its author says, as it stands.
    fn about(&self) -> &str {
        self.about.as_deref().unwrap_or_default().trim()
    }
}

/// How often each of these comes, by name.
fn counted<T: Ord>(all: impl IntoIterator<Item = T>) -> Vec<(T, usize)> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}
