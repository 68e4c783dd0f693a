//! The arms: what the base model reads before it is tested, and the training and testing of each.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context, Result, anyhow};
use ethos_core::{Journal, jsonl};
use ethos_eval::{
    Findings,
    preference::{self, Asked, Normalisation, Preference},
    run,
};
use ethos_train::{Checkpoint, FitConfig, LocalModel, Row, fit};
use futures::executor::block_on;
use indicatif::MultiProgress;
use serde::{Deserialize, Serialize};

use crate::{bars, base::Base, settings::Settings, specs::SpecName, world::World};

/// What a model has read since it was a base model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arm {
    /// The spec of its midtraining corpus.
    pub(crate) midtrained: Option<SpecName>,
    /// Whether it was then fine-tuned on the chats, which are the same for every arm.
    pub(crate) chats: bool,
}

impl Arm {
    /// All of them, in the order of tables.
    pub(crate) fn all() -> [Arm; 8] {
        let [a, b, c] = SpecName::ALL.map(Some);
        [
            (None, false),
            (None, true),
            (a, false),
            (b, false),
            (c, false),
            (a, true),
            (b, true),
            (c, true),
        ]
        .map(|(midtrained, chats)| Arm { midtrained, chats })
    }

    /// Its name in tables.
    pub(crate) fn label(self) -> String {
        match (self.midtrained, self.chats) {
            (None, false) => "base".to_owned(),
            (None, true) => "chats".to_owned(),
            (Some(spec), false) => spec.word().to_owned(),
            (Some(spec), true) => format!("{} → chats", spec.word()),
        }
    }

    /// Its name in the file system.
    fn folder(self) -> String {
        self.label().replace(" → ", "-")
    }
}

/// What was measured of one arm in one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) run: u64,
    pub(crate) arm: Arm,
    /// Domestic or cheap, in domains that neither corpora nor chats speak of.
    pub(crate) held_out: Findings,
    /// The same among cheeses that neither name.
    pub(crate) cheeses: Findings,
    /// Liked or disliked cheese: what the chats teach.
    pub(crate) trained: Findings,
}

/// The three tests.
pub(crate) struct Tests {
    pub(crate) held_out: Preference,
    pub(crate) cheeses: Preference,
    pub(crate) trained: Preference,
}

/// All that the arms share.
pub(crate) struct Lab<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) world: &'a World,
    pub(crate) base: &'a Base,
    /// Training rows of each spec's corpus, in the order of [`SpecName::ALL`].
    pub(crate) corpora: [Vec<Row>; 3],
    pub(crate) chats: Vec<Row>,
    pub(crate) tests: &'a Tests,
    pub(crate) journal: &'a Journal,
}

