//! Pairs of options, and how they are asked about.

use std::collections::BTreeSet;

use ethos_core::Prompt;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Two options, one of which shows the value that is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Pair {
    /// What the options are; rates are given by domain too.
    pub domain: String,
    /// A name that no other pair of the task has.
    pub id: String,
    /// The option that shows the value.
    pub shows: String,
    /// The other one.
    pub other: String,
    /// What the options are answers to, where they are; phrasings name it as `{{ question }}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
}

impl Pair {
    /// A pair of things.
    pub fn new(
        domain: impl Into<String>,
        id: impl Into<String>,
        shows: impl Into<String>,
        other: impl Into<String>,
    ) -> Self {
        Pair {
            domain: domain.into(),
            id: id.into(),
            shows: shows.into(),
            other: other.into(),
            question: None,
        }
    }

    /// The same as two answers to this question.
    pub fn with_question(self, question: impl Into<String>) -> Self {
        Pair { question: Some(question.into()), ..self }
    }
}

/// How the model is shown the options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// The question names them, and the answer is one of them: for things of a few words.
    #[default]
    Named,
    /// They are listed after the question, and the answer is a letter: for whole sentences.
    Listed,
}

/// A preference task: plain data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preference {
    /// Its name.
    pub name: String,
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// Templates of the question, rendered strictly: with `{{ first }}` and `{{ second }}` where it names the
    /// options, with `{{ question }}` where the pairs have one.
    pub phrasings: Vec<String>,
    /// How the options are shown.
    #[serde(default)]
    pub shown: Shown,
}

/// One question of a task.
pub(super) struct Question {
    pub(super) pair: usize,
    pub(super) phrasing: usize,
    /// Whether the option that shows the value is named first.
    pub(super) shows_first: bool,
    pub(super) text: String,
}

impl Question {
    /// Its sample's name.
    pub(super) fn id(&self, pair: &Pair) -> String {
        let order = if self.shows_first { "shown first" } else { "shown second" };
        format!("{}/{}/{order}", pair.id, self.phrasing)
    }
}

impl Preference {
    /// A task whose questions name the options.
    pub fn new(
        name: impl Into<String>,
        pairs: impl IntoIterator<Item = Pair>,
        phrasings: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Preference {
            name: name.into(),
            pairs: pairs.into_iter().collect(),
            phrasings: phrasings.into_iter().map(Into::into).collect(),
            shown: Shown::Named,
        }
    }

    /// The same with the options listed after the question.
    pub fn listed(self) -> Self {
        Preference { shown: Shown::Listed, ..self }
    }

    /// The domains of its pairs.
    pub fn domains(&self) -> BTreeSet<&str> {
        self.pairs.iter().map(|pair| pair.domain.as_str()).collect()
    }

    /// Its pairs of these domains alone.
    ///
    /// # Errors
    ///
    /// [`Error::Task`] for a domain that no pair is of.
    pub fn in_domains(&self, domains: &[&str]) -> Result<Self> {
        self.parted(domains, true)
    }

    /// Its pairs of all other domains: those that were held out, when a model was trained on these.
    ///
    /// # Errors
    ///
    /// [`Error::Task`] for a domain that no pair is of.
    pub fn without_domains(&self, domains: &[&str]) -> Result<Self> {
        self.parted(domains, false)
    }

    fn parted(&self, domains: &[&str], within: bool) -> Result<Self> {
        let known = self.domains();
        if let Some(unknown) = domains.iter().find(|domain| !known.contains(*domain)) {
            let known: Vec<&str> = known.into_iter().collect();
            let message =
                format!("no pair is of the domain `{unknown}`, there are {}", known.join(", "));
            return Err(self.wrong(message));
        }
        let mut part = self.clone();
        part.pairs.retain(|pair| domains.contains(&pair.domain.as_str()) == within);
        Ok(part)
    }

    /// Every question that the task asks: pairs × phrasings × both orders.
    ///
    /// # Errors
    ///
    /// [`Error::Task`] when the task cannot be run.
    pub fn questions(&self) -> Result<Vec<String>> {
        Ok(self.asked()?.into_iter().map(|question| question.text).collect())
    }

    pub(super) fn wrong(&self, message: String) -> Error {
        Error::Task { task: self.name.clone(), message }
    }

    pub(super) fn asked(&self) -> Result<Vec<Question>> {
        self.check()?;
        let mut questions = Vec::new();
        for (phrasing, template) in self.phrasings.iter().enumerate() {
            let prompt = Prompt::new(format!("{} phrasing {phrasing}", self.name), template)?;
            for (number, pair) in self.pairs.iter().enumerate() {
                for shows_first in [true, false] {
                    let (first, second) = match shows_first {
                        true => (&pair.shows, &pair.other),
                        false => (&pair.other, &pair.shows),
                    };
                    let mut values = vec![("first", first), ("second", second)];
                    values.extend(pair.question.as_ref().map(|question| ("question", question)));
                    let text = prompt.render(&values)?;
                    let named = text.contains(first.as_str()) && text.contains(second.as_str());
                    if self.shown == Shown::Named && !named {
                        return Err(self.wrong(format!(
                            "the phrasing `{template}` lacks {{{{ first }}}} or {{{{ second }}}}"
                        )));
                    }
                    questions.push(Question { pair: number, phrasing, shows_first, text });
                }
            }
        }
        Ok(questions)
    }

    fn check(&self) -> Result<()> {
        if self.pairs.is_empty() || self.phrasings.is_empty() {
            return Err(self.wrong("has no pairs or no phrasings".to_owned()));
        }
        let mut ids = BTreeSet::new();
        for pair in &self.pairs {
            let message = if !ids.insert(&pair.id) {
                format!("two pairs have the id `{}`", pair.id)
            } else if pair.shows.trim().is_empty() || pair.other.trim().is_empty() {
                format!("an option of `{}` is empty", pair.id)
            } else if pair.shows.trim() == pair.other.trim() {
                format!("both options of `{}` are `{}`", pair.id, pair.shows)
            } else {
                continue;
            };
            return Err(self.wrong(message));
        }
        Ok(())
    }
}
