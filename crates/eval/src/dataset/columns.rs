//! Which column holds what.

use ethos_core::Message;
use serde_json::{Map, Value};

use crate::Sample;

/// Which column of a file holds which part of a [`Sample`]; the default names are Inspect AI's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The question: a text, or a list of messages.
    pub input: String,
    /// The right answer: a text, a number, or a list of these; it may be missing.
    pub target: String,
    /// Answers to choose from: a list, or a text with commas between.
    pub choices: String,
    /// Its name; rows without one are numbered from 1.
    pub id: String,
    /// What it has in common with others, see [`Sample::cluster`].
    pub cluster: String,
    /// What else is kept.
    pub metadata: Metadata,
}

/// What of a row is kept as metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// One column: an object, or a text that is one in JSON.
    Column(String),
    /// These columns.
    Columns(Vec<String>),
    /// Every column that is nothing else.
    Rest,
}

impl Default for Columns {
    fn default() -> Self {
        Columns {
            input: "input".to_owned(),
            target: "target".to_owned(),
            choices: "choices".to_owned(),
            id: "id".to_owned(),
            cluster: "cluster".to_owned(),
            metadata: Metadata::Column("metadata".to_owned()),
        }
    }
}

impl Columns {
    /// The sample in a row; the number is its name where it has none.
    pub(super) fn sample(
        &self,
        mut row: Map<String, Value>,
        number: usize,
    ) -> Result<Sample, String> {
        let mut take = |column: &str| row.shift_remove(column).filter(|value| !value.is_null());
        let input = match take(&self.input) {
            Some(Value::String(text)) if !text.is_empty() => vec![Message::user(text)],
            Some(Value::Array(messages)) if !messages.is_empty() => {
                serde_json::from_value(Value::Array(messages))
                    .map_err(|error| format!("`{}` is no conversation: {error}", self.input))?
            }
            _ => return Err(format!("`{}` holds neither a text nor messages", self.input)),
        };
        let target = match take(&self.target) {
            None => Vec::new(),
            Some(Value::Array(targets)) => texts(&self.target, targets)?,
            Some(target) => vec![text(&self.target, target)?],
        };
        let choices = match take(&self.choices) {
            None => Vec::new(),
            Some(Value::Array(choices)) => texts(&self.choices, choices)?,
            Some(Value::String(choices)) if choices.is_empty() => Vec::new(),
            Some(choices) => {
                let choices = text(&self.choices, choices)?;
                choices.split(',').map(|choice| choice.trim().to_owned()).collect()
            }
        };
        let id = match take(&self.id) {
            Some(id) => text(&self.id, id)?,
            None => number.to_string(),
        };
        let cluster = take(&self.cluster).map(|value| text(&self.cluster, value)).transpose()?;
        let metadata = match &self.metadata {
            Metadata::Rest => row,
            Metadata::Columns(columns) => {
                columns.iter().filter_map(|name| row.shift_remove_entry(name)).collect()
            }
            Metadata::Column(column) => match row.shift_remove(column) {
                None | Some(Value::Null) => Map::new(),
                Some(Value::Object(metadata)) => metadata,
                Some(Value::String(text)) if text.is_empty() => Map::new(),
                Some(Value::String(text)) => serde_json::from_str(&text)
                    .map_err(|error| format!("`{column}` is no JSON object: {error}"))?,
                Some(_) => return Err(format!("`{column}` is no object")),
            },
        };
        let mut sample = Sample::chat(id, input);
        (sample.target, sample.choices) = (target, choices);
        (sample.cluster, sample.metadata) = (cluster, metadata);
        Ok(sample)
    }
}

fn texts(column: &str, values: Vec<Value>) -> Result<Vec<String>, String> {
    values.into_iter().map(|value| text(column, value)).collect()
}

fn text(column: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => Err(format!("`{column}` holds neither a text nor a number")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample(columns: &Columns, row: Value) -> Result<Sample, String> {
        columns.sample(row.as_object().unwrap().clone(), 7)
    }

    #[test]
    fn inspects_own_names_need_no_mapping() {
        let row = json!({"input": "Which?", "target": ["B", 2], "choices": "a, b", "id": 12,
            "metadata": "{\"level\": 3}", "more": 1});
        let found = sample(&Columns::default(), row).unwrap();
        let expected = Sample::new("12", "Which?")
            .with_target("B")
            .with_target("2")
            .with_choices(["a", "b"])
            .with_metadata("level", 3);
        assert_eq!(found, expected);
    }

    #[test]
    fn a_conversation_is_an_input() {
        let row = json!({"input": [{"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Why?"}]});
        let found = sample(&Columns::default(), row).unwrap();
        assert_eq!((found.id.as_str(), found.input.len()), ("7", 2));
    }

    #[test]
    fn metadata_is_what_is_asked_for() {
        let row = json!({"input": "a", "topic": "sums", "level": 1});
        let with = |metadata| Columns { metadata, ..Columns::default() };
        let all = sample(&with(Metadata::Rest), row.clone()).unwrap();
        assert_eq!(all.metadata.len(), 2);
        let one = sample(&with(Metadata::Columns(vec!["level".to_owned()])), row).unwrap();
        assert_eq!(one.metadata, *json!({"level": 1}).as_object().unwrap());
    }

    #[test]
    fn what_is_no_sample_says_which_column() {
        for (row, column) in [
            (json!({"question": "a"}), "`input`"),
            (json!({"input": ""}), "`input`"),
            (json!({"input": [{"role": 3}]}), "`input`"),
            (json!({"input": "a", "target": {"b": 1}}), "`target`"),
            (json!({"input": "a", "id": []}), "`id`"),
            (json!({"input": "a", "metadata": "level 3"}), "`metadata`"),
        ] {
            let error = sample(&Columns::default(), row.clone()).unwrap_err();
            assert!(error.contains(column), "{row}: {error}");
        }
    }
}
