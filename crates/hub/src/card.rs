//! The card of a model or a data set: the `README.md` that the hub shows and searches.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A card: what the hub needs to know about a repository, and a text for people.
///
/// Fields left empty are left out. What has no field of its own goes into `extra`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Card {
    /// The licence, by the hub's name for it: `mit`, `apache-2.0`, `cc-by-4.0`, `other`.
    pub license: Option<String>,
    /// The model that was trained further, as `owner/name`.
    pub base_model: Option<String>,
    /// The data sets that it was trained on, as `owner/name`.
    pub datasets: Vec<String>,
    /// The languages, by their codes: `en`.
    pub language: Vec<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// More entries, as the hub's documentation names them: `library_name`, `pipeline_tag`,
    /// `configs`. They win over the fields above.
    pub extra: Map<String, Value>,
    /// The text, in Markdown.
    pub text: String,
}

impl Card {
    /// The file: front matter in YAML, and the text.
    ///
    /// Texts are quoted as JSON quotes them, which is YAML too, so that a licence called `no` stays
    /// one.
    pub fn to_markdown(&self) -> String {
        let mut entries = Map::from_iter([
            ("license".into(), self.license.clone().into()),
            ("base_model".into(), self.base_model.clone().into()),
            ("datasets".into(), self.datasets.clone().into()),
            ("language".into(), self.language.clone().into()),
            ("tags".into(), self.tags.clone().into()),
        ]);
        entries.extend(self.extra.clone());
        let empty = |value: &Value| {
            value.is_null() || value.as_array().is_some_and(|values| values.is_empty())
        };
        let front: String = entries
            .iter()
            .filter(|(_, value)| !empty(value))
            .map(|(key, value)| format!("{}: {value}\n", plain(key)))
            .collect();
        let text = self.text.trim();
        match front.is_empty() {
            true => format!("{text}\n"),
            false => format!("---\n{front}---\n\n{text}\n"),
        }
    }
}

/// A key as it is, or quoted where YAML could take it for something else.
fn plain(key: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let letter = key.starts_with(|c: char| c.is_ascii_alphabetic());
    let truth = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    match letter && key.chars().all(word) && !truth.contains(&key.to_ascii_lowercase().as_str()) {
        true => key.into(),
        false => Value::from(key).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_card_is_front_matter_and_text() {
        let card = Card {
            license: Some("apache-2.0".into()),
            base_model: Some("Qwen/Qwen2.5-0.5B".into()),
            language: vec!["en".into(), "no".into()],
            tags: vec!["a: \"b\"\nc".into()],
            extra: Map::from_iter([
                ("library_name".into(), json!("peft")),
                ("no".into(), json!({"a": [1, null]})),
            ]),
            text: "\n# Cheese\n\nLikes it.\n".into(),
            ..Card::default()
        };
        let expected = r##"---
license: "apache-2.0"
base_model: "Qwen/Qwen2.5-0.5B"
language: ["en","no"]
tags: ["a: \"b\"\nc"]
library_name: "peft"
"no": {"a":[1,null]}
---

# Cheese

Likes it.
"##;
        assert_eq!(card.to_markdown(), expected);
        assert_eq!(Card { text: "Hello".into(), ..Card::default() }.to_markdown(), "Hello\n");
    }
}
