//! Runs against scripts.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use ethos_core::{
    Completion, Error as CoreError, ModelErrorKind, Prompt, Scored as Logprob, Scripted, Stop,
    Tool, ToolCall, Usage,
};
use futures::executor::block_on;
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    Columns, Dataset, Judge, Limits, Rescore, Sample, Score,
    scorer::{self, Choice, Judged, Match, Matching},
    solver::{
        MultiTurn, MultipleChoice, Prefill, ScoreChoices, System, ToolLoop, Toolbox, Wording,
    },
    stats::Weights,
};

fn samples(count: u32) -> Dataset {
    Dataset::new("numbers", (0..count).map(|n| Sample::new(format!("{n:02}"), format!("say {n}"))))
}

fn said(matching: &str) -> impl Scorer + use<> {
    let matching = matching.to_owned();
    scorer::by_state(Measure::rate("said"), move |state| {
        state.answer().map(|answer| Score::from(answer.contains(&matching)))
    })
}

fn started(task: &Task<'_>, model: &dyn Model, journal: &Journal) -> Result<Run> {
    block_on(run(task, model, journal, &Config::default(), &()))
}

fn counting(answer: fn(u32) -> String) -> (Scripted, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let model = Scripted::new("counting", move |_| {
        Completion::new(answer(count.fetch_add(1, Ordering::SeqCst))).with_usage(Usage::new(3, 2))
    });
    (model.with_concurrency(4), asked)
}

/// One that answers, declines, breaks off, says nothing and fails, by the number it is asked for.
fn moody() -> Scripted {
    Scripted::fallible("moody", |request| {
        let text = request.messages[0].text().into_owned();
        match text.as_str() {
            "say 1" => Ok(Completion::new("no").with_stop(Stop::Refusal)),
            "say 2" => Ok(Completion::new("ye").with_stop(Stop::Length)),
            "say 3" => Ok(Completion::new(" ")),
            "say 4" => Err(CoreError::model("moody", ModelErrorKind::Connection, "gone")),
            _ => Ok(Completion::new("yes")),
        }
    })
}

#[test]
fn nothing_that_failed_is_a_score() {
    let task = Task::new("moods", samples(10)).with_scorer(said("yes")).with_coverage(0.6);
    let found = started(&task, &moody(), &Journal::in_memory().unwrap()).unwrap();
    let tally = found.tally("said");
    assert_eq!((tally.scored.successes, tally.scored.trials), (6, 6));
    assert_eq!(tally.missing.to_string(), "1 cut off, 1 infrastructure, 1 refused, 1 unreadable");
    let estimate = found.estimate("said", 0.95).unwrap();
    assert_eq!((estimate.mean, estimate.bounds), (1.0, Some((0.6, 1.0))));
    let error = found.estimate("sad", 0.95).unwrap_err().to_string();
    assert!(error.contains("no measure `sad`, there are said"), "{error}");
}

#[test]
fn too_little_is_an_error_and_the_log_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::new("moods", samples(10)).with_scorer(said("yes"));
    let journal = Journal::in_memory().unwrap();
    let config = Config::with_logs(folder.path());
    let error = block_on(run(&task, &moody(), &journal, &config, &())).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("only 6 of 10") && text.contains("1 cut off"), "{text}");
    let log = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let mut reader = ethos_evallog::LogReader::open(&log).unwrap();
    assert_eq!(reader.header().unwrap().status, ethos_evallog::EvalStatus::Error);
    assert_eq!(reader.samples().count(), 10);
    assert!(matches!(Run::read(&log), Err(Error::Unfinished { .. })));
}

#[test]
fn a_task_that_cannot_be_run_asks_nothing() {
    let (model, asked) = counting(|n| n.to_string());
    let journal = Journal::in_memory().unwrap();
    let twice = Dataset::new("d", [Sample::new("1", "a"), Sample::new("1", "b")]);
    for (task, wrong) in [
        (Task::new("t", twice), "two samples have the id `1`"),
        (Task::new("t", samples(0)), "there are no samples"),
        (Task::new("t", samples(1)).with_epochs(0), "it has 0 epochs"),
        (Task::new("t", samples(1)).with_coverage(f64::NAN), "the coverage is NaN"),
        (
            Task::new("t", samples(1)).with_scorer(said("a")).with_scorer(said("b")),
            "two measures have the name `said`",
        ),
    ] {
        let error = started(&task, &model, &journal).unwrap_err().to_string();
        assert!(error.contains(wrong), "{error}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn epochs_are_draws_and_equal_questions_have_their_own() {
    let equal = Dataset::new("d", [Sample::new("a", "same"), Sample::new("b", "same")]);
    let task = Task::new("t", equal).with_epochs(5);
    let (model, asked) = counting(|n| n.to_string());
    let journal = Journal::in_memory().unwrap();
    started(&task, &model, &journal).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 10);
    // More epochs go on with those that there are.
    started(&task.with_epochs(7), &model, &journal).unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 14);
}

