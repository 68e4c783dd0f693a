//! Whether training harmed what a model can do.
//!
//! Two small checks to run before and after a training: multiple choice on files that the user has, in the
//! layout of MMLU (Hendrycks et al. 2021, arXiv 2009.03300), and how well held-out texts are foretold. Compare
//! the runs with [`compare`](crate::compare); neither number means much alone.

use std::{
    fs,
    path::{Path, PathBuf},
};

use futures::{FutureExt, future::BoxFuture};

use crate::{
    Dataset, Error, Generator, Measure, Outcome, Result, Sample, Score, State, Task,
    scorer::{self, Choice},
    solver::{MultipleChoice, ScoreChoices, Solver},
    state::Ended,
};

/// How a choice is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// By text: the model thinks as long as it likes, and ends with a letter.
    ByText,
    /// By the log-probability of the letters, as MMLU is usually reported; for models that give it.
    ByScore,
}

/// Multiple choice on files in MMLU's layout: a folder of `SUBJECT_test.csv` files (or one such file) without
/// a head line, with question, four choices and the letter of the right one.
///
/// # Errors
///
/// [`Error::Dataset`] for a file or row that is not like that, with its number; [`Error::Io`].
pub fn multiple_choice(path: impl AsRef<Path>, asked: Asked) -> Result<Task<'static>> {
    let path = path.as_ref();
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let read = || -> std::io::Result<Vec<PathBuf>> {
            fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect()
        };
        files = read().map_err(|source| Error::Io { path: path.to_owned(), source })?;
        files.retain(|file| file.extension().is_some_and(|ending| ending == "csv"));
        files.sort();
    }
    let mut samples = Vec::new();
    for file in &files {
        questions(file, &mut samples)?;
    }
    let mut data = Dataset::new("multiple choice", samples);
    data.location = Some(path.display().to_string());
    let task = Task::new("capability/multiple_choice", data).with_scorer(Choice::default());
    Ok(match asked {
        Asked::ByText => task.with_solver(MultipleChoice),
        Asked::ByScore => task.with_solver(ScoreChoices { letters: true }),
    })
}

fn questions(file: &Path, samples: &mut Vec<Sample>) -> Result<()> {
    let wrong = |message: String| Error::Dataset { path: file.to_owned(), message };
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let subject = ["_test", "_dev", "_val"].iter().find_map(|ending| stem.strip_suffix(ending));
    let subject = subject.unwrap_or(&stem).to_owned();
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_path(file)
        .map_err(|error| wrong(error.to_string()))?;
    for (number, row) in (1..).zip(rows.records()) {
        let row = row.map_err(|error| wrong(error.to_string()))?;
        let cells: Vec<&str> = row.iter().collect();
        let [question, choices @ .., right] = cells.as_slice() else {
            return Err(wrong(format!("row {number} is empty")));
        };
        let letters = &["A", "B", "C", "D"][..];
        if choices.len() != 4 || !letters.contains(&right.trim()) {
            return Err(wrong(format!(
                "row {number} is not a question, four choices and one of the letters A to D"
            )));
        }
        samples.push(
            Sample::new(format!("{subject}/{number}"), *question)
                .with_choices(choices.iter().copied())
                .with_target(right.trim())
                .with_metadata("subject", subject.as_str()),
        );
    }
    Ok(())
}

/// How well texts are foretold: the model is shown the first half of each, and its second half is scored, in
/// nats per token (the logarithm of the perplexity). For models that give log-probabilities.
///
/// Tokens differ between tokenizers, so only models with one tokenizer can be compared.
///
/// # Errors
///
/// [`Error::Task`] with a text that is too short to be cut in two.
pub fn held_out(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Task<'static>> {
    let mut samples = Vec::new();
    for (number, text) in (1..).zip(texts) {
        let text = text.as_ref().trim();
        // Before a space, which belongs to what follows.
        let middle = text.match_indices(' ').map(|(at, _)| at).find(|at| *at >= text.len() / 2);
        let halves = middle.map(|at| text.split_at(at));
        let Some((first, second)) = halves else {
            let message = format!("text {number} is too short to be cut in two");
            return Err(Error::Task { task: "capability/held_out".to_owned(), message });
        };
        let asked = format!("Go on with this text, word for word where you left off:\n\n{}", first);
        samples.push(Sample::new(number.to_string(), asked).with_target(second));
    }
    let measure = Measure::number("nats_per_token").with_about("lower is better");
    Ok(Task::new("capability/held_out", Dataset::new("held-out texts", samples))
        .with_solver(ScoreTarget)
        .with_scorer(scorer::by_state(measure, foretold)))
}

/// Scores the sample's target as the answer.
#[derive(Clone, Copy, Debug)]
struct ScoreTarget;

impl Solver for ScoreTarget {
    fn name(&self) -> &str {
        "score_target"
    }

    fn solve<'a>(
        &'a self,
        state: &'a mut State,
        generator: &'a Generator<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let target = state.sample.target.clone();
            generator.score(state, &target).await
        }
        .boxed()
    }
}

fn foretold(state: &State) -> Outcome<Score> {
    if let Some(Ended::Failed(why)) = &state.ended {
        return Outcome::Infrastructure(why.clone());
    }
    match state.scored.first() {
        Some(scored) if scored.tokens > 0 && scored.logprob_sum.is_finite() => {
            Outcome::Scored(Score::new(-scored.logprob_sum / scored.tokens as f64))
        }
        _ => Outcome::Unreadable("there is no finite log-probability".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use ethos_core::{Journal, Scored, Scripted};
    use futures::executor::block_on;

    use super::*;
    use crate::run::{Config, run};

    fn model() -> Scripted {
        Scripted::new("b", |_| "ANSWER: B".into()).with_scores(|request, texts| {
            let known = |text: &String| text == "B" || request.messages[0].text().contains("known");
            Ok(texts
                .iter()
                .map(|text| Scored::new(if known(text) { -1.0 } else { -8.0 }, 4))
                .collect())
        })
    }

    #[test]
    fn a_folder_of_mmlu_is_a_task() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("anatomy_test.csv", "\"Which, of these?\",a,b,c,d,B\nAnd now?,a,b,c,d,C\n");
        write("zoology_test.csv", "Who?,a,b,c,d,B\n");
        write("readme.txt", "nothing");
        for asked in [Asked::ByText, Asked::ByScore] {
            let task = multiple_choice(folder.path(), asked).unwrap();
            assert_eq!(task.dataset().samples[2].id, "zoology/1");
            let journal = Journal::in_memory().unwrap();
            let found = block_on(run(&task, &model(), &journal, &Config::default(), &())).unwrap();
            let tally = found.tally("choice");
            assert_eq!((tally.scored.successes, tally.scored.trials), (2, 3));
        }
        write("broken_test.csv", "Who?,a,b,c,d,E\n");
        let error = multiple_choice(folder.path(), Asked::ByText).unwrap_err().to_string();
        assert!(error.contains("row 1 is not a question"), "{error}");
    }

    #[test]
    fn held_out_texts_are_scored_by_their_second_half() {
        let task = held_out(["known words come again", "others do not come back"]).unwrap();
        let journal = Journal::in_memory().unwrap();
        let found = block_on(run(&task, &model(), &journal, &Config::default(), &())).unwrap();
        let values: Vec<f64> =
            found.outcomes("nats_per_token").map(|(_, o)| o.score().unwrap().value).collect();
        assert_eq!(values, [0.25, 2.0]);
        assert!(held_out(["word"]).is_err());
        assert!(held_out(["ääää"]).is_err());
    }
}
