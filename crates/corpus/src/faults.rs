//! Tests of the whole: every way in which a model answers badly, and what becomes of it.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use ethos_core::{
    Completion, Document, Error as CoreError, Journal, Model, ModelErrorKind, Progress, Prompt,
    Scripted, Stop, Usage, jsonl,
};
use ethos_spec::Spec;
use futures::executor::block_on;
use serde_json::Value;

use crate::{
    fixture::{self, Asked, writer},
    *,
};

struct Run {
    plan: Plan,
    planned: PlanReport,
    corpus: Corpus,
}

/// Plans and writes with the fixture's configs.
fn run(model: &dyn Model, journal: &Journal, prompts: &Prompts) -> Run {
    let spec = fixture::spec();
    block_on(async {
        let (plan, planned) =
            plan(&spec, &fixture::config(), prompts, model, journal, &()).await.unwrap();
        let config = fixture::write_config();
        let corpus = write(&plan, &spec, &config, prompts, model, journal, &()).await.unwrap();
        Run { plan, planned, corpus }
    })
}

fn right(_: u64, asked: &Asked) -> Completion {
    Completion::new(asked.answer()).with_usage(Usage::new(100, 10))
}

/// Requests of a run, as its reports account for them.
fn accounted(run: &Run) -> u64 {
    let planning: u64 = run.planned.stages.iter().map(|stage| stage.requests.total()).sum();
    planning + run.corpus.report.requests.total()
}