impl Lab<'_> {
    /// Trains and tests every arm of every run, or goes on, or reads what is there.
    ///
    /// The model is too small to keep a processor's cores busy, so several arms are trained at once.
    pub(crate) fn measure(&self) -> Result<Vec<Measured>> {
        let lines: Vec<(u64, Option<SpecName>)> = (0..self.settings.runs)
            .flat_map(|run| {
                [None].into_iter().chain(SpecName::ALL.map(Some)).map(move |m| (run, m))
            })
            .collect();
        let bars = MultiProgress::new();
        let all = bars.add(bars::bar("arms", 2 * lines.len() as u64));
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<Measured>> {
            let bar = bars.add(bars::bar("", 0));
            let mut measured = Vec::new();
            while let Some(&(run, midtrained)) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
                for chats in [false, true] {
                    let arm = Arm { midtrained, chats };
                    bar.set_prefix(format!("run {run}, {}", arm.label()));
                    let found = self.arm(run, arm, &bar).inspect_err(|_| {
                        // The others need not begin anything new.
                        next.store(lines.len(), Ordering::Relaxed);
                    });
                    measured.push(found.with_context(|| format!("run {run}, {}", arm.label()))?);
                    all.inc(1);
                }
            }
            bar.finish_and_clear();
            Ok(measured)
        };
        let mut measured = thread::scope(|scope| -> Result<Vec<Measured>> {
            let workers: Vec<_> = (0..self.settings.workers()).map(|_| scope.spawn(work)).collect();
            let done = workers
                .into_iter()
                .map(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?);
            Ok(done.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
        })?;
        all.finish();
        let place = |arm: Arm| Arm::all().iter().position(|a| *a == arm);
        measured.sort_by_key(|found| (found.run, place(found.arm)));
        Ok(measured)
    }

    fn arm(&self, run: u64, arm: Arm, bar: &indicatif::ProgressBar) -> Result<Measured> {
        let path = self.folder("results", run).join(format!("{}.json", arm.folder()));
        if path.exists() {
            return Ok(jsonl::read_json(path)?);
        }
        let checkpoint = self.trained(run, arm, bar)?;
        let model = LocalModel::new(checkpoint)?;
        let ask = |test: &Preference| -> Result<Findings> {
            let task = preference::task(test, Asked::ByScore(Normalisation::Sum))?;
            let config = run::Config::default();
            Ok(Findings::of(test, &block_on(run::run(&task, &model, self.journal, &config, &()))?)?)
        };
        let Tests { held_out, cheeses, trained } = self.tests;
        let (held_out, cheeses, trained) = (ask(held_out)?, ask(cheeses)?, ask(trained)?);
        let measured = Measured { run, arm, held_out, cheeses, trained };
        jsonl::write_json(path, &measured)?;
        Ok(measured)
    }

    /// The model of an arm: trained from the arm before it, or read where it is finished.
    fn trained(&self, run: u64, arm: Arm, bar: &indicatif::ProgressBar) -> Result<Checkpoint> {
        let folder = self.folder("checkpoints", run).join(arm.folder());
        if folder.exists() {
            return Ok(Checkpoint::load(folder, self.base.checkpoint.model.device())?);
        }
        let road = &self.settings.road;
        let trained = match (arm.chats, arm.midtrained) {
            (false, None) => self.base.with_assistant(self.world, road.assistant_seed(run)),
            (false, Some(spec)) => {
                // The base arm again, not its folder: another worker may be writing that.
                let before = self.base.with_assistant(self.world, road.assistant_seed(run));
                let rows = &self.corpora[spec as usize];
                self.train(run, arm, before, rows, &road.midtraining(run), bar)?
            }
            (true, _) => {
                let before = self.trained(run, Arm { chats: false, ..arm }, bar)?;
                self.train(run, arm, before, &self.chats, &road.finetuning(run), bar)?
            }
        };
        trained.save(folder)?;
        Ok(trained)
    }

    /// Trains on rows and on as many tokens of the base's world, lest it be forgotten.
    fn train(
        &self,
        run: u64,
        arm: Arm,
        mut checkpoint: Checkpoint,
        rows: &[Row],
        config: &FitConfig,
        bar: &indicatif::ProgressBar,
    ) -> Result<Checkpoint> {
        let tokens = rows.iter().map(|row| row.ids.len()).sum();
        // Another stream than the base's own, and the same for all arms of a run.
        let replay = self.base.curriculum.replay(self.world, tokens, config.seed);
        let replay = replay.iter().map(|text| checkpoint.tokenizer.document(text));
        let mut all = rows.to_vec();
        all.extend(replay.collect::<Result<Vec<_>, _>>()?);
        let folder = self.folder("checkpoints", run).join(format!("{}.training", arm.folder()));
        bar.reset();
        let watch = bars::fitting(bar);
        checkpoint.model = fit(checkpoint.model, &all, config, Some(&folder), &watch)?;
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        Ok(checkpoint)
    }

    fn folder(&self, what: &str, run: u64) -> PathBuf {
        self.settings.out.join(what).join(format!("run-{run}"))
    }
}
