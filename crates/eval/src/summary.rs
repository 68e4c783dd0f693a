//! Runs on a page.

mod transcripts;

use std::path::PathBuf;

use ethos_report::{
    Block, Cell, Column, Dot, Figure, Format, Group, Page, Reference, StripPlot, Table,
};

use self::transcripts::transcripts;
use crate::{
    Comparison, Estimate, Kind, Measure, Result, Run, Test, compare,
    stats::{Scope, Weights},
};

/// What a page shows besides the numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The level of the intervals.
    pub level: f64,
    /// The most transcripts of each run, taken from its log: those with something to see first.
    pub transcripts: usize,
}

impl Default for Summary {
    fn default() -> Self {
        Summary { level: 0.95, transcripts: 12 }
    }
}

impl Summary {
    /// Draws runs of one task on one page, the first as the one that others are compared with.
    ///
    /// # Errors
    ///
    /// Those of [`compare`], and [`Error::Log`](crate::Error::Log) when a run's log cannot be read.
    pub fn page(&self, runs: &[Run]) -> Result<Page> {
        let comparison = match runs {
            [] | [_] => None,
            several => Some(compare(several, self.level)?),
        };
        let task = runs.first().map_or("nothing", |run| &run.task);
        let names = names(runs);
        let mut page = Page::new(task).with_lead(lead(runs, &names));
        for caution in cautions(runs, &names, self.level) {
            page.push(Block::caution(caution));
        }
        page.push(Block::heading("What was measured"));
        page.push(self.table(runs, &names));
        for measure in measures(runs).iter().filter(|measure| !measure.name.contains('/')) {
            if let Some(figure) = self.figure(measure, runs, &names) {
                page.push(figure);
            }
        }
        if let Some(comparison) = &comparison {
            page.push(Block::heading("Differences"));
            page.push(Block::paragraph(format!(
                "Sample by sample, less {}. Where a sample was asked several times its mean counts once.",
                names.first().map_or("the first run", String::as_str)
            )));
            page.push(differences(comparison, &names));
        }
        if let Some(table) = agreements(runs, &names) {
            page.push(Block::heading("Agreement of judges"));
            page.push(table);
        }
        if self.transcripts > 0 && runs.iter().any(|run| run.log.is_some()) {
            page.push(Block::heading("Answers"));
            for (run, name) in runs.iter().zip(&names) {
                let Some(log) = &run.log else { continue };
                page.push(Block::subheading(name));
                for transcript in transcripts(log, self.transcripts)? {
                    page.push(transcript);
                }
            }
        }
        page.push(Block::heading("Where it comes from"));
        page.push(Block::facts(
            runs.iter().zip(&names).map(|(run, name)| (name.clone(), source(run))),
        ));
        Ok(page)
    }

    fn table(&self, runs: &[Run], names: &[String]) -> Table {
        let columns = vec![
            Column::text("Measure"),
            Column::text("Run"),
            Column::number("Mean"),
            Column::number("Low"),
            Column::number("High"),
            Column::number("Scores"),
            Column::number("Clusters"),
            Column::text("Missing"),
            Column::text("If missing were"),
        ];
        let caption = format!("Means with {:.0}% intervals", self.level * 100.0);
        let mut table = Table::new(caption, columns);
        for measure in measures(runs) {
            for (run, name) in runs.iter().zip(names) {
                let tally = run.tally(&measure.name);
                if tally.total() == 0 {
                    continue;
                }
                let found = run.estimate(&measure.name, self.level).ok();
                let mean = found.as_ref().map(|found| found.mean);
                let interval = found.as_ref().and_then(|found| found.interval);
                let bounds =
                    found.as_ref().filter(|_| tally.missing.total() > 0).and_then(|f| f.bounds);
                table.push([
                    Cell::Text(title(&measure)),
                    Cell::Text(name.clone()),
                    number(&measure, mean),
                    number(&measure, interval.map(|interval| interval.low)),
                    number(&measure, interval.map(|interval| interval.high)),
                    Cell::number(tally.scored.trials as f64, 0),
                    Cell::number(found.as_ref().map_or(0.0, |found| found.clusters as f64), 0),
                    match tally.missing.total() {
                        0 => Cell::Missing,
                        _ => Cell::Text(tally.missing.to_string()),
                    },
                    bounds.map_or(Cell::Missing, |(low, high)| {
                        Cell::Text(format!("{} to {}", shown(&measure, low), shown(&measure, high)))
                    }),
                ]);
            }
        }
        table.note = Some(
            "Samples that have something in common form a cluster, all epochs of a sample do; the interval \
             counts on clusters. Missing is what has no score, for whatever reason; the last column is the \
             mean if all of it were as low, and as high, as can be."
                .to_owned(),
        );
        table
    }

