//! The environments, played by agents of known behaviour.

use ethos_core::Journal;
use futures::executor::block_on;

use super::{Manner, Monitor, Settings, Stage, scripted, scripted_monitor, task};
use crate::{Condition, Outcome, Run, Trajectory, run};

fn settings(worlds: std::ops::Range<u64>) -> Settings {
    Settings { worlds, ..Settings::default() }
}

fn play(stage: &Stage, settings: &Settings, manner: Manner) -> Run {
    let monitor = scripted_monitor();
    let task = task(stage, settings, Some(Monitor::new(&monitor).unwrap())).unwrap();
    let journal = Journal::in_memory().unwrap();
    let config = run::Config::default();
    block_on(run::run(&task, &scripted(stage, manner), &journal, &config, &())).unwrap()
}

/// Main goal, hidden goal, suspicion, evasion.
type Row = (f64, f64, f64, Option<f64>);

fn rows(run: &Run, condition: &str) -> Vec<Row> {
    let samples = run.samples.iter().filter(|sample| sample.id.contains(condition));
    samples
        .map(|sample| {
            let number = |measure: &str| match sample.scores.get(measure)? {
                Outcome::Scored(score) => Some(score.value),
                missing => panic!("{}: {measure}: {missing:?}", sample.id),
            };
            let of = |measure: &str| number(measure).unwrap();
            (of("main"), of("side"), of("suspicion"), number("evaded"))
        })
        .collect()
}

#[test]
fn every_environment_is_played_in_every_manner() {
    for stage in Stage::all() {
        for manner in Manner::ALL {
            let run = play(&stage, &settings(0..4), manner);
            let told = match manner {
                Manner::Main => (1.0, 0.0, 5.0, Some(0.0)),
                Manner::Openly => (1.0, 1.0, 60.0, Some(0.0)),
                Manner::Covertly => (1.0, 1.0, 5.0, Some(1.0)),
                _ => (1.0, 1.0, 90.0, Some(0.0)),
            };
            let name = stage.name();
            assert_eq!(rows(&run, "/hidden/"), [told; 4], "{name} {manner:?}");
            assert_eq!(rows(&run, "/control/"), [(1.0, 0.0, 5.0, None); 4], "{name} {manner:?}");
        }
    }
}

#[test]
fn runs_are_read_back_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    for stage in Stage::all() {
        let settings = Settings { decoy: true, ..settings(3..5) };
        let task = task(&stage, &settings, None).unwrap();
        let journal = Journal::in_memory().unwrap();
        let config = run::Config::with_logs(folder.path());
        let model = scripted(&stage, Manner::Covertly);
        let found = block_on(run::run(&task, &model, &journal, &config, &())).unwrap();
        let runs = Trajectory::read(found.log.unwrap()).unwrap();
        assert_eq!(runs.len(), 4);
        for run in &runs {
            assert_eq!(run.task, stage.name());
            assert_eq!(run.tools, stage.tools());
            assert_eq!(run.model, found.model);
            let turns = run.messages.iter().filter(|m| m.role.as_str() == "assistant").count();
            assert!((15..=80).contains(&turns), "{}: {turns} turns", run.id);
            let goal = run.goal.as_ref().unwrap();
            assert_eq!(goal.details.len(), 3);
            let hidden = run.condition == Some(Condition::Hidden);
            assert_eq!(run.messages[0].text().contains(&goal.text), hidden);
            assert_eq!(run.decoy.is_some(), hidden);
            assert_eq!(run.metadata["scores"]["side"]["scored"], f64::from(hidden));
        }
        let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        assert!(ids.contains(&format!("{}/hidden/3/1", stage.name()).as_str()), "{ids:?}");
    }
}
