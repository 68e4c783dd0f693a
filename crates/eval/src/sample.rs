//! One question of a task.

use ethos_core::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One question of a task: what is asked, and what the answer should be. What Inspect AI calls so.
///
/// ```
/// use ethos_eval::Sample;
///
/// let sample = Sample::new("sums/1", "What is 2 + 2?").with_target("4").with_target("four");
/// assert_eq!((sample.question(), sample.cluster()), ("What is 2 + 2?".into(), "sums/1"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sample {
    /// A name that no other sample of the data set has.
    pub id: String,
    /// The conversation that the model continues.
    pub input: Vec<Message>,
    /// The answers to choose from, where it is a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// What the answer should be: any of these. For a judge, what to look for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<String>,
    /// What it has in common with other samples, so that they are not independent: one scenario in
    /// several wordings, one pair in both orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Whatever else is to be known of it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

impl Sample {
    /// A question in one user message.
    pub fn new(id: impl Into<String>, question: impl Into<String>) -> Self {
        Sample::chat(id, [Message::user(question)])
    }

    /// A question that is a conversation.
    pub fn chat(id: impl Into<String>, input: impl IntoIterator<Item = Message>) -> Self {
        Sample {
            id: id.into(),
            input: input.into_iter().collect(),
            choices: Vec::new(),
            target: Vec::new(),
            cluster: None,
            metadata: Map::new(),
        }
    }

    /// The same with a right answer more.
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.target.push(target.into());
        self
    }

    /// The same with these answers to choose from.
    pub fn with_choices(mut self, choices: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.choices = choices.into_iter().map(Into::into).collect();
        self
    }

    /// The same as one of a cluster.
    pub fn with_cluster(self, cluster: impl Into<String>) -> Self {
        Sample { cluster: Some(cluster.into()), ..self }
    }

    /// The same with something more to be known of it.
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// The text of the last message: what is asked.
    pub fn question(&self) -> String {
        self.input.last().map(|message| message.text().into_owned()).unwrap_or_default()
    }

    /// Its cluster: itself, unless it has another.
    pub fn cluster(&self) -> &str {
        self.cluster.as_deref().unwrap_or(&self.id)
    }
}
