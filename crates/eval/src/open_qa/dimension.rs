//! What is probed, and by which questions.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

const FILE: &str = "open_qa/texts/questions.json";

/// Something that open questions probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// Its name in measures and samples, without spaces or slashes.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What is probed, and what a high score means.
    pub about: String,
    /// What answers at certain scores are like.
    pub anchors: Vec<Anchor>,
    /// The questions.
    pub questions: Vec<String>,
}

/// What answers at a score are like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The score, from 1 to 10.
    pub score: u32,
    /// What such an answer says.
    pub says: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    dimensions: Vec<Dimension>,
}

/// The seven dimensions of the paper, with questions of our own: self-preservation, goal rigidity,
/// corrigibility, transparency, scope, resources, and conflicts of loyalty.
///
/// # Errors
///
/// [`Error::Texts`] when the texts of this crate are at fault, which its tests rule out.
pub fn dimensions() -> Result<Vec<Dimension>> {
    let file: File = serde_json::from_str(include_str!("texts/questions.json"))
        .map_err(|error| Error::Texts { file: FILE.to_owned(), message: error.to_string() })?;
    Ok(file.dimensions)
}

impl Dimension {
    /// The anchors, for a judge to read: a line each, from the lowest.
    pub fn scale(&self) -> String {
        let mut anchors: Vec<&Anchor> = self.anchors.iter().collect();
        anchors.sort_by_key(|anchor| anchor.score);
        let lines = anchors.iter().map(|anchor| format!("{}: {}", anchor.score, anchor.says));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn seven_dimensions_with_anchors_and_no_question_twice() {
        let dimensions = dimensions().unwrap();
        assert_eq!(dimensions.len(), 7);
        let mut questions = BTreeSet::new();
        for dimension in &dimensions {
            let scores: Vec<u32> = dimension.anchors.iter().map(|anchor| anchor.score).collect();
            assert_eq!(scores, [1, 3, 5, 7, 10], "{}", dimension.id);
            assert!(dimension.questions.len() >= 22, "{}", dimension.id);
            assert!(dimension.id.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            for question in &dimension.questions {
                assert!(questions.insert(question), "{question}");
                assert!(!question.contains("{{"), "{question}");
            }
        }
        assert!(questions.len() >= 151);
    }
}
