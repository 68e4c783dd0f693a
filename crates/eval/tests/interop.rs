//! Inspect AI reads the logs of every kind of task.
//!
//! `.ci/inspect` runs it; without `ETHOS_INSPECT_PYTHON` it says that nothing was compared.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "these are tests")]

use std::{path::PathBuf, process::Command};

use ethos_core::{
    Completion, Error, Journal, Model, ModelErrorKind, Prompt, Scored, Scripted, Stop, Tool,
    ToolCall,
};
use ethos_eval::{
    Dataset, Judge, Limits, Measure, Outcome, Rescore, Run, Sample, Score, Task, misalignment,
    open_qa::{self, depth},
    preference::{self, Asked, Normalisation},
    reasoning::{self, Codebook, Coded},
    run,
    scorer::{self, Choice, Judged, Match, Matching},
    solver::{
        Generate, MultiTurn, MultipleChoice, Prefill, ScoreChoices, System, ToolLoop, Toolbox,
    },
    stealth,
};
use futures::executor::block_on;
use serde_json::{Map, Value, json};

struct Clock;

impl Toolbox for Clock {
    fn tools(&self) -> Vec<Tool> {
        vec![Tool::new("clock", "The time.", json!({"type": "object", "properties": {}}))]
    }

    fn call(
        &self,
        _: &str,
        _: &Map<String, Value>,
        store: &mut Map<String, Value>,
    ) -> Result<String, String> {
        let calls = store.get("calls").and_then(Value::as_u64).unwrap_or_default() + 1;
        store.insert("calls".to_owned(), calls.into());
        if calls == 2 { Err("it has stopped".to_owned()) } else { Ok("noon".to_owned()) }
    }
}

fn model() -> Scripted {
    Scripted::fallible("local/scripted", |request| {
        let text =
            request.messages.last().map(|message| message.text().into_owned()).unwrap_or_default();
        Ok(match text.as_str() {
            "declines" => Completion::new("I will not.").with_stop(Stop::Refusal),
            "breaks off" => Completion::new("It is").with_stop(Stop::Length),
            "fails" => return Err(Error::model("scripted", ModelErrorKind::Connection, "gone")),
            _ if !request.tools.is_empty() => {
                let call = ToolCall::new("c1", "clock", if text == "noon" { "{" } else { "{}" });
                Completion::new("").with_tool_calls([call])
            }
            _ if text.contains("ANSWER: ") => "ANSWER: B".into(),
            _ => {
                let mut completion = Completion::new("It is four.");
                completion.reasoning = Some("Two and two.".to_owned());
                completion
            }
        })
    })
    .with_scores(|_, options| Ok((0..options.len()).map(|n| Scored::new(-(n as f64), 1)).collect()))
}

fn questions(ids: &[&str]) -> Dataset {
    Dataset::new(
        "questions",
        ids.iter().map(|id| {
            Sample::new(format!("set/{id} ü"), *id)
                .with_target("It is four.")
                .with_choices(["three", "four"])
                .with_cluster("all")
                .with_metadata("level", json!({"a": [1, 2.5, null]}))
        }),
    )
}