fn bytes(corpus: &Corpus) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("corpus.jsonl");
    corpus.write(&path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn every_count_is_what_was_asked_for() {
    let (model, requests) = writer("right", right);
    let run = run(&model, &Journal::in_memory().unwrap(), &fixture::prompts());
    assert!(run.planned.is_complete() && run.corpus.report.is_complete());
    assert_eq!(run.corpus.documents.len(), 24);
    let asked: Vec<_> = run.planned.stages.iter().map(|s| s.requests.asked).collect();
    assert_eq!(asked, [1, 2, 4, 4, 8]);
    assert_eq!(accounted(&run), requests.load(Ordering::SeqCst));
    assert_eq!(run.corpus.report.requests.usage, Usage::new(2400, 240));
    let preview =
        fixture::config().preview(&fixture::spec(), &fixture::write_config(), &fixture::prompts());
    assert_eq!(preview.unwrap().requests(), accounted(&run));
}

#[test]
fn rows_know_where_they_come_from() {
    let (model, _) = writer("right", right);
    let prompts = fixture::prompts();
    let run = run(&model, &Journal::in_memory().unwrap(), &prompts);
    let spec = fixture::spec();
    let assertions: BTreeSet<_> = run.plan.assertions().into_iter().map(|(id, _)| id).collect();
    let places = run.plan.ideas();
    for document in &run.corpus.documents {
        let place = places.iter().find(|place| place.id == document.id).unwrap();
        assert!(document.text.contains(&place.idea.idea));
        let lineage = document.lineage.as_ref().unwrap();
        assert_eq!(lineage.spec_hash, spec.hash());
        assert_eq!(lineage.spans.len(), 1);
        assert!(spec.text()[lineage.spans[0].clone()].starts_with("Aria says what"));
        let keys: Vec<_> = document.metadata.keys().map(String::as_str).collect();
        assert_eq!(keys, ["domain", "topic", "assertions", "type", "idea", "model", "prompt_hash"]);
        let ids = document.metadata["assertions"].as_array().unwrap();
        assert!(ids.iter().all(|id| assertions.contains(id.as_str().unwrap())));
        assert_eq!(document.metadata["model"], "scripted/right");
        assert_eq!(document.metadata["prompt_hash"], prompts.document.hash());
    }
    let coverage = run.corpus.coverage(&spec);
    let times: Vec<_> = coverage.sentences().iter().map(|spoken| spoken.times).collect();
    assert_eq!(times, [24, 0, 0], "each document once, though two assertions quote the sentence");
    assert_eq!(run.corpus.coverage(&Spec::parse("Another spec.")).fraction(), 0.0);
}

#[test]
fn ideas_of_one_name_become_documents_of_their_own() {
    let (model, _) = writer("right", right);
    let run = run(&model, &Journal::in_memory().unwrap(), &fixture::prompts());
    let names: BTreeSet<_> = run.plan.ideas().iter().map(|place| &place.idea.name).collect();
    assert_eq!(names.len(), 1, "the writer calls all ideas the same");
    let ids: BTreeSet<_> = run.corpus.documents.iter().map(|d| &d.id).collect();
    let texts: BTreeSet<_> = run.corpus.documents.iter().map(|d| &d.text).collect();
    assert_eq!((ids.len(), texts.len()), (24, 24));
}

#[test]
fn equal_prompts_are_separate_draws() {
    // An edited plan with one idea twice: two documents, and no shared reply.
    let (model, requests) =
        writer("numbered", |n, _| format!("<content>Document {n}.</content>").into());
    let mut plan = fixture::plan();
    let ideas = &mut plan.domains[0].topics[0].types[0].ideas;
    ideas.push(ideas[0].clone());
    let journal = Journal::in_memory().unwrap();
    let (spec, config, prompts) = (fixture::spec(), fixture::write_config(), fixture::prompts());
    let corpus = block_on(write(&plan, &spec, &config, &prompts, &model, &journal, &())).unwrap();
    let texts: BTreeSet<_> = corpus.documents.iter().map(|d| &d.text).collect();
    assert_eq!((texts.len(), requests.load(Ordering::SeqCst)), (5, 5));
}

#[test]
fn a_rerun_asks_nothing_and_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    let (model, requests) = writer("faulty", faulty);
    let first = run(&model, &Journal::open(&path).unwrap(), &fixture::prompts());
    let asked = requests.load(Ordering::SeqCst);
    let second = run(&model, &Journal::open(&path).unwrap(), &fixture::prompts());
    assert_eq!(requests.load(Ordering::SeqCst), asked);
    assert_eq!(first.plan, second.plan);
    assert_eq!(bytes(&first.corpus), bytes(&second.corpus));
    let requests = &second.corpus.report.requests;
    assert_eq!((requests.reused, requests.paid), (requests.asked, Usage::default()));
    assert_eq!(requests.usage, first.corpus.report.requests.usage);

    // Concurrency changes the order of finishing, and nothing else.
    let (model, _) = writer("right", right);
    let one = run(&model, &Journal::in_memory().unwrap(), &fixture::prompts());
    let (model, _) = writer("right", right);
    let model = model.with_concurrency(1);
    let other = run(&model, &Journal::in_memory().unwrap(), &fixture::prompts());
    assert_eq!(bytes(&one.corpus), bytes(&other.corpus));
}

#[test]
fn a_run_that_is_stopped_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    let (spec, config, prompts) = (fixture::spec(), fixture::write_config(), fixture::prompts());
    let (model, _) = writer("right", right);
    let whole = run(&model, &Journal::in_memory().unwrap(), &prompts);

    let (model, requests) = writer("right", right);
    let model = model.with_concurrency(4);
    let mut stops = 0;
    let corpus = loop {
        let journal = Journal::open(&path).unwrap();
        let before = requests.load(Ordering::SeqCst);
        let mut writing =
            Box::pin(write(&whole.plan, &spec, &config, &prompts, &model, &journal, &()));
        // Dropped in the middle of its work, as a program that ends drops it.
        let corpus = loop {
            match block_on(futures::future::poll_immediate(&mut writing)) {
                Some(corpus) => break Some(corpus.unwrap()),
                None if requests.load(Ordering::SeqCst) >= before + 7 => break None,
                None => std::thread::yield_now(),
            }
        };
        match corpus {
            Some(corpus) => break corpus,
            None => stops += 1,
        }
    };
    assert!(stops > 0);
    assert_eq!(bytes(&corpus), bytes(&whole.corpus));
    let paid = requests.load(Ordering::SeqCst);
    assert!((24..=24 + 4 * stops).contains(&paid), "{paid} requests after {stops} stops");
}