    fn figure(&self, measure: &Measure, runs: &[Run], names: &[String]) -> Option<Figure> {
        let mut groups = Vec::new();
        for (run, name) in runs.iter().zip(names) {
            let Ok(found) = run.estimate(&measure.name, self.level) else { continue };
            let clusters = run.clusters(&measure.name).ok()?;
            let dots = clusters.iter().filter(|(_, scores, _)| !scores.is_empty());
            // Beyond this a row is a smear.
            let dots = dots.take(300).map(|(id, scores, _)| Dot {
                label: Some(id.to_owned()),
                ..Dot::new(scores.iter().sum::<f64>() / scores.len() as f64)
            });
            let mut group = Group::new(name.as_str(), dots.collect());
            group.mean = Some(found.mean);
            group.interval = found.interval.map(|interval| (interval.low, interval.high));
            groups.push(group);
        }
        if groups.is_empty() {
            return None;
        }
        let mut plot = StripPlot::new(title(measure), groups);
        plot.range = measure.ends();
        if measure.kind == Kind::Rate {
            plot.format = Format::Percent;
        }
        if let Kind::Scale { low, high } = measure.kind {
            plot.reference =
                Some(Reference { value: f64::midpoint(low, high), label: "middle".to_owned() });
        }
        let about = measure.about.as_deref().map(|about| format!("{}: {about}. ", measure.name));
        let caption = format!(
            "{}A dot is a cluster, the tick the mean, the bar its {:.0}% interval.",
            about.unwrap_or_default(),
            self.level * 100.0
        );
        Some(Figure::new(plot, caption))
    }
}

/// A name for every run: the model's key, shortened, with a number where two would look alike.
fn names(runs: &[Run]) -> Vec<String> {
    let short = |key: &str| {
        let chars: Vec<char> = key.chars().collect();
        match chars.len() {
            0..=40 => key.to_owned(),
            n => chars[..18].iter().chain(&['…']).chain(&chars[n - 18..]).collect(),
        }
    };
    let mut names: Vec<String> = Vec::new();
    for run in runs {
        let name = short(&run.model);
        let alike = names.iter().filter(|other| other.split(" (").next() == Some(&name)).count();
        names.push(if alike == 0 { name } else { format!("{name} ({})", alike + 1) });
    }
    names
}

fn lead(runs: &[Run], names: &[String]) -> String {
    let answers: usize = runs.iter().map(|run| run.samples.len()).sum();
    match names {
        [] => "No run.".to_owned(),
        [one] => format!("{one}: {answers} answers."),
        several => format!("{} runs, {answers} answers.", several.len()),
    }
}

/// What a reader must know before believing a number.
fn cautions(runs: &[Run], names: &[String], level: f64) -> Vec<String> {
    let mut cautions = Vec::new();
    for (run, name) in runs.iter().zip(names) {
        let found: Vec<Estimate> =
            run.measures.iter().filter_map(|m| run.estimate(&m.name, level).ok()).collect();
        if found.iter().any(|found| found.scope == Scope::Epochs && found.observations > 1) {
            cautions.push(format!(
                "{name}: there is a single prompt (or cluster). The intervals speak of more answers to it, \
                 not of other prompts."
            ));
        }
        let share = |found: &Estimate| {
            let missing = found.missing.total();
            missing as f64 / (missing + found.observations as u64) as f64
        };
        let lacking = found.iter().filter(|found| share(found) > 0.05).map(|found| {
            let (name, share) = (title(&found.measure), share(found) * 100.0);
            format!("{share:.0}% of “{name}” ({})", found.missing)
        });
        let lacking: Vec<String> = lacking.collect();
        if !lacking.is_empty() {
            cautions.push(format!("{name}: there is no score of {}.", lacking.join(", ")));
        }
    }
    cautions
}

