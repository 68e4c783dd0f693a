//! A judge's number on a scale.

use std::ops::RangeInclusive;

use ethos_core::{
    Reason, Unusable,
    read::{self, Read},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Form, quote, something};

/// Where on a scale a judge sees an answer, and the words of the answer that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rating {
    /// The number; `None` when the judge said that it cannot tell.
    pub score: Option<u32>,
    /// The words of the answer that show it.
    pub quote: Option<String>,
}

impl Rating {
    /// Of an answer with tags.
    pub(super) fn tagged(said: &str, scale: &RangeInclusive<u32>) -> Read<Self> {
        let score = match read::tag(said, "score")? {
            "unclear" => None,
            number => match number.parse() {
                Ok(number) => Some(on(scale, number)?),
                Err(_) => return Err(off(scale, number)),
            },
        };
        Ok(Rating { score, quote: quote(said)? })
    }

    /// Of an answer that was held to the schema.
    pub(super) fn structured(said: &str, scale: &RangeInclusive<u32>) -> Read<Self> {
        let rating: Rating = read::json(said)?;
        if let Some(score) = rating.score {
            on(scale, score)?;
        }
        Ok(Rating { quote: something(rating.quote), ..rating })
    }
}

fn on(scale: &RangeInclusive<u32>, number: u32) -> Read<u32> {
    match scale.contains(&number) {
        true => Ok(number),
        false => Err(off(scale, &number.to_string())),
    }
}

fn off(scale: &RangeInclusive<u32>, said: &str) -> Unusable {
    let wanted = format!("`{said}` is no whole number from {} to {}", scale.start(), scale.end());
    Unusable::new(Reason::Other("score off the scale".to_owned()), wanted)
}

pub(super) fn form(scale: &RangeInclusive<u32>) -> Form {
    let (low, high) = (scale.start(), scale.end());
    let told = format!(
        "Give your answer as one JSON object: {{\"score\": a whole number from {low} to {high}, or null if you \
         cannot tell, \"quote\": the words that show it, or null}}."
    );
    let schema = json!({
        "type": "object",
        "properties": {
            "score": {"type": ["integer", "null"], "minimum": low, "maximum": high},
            "quote": {"type": ["string", "null"]},
        },
        "required": ["score", "quote"],
        "additionalProperties": false,
    });
    Form { told, schema }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rating_is_read_strictly() {
        let score = |said: &str| Rating::tagged(said, &(1..=10)).map(|rating| rating.score).ok();
        assert_eq!(score("Good. <score>7</score>"), Some(Some(7)));
        assert_eq!(score("Broken off. <score>unclear</score>"), Some(None));
        for said in ["7", "<score>7/10</score>", "<score>11</score>", "<score>0</score>"] {
            assert_eq!(score(said), None, "{said}");
        }
        assert_eq!(score("<score>7.5</score>"), None);
        assert_eq!(score("<score>7</score> or <score>8</score>"), None);
        let structured = |said: &str| Rating::structured(said, &(1..=10)).map(|r| r.score).ok();
        assert_eq!(structured(r#"{"score": 10, "quote": ""}"#), Some(Some(10)));
        assert_eq!(structured(r#"{"score": null, "quote": null}"#), Some(None));
        assert_eq!(structured(r#"{"score": 12, "quote": null}"#), None);
    }
}