#[test]
fn the_seed_orders_and_asks_nothing() {
    let (model, requests) = writer("right", right);
    let journal = Journal::in_memory().unwrap();
    let (spec, plan, prompts) = (fixture::spec(), fixture::plan(), fixture::prompts());
    let written = |config: WriteConfig| {
        let corpus = block_on(write(&plan, &spec, &config, &prompts, &model, &journal, &()));
        corpus.unwrap().documents
    };
    let orders: Vec<Vec<Document>> =
        (0..8).map(|seed| written(WriteConfig { seed, ..fixture::write_config() })).collect();
    assert!(orders.iter().any(|order| order != &orders[0]), "some order differs");
    assert_eq!(requests.load(Ordering::SeqCst), 4);
    written(WriteConfig { draw: 1, ..fixture::write_config() });
    assert_eq!(requests.load(Ordering::SeqCst), 8, "another draw asks anew");
}

#[test]
fn an_edited_document_prompt_asks_for_documents_only() {
    let (model, requests) = writer("right", right);
    let journal = Journal::in_memory().unwrap();
    let mut prompts = fixture::prompts();
    run(&model, &journal, &prompts);
    let before = requests.load(Ordering::SeqCst);
    let edited = format!("{} ", prompts.document.source());
    prompts.document = Prompt::new("document", edited).unwrap();
    let run = run(&model, &journal, &prompts);
    assert_eq!(requests.load(Ordering::SeqCst) - before, 24);
    assert!(run.planned.stages.iter().all(|s| s.requests.reused == s.requests.asked));
    assert_eq!(run.corpus.report.requests.reused, 0);
}

/// Three of ten answers are faulty, each in its own way.
fn faulty(n: u64, asked: &Asked) -> Completion {
    let hash = blake3::hash(&n.to_le_bytes());
    if hash.as_bytes()[0] >= 77 {
        return right(n, asked);
    }
    let usage = Usage::new(100, 10);
    let fault = u64::from(hash.as_bytes()[1]);
    let text = asked.answer();
    let faults: [Completion; 7] = if asked.stage == "document" {
        [
            Completion::new("").with_stop(Stop::Refusal),
            Completion::new(&text[..text.len() / 2]).with_stop(Stop::Length),
            "I cannot write about this.".into(),
            text.replace("</content>", "").into(),
            text.replace("<content>", "<content><scratchpad>Plan.</scratchpad>").into(),
            text.replace("</scratchpad>", "").into(),
            "<content>I'm sorry, but I can't help with that.</content>".into(),
        ]
    } else {
        let items = |range: std::ops::Range<u64>| {
            Completion::from(
                Value::from(range.map(|n| asked.item(n)).collect::<Vec<_>>()).to_string(),
            )
        };
        let twice = [asked.item(asked.have), asked.item(asked.have)];
        [
            Completion::new("").with_stop(Stop::Refusal),
            Completion::new(&text[..text.len() / 2]).with_stop(Stop::Length),
            "I would rather not make lists.".into(),
            text[..text.len() - 1].into(),
            items(asked.have..asked.have + asked.count - 1),
            items(asked.have..asked.have + asked.count + 3),
            Value::from(twice.to_vec()).to_string().into(),
        ]
    };
    let at = (fault % 7) as usize;
    faults[at].clone().with_usage(usage)
}

