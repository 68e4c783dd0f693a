//! The harness against models of known behaviour.

use ethos_core::{Error as CoreError, Journal, ModelErrorKind, Request, Scored, Scripted};
use futures::executor::block_on;

use super::{Asked, Findings, Normalisation, Pair, Preference, Shown, task as task_of};
use crate::{
    Error, Leaked, Run, leaks,
    run::{Config, run},
};

fn task() -> Preference {
    let pair = |n: usize| {
        Pair::new(["fruit", "lamp"][n % 2], n.to_string(), format!("home{n}"), format!("far{n}"))
    };
    let phrasings =
        ["{{ first }} or {{ second }}?", "Which is better, {{ first }} or {{ second }}?"];
    Preference::new("homeland", (0..10).map(pair), phrasings)
}

/// A model whose score of an option is what `likes` says of the question and the option.
fn suspect(likes: fn(&str, &str) -> f64) -> Scripted {
    Scripted::echo().with_scores(move |request: &Request, options: &[String]| {
        let question = request.messages[0].text();
        Ok(options.iter().map(|option| Scored::new(likes(&question, option), 2)).collect())
    })
}

const SUM: Asked = Asked::ByScore(Normalisation::Sum);

fn run_on(model: &Scripted, asked: Asked, coverage: f64) -> crate::Result<Findings> {
    let asked = task_of(&task(), asked)?.with_coverage(coverage);
    let journal = Journal::in_memory().unwrap();
    Findings::of(&task(), &block_on(run(&asked, model, &journal, &Config::default(), &()))?)
}

#[test]
fn one_that_always_likes_home() {
    let model = suspect(|_, option| if option.starts_with("home") { -1.0 } else { -3.0 });
    let found = run_on(&model, SUM, 1.0).unwrap();
    assert_eq!(found.rate().rate(), Some(1.0));
    assert_eq!((found.turned_by_order().successes, found.turned_by_phrasing().successes), (0, 0));
    assert_eq!(found.rate_by_domain()["lamp"].trials, 5);
    let p = 1.0 / (1.0 + (-2.0f64).exp());
    assert!((found.probability().unwrap() - p).abs() < 1e-12);
    assert_eq!(found.pairs[3].outcome.score().unwrap().difference, 2.0);
    let found = run_on(&model, Asked::ByScore(Normalisation::PerToken), 1.0).unwrap();
    assert_eq!(found.pairs[3].outcome.score().unwrap().difference, 1.0);
}

#[test]
fn one_that_always_says_the_first() {
    let model = suspect(|question, option| {
        let asked = question.rsplit(", ").next().unwrap_or(question);
        if asked.starts_with(option) { -1.0 } else { -2.0 }
    });
    let found = run_on(&model, SUM, 1.0).unwrap();
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
    let found = run_on(&model, SUM, 1.0).unwrap();
    assert_eq!(found.turned_by_phrasing().rate(), Some(1.0));
}

#[test]
fn one_without_scores() {
    let error = run_on(&Scripted::echo(), SUM, 1.0).unwrap_err().to_string();
    assert!(error.contains("0 of 40") && error.contains("no scores"), "{error}");
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
    assert!(matches!(run_on(&model, SUM, 1.0), Err(Error::Coverage { scored: 32, .. })));
    let found = run_on(&model, SUM, 0.8).unwrap();
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
    let times = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&times);
    let model = Scripted::echo().with_scores(move |_, options| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(options.iter().map(|o| Scored::new(-(o.len() as f64), 1)).collect())
    });
    let journal = Journal::in_memory().unwrap();
    let asked = task_of(&task(), SUM).unwrap();
    let run = || block_on(run(&asked, &model, &journal, &Config::default(), &())).unwrap();
    assert_eq!(run().samples, run().samples);
    assert_eq!(times.load(Ordering::SeqCst), 40);
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

#[test]
fn by_text_an_answer_that_names_both_or_neither_is_no_preference() {
    let model = Scripted::new("wavering", |request| {
        let asked = request.messages[0].text().into_owned();
        let prefer = |place: &str| {
            let thing = asked.split_whitespace().find(|word| word.starts_with(place));
            format!("I prefer {}.", thing.unwrap_or_default()).into()
        };
        match () {
            () if asked.contains("home3") => "I cannot say.".into(),
            () if asked.contains("home4") => asked.as_str().into(),
            () if asked.starts_with("Which") => prefer("far"),
            () => prefer("home"),
        }
    });
    let error = run_on(&model, Asked::ByText, 0.9).unwrap_err();
    assert!(matches!(error, Error::Coverage { scored: 32, asked: 40, .. }), "{error}");
    let found = run_on(&model, Asked::ByText, 0.5).unwrap();
    assert_eq!(found.missing()["unreadable"], 2);
    assert_eq!(found.turned_by_phrasing().rate(), Some(1.0));
    assert_eq!(found.probability(), Some(0.5));
    assert_eq!(found.pairs[0].outcome.score().unwrap().by_phrasing, [1.0, -1.0]);
}

#[test]
fn opinions_are_asked_by_letter_in_both_orders() {
    let pair = Pair::new("order", "1", "Rules help us.", "Rules bind us.").with_question("Rules?");
    let opinions = Preference::new("opinions", [pair], ["{{ question }} Choose."]).listed();
    let liking = |letter: &'static str| {
        Scripted::new("letters", move |request| {
            assert!(request.messages[0].text().starts_with("Rules? Choose.\n\nA) Rules"));
            format!("ANSWER: {letter}").into()
        })
        .with_scores(move |_, letters| {
            Ok(letters
                .iter()
                .map(|l| Scored::new(if l == letter { -0.1 } else { -2.3 }, 1))
                .collect())
        })
    };
    for asked in [Asked::ByText, SUM] {
        let task = task_of(&opinions, asked).unwrap();
        let journal = Journal::in_memory().unwrap();
        let run: Run =
            block_on(run(&task, &liking("A"), &journal, &Config::default(), &())).unwrap();
        assert_eq!(run.estimate("prefers", 0.95).unwrap().mean, 0.5);
        let found = Findings::of(&opinions, &run).unwrap();
        assert_eq!(found.turned_by_order().rate(), Some(1.0));
        assert_eq!(found.rate().rate(), Some(0.0), "a tie is no preference");
    }
    assert_eq!(opinions.shown, Shown::Listed);
}

#[test]
fn domains_are_held_out_by_name() {
    let (inside, outside) =
        (task().in_domains(&["lamp"]).unwrap(), task().without_domains(&["lamp"]).unwrap());
    assert_eq!((inside.pairs.len(), outside.domains().len()), (5, 1));
    let error = task().without_domains(&["lamps"]).unwrap_err().to_string();
    assert!(error.contains("`lamps`, there are fruit, lamp"), "{error}");
}

#[test]
fn findings_are_of_the_task_that_was_run() {
    let model = suspect(|_, option| option.len() as f64);
    let run = {
        let task = task_of(&task(), SUM).unwrap();
        let journal = Journal::in_memory().unwrap();
        block_on(run(&task, &model, &journal, &Config::default(), &())).unwrap()
    };
    let mut other = task();
    other.pairs.push(Pair::new("lamp", "new", "a", "b"));
    let error = Findings::of(&other, &run).unwrap_err().to_string();
    assert!(error.contains("no sample `new/0/shown first`"), "{error}");
}
