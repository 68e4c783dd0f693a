//! What the caller decides.

use ethos_core::Sampling;
use ethos_spec::Spec;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    plan::Who,
    rules,
};

/// Items that one list of a plan may have: no model keeps more of them apart.
const LONGEST_LIST: usize = 10_000;

/// How large the plan is, and how it is asked for.
///
/// [`paper`](Self::paper) has the paper's settings; change them by struct update:
/// `PlanConfig { domains: 2, ..PlanConfig::paper(who) }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanConfig {
    /// Whom the documents are about.
    pub who: Who,
    /// Where domains, topics and assertions come from.
    #[serde(default)]
    pub mode: Mode,
    /// Domains of the spec; not used in [`Mode::Rules`], as are the next two.
    pub domains: usize,
    /// Topics of each domain.
    pub topics_per_domain: usize,
    /// Assertions of each topic, where the spec makes so many.
    pub assertions_per_topic: usize,
    /// Document types of each topic.
    pub types_per_topic: usize,
    /// Ideas of each document type. Every idea becomes one document.
    pub ideas_per_type: usize,
    /// How often a list is asked for in all: once, and then for what is still missing.
    pub rounds: u32,
    /// How often an answer that cannot be used is asked again, in each round.
    pub tries: u32,
    /// Which drawing of the plan this is: another number asks for everything anew.
    pub draw: u32,
    /// Softmax temperature; the model's own where there is none.
    pub temperature: Option<f64>,
    /// Tokens after which answers are cut off, by stage.
    pub max_tokens: PlanTokens,
    /// Tokens that the model can hold, request and answer together. Where it is given, a spec that is too
    /// large for it is an error before anything is asked.
    #[serde(default)]
    pub context: Option<u64>,
}

/// Where the domains, topics and assertions of a plan come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A model finds them, for specs that are prose.
    #[default]
    Prose,
    /// They are the rules of the spec: each rule is a topic with one assertion, word for word, in a domain for
    /// each section; nothing is asked for them.
    Rules,
}

/// Tokens after which the answers of planning are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanTokens {
    /// The list of domains.
    pub domains: u32,
    /// A list of topics, with the passages that they quote.
    pub topics: u32,
    /// A list of assertions.
    pub assertions: u32,
    /// A list of document types.
    pub types: u32,
    /// A list of ideas.
    pub ideas: u32,
}

impl PlanConfig {
    /// The shape and sampling of the paper's corpora (arXiv 2605.02087 and its code).
    ///
    /// 20 document types with 25 ideas each make 500 documents of a topic. The paper leaves the
    /// number of topics to the model, which found about 26 in 8 domains of its longest spec; here it
    /// is 8 times 3, and 12,000 documents. It leaves the number of assertions open too; 8 is ours.
    pub fn paper(who: Who) -> Self {
        PlanConfig {
            who,
            mode: Mode::Prose,
            domains: 8,
            topics_per_domain: 3,
            assertions_per_topic: 8,
            types_per_topic: 20,
            ideas_per_type: 25,
            rounds: 3,
            tries: 2,
            draw: 0,
            temperature: Some(1.0),
            max_tokens: PlanTokens {
                domains: 4_000,
                topics: 32_000,
                assertions: 5_000,
                types: 5_000,
                ideas: 5_000,
            },
            context: None,
        }
    }

    /// Documents that a plan of this shape has for this spec, when no list falls short.
    pub fn documents(&self, spec: &Spec) -> u64 {
        let counts = [self.types_per_topic, self.ideas_per_type];
        counts.iter().fold(self.topics(spec), |product, &n| product.saturating_mul(n as u64))
    }

    /// Topics that such a plan has.
    pub(crate) fn topics(&self, spec: &Spec) -> u64 {
        match self.mode {
            Mode::Prose => (self.domains as u64).saturating_mul(self.topics_per_domain as u64),
            Mode::Rules => rules::of(spec).count() as u64,
        }
    }

    pub(crate) fn sampling(&self, max_tokens: u32) -> Sampling {
        sampling(self.temperature, max_tokens)
    }

