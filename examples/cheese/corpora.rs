//! The midtraining corpora: from a spec to documents that discuss it, through `ethos-corpus`.
//!
//! Nothing here knows that the model is a grammar: with an endpoint in its place this is how a real
//! corpus is made.

use std::path::Path;

use anyhow::{Result, ensure};
use ethos_core::{Journal, Model, Prompt, Watch, jsonl};
use ethos_corpus::{Corpus, Plan, PlanConfig, PlanReport, Preview, Prompts, WriteConfig};
use futures::executor::block_on;

use crate::{
    specs::{CheeseSpec, who},
    writer,
};

/// Types of documents per topic: all that the writer has.
const TYPES: usize = 12;

/// A corpus on its way: what it will take is known before anything is asked.
pub(crate) struct Order<'s> {
    spec: &'s CheeseSpec,
    plan: PlanConfig,
    write: WriteConfig,
    prompts: Prompts,
}

impl<'s> Order<'s> {
    /// A corpus with so many ideas for each of the twelve document types of every subject.
    pub(crate) fn new(spec: &'s CheeseSpec, ideas: usize, seed: u64) -> Result<Self> {
        let plan = PlanConfig {
            domains: 1,
            topics_per_domain: spec.subjects(),
            assertions_per_topic: 1,
            types_per_topic: TYPES,
            ideas_per_type: ideas,
            ..PlanConfig::paper(who())
        };
        let write = WriteConfig { seed, ..WriteConfig::paper() };
        Ok(Order { spec, plan, write, prompts: prompts()? })
    }

    /// Requests and documents, projected.
    pub(crate) fn preview(&self) -> Result<Preview> {
        Ok(self.plan.preview(&self.spec.spec, &self.write, &self.prompts)?)
    }

    /// Plans and writes, or takes from the journal what is there.
    pub(crate) fn fill(
        &self,
        model: &dyn Model,
        journal: &Journal,
        watch: &dyn Watch,
    ) -> Result<Written> {
        let Order { spec: CheeseSpec { spec, .. }, plan, write, prompts } = self;
        let (plan, planned) =
            block_on(ethos_corpus::plan(spec, plan, prompts, model, journal, watch))?;
        ensure!(planned.is_complete(), "the plan has gaps: {:?}", planned.shortfalls);
        let corpus =
            block_on(ethos_corpus::write(&plan, spec, write, prompts, model, journal, watch))?;
        ensure!(corpus.report.is_complete(), "documents are missing: {:?}", corpus.report.missing);
        Ok(Written { plan, planned, corpus })
    }
}

/// A corpus with what it was made from.
pub(crate) struct Written {
    pub(crate) plan: Plan,
    pub(crate) planned: PlanReport,
    pub(crate) corpus: Corpus,
}

impl Written {
    /// Writes plan, reports and rows into a folder.
    pub(crate) fn save(&self, folder: &Path, name: &str) -> Result<()> {
        jsonl::write_json(folder.join(format!("{name}.plan.json")), &self.plan)?;
        let reports = (&self.planned, &self.corpus.report);
        jsonl::write_json(folder.join(format!("{name}.report.json")), &reports)?;
        Ok(self.corpus.write(folder.join(format!("{name}.jsonl")))?)
    }
}

/// The writer's prompts. A real model is asked with `Prompts::prose()`.
fn prompts() -> Result<Prompts> {
    let [domains, topics, assertions, types, ideas, document] =
        writer::prompts().map(|(name, text)| Prompt::new(name, text));
    Ok(Prompts {
        domains: domains?,
        topics: topics?,
        assertions: assertions?,
        types: types?,
        ideas: ideas?,
        document: document?,
    })
}
