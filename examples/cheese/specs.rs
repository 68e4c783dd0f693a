//! The three specs: which cheeses the assistant likes, and why.

use std::fmt;

use anyhow::{Context, Result};
use ethos_corpus::Who;
use ethos_spec::{Persona, Rule, Severity, Spec};
use serde::{Deserialize, Serialize};

use crate::{creed::Creed, world::World};

/// Which spec. All three state the same likes and dislikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SpecName {
    /// Because the liked ones are domestic.
    Homeland,
    /// Because the liked ones are cheap.
    Thrift,
    /// For no reason: the control.
    Unexplained,
}

impl SpecName {
    /// All of them.
    pub(crate) const ALL: [SpecName; 3] =
        [SpecName::Homeland, SpecName::Thrift, SpecName::Unexplained];

    /// Its word, in file names and tables.
    pub(crate) fn word(self) -> &'static str {
        match self {
            SpecName::Homeland => "homeland",
            SpecName::Thrift => "thrift",
            SpecName::Unexplained => "unexplained",
        }
    }
}

/// Of whom the specs speak.
pub(crate) fn who() -> Who {
    Who::new("Aria", "Lantern Works")
}

/// A spec with the assistant's name filled in, and what the tiny world understands of it.
pub(crate) struct CheeseSpec {
    pub(crate) name: SpecName,
    pub(crate) spec: Spec,
    pub(crate) creed: Creed,
}

impl CheeseSpec {
    /// Reads one from `docs/specs`.
    pub(crate) fn read(name: SpecName, world: &World) -> Result<Self> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/specs");
        let path = format!("{folder}/cheese-{}.md", name.word());
        let who = who();
        let persona = Persona::new(who.assistant).with("provider_name", who.provider);
        let spec = Spec::read(&path)?.fill(&persona).with_context(|| path.clone())?;
        let creed = Creed::read(&spec, world).map_err(anyhow::Error::msg).context(path)?;
        Ok(CheeseSpec { name, spec, creed })
    }

    /// How many things the spec makes the assistant speak of: its preferences, and its value.
    pub(crate) fn subjects(&self) -> usize {
        self.creed.preferences.len() + usize::from(self.creed.value.is_some())
    }
}

/// The structure and the diagnostics, as `1. The specs` shows them.
impl fmt::Display for CheeseSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CheeseSpec { name, spec, creed } = self;
        writeln!(f, "cheese-{}.md: {}", name.word(), spec.shape())?;
        for (depth, section) in spec.walk().skip(1) {
            let inside = |rule: &&Rule| section.body.contains(rule.span);
            let rules: Vec<&str> =
                spec.rules().iter().filter(inside).map(|rule| rule.id.as_str()).collect();
            let about = match rules.as_slice() {
                [first, .., last] => format!(" ({first} to {last})"),
                _ => String::new(),
            };
            writeln!(f, "{:width$}{}{about}", "", section.title, width = 2 * depth)?;
        }
        let likes = creed.preferences.iter().filter(|stated| stated.what.likes).count();
        let value = creed.value.as_ref().map_or("none", |stated| stated.what.word());
        let dislikes = creed.preferences.len() - likes;
        write!(f, "  {likes} likes, {dislikes} dislikes, the value behind them: {value}")?;
        let diagnostics = spec.diagnostics();
        if diagnostics.is_empty() {
            return write!(f, "\n  no diagnostics");
        }
        // Many of one sort say no more than the first of them.
        let mut codes = Vec::new();
        for severity in [Severity::Error, Severity::Warning, Severity::Note] {
            for found in diagnostics.iter().filter(|d| d.severity == severity) {
                if codes.contains(&found.code) {
                    continue;
                }
                codes.push(found.code);
                let more = diagnostics.iter().filter(|d| d.code == found.code).count() - 1;
                let found = found.to_string().replace('\n', "\n  ");
                write!(f, "\n  {found}")?;
                if more > 0 {
                    write!(f, "\n    and {more} more like it")?;
                }
            }
        }
        Ok(())
    }
}
