//! A document of a corpus, and where it came from.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::null_is_none;

/// Which part of which spec a document speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lineage {
    /// Hash of the spec's text, as `ethos_spec::Spec::hash` gives it.
    pub spec_hash: String,
    /// Byte ranges of the spec.
    pub spans: Vec<Range<usize>>,
    /// Fields we do not know, which survive a round trip.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Lineage {
    /// A document that speaks of these byte ranges of the spec with this hash.
    pub fn new(
        spec_hash: impl Into<String>,
        spans: impl IntoIterator<Item = Range<usize>>,
    ) -> Self {
        let spans = spans.into_iter().collect();
        Lineage { spec_hash: spec_hash.into(), spans, extra: Map::new() }
    }
}

/// One row of a corpus, `{"id", "text", …}`: other tools read `text` and leave the rest alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Document {
    /// A stable id: a hash of the document's place in its plan.
    pub id: String,
    /// The text to train on.
    pub text: String,
    /// Which part of the spec the text speaks of, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// Anything else that is known of it: domain, topic, type, idea, model, prompt hash.
    #[serde(default, deserialize_with = "null_is_none", skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Fields we do not know, which survive a round trip.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Document {
    /// A document without lineage or metadata.
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Self {
        Document {
            id: id.into(),
            text: text.into(),
            lineage: None,
            metadata: Map::new(),
            extra: Map::new(),
        }
    }

    /// The same document with its lineage.
    pub fn with_lineage(self, lineage: Lineage) -> Self {
        Document { lineage: Some(lineage), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_a_round_trip() {
        let json = r#"{"id":"d1","text":"x","lineage":{"spec_hash":"ab","spans":[{"start":3,"end":9}],"plan":"p"},"metadata":{"domain":"cheese"},"quality":0.5}"#;
        let document: Document = serde_json::from_str(json).unwrap();
        assert_eq!(document.lineage.as_ref().unwrap().spans[0], 3..9);
        assert_eq!(serde_json::to_string(&document).unwrap(), json);
        let bare = r#"{"id":"d1","text":"x","lineage":null,"metadata":null}"#;
        let document: Document = serde_json::from_str(bare).unwrap();
        assert_eq!(document, Document::new("d1", "x"));
    }
}
