//! Pages of scripted runs.

use ethos_core::{Completion, Journal, Prompt, Scripted, Stop};
use futures::executor::block_on;

use super::*;
use crate::{
    Dataset, Judge, Sample, Task,
    run::{Config, run},
    scorer::{Judged, Match, Matching},
};

#[test]
fn a_page_holds_what_a_reader_must_know() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::in_memory().unwrap();
    let judge = |kind: &'static str| {
        Scripted::new(kind, move |_| {
            format!("<quote>leave <it></quote><verdict>{kind}</verdict>").as_str().into()
        })
    };
    let (yes, no) = (judge("yes"), judge("no"));
    let prompt = Prompt::new("p", "{{ answer }}").unwrap();
    let data = Dataset::new(
        "d",
        (0..30)
            .map(|n| Sample::new(format!("s{n:02}"), format!("{n}")).with_target("I leave <it>.")),
    );
    let task = Task::new("pages", data)
        .with_scorer(Match::new("match", Matching::Whole))
        .with_scorer(Judged::new(
            "kept",
            [
                Judge::new("first", &yes, prompt.clone()),
                Judge::new("second", &no, prompt.clone()),
                Judge::new("third", &yes, prompt),
            ],
        ))
        .with_coverage(0.5);
    let runs = [20, 28].map(|good| {
        let model = Scripted::new(format!("good {good}"), move |request| {
            let n: u32 = request.messages[0].text().parse().unwrap();
            match n {
                29 => Completion::new("I").with_stop(Stop::Length),
                n if n < good => "I leave <it>.".into(),
                _ => "Now leave <it> then.".into(),
            }
        });
        block_on(run(&task, &model, &journal, &Config::with_logs(folder.path()), &())).unwrap()
    });
    let html = Summary::default().page(&runs).unwrap().to_html();
    for expected in [
        "2 runs, 60 answers",
        "1 cut off",
        "McNemar, exact",
        "Cohen's kappa",
        "leave &lt;it",
        "data-label=\"kept: yes\"",
        "s00: kept 1",
    ] {
        assert!(html.contains(expected), "{expected}");
    }
    // The first run's transcripts, the second's, and no more than were asked for.
    assert_eq!(html.matches("<details class=\"transcript\">").count(), 24);
    let alone =
        Summary { transcripts: 0, ..Summary::default() }.page(&runs[..1]).unwrap().to_html();
    assert!(!alone.contains("Differences") && !alone.contains("<details"));
    assert!(Summary::default().page(&[]).is_ok());

    // Runs of one model are told apart: each has its own row, once.
    let three = [runs[0].clone(), runs[1].clone(), runs[1].clone()];
    let html = Summary { transcripts: 0, ..Summary::default() }.page(&three).unwrap().to_html();
    assert_eq!(html.matches("McNemar, exact").count(), 2 * runs[0].measures.len());
}
