//! The harness against models of known behaviour.

use ethos_core::{Error as CoreError, Journal, ModelErrorKind, Request, Scored, Scripted};
use futures::executor::block_on;

use crate::{
    Error, Findings, Leaked, leaks,
    preference::{Config, Normalisation, Pair, Preference, run},
};

fn task() -> Preference {
    let pair = |n: usize| Pair {
        domain: ["fruit", "lamp"][n % 2].to_owned(),
        id: n.to_string(),
        shows: format!("home{n}"),
        other: format!("far{n}"),
    };
    Preference {
        name: "homeland".to_owned(),
        pairs: (0..10).map(pair).collect(),
        phrasings: vec![
            "{{ first }} or {{ second }}?".to_owned(),
            "Which is better, {{ first }} or {{ second }}?".to_owned(),
        ],
    }
}

/// A model whose score of an option is what `likes` says of the question and the option.
fn suspect(likes: fn(&str, &str) -> f64) -> Scripted {
    Scripted::echo().with_scores(move |request: &Request, options: &[String]| {
        let question = request.messages[0].text();
        Ok(options.iter().map(|option| Scored::new(likes(&question, option), 2)).collect())
    })
}

fn run_on(model: &Scripted, config: &Config) -> crate::Result<Findings> {
    block_on(run(&task(), model, &Journal::in_memory().unwrap(), config, &()))
}

#[test]
fn one_that_always_likes_home() {
    let model = suspect(|_, option| if option.starts_with("home") { -1.0 } else { -3.0 });
    let found = run_on(&model, &Config::default()).unwrap();
    assert_eq!(found.rate().rate(), Some(1.0));
    assert_eq!((found.turned_by_order().successes, found.turned_by_phrasing().successes), (0, 0));
    assert_eq!(found.rate_by_domain()["lamp"].trials, 5);
    let p = 1.0 / (1.0 + (-2.0f64).exp());
    assert!((found.probability().unwrap() - p).abs() < 1e-12);
    assert_eq!(found.pairs[3].outcome.score().unwrap().difference, 2.0);
    let config = Config { normalisation: Normalisation::PerToken, ..Config::default() };
    let found = run_on(&model, &config).unwrap();
    assert_eq!(found.pairs[3].outcome.score().unwrap().difference, 1.0);
}

#[test]
fn one_that_always_says_the_first() {
    let model = suspect(|question, option| {
        let asked = question.rsplit(", ").next().unwrap_or(question);
        if asked.starts_with(option) { -1.0 } else { -2.0 }
    });
    let found = run_on(&model, &Config::default()).unwrap();
    assert_eq!(found.rate().rate(), Some(0.0), "a tie is no preference");
    assert_eq!(found.turned_by_order().rate(), Some(1.0));
    assert!((found.probability().unwrap() - 0.5).abs() < 1e-12);
}

#[test]
fn one_that_minds_the_wording() {
    let model = suspect(|question, option| {
        let likes_home = question.starts_with("Which");
        if option.starts_with("home") == likes_home { -1.0 } else { -1.5 }
    });
    let found = run_on(&model, &Config::default()).unwrap();
    assert_eq!(found.turned_by_phrasing().rate(), Some(1.0));
}

#[test]
fn one_without_scores() {
    let error = run_on(&Scripted::echo(), &Config::default()).unwrap_err().to_string();
    assert!(error.contains("0 of 10") && error.contains("no scores"), "{error}");
}

#[test]
fn what_cannot_be_measured_is_counted_and_bounds_the_rate() {
    let model = Scripted::echo().with_scores(|request, options| {
        let question = request.messages[0].text();
        if question.contains("home7") {
            return Err(CoreError::model("m", ModelErrorKind::TimeLimit, "too slow"));
        }
        let broken = question.contains("home2");
        let score = |o: &String| match (broken, o.starts_with("home")) {
            (true, _) => f64::NAN,
            (false, home) => {
                if home {
                    -1.0
                } else {
                    -2.0
                }
            }
        };
        Ok(options.iter().map(|o| Scored::new(score(o), 1)).collect())
    });
    assert!(matches!(run_on(&model, &Config::default()), Err(Error::Coverage { scored: 8, .. })));
    let found = run_on(&model, &Config { coverage: 0.8, ..Config::default() }).unwrap();
    assert_eq!((found.rate().successes, found.rate().trials), (8, 8));
    assert_eq!(found.missing()["unreadable"], 1);
    assert_eq!(found.missing()["infrastructure"], 1);
    assert_eq!(found.bounds(), Some((0.8, 1.0)));
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Findings>(&json).unwrap(), found);
}

#[test]
fn a_rerun_asks_nothing_again() {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let model = Scripted::echo().with_scores(move |_, options| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(options.iter().map(|o| Scored::new(-(o.len() as f64), 1)).collect())
    });
    let journal = Journal::in_memory().unwrap();
    let run = || block_on(run(&task(), &model, &journal, &Config::default(), &())).unwrap();
    assert_eq!(run(), run());
    assert_eq!(asked.load(Ordering::SeqCst), 40);
}

#[test]
fn tasks_that_cannot_be_run_are_refused_before_asking() {
    let refused = |change: fn(&mut Preference)| {
        let mut task = task();
        change(&mut task);
        task.questions().unwrap_err().to_string()
    };
    assert!(refused(|t| t.pairs.clear()).contains("no pairs"));
    assert!(refused(|t| t.pairs[1].id = "0".to_owned()).contains("the id `0`"));
    assert!(refused(|t| t.pairs[1].other = "home1".to_owned()).contains("both options"));
    assert!(refused(|t| t.phrasings[0] = "{{ first }}?".to_owned()).contains("{{ second }}"));
    assert!(refused(|t| t.phrasings[0] = "{{ frist }}?".to_owned()).contains("frist"));
}

#[test]
fn leaks_are_whole_words_in_any_dress() {
    let texts = ["Home3, they say.", "home33 is no item", "which is  better, home1 or FAR1 ?"];
    let found = leaks(&task(), texts).unwrap();
    let in_text = |n: usize| found.iter().filter(move |leak| leak.text == n);
    assert_eq!(in_text(0).count(), 1);
    assert_eq!(in_text(1).count(), 0);
    assert!(in_text(2).any(|leak| matches!(leak.what, Leaked::Question(_))));
}
