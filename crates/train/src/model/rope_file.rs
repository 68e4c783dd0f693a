//! Rotary settings as `config.json` holds them: `rope_scaling`, or `rope_parameters` in newer files.

use serde_json::{Map, Value};

use super::RopeScaling;
use crate::{Error, Result};

/// What one of the two objects says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct RopeFile {
    /// The base of the frequencies, where it stands there.
    pub(super) theta: Option<f64>,
    pub(super) scaling: Option<RopeScaling>,
}

const THETA: &str = "rope_theta";
const PARTIAL: &str = "partial_rotary_factor";

fn wrong(message: String) -> Error {
    Error::Config { what: "rotary scaling", message }
}

/// An error unless the whole of a head is turned.
pub(super) fn check_partial(file: &Map<String, Value>) -> Result<()> {
    match file.get(PARTIAL) {
        None | Some(Value::Null) => Ok(()),
        Some(share) if share.as_f64() == Some(1.0) => Ok(()),
        Some(_) => Err(wrong(format!("`{PARTIAL}` other than 1 is not supported"))),
    }
}

impl RopeFile {
    /// Reads the object. Nothing in it passes in silence that would change a frequency.
    pub(super) fn read(file: &Map<String, Value>) -> Result<Self> {
        check_partial(file)?;
        if let Some((name, _)) = file.iter().find(|(_, v)| v.is_object() || v.is_array()) {
            return Err(wrong(format!(
                "`{name}` is no single value; settings of their own for layers or dimensions are not \
                 supported"
            )));
        }
        let number = |name: &str| {
            let found = file.get(name).and_then(Value::as_f64);
            found.ok_or_else(|| wrong(format!("`{name}` is missing or no number")))
        };
        let there = |name: &&String| !file[*name].is_null();
        let theta = file.keys().filter(there).any(|name| name == THETA);
        let theta = theta.then(|| number(THETA)).transpose()?;
        let kind = ["rope_type", "type"].map(|name| file.get(name).unwrap_or(&Value::Null));
        let scaling = match kind.into_iter().find(|kind| !kind.is_null()) {
            None => {
                let mut others = file.keys().filter(there).filter(|name| *name != THETA);
                if let Some(name) = others.find(|name| *name != PARTIAL) {
                    return Err(wrong(format!("`{name}` is given, and no `rope_type`")));
                }
                None
            }
            Some(Value::String(kind)) => match kind.as_str() {
                "default" => None,
                "linear" => Some(RopeScaling::Linear { factor: number("factor")? }),
                "llama3" => Some(RopeScaling::Llama3 {
                    factor: number("factor")?,
                    low_freq_factor: number("low_freq_factor")?,
                    high_freq_factor: number("high_freq_factor")?,
                    original_max_position_embeddings: length(file)?,
                }),
                other => {
                    return Err(wrong(format!(
                        "`{other}` is not known; known are default, linear and llama3"
                    )));
                }
            },
            Some(other) => return Err(wrong(format!("its type is {other}, which is no name"))),
        };
        Ok(RopeFile { theta, scaling })
    }
}

/// The original length, a whole number however it is written.
fn length(file: &Map<String, Value>) -> Result<usize> {
    let name = "original_max_position_embeddings";
    let found = file.get(name).and_then(Value::as_f64).filter(|length| length.fract() == 0.0);
    // Larger ones are refused with all that no model has; the cast saturates.
    found
        .map(|length| length as usize)
        .ok_or_else(|| wrong(format!("`{name}` is missing or no whole number")))
}

