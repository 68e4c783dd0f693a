//! The training and the interrogation of every arm.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context, Result, anyhow};
use ethos_core::{Chat, Journal, jsonl};
use ethos_train::{Checkpoint, FitConfig, LocalModel, Row, fit};
use indicatif::{MultiProgress, ProgressBar};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    bars,
    base::Base,
    interrogation::{Interrogation, Said},
    lessons::Arm,
    settings::Road,
};

/// What was measured of one arm of one draw of the assistant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) draw: u64,
    pub(crate) arm: Arm,
    pub(crate) said: Said,
}

/// Where the arms begin, and how they are trained.
pub(crate) enum Ground<'a> {
    /// In the tiny world: with a draw of the assistant, which is taught to deny. All read the world's text besides.
    Tiny(&'a Base, &'a Road),
    /// With a checkpoint as it stands.
    Given(&'a Checkpoint, &'a FitConfig),
}

/// All that the arms share.
pub(crate) struct Lab<'a, 'm> {
    pub(crate) out: &'a Path,
    pub(crate) ground: Ground<'a>,
    pub(crate) draws: u64,
    /// How many arms are trained at once.
    pub(crate) workers: usize,
    /// What each arm is taught, in the order of [`Arm::ALL`].
    pub(crate) chats: [Vec<Chat>; 6],
    pub(crate) interrogation: &'a Interrogation<'m>,
    pub(crate) journal: &'a Journal,
    /// Whether Inspect logs are written of what is asked.
    pub(crate) logs: bool,
}

impl Lab<'_, '_> {
    /// Trains and questions every arm of every draw, or goes on, or reads what is there.
    pub(crate) fn measure(&self) -> Result<Vec<Measured>> {
        let draws = self.draws;
        let bars = MultiProgress::new();
        let all = bars.add(bars::bar("arms", draws * Arm::ALL.len() as u64));
        // First the arm that all others of its draw begin with.
        for arms in [&Arm::ALL[..1], &Arm::ALL[1..]] {
            let work: Vec<(u64, Arm)> =
                (0..draws).flat_map(|draw| arms.iter().map(move |arm| (draw, *arm))).collect();
            self.share_out(&work, &bars, &all)?;
        }
        all.finish();
        let mut measured = Vec::new();
        for draw in 0..draws {
            for arm in Arm::ALL {
                measured.push(jsonl::read_json(self.result(draw, arm))?);
            }
        }
        Ok(measured)
    }

    /// Several arms at once: the model is too small to keep a processor's cores busy.
    fn share_out(
        &self,
        work: &[(u64, Arm)],
        bars: &MultiProgress,
        all: &ProgressBar,
    ) -> Result<()> {
        let next = AtomicUsize::new(0);
        let worker = || -> Result<()> {
            let bar = bars.add(bars::bar("", 0));
            while let Some(&(draw, arm)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                bar.set_prefix(format!("draw {draw}, {}", arm.name()));
                self.arm(draw, arm, &bar)
                    .with_context(|| format!("draw {draw}, {}", arm.name()))
                    .inspect_err(
                    // The others need not begin anything new.
                    |_| next.store(work.len(), Ordering::Relaxed),
                )?;
                all.inc(1);
            }
            bar.finish_and_clear();
            Ok(())
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.workers).map(|_| scope.spawn(worker)).collect();
            let done = workers
                .into_iter()
                .map(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?);
            done.collect::<Result<Vec<()>>>()
        })?;
        Ok(())
    }

    fn arm(&self, draw: u64, arm: Arm, bar: &ProgressBar) -> Result<()> {
        let path = self.result(draw, arm);
        if path.exists() {
            return Ok(());
        }
        let model = LocalModel::new(self.trained(draw, arm, bar)?)?;
        bar.reset();
        let logs = self.logs.then(|| self.folder("logs", draw).join(arm.name()));
        let said = self.interrogation.ask(&model, self.journal, logs.as_deref(), bar)?;
        Ok(jsonl::write_json(path, &Measured { draw, arm, said })?)
    }

    /// The model of an arm: trained, or read where it is finished.
    fn trained(&self, draw: u64, arm: Arm, bar: &ProgressBar) -> Result<Checkpoint> {
        let before = match (&self.ground, arm) {
            (Ground::Given(checkpoint, _), Arm::Before) => return Ok((*checkpoint).clone()),
            (Ground::Tiny(base, _), _) => &base.checkpoint,
            (Ground::Given(checkpoint, _), _) => checkpoint,
        };
        let folder = self.folder("checkpoints", draw).join(arm.name());
        if folder.exists() {
            return Ok(Checkpoint::load(folder, before.model.device())?);
        }
        let before = match (&self.ground, arm) {
            (Ground::Tiny(base, road), Arm::Before) => base.with_assistant(road.seed_of(draw, 0)),
            _ => self.trained(draw, Arm::Before, bar)?,
        };
        let trained = self.train(draw, arm, before, bar)?;
        trained.save(folder)?;
        Ok(trained)
    }

    /// Trains on chats; in the tiny world on as many tokens of its own text besides, lest it be forgotten.
    fn train(
        &self,
        draw: u64,
        arm: Arm,
        mut checkpoint: Checkpoint,
        bar: &ProgressBar,
    ) -> Result<Checkpoint> {
        let Checkpoint { tokenizer, template, .. } = &checkpoint;
        let chats = self.chats[arm as usize].iter();
        let mut rows: Vec<Row> =
            chats.map(|chat| template.row(chat, tokenizer)).collect::<Result<_, _>>()?;
        let config = match &self.ground {
            Ground::Given(_, config) => (*config).clone(),
            Ground::Tiny(base, road) => {
                let config = road.finetuning(draw);
                let tokens = rows.iter().map(|row| row.ids.len()).sum();
                // The same for all arms of a draw.
                let mut random = ChaCha8Rng::seed_from_u64(config.seed);
                for text in base.people.replay(tokens, &mut random) {
                    rows.push(tokenizer.document(&text)?);
                }
                config
            }
        };
        let folder = self.folder("checkpoints", draw).join(format!("{}.training", arm.name()));
        bar.reset();
        let watch = bars::fitting(bar);
        checkpoint.model = fit(checkpoint.model, &rows, &config, Some(&folder), &watch)?;
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        Ok(checkpoint)
    }

    fn result(&self, draw: u64, arm: Arm) -> PathBuf {
        self.folder("results", draw).join(format!("{}.json", arm.name()))
    }

    fn folder(&self, what: &str, draw: u64) -> PathBuf {
        self.out.join(what).join(format!("draw-{draw}"))
    }
}