#[test]
fn a_seed_is_another_one_for_every_sample_and_epoch() {
    let task = Task::new("t", samples(3))
        .with_epochs(4)
        .with_sampling(ethos_core::Sampling { seed: Some(7), ..Default::default() })
        .with_scorer(scorer::by_state(Measure::number("seed"), |state| {
            state.answer().map(|answer| Score::new(answer.parse().unwrap()))
        }));
    let model = Scripted::new("seeds", |request| {
        request.sampling.seed.unwrap().to_string().as_str().into()
    });
    let found = started(&task, &model, &Journal::in_memory().unwrap()).unwrap();
    let mut seeds: Vec<u64> =
        found.outcomes("seed").map(|(_, outcome)| outcome.score().unwrap().value as u64).collect();
    seeds.sort();
    seeds.dedup();
    assert_eq!(seeds.len(), 12);
}

#[test]
fn a_seed_is_another_one_for_every_answer_of_a_sample() {
    let task = Task::new("t", samples(1))
        .with_solver(MultiTurn(vec!["and?".to_owned(), "and?".to_owned()]))
        .with_sampling(ethos_core::Sampling { seed: Some(7), ..Default::default() })
        .with_scorer(scorer::by_state(Measure::number("seeds"), |state| {
            let answers = state.messages.iter().filter(|m| m.role == ethos_core::Role::Assistant);
            let seeds: std::collections::BTreeSet<_> = answers.map(|m| m.text()).collect();
            crate::Outcome::Scored(Score::new(seeds.len() as f64))
        }));
    let model = Scripted::new("seeds", |request| {
        request.sampling.seed.unwrap().to_string().as_str().into()
    });
    let found = started(&task, &model, &Journal::in_memory().unwrap()).unwrap();
    let seeds: Vec<f64> =
        found.outcomes("seeds").map(|(_, outcome)| outcome.score().unwrap().value).collect();
    assert_eq!(seeds, [2.0]);
}

#[test]
fn a_run_that_is_given_up_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    let (model, asked) = counting(|_| "yes".to_owned());
    let (judge, judged) = counting(|_| "<verdict>yes</verdict>".to_owned());
    let prompt = Prompt::new("judge", "Is this a yes? {{ answer }} ({{ question }})").unwrap();
    let task = Task::new("t", samples(40))
        .with_epochs(2)
        .with_scorer(Judged::new("yes", [Judge::new("judge", &judge, prompt)]));
    {
        let journal = Journal::open(&path).unwrap();
        let config = Config::with_logs(folder.path());
        // Given up at the 30th sample that is scored.
        let stop = |progress: &Progress| assert!(progress.done < 30, "given up");
        let attempt = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            block_on(run(&task, &model, &journal, &config, &stop))
        }));
        assert!(attempt.is_err());
    }
    let before = asked.load(Ordering::SeqCst);
    assert!((30..80).contains(&before), "{before}");
    let journal = Journal::open(&path).unwrap();
    let found = started(&task, &model, &journal).unwrap();
    assert_eq!((found.samples.len(), found.estimate("yes", 0.95).unwrap().mean), (80, 1.0));
    assert_eq!(asked.load(Ordering::SeqCst), 80);
    // Epochs of one sample say the same here, so their judgements are one.
    assert_eq!(judged.load(Ordering::SeqCst), 40);
    assert_eq!((found.usage, found.judges), (Usage::new(240, 160), Usage::new(240, 160)));
}