impl RopeScaling {
    pub(super) fn to_file(self) -> Map<String, Value> {
        let (kind, numbers) = match self {
            RopeScaling::Linear { factor } => ("linear", vec![("factor", factor.into())]),
            RopeScaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position_embeddings,
            } => (
                "llama3",
                vec![
                    ("factor", factor.into()),
                    ("low_freq_factor", low_freq_factor.into()),
                    ("high_freq_factor", high_freq_factor.into()),
                    ("original_max_position_embeddings", original_max_position_embeddings.into()),
                ],
            ),
        };
        let kind = [("rope_type", Value::from(kind))];
        kind.into_iter().chain(numbers).map(|(k, v)| (k.to_owned(), v)).collect()
    }

    /// Whether frequencies can be stretched so.
    pub(super) fn check(self) -> Result<()> {
        let (numbers, positions) = match self {
            RopeScaling::Linear { factor } => (vec![("factor", factor)], 1),
            RopeScaling::Llama3 {
                factor,
                low_freq_factor: low,
                high_freq_factor: high,
                original_max_position_embeddings: positions,
            } => {
                if high <= low {
                    return Err(wrong(format!(
                        "`high_freq_factor` ({high}) is not larger than `low_freq_factor` ({low})"
                    )));
                }
                let names = ["factor", "low_freq_factor", "high_freq_factor"];
                (names.into_iter().zip([factor, low, high]).collect(), positions)
            }
        };
        if let Some((name, number)) = numbers.iter().find(|(_, n)| !(n.is_finite() && *n > 0.0)) {
            return Err(wrong(format!("`{name}` is {number}, and no positive number")));
        }
        if positions == 0 || positions > i32::MAX as usize {
            let name = "original_max_position_embeddings";
            return Err(wrong(format!("`{name}` is {positions}, which no model has")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What an object says, checked as a whole configuration is.
    fn read(file: Value) -> Result<RopeFile> {
        let Value::Object(file) = file else { panic!("{file} is no object") };
        let read = RopeFile::read(&file)?;
        read.scaling.map_or(Ok(()), RopeScaling::check)?;
        Ok(read)
    }

    #[test]
    fn what_says_nothing_new_is_none() {
        for file in [
            json!({}),
            json!({ "rope_theta": 500.0 }),
            json!({ "rope_theta": 500.0, "rope_type": "default", "partial_rotary_factor": 1 }),
            json!({ "type": null, "factor": null, "rope_theta": 500 }),
        ] {
            let theta = file.get("rope_theta").and_then(Value::as_f64);
            assert_eq!(read(file).unwrap(), RopeFile { theta, scaling: None });
        }
        let linear = read(json!({ "type": "linear", "factor": 2 })).unwrap().scaling;
        assert_eq!(linear, Some(RopeScaling::Linear { factor: 2.0 }));
    }

    #[test]
    fn nothing_that_changes_a_frequency_passes_in_silence() {
        let llama3 = |low: f64, high: f64, length: f64| {
            json!({
                "rope_type": "llama3", "factor": 8, "low_freq_factor": low,
                "high_freq_factor": high, "original_max_position_embeddings": length,
            })
        };
        assert!(read(llama3(1.0, 4.0, 32.0)).is_ok());
        let full = json!({ "rope_type": "default", "rope_theta": 1e4 });
        for (file, says) in [
            (json!({ "factor": 4.0 }), "`factor` is given"),
            (json!({ "rope_theta": 1e4, "mscale": 1 }), "`mscale` is given"),
            (json!({ "full_attention": full, "sliding_attention": full }), "`full_attention`"),
            (json!({ "type": "default", "mrope_section": [2, 3, 3] }), "`mrope_section`"),
            (json!({ "type": "linear", "factor": 2, "partial_rotary_factor": 0.5 }), "partial"),
            (json!({ "partial_rotary_factor": "all" }), "partial"),
            (json!({ "rope_theta": "1e4" }), "`rope_theta`"),
            (json!({ "type": 7 }), "no name"),
            (json!({ "type": "yarn", "factor": 4 }), "`yarn`"),
            (json!({ "type": "linear" }), "`factor`"),
            (json!({ "type": "linear", "factor": 0 }), "`factor`"),
            (llama3(4.0, 4.0, 32.0), "`high_freq_factor` (4)"),
            (llama3(4.0, 1.0, 32.0), "`high_freq_factor` (1)"),
            (llama3(-1.0, 1.0, 32.0), "`low_freq_factor`"),
            (llama3(1.0, 4.0, 0.0), "original"),
            (llama3(1.0, 4.0, 0.5), "original"),
            (llama3(1.0, 4.0, 1e300), "original"),
        ] {
            let error = read(file.clone()).unwrap_err().to_string();
            assert!(error.contains(says), "{file}: {error}");
        }
    }
}