#[test]
fn the_fault_matrix() {
    let mut reasons = BTreeSet::new();
    let mut items = Items::default();
    for drawing in 0..12 {
        // Each drawing of the faults begins at another number.
        let (model, requests) = writer("faulty", move |n, asked| faulty(1000 * drawing + n, asked));
        let journal = Journal::in_memory().unwrap();
        let run = run(&model, &journal, &fixture::prompts());
        assert_eq!(accounted(&run), requests.load(Ordering::SeqCst), "every request is counted");

        let WriteReport { planned, written, missing, .. } = &run.corpus.report;
        assert_eq!(*planned, run.plan.ideas().len() as u64);
        assert_eq!(written + missing.len() as u64, *planned);
        assert_eq!(run.corpus.documents.len() as u64, *written);
        for document in &run.corpus.documents {
            let text = &document.text;
            assert!(text.starts_with("About ") && text.ends_with('.'), "unusable row: {text}");
        }
        for stage in &run.planned.stages {
            let Items { given, kept, surplus, repeated, unquoted, .. } = stage.items;
            assert_eq!(given, kept + surplus + repeated + unquoted);
            items.surplus += surplus;
            items.repeated += repeated;
            reasons.extend(stage.requests.unusable.keys().cloned());
        }
        let lists = run.planned.shortfalls.iter();
        assert!(lists.clone().all(|short| short.got < short.wanted));
        assert_eq!(run.planned.is_complete(), lists.len() == 0);
        // What is there and what is missing are together what was asked for.
        let short = lists.filter(|s| s.stage == "corpus/ideas").map(|s| (s.wanted - s.got) as u64);
        let types = run.plan.domains.iter().flat_map(|d| &d.topics).flat_map(|t| &t.types).count();
        assert_eq!(planned + short.sum::<u64>(), types as u64 * 3);
        reasons.extend(run.corpus.report.requests.unusable.keys().cloned());
    }
    let expected =
        ["bad JSON", "cut off", "leaked scratchpad", "missing tag", "refusal", "unclosed tag"];
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), expected);
    assert!(items.surplus > 0 && items.repeated > 0, "{items:?}");
}

/// A judge that goes wrong in three of ten answers, in every way that a judge can.
fn faulty_judge(n: u64) -> Completion {
    let hash = blake3::hash(&n.to_le_bytes());
    let fine =
        "So.<quote></quote><faithful>yes</faithful><specific>yes</specific><clean>yes</clean>";
    if hash.as_bytes()[2] >= 77 {
        return fine.into();
    }
    let faults: [Completion; 8] = [
        Completion::new("").with_stop(Stop::Refusal),
        Completion::new(&fine[..fine.len() / 2]).with_stop(Stop::Length),
        "Yes to all three.".into(),
        fine.replace("</clean>", "").into(),
        fine.replace("<clean>yes", "<clean>perhaps").into(),
        fine.replace("<quote>", "<quote>words that nobody wrote").into(),
        fine.replace("<faithful>yes", "<faithful>unclear").into(),
        fine.replace("<faithful>yes", "<faithful>no").into(),
    ];
    faults[usize::from(hash.as_bytes()[3] % 8)].clone()
}