    pub(crate) fn check(&self) -> Result<()> {
        let PlanTokens { domains, topics, assertions, types, ideas } = self.max_tokens;
        let counts = [
            ("domains", self.domains),
            ("topics_per_domain", self.topics_per_domain),
            ("assertions_per_topic", self.assertions_per_topic),
            ("types_per_topic", self.types_per_topic),
            ("ideas_per_type", self.ideas_per_type),
            ("rounds", self.rounds as usize),
            ("max_tokens.domains", domains as usize),
            ("max_tokens.topics", topics as usize),
            ("max_tokens.assertions", assertions as usize),
            ("max_tokens.types", types as usize),
            ("max_tokens.ideas", ideas as usize),
        ];
        if let Some((setting, _)) = counts.into_iter().find(|(_, n)| *n == 0) {
            return Err(Error::Config { setting, message: "is 0 and must be at least 1" });
        }
        if let Some((setting, _)) = counts[..5].iter().find(|(_, n)| *n > LONGEST_LIST) {
            return Err(Error::Config { setting, message: "is above 10,000, the longest list" });
        }
        check_temperature(self.temperature)?;
        let names = [("who.assistant", &self.who.assistant), ("who.provider", &self.who.provider)];
        match names.into_iter().find(|(_, name)| name.trim().is_empty()) {
            Some((setting, _)) => Err(Error::Config { setting, message: "is empty" }),
            None => Ok(()),
        }
    }
}

/// How documents are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteConfig {
    /// How often an answer that cannot be used is asked again.
    pub tries: u32,
    /// Which drawing of the corpus this is: another number asks for every document anew.
    pub draw: u32,
    /// Seed of the documents' order. Another one costs nothing: no document is asked again.
    pub seed: u64,
    /// Softmax temperature; the model's own where there is none.
    pub temperature: Option<f64>,
    /// Tokens after which an answer (plan and document) is cut off, and so cannot be used.
    pub max_tokens: u32,
    /// Tokens that the model can hold, request and answer together; see [`PlanConfig::context`].
    #[serde(default)]
    pub context: Option<u64>,
}

impl WriteConfig {
    /// The paper's sampling (arXiv 2605.02087 and its code), with our seed and repeats.
    pub fn paper() -> Self {
        WriteConfig {
            tries: 2,
            draw: 0,
            seed: 42,
            temperature: Some(1.0),
            max_tokens: 5_000,
            context: None,
        }
    }

    pub(crate) fn sampling(&self) -> Sampling {
        sampling(self.temperature, self.max_tokens)
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.max_tokens == 0 {
            let message = "is 0 and must be at least 1";
            return Err(Error::Config { setting: "max_tokens", message });
        }
        check_temperature(self.temperature)
    }
}

// No seed for the model: a repeat of an unusable answer is the same request, and a model that honours
// seeds would give the same answer again.
fn sampling(temperature: Option<f64>, max_tokens: u32) -> Sampling {
    Sampling { temperature, max_tokens: Some(max_tokens), ..Sampling::default() }
}

fn check_temperature(temperature: Option<f64>) -> Result<()> {
    match temperature {
        Some(t) if !t.is_finite() || t < 0.0 => {
            let message = "must be a number and at least 0";
            Err(Error::Config { setting: "temperature", message })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_named() {
        let paper = || PlanConfig::paper(Who::new("Aria", "Acme"));
        paper().check().unwrap();
        let error = |config: PlanConfig| config.check().unwrap_err().to_string();
        assert_eq!(
            error(PlanConfig { ideas_per_type: 0, ..paper() }),
            "`ideas_per_type` is 0 and must be at least 1"
        );
        assert_eq!(
            error(PlanConfig { who: Who::new("Aria", " "), ..paper() }),
            "`who.provider` is empty"
        );
        let error = WriteConfig { temperature: Some(f64::NAN), ..WriteConfig::paper() }.check();
        assert!(error.unwrap_err().to_string().starts_with("`temperature`"));
    }

    #[test]
    fn configs_survive_json_and_refuse_typing_errors() {
        let config = PlanConfig::paper(Who::new("Aria", "Acme"));
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<PlanConfig>(&json).unwrap(), config);
        let wrong = json.replace("\"rounds\"", "\"round\"");
        assert!(serde_json::from_str::<PlanConfig>(&wrong).is_err());
    }
}