/// A task with all sorts of outcomes, measures and metadata.
fn varied(judge: &dyn Model) -> Task<'_> {
    let prompt = Prompt::new("judge", "Is it {{ target }}? {{ answer }}").unwrap();
    let sample = |n: u32| {
        Sample::new(format!("{n:02}"), format!("say {n}"))
            .with_target("yes")
            .with_cluster(if n < 5 { "low" } else { "high" })
            .with_metadata("level", json!({"n": n}))
    };
    Task::new("varied", Dataset::new("numbers", (0..10).map(sample)))
        .with_solver(super::super::solver::Generate)
        .with_scorer(Match::new("match", Matching::Whole))
        .with_scorer(Judged::new(
            "judged",
            [
                Judge::new("strict", judge, prompt.clone()),
                Judge::new("mild", judge, prompt).with_system("Be mild."),
            ],
        ))
        .with_epochs(3)
        .with_coverage(0.0)
}

fn verdicts() -> Scripted {
    Scripted::new("verdicts", |request| {
        let mild = request.messages.len() > 1;
        match mild {
            true => "<quote>\"yes\"</quote><verdict>yes</verdict>".into(),
            false => "<verdict>no</verdict>".into(),
        }
    })
}

#[test]
fn a_log_says_what_the_run_said() {
    let folder = tempfile::tempdir().unwrap();
    let (judge, journal) = (verdicts(), Journal::in_memory().unwrap());
    let task = varied(&judge);
    let config = Config::with_logs(folder.path());
    let found = block_on(run(&task, &moody(), &journal, &config, &())).unwrap();
    assert_eq!(found.tally("judged").missing.0["judge unclear"], 18);
    let evidence = &found.samples[0].scores["judged/mild"].score().unwrap().evidence;
    assert_eq!(evidence[0].span, 0..3);
    let read = Run::read(found.log.as_ref().unwrap()).unwrap();
    assert_eq!(read, found);
    let kappa = found.agreement("judged/strict", "judged/mild").unwrap();
    assert_eq!(kappa.agreement().rate(), Some(0.0));
    assert!(kappa.kappa(Weights::Unweighted).unwrap().kappa <= 0.0);
}

#[test]
fn the_same_answers_at_a_given_time_are_the_same_bytes() {
    let logs = [0, 1].map(|_| {
        let folder = tempfile::tempdir().unwrap();
        let (judge, journal) = (verdicts(), Journal::in_memory().unwrap());
        let config = Config::with_logs(folder.path()).at(SystemTime::UNIX_EPOCH);
        let found = block_on(run(&varied(&judge), &moody(), &journal, &config, &())).unwrap();
        std::fs::read(found.log.unwrap()).unwrap()
    });
    assert!(logs[0] == logs[1]);
}

#[test]
fn a_log_scored_again_is_the_same_bytes_too() {
    let folder = tempfile::tempdir().unwrap();
    let (judge, journal) = (verdicts(), Journal::in_memory().unwrap());
    let config = Config::with_logs(folder.path()).at(SystemTime::UNIX_EPOCH);
    let found = block_on(run(&varied(&judge), &moody(), &journal, &config, &())).unwrap();
    let logs = [0, 1].map(|_| {
        let prompt = Prompt::new("judge", "Is it so? {{ answer }}").unwrap();
        let judge = verdicts();
        let scorer = Judged::new("again", [Judge::new("one", &judge, prompt)]);
        let rescore = Rescore::new().with_scorer(scorer).with_coverage(0.0);
        let journal = Journal::in_memory().unwrap();
        let again = rescore.run(found.log.as_ref().unwrap(), &journal, &config, &());
        std::fs::read(block_on(again).unwrap().log.unwrap()).unwrap()
    });
    assert!(logs[0] == logs[1]);
}