#[test]
fn the_fault_matrix_of_an_assembly() {
    let (mut reasons, mut fell) = (BTreeSet::new(), BTreeSet::new());
    for drawing in 0..12 {
        let (model, requests) = writer("faulty", move |n, asked| faulty(1000 * drawing + n, asked));
        let judged = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let count = std::sync::Arc::clone(&judged);
        let judge = Scripted::new("faulty-judge", move |_| {
            faulty_judge(1000 * drawing + count.fetch_add(1, Ordering::SeqCst))
        });
        let (spec, journal) = (fixture::spec(), Journal::in_memory().unwrap());
        let (config, prompts) = (fixture::config(), fixture::prompts());
        let planning = plan(&spec, &config, &prompts, &model, &journal, &());
        let (plan, planned) = block_on(planning).unwrap();
        let assembly =
            Assembly::new(config.clone(), fixture::write_config(), prompts).with_judge(&judge);
        let made = block_on(assemble(plan, &spec, &assembly, &model, &journal, &())).unwrap();

        let sum = |report: &PlanReport| -> u64 {
            report.stages.iter().map(|stage| stage.requests.total()).sum()
        };
        let report = &made.corpus.report;
        let accounted = sum(&planned) + sum(&made.added) + report.requests.total();
        assert_eq!(accounted, requests.load(Ordering::SeqCst), "every request is counted");
        let review = made.review.as_ref().unwrap();
        assert_eq!(review.requests.total(), judged.load(Ordering::SeqCst));
        assert_eq!(report.planned as usize, made.plan.ideas().len());
        assert_eq!(made.corpus.documents.len() + made.fallen.len(), made.plan.ideas().len());
        for document in &made.corpus.documents {
            let text = &document.text;
            assert!(text.starts_with("About ") && text.ends_with('.'), "unusable row: {text}");
        }
        reasons.extend(review.requests.unusable.keys().cloned());
        fell.extend(made.fallen.iter().map(|one| match &one.why {
            Fell::Unwritten(_) => "unwritten",
            Fell::Unjudged(_) => "unjudged",
            Fell::Rejected { .. } => "rejected",
            Fell::Duplicate { .. } => "duplicate",
            Fell::Similar { .. } => "similar",
            Fell::Contaminated { .. } => "contaminated",
        }));
    }
    let expected = [
        "cut off",
        "missing tag",
        "quote that is not in what was judged",
        "refusal",
        "unclear verdict",
        "unclosed tag",
    ];
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), expected);
    assert!(fell.contains("rejected") && fell.contains("unjudged"), "{fell:?}");
}

#[test]
fn short_lists_are_topped_up() {
    // One item at a time, whatever is asked for.
    let (model, _) = writer("short", |n, asked| match &*asked.stage {
        "document" => right(n, asked),
        _ => Value::from(vec![asked.item(asked.have)]).to_string().into(),
    });
    let run = run(&model, &Journal::in_memory().unwrap(), &fixture::prompts());
    assert!(run.planned.is_complete(), "{:?}", run.planned.shortfalls);
    assert_eq!(run.corpus.documents.len(), 24);
    let ideas = run.planned.stage("corpus/ideas").unwrap();
    assert_eq!((ideas.requests.asked, ideas.items.kept), (24, 24));
}

#[test]
fn a_list_that_stays_short_says_why() {
    let (model, _) = writer("unwilling", |n, asked| match (&*asked.stage, asked.have) {
        // There is one domain, and then there are no more.
        ("domains", 0) => Value::from(vec![asked.item(0)]).to_string().into(),
        ("domains", _) => "[]".into(),
        // Always the same idea.
        ("ideas", _) => Value::from(vec![asked.item(0)]).to_string().into(),
        _ if asked.stage == "types" && asked.of.ends_with("topics 1") => {
            Completion::new("").with_stop(Stop::Refusal)
        }
        _ => right(n, asked),
    });
    let run = run(&model, &Journal::in_memory().unwrap(), &fixture::prompts());
    let causes: Vec<_> = run.planned.shortfalls.iter().map(|s| (&*s.path, &s.cause)).collect();
    assert_eq!(causes[0], ("", &Cause::NoMore));
    assert!(
        matches!(&causes[1], ("domains 0 / topics 1", Cause::Unusable(why)) if why.contains("refusal"))
    );
    assert_eq!(causes[2], ("domains 0 / topics 0 / types 0", &Cause::Rounds(3)));
    assert_eq!((causes.len(), run.corpus.documents.len()), (4, 2));
}

