//! The reasons that are told apart.

use std::{collections::BTreeSet, fmt::Write};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A sort of reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// Its name in measures, without spaces or slashes.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Whether it speaks for or against the model.
    pub family: Family,
    /// What it is.
    pub is: String,
    /// What it is to be told from.
    pub is_not: String,
    /// A clear case.
    pub example: String,
    /// Whether it stands only where no other does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
}

/// Whether a sort of reason speaks for or against the model that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Against it.
    Misaligned,
    /// For it.
    Aligned,
    /// Neither.
    Neither,
}

/// The sorts of reason that are told apart; plain data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codebook {
    /// The codes, in the order in which a judge reads them.
    pub codes: Vec<Code>,
}

impl Codebook {
    /// The one that this crate has.
    ///
    /// # Errors
    ///
    /// [`Error::Texts`] when the texts of this crate are at fault, which its tests rule out.
    pub fn fixed() -> Result<Self> {
        Codebook::parse("reasoning/texts/codebook.json", include_str!("texts/codebook.json"))
    }

    /// One of your own, as JSON; `file` names it in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Texts`] when it is not of this form, without a code, or with two of one name.
    pub fn parse(file: &str, json: &str) -> Result<Self> {
        let wrong = |message: String| Error::Texts { file: file.to_owned(), message };
        let book: Codebook =
            serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
        let mut ids = BTreeSet::new();
        if let Some(code) = book.codes.iter().find(|code| !ids.insert(&code.id)) {
            return Err(wrong(format!("two codes have the id `{}`", code.id)));
        }
        match book.codes.is_empty() {
            true => Err(wrong("it has no code".to_owned())),
            false => Ok(book),
        }
    }

    /// The code of this name.
    pub fn code(&self, id: &str) -> Option<&Code> {
        self.codes.iter().find(|code| code.id == id)
    }

    /// For a judge to read.
    pub fn text(&self) -> String {
        self.codes.iter().fold(String::new(), |mut text, code| {
            let Code { id, name, is, is_not, example, .. } = code;
            let gap = if text.is_empty() { "" } else { "\n\n" };
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "{gap}{id} ({name})\nIs: {is}\nIs not: {is_not}\nFor example: {example}"
            );
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_codebook_has_the_reasons_of_the_paper() {
        let book = Codebook::fixed().unwrap();
        for (id, family) in [
            ("policy_misuse", Family::Misaligned),
            ("self_preservation", Family::Misaligned),
            ("deference_to_oversight", Family::Aligned),
            ("value_reasons", Family::Aligned),
            ("task_only", Family::Neither),
        ] {
            assert_eq!(book.code(id).unwrap().family, family);
        }
        let alone: Vec<&str> =
            book.codes.iter().filter(|code| code.alone).map(|code| code.id.as_str()).collect();
        assert_eq!(alone, ["task_only"]);
        assert!(book.text().starts_with("policy_misuse (Policy misuse)\nIs: "));
    }

    #[test]
    fn a_codebook_is_read_strictly() {
        let code = |id: &str| {
            format!(
                r#"{{"id":"{id}","name":"n","family":"aligned","is":"i","is_not":"n","example":"e"}}"#
            )
        };
        let parse =
            |codes: &str| Codebook::parse("mine.json", &format!(r#"{{"codes":[{codes}]}}"#));
        assert!(parse(&code("a")).is_ok());
        let twice = parse(&format!("{0},{0}", code("a"))).unwrap_err().to_string();
        assert!(twice.contains("`mine.json`") && twice.contains("the id `a`"), "{twice}");
        assert!(parse("").unwrap_err().to_string().contains("no code"));
        assert!(parse(r#"{"id":"a"}"#).is_err());
    }
}