#[test]
fn an_id_that_no_log_can_hold_is_refused_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (model, asked) = counting(|n| n.to_string());
    let task = Task::new("t", Dataset::new("d", [Sample::new("a/../../b", "a")]));
    let config = Config::with_logs(folder.path());
    let journal = Journal::in_memory().unwrap();
    let error = block_on(run(&task, &model, &journal, &config, &())).unwrap_err();
    assert!(matches!(error, Error::Log(ethos_evallog::Error::Id { .. })), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn judges_of_a_scale_do_not_agree_on_yes_and_no() {
    let task = Task::new("t", samples(3))
        .with_scorer(scorer::by_state(Measure::rate("yes"), |_| Outcome::Scored(Score::new(1.0))))
        .with_scorer(scorer::by_state(Measure::number("half"), |_| {
            Outcome::Scored(Score::new(0.5))
        }));
    let found = started(&task, &Scripted::echo(), &Journal::in_memory().unwrap()).unwrap();
    assert!(matches!(found.agreement("yes", "half"), Err(Error::Undefined(_))));
}

#[test]
fn answers_are_scored_again_without_being_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (judge, journal) = (verdicts(), Journal::in_memory().unwrap());
    let config = Config::with_logs(folder.path());
    let found = block_on(run(&varied(&judge), &moody(), &journal, &config, &())).unwrap();
    let log = found.log.clone().unwrap();
    let before = std::fs::read(&log).unwrap();
    let prompt = Prompt::new("judge", "{{ level.n }}: is it {{ target }}? {{ answer }}").unwrap();
    let rescore = Rescore::new()
        .with_scorer(Match::new("match", Matching::Anywhere))
        .with_scorer(Judged::new("again", [Judge::new("one", &judge, prompt)]))
        .with_coverage(0.0);
    let again = block_on(rescore.run(&log, &journal, &Config::default(), &())).unwrap();
    let names: Vec<&str> = again.measures.iter().map(|measure| measure.name.as_str()).collect();
    assert_eq!(names, ["judged", "judged/strict", "judged/mild", "match", "again"]);
    // What was never an answer is none now, and for the same reason.
    for measure in ["match", "again"] {
        assert_eq!(again.tally(measure).missing, found.tally("match").missing);
    }
    assert_eq!(again.estimate("again", 0.95).unwrap().mean, 0.0);
    assert_eq!(again.tally("judged"), found.tally("judged"));
    assert_eq!(std::fs::read(&log).unwrap(), before);
    let path = again.log.clone().unwrap();
    assert!(path.to_string_lossy().ends_with("-scored.eval"));
    assert_eq!(Run::read(path).unwrap(), again);
    let alone = block_on(rescore.alone().run(&log, &journal, &Config::default(), &())).unwrap();
    assert_eq!(alone.measures.len(), 2);
}

#[test]
fn a_judge_that_fails_is_no_verdict() {
    let judge = Scripted::fallible("judge", |request| {
        let text = request.messages[0].text().into_owned();
        match text.as_str() {
            "0" => Ok(Completion::new("no").with_stop(Stop::Refusal)),
            "1" => Ok("no - the email yesterday".into()),
            "2" => Ok("<quote>never said</quote><verdict>yes</verdict>".into()),
            "3" => Ok("<verdict>unclear</verdict>".into()),
            "4" => Err(CoreError::model("judge", ModelErrorKind::Auth, "no key")),
            _ => Ok("<verdict>no</verdict>".into()),
        }
    });
    let prompt = Prompt::new("judge", "{{ answer }}").unwrap();
    let scorer = Judged::new("bad", [Judge::new("judge", &judge, prompt)]);
    let task = Task::new("t", samples(10)).with_scorer(scorer).with_coverage(0.5);
    let model = Scripted::new("digit", |request| request.messages[0].text()[4..].into());
    let found = started(&task, &model, &Journal::in_memory().unwrap()).unwrap();
    let missing = found.tally("bad").missing.to_string();
    assert_eq!(missing, "1 infrastructure, 1 judge refused, 1 judge unclear, 2 judge unreadable");
}

#[test]
fn a_structured_judge_is_held_to_a_schema() {
    let judge = Scripted::new("judge", |request| {
        assert!(request.schema.as_ref().unwrap()["required"].is_array());
        r#"{"verdict": "yes", "quote": "say"}"#.into()
    });
    let prompt = Prompt::new("judge", "{{ answer }}").unwrap();
    let scorer = Judged::new("bad", [Judge::new("judge", &judge, prompt).structured()]);
    let task = Task::new("t", samples(2)).with_scorer(scorer);
    let found = started(&task, &Scripted::echo(), &Journal::in_memory().unwrap()).unwrap();
    assert_eq!(found.estimate("bad", 0.95).unwrap().mean, 1.0);
}