#[test]
fn quotes_are_checked_against_the_spec() {
    let (model, _) = writer("inventive", |n, asked| {
        let mut items: Vec<_> =
            (asked.have..asked.have + asked.count).map(|n| asked.item(n)).collect();
        match &*asked.stage {
            // Line breaks and all: white space does not count, words do.
            "assertions" if asked.of.starts_with("domains 0") => {
                items[0]["quotes"] = serde_json::json!(["It is\n kind.", "Aria likes holes."]);
                if let Some(second) = items.get_mut(1) {
                    second["quotes"] = serde_json::json!(["Aria is never wrong."]);
                }
            }
            "document" => return right(n, asked),
            _ => {}
        }
        Value::from(items).to_string().into()
    });
    let run = run(&model, &Journal::in_memory().unwrap(), &fixture::prompts());
    let stage = run.planned.stage("corpus/assertions").unwrap();
    // Two topics: in the first round one assertion of two is dropped, in the others the one that is
    // asked for quotes well.
    assert_eq!((stage.items.unquoted, stage.items.kept), (2, 8));
    assert_eq!(stage.quotes_rejected as usize, run.planned.rejected.len());
    assert!(run.planned.rejected.iter().any(|r| r.quote == "Aria is never wrong."));
    let spec = fixture::spec();
    let assertion = &run.plan.domains[0].topics[0].assertions[0];
    assert_eq!(&spec.text()[assertion.spans[0].clone()], "It is kind.");
}

#[test]
fn a_topic_without_assertions_gets_no_documents() {
    let (model, _) = writer("groundless", |n, asked| {
        if asked.stage == "assertions" && asked.of.ends_with("topics 0") {
            let mut item = asked.item(0);
            item["quotes"] = serde_json::json!([]);
            return Value::from(vec![item]).to_string().into();
        }
        right(n, asked)
    });
    let run = run(&model, &Journal::in_memory().unwrap(), &fixture::prompts());
    assert_eq!(run.corpus.documents.len(), 12);
    assert!(run.corpus.documents.iter().all(|d| d.metadata["topic"] == "topics 1"));
    assert_eq!(run.planned.stage("corpus/types").unwrap().requests.asked, 2);
}

#[test]
fn a_model_that_fails_leaves_the_rest_alone() {
    static DOWN: AtomicBool = AtomicBool::new(true);
    let model = Scripted::fallible("flaky", |request| {
        let asked = Asked::read(&request.messages[0].text());
        if DOWN.load(Ordering::SeqCst)
            && asked.of.ends_with("ideas of domains 0/topics 0/types 0, 1")
        {
            return Err(CoreError::model("flaky", ModelErrorKind::Auth, "give it a key"));
        }
        Ok(asked.answer().into())
    });
    let journal = Journal::in_memory().unwrap();
    let first = run(&model, &journal, &fixture::prompts());
    let report = &first.corpus.report;
    assert!(!report.is_complete());
    assert_eq!((report.written, report.requests.errors, report.missing.len()), (23, 1, 1));
    assert_eq!(report.missing[0].path, "domains 0 / topics 0 / types 0 / always the same");
    assert!(matches!(&report.missing[0].cause, Cause::Model(why) if why.contains("give it a key")));

    DOWN.store(false, Ordering::SeqCst);
    let second = run(&model, &journal, &fixture::prompts());
    assert!(second.corpus.report.is_complete());
    assert_eq!(second.corpus.report.requests.reused, 23);
}

#[test]
fn nothing_at_all_is_an_error_with_its_first_cause() {
    let model = Scripted::fallible("locked", |_| {
        Err(CoreError::model("locked", ModelErrorKind::Auth, "give it a key"))
    });
    let (spec, prompts) = (fixture::spec(), fixture::prompts());
    let journal = Journal::in_memory().unwrap();
    let error = block_on(plan(&spec, &fixture::config(), &prompts, &model, &journal, &()));
    let error = error.unwrap_err();
    assert!(error.to_string().contains("`corpus/domains`"), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("give it a key"), "{source}");

    let config = fixture::write_config();
    let error = block_on(write(&fixture::plan(), &spec, &config, &prompts, &model, &journal, &()));
    assert!(matches!(error.unwrap_err(), Error::NothingCameBack { asked: 4, .. }));
}

