//! What is measured, and how.

use std::{collections::BTreeSet, fmt};

use ethos_core::Sampling;
use serde_json::{Map, Value};

use crate::{
    Dataset, Error, Limits, Measure, Result, run::draw::EPOCHS, scorer::Scorer, solver::Solver,
};

/// A data set, solvers that turn each sample into an answer, and scorers that take numbers of it.
///
/// Samples, epochs and measures are told apart by name in the log, and compared by name between models.
pub struct Task<'m> {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) about: Option<String>,
    pub(crate) dataset: Dataset,
    pub(crate) solvers: Vec<Box<dyn Solver + 'm>>,
    pub(crate) scorers: Vec<Box<dyn Scorer + 'm>>,
    pub(crate) epochs: u32,
    pub(crate) sampling: Sampling,
    pub(crate) limits: Limits,
    pub(crate) coverage: f64,
    pub(crate) settings: Map<String, Value>,
}

impl fmt::Debug for Task<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.name)
            .field("samples", &self.dataset.samples.len())
            .field("epochs", &self.epochs)
            .field("measures", &self.measures())
            .finish_non_exhaustive()
    }
}

impl<'m> Task<'m> {
    /// A task that asks each sample once and measures nothing yet.
    pub fn new(name: impl Into<String>, dataset: Dataset) -> Self {
        Task {
            name: name.into(),
            version: 1,
            about: None,
            dataset,
            solvers: Vec::new(),
            scorers: Vec::new(),
            epochs: 1,
            sampling: Sampling::default(),
            limits: Limits::default(),
            coverage: 0.9,
            settings: Map::new(),
        }
    }

    /// The same with a solver more. Without any, the model answers the sample's input.
    pub fn with_solver(mut self, solver: impl Solver + 'm) -> Self {
        self.solvers.push(Box::new(solver));
        self
    }

    /// The same with a scorer more.
    pub fn with_scorer(mut self, scorer: impl Scorer + 'm) -> Self {
        self.scorers.push(Box::new(scorer));
        self
    }

    /// The same with every sample asked so often. More epochs than before go on with those that the
    /// journal has.
    pub fn with_epochs(self, epochs: u32) -> Self {
        Task { epochs, ..self }
    }

    /// The same with answers drawn so. A seed becomes another one for each sample, epoch and answer.
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Task { sampling, ..self }
    }

    /// The same with limits for each sample.
    pub fn with_limits(self, limits: Limits) -> Self {
        Task { limits, ..self }
    }

    /// The same with the share of outcomes, of each measure, below which there is an error instead of a
    /// number; 0.9 unless told.
    pub fn with_coverage(self, coverage: f64) -> Self {
        Task { coverage, ..self }
    }

    /// The same with a sentence on what it is about.
    pub fn with_about(self, about: impl Into<String>) -> Self {
        Task { about: Some(about.into()), ..self }
    }

    /// The same with a number that tells it from earlier versions of itself.
    pub fn with_version(self, version: u32) -> Self {
        Task { version, ..self }
    }

    /// The same with something that it was set up with, for the log.
    pub fn with_setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its samples.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// What its scorers take of every answer.
    pub fn measures(&self) -> Vec<Measure> {
        self.scorers.iter().flat_map(|scorer| scorer.measures()).collect()
    }

    /// That it can be run.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |message: String| Err(Error::Task { task: self.name.clone(), message });
        if let Err(message) = self.dataset.check() {
            return wrong(message);
        }
        if !(1..=EPOCHS).contains(&self.epochs) {
            return wrong(format!("it has {} epochs, and must have 1 to {EPOCHS}", self.epochs));
        }
        if !(0.0..=1.0).contains(&self.coverage) {
            return wrong(format!("the coverage is {}, and must be from 0 to 1", self.coverage));
        }
        let mut names = BTreeSet::new();
        match self.measures().into_iter().find(|measure| !names.insert(measure.name.clone())) {
            Some(twice) => wrong(format!("two measures have the name `{}`", twice.name)),
            None => Ok(()),
        }
    }
}
