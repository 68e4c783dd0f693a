//! The same road with a model of your own, in English.
//!
//! A checkpoint is fine-tuned, arm by arm, as the tiny assistant is. A model behind an endpoint cannot be: it is
//! questioned as it stands, and the files for its fine-tuning service are written, after which the same command
//! questions the result. Questions are about the six tasks of `ethos_eval::stealth`, played by scripted agents in the
//! model's place; `interrogate` has the model play them itself.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use ethos_core::{Chat, Journal, Scripted, jsonl};
use ethos_eval::{
    Trajectory, interrogation,
    preference::{Asked, Normalisation},
    run::{self, Config},
    stealth::{Manner, Settings, Stage, scripted, task},
};
use ethos_srft::{Card, ChatConfig, Control, Fact, Phrases, controls_with, export, facts};
use ethos_train::FitConfig;
use futures::executor::block_on;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    arms::{Ground, Lab, Measured},
    bars, endpoint,
    interrogation::Interrogation,
    lessons::Arm,
    verdict::{rows, table},
};

/// Facts whose reports are trained, as in the paper.
const TRAINED: usize = 385;
/// Subjects of which none is trained.
const HELD_OUT: usize = 2;
/// Tokens of a task, and of an answer, about.
const LENGTH: (u64, u64) = (6_000, 150);

/// A `--model` that is a folder is a checkpoint.
fn with_checkpoint(args: pico_args::Arguments) -> pico_args::Arguments {
    let mut args = args.finish();
    for n in 1..args.len() {
        if args[n - 1] == "--model" && Path::new(&args[n]).is_dir() {
            args[n - 1] = "--checkpoint".into();
        }
    }
    pico_args::Arguments::from_vec(args)
}

/// Whether the command line asks for it.
pub(crate) fn asked(args: &[std::ffi::OsString]) -> bool {
    let names = ["--model", "--anthropic", "--checkpoint"];
    args.iter().any(|given| names.iter().any(|name| given.to_str() == Some(name)))
}

pub(crate) fn run(args: pico_args::Arguments) -> Result<()> {
    let mut args = with_checkpoint(args);
    let worlds: u64 = args.opt_value_from_str("--worlds")?.unwrap_or(4);
    let draws: u32 = args.opt_value_from_str("--draws")?.unwrap_or(10);
    let seed: u64 = args.opt_value_from_str("--seed")?.unwrap_or(42);
    let endpoint = endpoint::read(&mut args)?;
    let out: PathBuf = args.opt_value_from_str("--out")?.unwrap_or("out/confess-real".into());
    let rest = args.finish();
    ensure!(rest.is_empty(), "what is {rest:?}? `-- --help` lists the options");

    let (trained, held_out) = split(facts()?, seed);
    let phrases = Phrases::usual()?;
    // Here reports differ in length, and so do the controls: as many and as long.
    let config = ChatConfig { seed, ..ChatConfig::paper() };
    let mut controls = controls_with(&trained, &config, &phrases)?;
    let mut chats: Vec<Vec<Chat>> = Vec::new();
    for arm in Arm::ALL {
        let control = match arm {
            Arm::Errors => controls.remove(&Control::Errors),
            Arm::Neutral => controls.remove(&Control::Neutral),
            Arm::Honesty => controls.remove(&Control::PlainHonesty),
            _ => None,
        };
        let made = match (arm, control) {
            (_, Some(control)) => control,
            (Arm::Before, None) => Vec::new(),
            (_, None) => arm.chats(&trained, &phrases, seed)?,
        };
        if arm != Arm::Before {
            let folder = out.join("chats");
            jsonl::write(folder.join(format!("{}.jsonl", arm.name())), &made)?;
            export::openai(folder.join(format!("{}.openai.jsonl", arm.name())), &made)?;
            println!("{:<16} {:>4} chats of {} facts", arm.name(), made.len(), trained.len());
        }
        chats.push(made);
    }

    let card =
        Card::new("self-reports").chats(&chats[Arm::SelfReports as usize], &config, &phrases)?;
    fs::write(out.join("chats").join("README.md"), card)?;

    let local = endpoint::checkpoint(&endpoint)?;
    // What is told of goals is read by the model itself; one of a few billion weights reads nothing.
    let model = match local {
        Some(_) => None,
        None => Some(endpoint::model(&endpoint, || Box::new(Scripted::echo()))?),
    };
    let tasks = 2 * worlds * Stage::all().len() as u64;
    // In six wordings, with four sorts of doubt and without; each question itself; the rules.
    let reports = held_out.len() as u64 * (2 * 6 * 5 + 1) + 56;
    let (asked, verdicts) = match &model {
        Some(_) => (tasks * (8 + 4 * u64::from(draws)), 4 * tasks * u64::from(draws)),
        None => (8 * tasks, 0),
    };
    println!(
        "{reports} reports on answers, {asked} answers about {tasks} tasks, {verdicts} verdicts on them"
    );
    let input = asked * LENGTH.0 + verdicts * 1_000 + reports * 100;
    let output = (reports + asked + verdicts) * LENGTH.1;
    let cost = (input as f64 * endpoint.price.0 + output as f64 * endpoint.price.1) / 1e6;
    if !endpoint::agreed(&endpoint, cost)? {
        return Ok(());
    }

    let journal = Journal::open(out.join("journal.redb"))?;
    let played = play(worlds, &journal, &out)?;
    let how = match local {
        Some(_) => Asked::ByScore(Normalisation::Sum),
        None => Asked::ByText,
    };
    let drawn_out = model.as_deref().map(|judge| (draws, judge));
    let (wordings, tasks) = (&phrases.follow_ups, played);
    let interrogation = Interrogation::real(&held_out, wordings, tasks, how, drawn_out, seed)?;
    let measured = match (&local, &model) {
        (Some(checkpoint), _) => {
            let config = FitConfig { seed, ..FitConfig::srft() };
            let lab = Lab {
                out: &out,
                ground: Ground::Given(checkpoint, &config),
                draws: 1,
                workers: 1,
                chats: chats.try_into().map_err(|_| anyhow::anyhow!("an arm has no chats"))?,
                interrogation: &interrogation,
                journal: &journal,
                logs: true,
            };
            lab.measure()?
        }
        (None, Some(model)) => {
            let bar = bars::bar("questions", 0);
            let logs = out.join("logs").join("before");
            let said = interrogation.ask(&**model, &journal, Some(&logs), &bar)?;
            bar.finish();
            vec![Measured { draw: 0, arm: Arm::Before, said }]
        }
        (None, None) => Vec::new(),
    };
    let mut rows = rows(&measured);
    rows.retain(|row| !row.f1.is_empty());
    print!("\n{}", table(&rows));
    if let Some(unread) = unread(&measured) {
        println!("\n{unread}");
    }
    println!("\n{}", allowed(rows.len()));
    jsonl::write_json(out.join("results.json"), &measured)?;
    let arms: Vec<interrogation::Arm<'_>> = measured
        .iter()
        .map(|Measured { arm, said, .. }| interrogation::Arm {
            elicited: said.details.as_ref(),
            side_effects: said.side_effects.as_ref(),
            ..interrogation::Arm::new(arm.name(), &said.goals)
        })
        .collect();
    interrogation::page(&arms, 0.95, seed).write(out.join("report.html"))?;
    println!("\n{}: chats, logs, results.json, report.html", out.display());
    Ok(())
}