#[test]
fn invented_quotes_alone_are_an_error() {
    let (model, _) = writer("liar", |n, asked| {
        let answer = right(n, asked).message.text().replace("Aria says what", "Aria sees what");
        answer.into()
    });
    let journal = Journal::in_memory().unwrap();
    let (spec, prompts) = (fixture::spec(), fixture::prompts());
    let error = block_on(plan(&spec, &fixture::config(), &prompts, &model, &journal, &()));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("`corpus/assertions`") && error.contains("quotes rejected"), "{error}");
}

#[test]
fn bad_input_costs_nothing() {
    let (model, requests) = writer("right", right);
    let journal = Journal::in_memory().unwrap();
    let (spec, prompts) = (fixture::spec(), fixture::prompts());
    let planning = |spec: &Spec, prompts: &Prompts| {
        block_on(plan(spec, &fixture::config(), prompts, &model, &journal, &())).unwrap_err()
    };
    assert!(matches!(planning(&Spec::parse(" \n"), &prompts), Error::EmptySpec));
    let error = planning(&Spec::parse("{assistant_name} is kind.\n"), &prompts).to_string();
    assert!(error.contains("`{assistant_name}` is not filled"), "{error}");
    let ideas = Prompt::new("ideas", "{{ persona }}").unwrap();
    let error = planning(&spec, &Prompts { ideas, ..prompts.clone() });
    assert!(matches!(error, Error::Core(CoreError::Prompt { .. })), "{error}");

    let writing = |plan: &Plan, spec: &Spec| {
        let config = fixture::write_config();
        block_on(write(plan, spec, &config, &prompts, &model, &journal, &())).unwrap_err()
    };
    let error = writing(&fixture::plan(), &Spec::parse("Another spec."));
    assert!(matches!(error, Error::OtherSpec { .. }));
    let empty = Plan { domains: Vec::new(), ..fixture::plan() };
    assert!(matches!(writing(&empty, &spec), Error::EmptyPlan));
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}

#[test]
fn reports_and_corpora_survive_json() {
    let (model, _) = writer("faulty", faulty);
    let run = run(&model, &Journal::in_memory().unwrap(), &fixture::prompts());
    let json = serde_json::to_string(&run.planned).unwrap();
    assert_eq!(serde_json::from_str::<PlanReport>(&json).unwrap(), run.planned);
    let json = serde_json::to_string(&run.corpus.report).unwrap();
    assert_eq!(serde_json::from_str::<WriteReport>(&json).unwrap(), run.corpus.report);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("corpus.jsonl");
    run.corpus.write(&path).unwrap();
    assert_eq!(jsonl::read_all::<Document>(&path).unwrap(), run.corpus.documents);
}

#[test]
fn whoever_watches_hears_of_every_stage() {
    let stages = std::sync::Mutex::new(BTreeSet::new());
    let watch = |progress: &Progress| {
        stages.lock().unwrap().insert(progress.stage.clone());
    };
    let (model, _) = writer("right", right);
    let (spec, prompts) = (fixture::spec(), fixture::prompts());
    let journal = Journal::in_memory().unwrap();
    let config = fixture::config();
    // Whatever executor a program has: the future may move between threads.
    fn sendable<F: Future + Send>(future: F) -> F {
        future
    }
    let planning = sendable(plan(&spec, &config, &prompts, &model, &journal, &watch));
    let (plan, _) = block_on(planning).unwrap();
    let config = fixture::write_config();
    let writing = sendable(write(&plan, &spec, &config, &prompts, &model, &journal, &watch));
    block_on(writing).unwrap();
    let expected = ["assertions", "documents", "domains", "ideas", "topics", "types"];
    let expected = expected.map(|stage| format!("corpus/{stage}"));
    assert_eq!(stages.into_inner().unwrap().into_iter().collect::<Vec<_>>(), expected);
}
