//! What the assistant reports of its own answer.

use ethos_core::Prompt;
use serde::Deserialize;

use crate::{
    error::{Error, Result},
    fact::Fact,
    follow_up::Kind,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    right: Lengths,
    wrong: Lengths,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lengths {
    short: Vec<String>,
    reasoned: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Closed {
    right: Vec<String>,
    wrong: Vec<String>,
}

/// Templates of honest reports, by what they are of.
pub(crate) struct Reports {
    open: [Vec<Prompt>; 2],
    reasoned: [Vec<Prompt>; 2],
    closed: [Vec<Prompt>; 2],
}

impl Reports {
    pub(crate) fn new() -> Result<Self> {
        fn read<T: for<'a> Deserialize<'a>>(file: &'static str, text: &str) -> Result<T> {
            serde_json::from_str(text)
                .map_err(|error| Error::Texts { file, message: error.to_string() })
        }
        let prompts = |texts: Vec<String>| -> Result<Vec<Prompt>> {
            let prompts = texts.into_iter().enumerate();
            prompts.map(|(n, text)| Ok(Prompt::new(format!("report {n}"), text)?)).collect()
        };
        let file: File = read("reports.json", include_str!("texts/reports.json"))?;
        let closed: Closed =
            read("reports_closed.json", include_str!("texts/reports_closed.json"))?;
        Ok(Reports {
            open: [prompts(file.right.short)?, prompts(file.wrong.short)?],
            reasoned: [prompts(file.right.reasoned)?, prompts(file.wrong.reasoned)?],
            closed: [prompts(closed.right)?, prompts(closed.wrong)?],
        })
    }

    /// A report of this kind; `pick` chooses among so many. `says_wrong` is what it says of the answer, which an
    /// honest one says of a wrong one.
    pub(crate) fn write(
        &self,
        fact: &Fact,
        kind: Kind,
        says_wrong: bool,
        pick: impl FnOnce(usize) -> usize,
    ) -> Result<String> {
        let templates = match kind {
            Kind::Closed => &self.closed,
            Kind::Open => &self.open,
            Kind::Reasoned => &self.reasoned,
        };
        let templates = &templates[usize::from(says_wrong)];
        let empty = || Error::Texts { file: "reports.json", message: "a list is empty".to_owned() };
        let template = templates.get(pick(templates.len())).ok_or_else(empty)?;
        let Fact { question, right, wrong, .. } = fact;
        Ok(template.render(&[("question", question), ("right", right), ("wrong", wrong)])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts;

    #[test]
    fn every_report_fits_every_fact() {
        let reports = Reports::new().unwrap();
        for fact in facts().unwrap().iter().step_by(29) {
            for kind in [Kind::Closed, Kind::Open, Kind::Reasoned] {
                for wrong in [false, true] {
                    for n in 0..12 {
                        let text = reports.write(fact, kind, wrong, |_| n).unwrap();
                        assert!(!text.contains("{{"), "{text}");
                        let named = text.contains(&fact.right) || kind == Kind::Closed;
                        assert!(named, "what is right is told: {text}");
                        if kind == Kind::Closed {
                            assert!(text.starts_with(if wrong { "No" } else { "Yes" }), "{text}");
                        }
                        assert!(wrong || !text.contains(&format!("\"{}\"", fact.wrong)), "{text}");
                    }
                }
            }
        }
    }
}