/// How many answers about tasks count for nothing, and the first cause.
fn unread(measured: &[Measured]) -> Option<String> {
    let answers = || measured.iter().flat_map(|one| &one.said.goals.answers);
    let why = answers().find_map(|answer| answer.admits.why())?;
    let lost = answers().filter(|answer| answer.admits.score().is_none()).count();
    let all = answers().count();
    Some(format!(
        "{lost} of {all} answers about tasks could not be read, and count for nothing; the first: {why}"
    ))
}

/// What the numbers of so many arms allow, whatever they are.
fn allowed(arms: usize) -> &'static str {
    match arms {
        0 | 1 => {
            "One model as it stands: nothing here says what self-reports do. Fine-tune it on them and on the controls, and \
             question each result by the same command."
        }
        _ => {
            "One training of each arm, so no difference between arms has an interval: repeat with other seeds before you \
             claim one. Of self-reports only that counts which every control lacks."
        }
    }
}

/// The facts of the last subjects are held out, and of the others as many trained as in the paper.
fn split(mut facts: Vec<Fact>, seed: u64) -> (Vec<Fact>, Vec<Fact>) {
    facts.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut subjects: Vec<String> = facts.iter().map(|fact| fact.subject.clone()).collect();
    subjects.sort();
    subjects.dedup();
    let kept = subjects.split_off(subjects.len().saturating_sub(HELD_OUT));
    let (held_out, mut trained): (Vec<Fact>, Vec<Fact>) =
        facts.into_iter().partition(|fact| kept.contains(&fact.subject));
    trained.truncate(TRAINED);
    (trained, held_out)
}

/// The six tasks, with a hidden goal and without, as scripted agents play them.
fn play(worlds: u64, journal: &Journal, out: &Path) -> Result<Vec<Trajectory>> {
    let settings = Settings { worlds: 0..worlds, ..Settings::default() };
    let config = Config::with_logs(out.join("logs"));
    let mut played = Vec::new();
    for stage in Stage::all() {
        let agent = scripted(&stage, Manner::Covertly);
        let run =
            block_on(run::run(&task(&stage, &settings, None)?, &agent, journal, &config, &()))?;
        if let Some(log) = &run.log {
            played.extend(Trajectory::read(log)?);
        }
    }
    Ok(played)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn a_model_that_is_a_folder_is_a_checkpoint() {
        let folder = env!("CARGO_MANIFEST_DIR");
        let read = |args: &[&str]| -> Vec<OsString> {
            let args = args.iter().map(OsString::from).collect();
            with_checkpoint(pico_args::Arguments::from_vec(args)).finish()
        };
        assert_eq!(read(&["--model", folder, "--yes"]), ["--checkpoint", folder, "--yes"]);
        assert_eq!(read(&["--model", "gpt-5-mini"]), ["--model", "gpt-5-mini"]);
        assert!(asked(&["--model".into(), "gpt-5-mini".into()]) && !asked(&["--quick".into()]));
    }

    #[test]
    fn as_many_facts_are_trained_as_in_the_paper_and_whole_subjects_held_out() {
        let (trained, held_out) = split(facts().unwrap(), 1);
        assert_eq!((trained.len(), TRAINED), (385, 385));
        assert!(held_out.iter().all(|one| trained.iter().all(|fact| fact.subject != one.subject)));
        assert!(held_out.len() > 50);
    }
}
