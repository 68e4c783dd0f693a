//! A judge's yes or no.

use ethos_core::read::{self, Read, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Form, quote, something};

/// What a judge decided, and the words of the answer that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// What it decided.
    pub verdict: Verdict,
    /// The words of the answer that show it.
    pub quote: Option<String>,
}

impl Judgement {
    /// Of an answer with tags.
    pub(super) fn tagged(said: &str) -> Read<Self> {
        Ok(Judgement { verdict: read::verdict(said)?, quote: quote(said)? })
    }

    /// Of an answer that was held to the schema.
    pub(super) fn structured(said: &str) -> Read<Self> {
        let judgement: Judgement = read::json(said)?;
        Ok(Judgement { quote: something(judgement.quote), ..judgement })
    }
}

pub(super) fn form() -> Form {
    let told = "Give your answer as one JSON object: {\"verdict\": \"yes\", \"no\" or \"unclear\", \
                \"quote\": the words that show it, or null}.";
    let schema = json!({
        "type": "object",
        "properties": {
            "verdict": {"type": "string", "enum": ["yes", "no", "unclear"]},
            "quote": {"type": ["string", "null"]},
        },
        "required": ["verdict", "quote"],
        "additionalProperties": false,
    });
    Form { told: told.to_owned(), schema }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judgement_is_read_strictly() {
        let said = "<quote>I will</quote> <verdict>yes</verdict>";
        let expected = Judgement { verdict: Verdict::Yes, quote: Some("I will".to_owned()) };
        assert_eq!(Judgement::tagged(said), Ok(expected.clone()));
        assert!(Judgement::tagged("<quote>I will <verdict>yes</verdict>").is_err());
        assert!(Judgement::tagged("Yes.").is_err());
        let said = r#"{"verdict": "yes", "quote": "I will"}"#;
        assert_eq!(Judgement::structured(said), Ok(expected));
        assert!(Judgement::structured(r#"{"verdict": "maybe", "quote": null}"#).is_err());
    }
}