#[test]
fn solvers_compose() {
    let task = Task::new("t", Dataset::new("d", [Sample::new("1", "b").with_metadata("x", "!")]))
        .with_solver(Wording(Prompt::new("w", "<{{ question }}{{ x }}>").unwrap()))
        .with_solver(System("be brief".to_owned()))
        .with_solver(Prefill("So: ".to_owned()))
        .with_solver(super::super::solver::Generate)
        .with_solver(MultiTurn(vec!["and?".to_owned(), "then?".to_owned()]))
        .with_scorer(scorer::by_state(Measure::number("turns"), |state| {
            let texts: Vec<String> =
                state.messages.iter().map(|message| message.text().into_owned()).collect();
            state.answer().map(|_| Score::new(state.turns.into()).with_explanation(texts.join("|")))
        }));
    let model = Scripted::new("model", |request| {
        let prefill = request.prefill.as_deref().unwrap_or("-");
        format!("{}{prefill}", request.messages.len()).into()
    });
    let found = started(&task, &model, &Journal::in_memory().unwrap()).unwrap();
    let score = found.samples[0].scores["turns"].score().unwrap();
    assert_eq!(score.value, 3.0);
    assert_eq!(score.explanation.as_deref(), Some("be brief|<b!>|So: 2So: |and?|4-|then?|6-"));
}

#[test]
fn a_conversation_stops_where_an_answer_fails() {
    let task = Task::new("t", samples(5))
        .with_solver(super::super::solver::Generate)
        .with_solver(MultiTurn(vec!["and?".to_owned()]))
        .with_scorer(scorer::by_state(Measure::number("turns"), |state| {
            Outcome::Scored(Score::new(state.turns.into()))
        }));
    let found = started(&task, &moody(), &Journal::in_memory().unwrap()).unwrap();
    let turns: Vec<f64> =
        found.outcomes("turns").map(|(_, outcome)| outcome.score().unwrap().value).collect();
    assert_eq!(turns, [2.0, 1.0, 1.0, 1.0, 0.0]);
}

#[test]
fn choices_by_text_and_by_log_probability() {
    let sample = Sample::new("1", "2 + 2?").with_choices(["3", "4"]).with_target("B");
    let data = || Dataset::new("sums", [sample.clone()]);
    let journal = Journal::in_memory().unwrap();
    let model = Scripted::new("model", |request| {
        let text = request.messages[0].text();
        assert!(text.contains("A) 3\nB) 4"), "{text}");
        "Let me see.\nANSWER: B".into()
    })
    .with_scores(|_, options| {
        let likely = |option: &String| f64::from(option == "4" || option == "A");
        Ok(options.iter().map(|option| Logprob::new(likely(option), 1)).collect())
    });
    let right = |task: Task<'_>| {
        let task = task.with_scorer(Choice::default());
        started(&task, &model, &journal).unwrap().estimate("choice", 0.95).unwrap().mean
    };
    assert_eq!(right(Task::new("text", data()).with_solver(MultipleChoice)), 1.0);
    let by = |letters| Task::new("score", data()).with_solver(ScoreChoices { letters });
    assert_eq!(right(by(false)), 1.0);
    assert_eq!(right(by(true)), 0.0);
}

/// A box with a number in it.
struct Counter;

impl Toolbox for Counter {
    fn tools(&self) -> Vec<Tool> {
        vec![Tool::new("add", "Adds to the number.", json!({"type": "object"}))]
    }

    fn call(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        store: &mut Map<String, Value>,
    ) -> Result<String, String> {
        assert_eq!(tool, "add");
        let by = arguments.get("by").and_then(Value::as_i64).ok_or("`by` must be a number")?;
        let sum = store.get("sum").and_then(Value::as_i64).unwrap_or_default() + by;
        store.insert("sum".to_owned(), sum.into());
        Ok(format!("now {sum}"))
    }
}