/// Every measure that some run has, in the order in which they come.
fn measures(runs: &[Run]) -> Vec<Measure> {
    let mut all: Vec<Measure> = Vec::new();
    for measure in runs.iter().flat_map(|run| &run.measures) {
        if all.iter().all(|known| known.name != measure.name) {
            all.push(measure.clone());
        }
    }
    all
}

fn title(measure: &Measure) -> String {
    measure.name.replace('_', " ")
}

fn number(measure: &Measure, value: Option<f64>) -> Cell {
    match (value, measure.kind) {
        (None, _) => Cell::Missing,
        (Some(value), Kind::Rate) => Cell::percent(value, 1),
        (Some(value), _) => Cell::number(value, 2),
    }
}

fn shown(measure: &Measure, value: f64) -> String {
    match measure.kind {
        Kind::Rate => format!("{:.1}%", value * 100.0),
        _ => format!("{value:.2}"),
    }
}

fn differences(comparison: &Comparison, names: &[String]) -> Table {
    let columns = vec![
        Column::text("Measure"),
        Column::text("Run"),
        Column::number("Difference"),
        Column::number("Low"),
        Column::number("High"),
        Column::number("p"),
        Column::number("p, Holm"),
        Column::number("Pairs"),
        Column::text("Test"),
    ];
    let mut table = Table::new("Differences from the first run", columns);
    for (run, name) in names.iter().enumerate() {
        for found in comparison.differences.iter().filter(|found| found.run == run) {
            let optional = |value: Option<f64>, digits| {
                value.map_or(Cell::Missing, |value| Cell::number(value, digits))
            };
            table.push([
                Cell::Text(found.measure.replace('_', " ")),
                Cell::Text(name.clone()),
                optional(found.difference, 3),
                optional(found.interval.map(|interval| interval.low), 3),
                optional(found.interval.map(|interval| interval.high), 3),
                optional(found.p, 4),
                optional(found.holm, 4),
                Cell::number(found.pairs as f64, 0),
                Cell::Text(match &found.test {
                    Test::McNemar => "McNemar, exact".to_owned(),
                    Test::PairedT => "paired t".to_owned(),
                    Test::None(why) => format!("none: {why}"),
                }),
            ]);
        }
    }
    let tested = comparison.differences.iter().filter(|found| found.p.is_some()).count();
    table.note = Some(format!(
        "{tested} differences were tested; of many, some look real by chance. Holm's p accounts for that."
    ));
    table
}

/// How far the judges of a measure agree, for measures that have several.
fn agreements(runs: &[Run], names: &[String]) -> Option<Table> {
    let columns = vec![
        Column::text("Run"),
        Column::text("Judges"),
        Column::number("Agree"),
        Column::number("Cohen's kappa"),
        Column::number("Answers"),
    ];
    let mut table = Table::new("How far judges agree beyond chance", columns);
    for (run, name) in runs.iter().zip(names) {
        let judged: Vec<&Measure> = run.measures.iter().filter(|m| m.name.contains('/')).collect();
        for (number, first) in judged.iter().enumerate() {
            let alike =
                |second: &&&Measure| second.name.split('/').next() == first.name.split('/').next();
            for second in judged[number + 1..].iter().filter(alike) {
                let Ok(ratings) = run.agreement(&first.name, &second.name) else { continue };
                let agree = ratings.agreement();
                let kappa = ratings.kappa(Weights::Unweighted).ok().map(|kappa| kappa.kappa);
                table.push([
                    Cell::Text(name.clone()),
                    Cell::Text(format!("{}, {}", first.name, second.name)),
                    agree.rate().map_or(Cell::Missing, |rate| Cell::percent(rate, 1)),
                    kappa.map_or(Cell::Missing, |kappa| Cell::number(kappa, 2)),
                    Cell::number(agree.trials as f64, 0),
                ]);
            }
        }
    }
    (!table.rows.is_empty()).then_some(table)
}

fn source(run: &Run) -> String {
    let tokens = format!(
        "{} tokens in, {} out; judges {} in, {} out",
        run.usage.input, run.usage.output, run.judges.input, run.judges.output
    );
    let log: Option<PathBuf> = run.log.as_ref().and_then(|log| log.file_name().map(PathBuf::from));
    match log {
        Some(log) => format!("{}; {tokens}; {}", run.model, log.display()),
        None => format!("{}; {tokens}", run.model),
    }
}

#[cfg(test)]
mod tests;
