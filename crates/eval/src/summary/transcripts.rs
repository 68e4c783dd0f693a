//! Answers with what speaks for their scores.

use std::path::Path;

use ethos_evallog::{EvalSample, LogReader};
use ethos_report::{Transcript, Turn};

use crate::{
    Outcome, Result, Score, Scores,
    record::{scores, state},
};

/// The first transcripts of a log, those with something to see before the others: evidence, then scores that
/// are missing, then high scores.
pub(super) fn transcripts(log: &Path, most: usize) -> Result<Vec<Transcript>> {
    let mut best: Vec<(u8, String, i64, Transcript)> = Vec::new();
    let mut reader = LogReader::open(log)?;
    for sample in reader.samples() {
        let sample = sample?;
        let scores = scores(&sample);
        let rank = rank(&scores);
        let place = best.partition_point(|(other, id, epoch, _)| {
            (*other, id.as_str(), *epoch) < (rank, sample.id.to_string().as_str(), sample.epoch)
        });
        if place < most {
            best.insert(
                place,
                (rank, sample.id.to_string(), sample.epoch, transcript(&sample, &scores)),
            );
            best.truncate(most);
        }
    }
    Ok(best.into_iter().map(|(_, _, _, transcript)| transcript).collect())
}

/// Low is worth seeing.
fn rank(scores: &Scores) -> u8 {
    let any = |check: fn(&Outcome<Score>) -> bool| scores.values().any(check);
    match () {
        () if any(|outcome| outcome.score().is_some_and(|score| !score.evidence.is_empty())) => 0,
        () if any(|outcome| outcome.score().is_none()) => 1,
        () if any(|outcome| outcome.score().is_some_and(|score| score.value > 0.0)) => 2,
        () => 3,
    }
}

fn transcript(sample: &EvalSample, scores: &Scores) -> Transcript {
    let state = state(sample);
    let epoch = if sample.epoch > 1 { format!(", epoch {}", sample.epoch) } else { String::new() };
    let told: Vec<String> = scores.iter().map(|(name, outcome)| short(name, outcome)).collect();
    let title = format!("{}{epoch}: {}", sample.id, told.join(", "));
    let mut transcript = Transcript::new(title);
    for (name, outcome) in scores {
        let said = match outcome {
            Outcome::Scored(score) => score.explanation.clone(),
            missing => missing.why().map(str::to_owned),
        };
        if let Some(said) = said {
            transcript = transcript.with_fact(name, said);
        }
    }
    let answered = state.answered();
    for (number, message) in state.messages.iter().enumerate() {
        let mut turn = Turn::new(message.role.as_str(), message.text());
        for call in &message.tool_calls {
            turn.text.push_str(&format!("\n[{} {}]", call.name, call.arguments));
        }
        if answered == Some(number) {
            // What several judges point at is in the measure that they share.
            for (name, outcome) in scores.iter().filter(|(name, _)| !name.contains('/')) {
                for evidence in outcome.score().iter().flat_map(|score| &score.evidence) {
                    let label = format!("{name}: {}", evidence.shows);
                    turn = turn.with_mark(evidence.span.clone(), label);
                }
            }
        }
        transcript = transcript.with_turn(turn);
    }
    transcript
}

fn short(name: &str, outcome: &Outcome<Score>) -> String {
    match outcome {
        Outcome::Scored(score) => format!("{name} {}", score.value),
        missing => format!("{name} {}", missing.kind()),
    }
}