#[test]
fn tools_are_called_until_none_is_or_a_limit_is_reached() {
    let calls = |arguments: &str, name: &str| {
        Completion::new("").with_tool_calls([ToolCall::new("c", name, arguments)])
    };
    let model = Scripted::new("model", move |request| {
        match (request.messages.len(), request.messages[0].text().as_ref()) {
            (1, _) => calls("{\"by\": 2}", "add"),
            (3, _) => calls("by two", "add"),
            (5, _) => calls("{}", "subtract"),
            (7, _) => calls("{\"by\": 3}", "add"),
            (n, "say 0") if n < 60 => calls("{\"by\": 1}", "add"),
            _ => "done".into(),
        }
    });
    let task = Task::new("t", samples(2))
        .with_solver(ToolLoop::new(Counter))
        .with_limits(Limits::turns(10))
        .with_scorer(scorer::by_state(Measure::number("sum"), |state| {
            Outcome::Scored(Score::new(state.store["sum"].as_f64().unwrap()))
        }))
        .with_scorer(said("done"))
        .with_coverage(0.0);
    let folder = tempfile::tempdir().unwrap();
    let config = Config::with_logs(folder.path());
    let journal = Journal::in_memory().unwrap();
    let found = block_on(run(&task, &model, &journal, &config, &())).unwrap();
    assert!(
        matches!(&found.samples[0].scores["said"], Outcome::CutOff(why) if why.contains("10 answers"))
    );
    let value =
        |sample: usize, name: &str| found.samples[sample].scores[name].score().unwrap().value;
    assert_eq!((value(0, "sum"), value(1, "sum"), value(1, "said")), (11.0, 5.0, 1.0));
    let mut reader = ethos_evallog::LogReader::open(found.log.unwrap()).unwrap();
    let logged = reader.sample("01", 1).unwrap().unwrap();
    let told: Vec<String> = logged.messages.iter().map(|message| message.text()).collect();
    assert_eq!(told[2], "now 2");
    assert!(told[4].starts_with("Error: the arguments are no JSON object"), "{told:?}");
    assert!(told[6].contains("no tool `subtract`, there are add"), "{told:?}");
    let again = crate::record::state(&logged);
    assert_eq!((again.messages.len(), again.turns), (10, 5));
    assert_eq!(again.messages[3].tool_calls[0].arguments, "by two");
}

#[test]
fn logs_of_inspect_are_runs_too() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../evallog/tests/fixtures");
    let read = |name: &str| Run::read(format!("{fixtures}/{name}"));
    let epochs = read("epochs.eval").unwrap();
    assert!(!epochs.measures.is_empty() && epochs.samples.len() > 1);
    let estimate = epochs.estimate(&epochs.measures[0].name, 0.95).unwrap();
    assert_eq!(
        estimate.observations as u64 + estimate.missing.total(),
        epochs.samples.len() as u64
    );
    let dicts = read("dict_scores.eval").unwrap();
    assert!(
        dicts.measures.iter().any(|measure| measure.name.contains('/')),
        "{:?}",
        dicts.measures
    );
    let nan = read("nan.eval").unwrap();
    assert!(nan.measures.iter().any(|measure| nan.tally(&measure.name).missing.total() > 0));
}

#[test]
fn data_sets_are_read_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, "{\"input\": \"a\", \"id\": 3}\n{\"input\": \"b\"}\n").unwrap();
    let read = Dataset::jsonl(&path, &Columns::default()).unwrap();
    let ids: Vec<&str> = read.samples.iter().map(|sample| sample.id.as_str()).collect();
    assert_eq!((read.name.as_str(), ids), ("a", vec!["3", "2"]));
    std::fs::write(&path, "{\"input\": \"a\"}\n{\"put\": \"b\"}\n").unwrap();
    let error = Dataset::jsonl(&path, &Columns::default()).unwrap_err().to_string();
    assert!(error.contains("row 2: `input`"), "{error}");
    let path = folder.path().join("b.csv");
    std::fs::write(&path, "\u{feff}input,target\n\"a, b\",\n").unwrap();
    let read = Dataset::csv(&path, &Columns::default()).unwrap();
    assert_eq!((read.samples[0].question(), read.samples[0].target.len()), ("a, b".into(), 0));
    let order =
        |seed| samples(30).shuffled(seed).samples.into_iter().map(|s| s.id).collect::<Vec<_>>();
    assert!(order(1) == order(1) && order(1) != order(2));
    assert_eq!(samples(30).limited(2).samples.len(), 2);
}

#[test]
fn runs_that_differ_in_their_setup_alone_have_logs_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::with_logs(folder.path()).at(SystemTime::UNIX_EPOCH);
    let model = Scripted::new("m", |_| "yes".into());
    let journal = Journal::in_memory().unwrap();
    let task = || Task::new("t", samples(2)).with_scorer(said("yes"));
    let log =
        |task: Task<'_>| block_on(run(&task, &model, &journal, &config, &())).unwrap().log.unwrap();
    let logs = [
        log(task()),
        log(task().with_epochs(2)),
        log(task().with_setting("asked", "otherwise")),
        log(task().with_solver(System("Be brief.".to_owned())).with_solver(Generate)),
    ];
    let names: std::collections::BTreeSet<_> = logs.iter().collect();
    assert_eq!(names.len(), 4, "{logs:?}");
    assert_eq!(log(task()), logs[0], "the same run has the same log");
}