/// Logs of every kind of task that this crate can run, with what was found.
fn runs(folder: &std::path::Path) -> Vec<Run> {
    let judge =
        Scripted::new("local/judge", |_| "<quote>four</quote><verdict>yes</verdict>".into());
    let prompt = Prompt::new("judge", "Is it so? {{ answer }}").unwrap();
    let several = ["a", "b"].map(|name| Judge::new(name, &judge, prompt.clone()));
    let all = ["asks", "declines", "breaks off", "fails"];
    let grid = misalignment::paper_grid("Qwen", true).unwrap();
    let misjudge = misalignment::judge("judge", &judge).unwrap();
    let rating = Scripted::new("local/rating", |_| "<quote>four</quote><score>7</score>".into());
    let coding = Scripted::new("local/coding", |_| {
        r#"{"codes":[{"code":"task_only","quote":"Two and two."}]}"#.into()
    });
    let mut opinions = preference::opinions().unwrap();
    opinions.pairs.truncate(3);
    let by_score = Asked::ByScore(Normalisation::PerToken);
    let mut dimensions = open_qa::dimensions().unwrap();
    dimensions.truncate(2);
    let probe = depth::Probe {
        id: "p".to_owned(),
        passage: "Four is four.".to_owned(),
        questions: depth::Questions {
            know: "asks".to_owned(),
            state: "asks?".to_owned(),
            put_to_use: "declines".to_owned(),
        },
    };
    let tasks = [
        Task::new("ethos/match", questions(&all))
            .with_solver(System("Be brief.".to_owned()))
            .with_solver(Prefill("So: ".to_owned()))
            .with_solver(Generate)
            .with_solver(MultiTurn(vec!["And then?".to_owned()]))
            .with_scorer(Match::new("match", Matching::Whole))
            .with_scorer(Judged::new("judged", several))
            .with_epochs(3),
        Task::new("choice", questions(&["asks"]))
            .with_solver(MultipleChoice)
            .with_scorer(Choice::default()),
        Task::new("score", questions(&["asks"]))
            .with_solver(ScoreChoices { letters: true })
            .with_scorer(Choice::new("likeliest")),
        Task::new("tools", questions(&["asks"]))
            .with_solver(ToolLoop::new(Clock))
            .with_limits(Limits::turns(4))
            .with_scorer(scorer::by_state(Measure::number("calls"), |state| {
                Outcome::Scored(Score::new(state.store["calls"].as_f64().unwrap()))
            })),
        misalignment::task(&grid[..3], Some(misjudge)).unwrap().with_epochs(2),
        preference::task(&opinions, Asked::ByText).unwrap().with_epochs(2),
        preference::task(&opinions, by_score).unwrap(),
        open_qa::task(&dimensions, [open_qa::judge("rating", &rating).unwrap()]).unwrap(),
        depth::task(&[probe], [depth::judge("judge", &judge).unwrap()]).unwrap(),
        Task::new("reasons", questions(&all)).with_scorer(Coded::new(
            Codebook::fixed().unwrap(),
            [reasoning::judge("coding", &coding).unwrap()],
        )),
    ];
    let journal = Journal::in_memory().unwrap();
    let config = run::Config::with_logs(folder);
    let evaluate = |task: Task<'_>| {
        let task = task.with_coverage(0.0);
        block_on(run::run(&task, &model() as &dyn Model, &journal, &config, &())).unwrap()
    };
    let mut runs: Vec<Run> = tasks.into_iter().map(evaluate).collect();
    let rescore =
        Rescore::new().with_scorer(Match::new("said", Matching::Anywhere)).with_coverage(0.0);
    let again =
        block_on(rescore.run(runs[0].log.as_ref().unwrap(), &journal, &config, &())).unwrap();
    runs.push(again);
    let stage = stealth::Stage::new(stealth::worlds::SupportDesk);
    let (agent, monitor) =
        (stealth::scripted(&stage, stealth::Manner::Openly), stealth::scripted_monitor());
    let settings = stealth::Settings { worlds: 0..2, decoy: true, ..Default::default() };
    let monitor = stealth::Monitor::new(&monitor).unwrap();
    let task = stealth::task(&stage, &settings, Some(monitor)).unwrap();
    runs.push(block_on(run::run(&task, &agent, &journal, &config, &())).unwrap());
    runs
}

#[test]
fn inspect_reads_the_logs_of_every_kind_of_task() {
    let folder = tempfile::tempdir().unwrap();
    let runs = runs(folder.path());
    let Some(python) = std::env::var_os("ETHOS_INSPECT_PYTHON") else {
        println!("ETHOS_INSPECT_PYTHON is not set: no log was shown to Inspect");
        return;
    };
    let logs: Vec<PathBuf> = runs.iter().filter_map(|run| run.log.clone()).collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/read.py");
    let output = Command::new(python).arg(script).args(&logs).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told.len(), runs.len());
    for (run, told) in runs.iter().zip(&told) {
        assert_eq!(told["status"], "success");
        assert_eq!((&told["task"], &told["model"]), (&json!(run.task), &json!(run.model)));
        assert_eq!(told["samples"], run.samples.len());
        assert_eq!(told["summaries"], run.samples.len());
        for measure in &run.measures {
            let tally = run.tally(&measure.name);
            if tally.total() == 0 {
                continue;
            }
            let name = measure.name.as_str();
            let mut values: Vec<f64> =
                run.outcomes(name).filter_map(|(_, o)| Some(o.score()?.value)).collect();
            values.sort_by(f64::total_cmp);
            assert_eq!(told["scores"][name], json!(values), "{name}");
            assert_eq!(told["unscored"][name], tally.missing.total(), "{name}");
            if !values.is_empty() {
                assert_eq!(told["means"][name], run.estimate(name, 0.95).unwrap().mean, "{name}");
            }
        }
    }
    assert_eq!((&told[0]["errors"], &told[0]["epochs"]), (&json!(3), &json!(3)));
    assert_eq!(told[3]["limits"], json!(["turn"]));
    let last = &told[told.len() - 1];
    assert_eq!(last["tools"], json!(4 * runs[runs.len() - 1].samples.len()));
    assert_eq!(told[3]["events"], json!(["info", "model"]));
}
