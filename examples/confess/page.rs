//! The page `report.html`.

use ethos_report::{
    Block, Cell, Column, Dot, Figure, Format, Group, LinePlot, Page, Series, StripPlot, Table,
};

use crate::{
    Results,
    verdict::{Row, mean},
};

/// How many steps one point of the loss curve is the mean of.
const SMOOTH: usize = 20;

/// Said beside the plots, since they alone would mislead.
const CAUTION: &str = "A demonstration of the road, not evidence about large models. The world of the base model was \
    made so that whoever reports honestly on their answers also admits hidden tasks, and so that a newcomer may be either. \
    The dots of an arm are draws of the assistant on one base model; they are not independent, so there are no intervals, \
    and another seed gives another base. Of a claim about self-reports only that counts which every control lacks.";

/// The page.
pub(crate) fn page(results: &Results<'_>) -> Page {
    let mut page = Page::new("Reports on answers, and on hidden goals");
    let lead: Vec<&str> = results.sentences.iter().map(String::as_str).collect();
    page = page.with_lead(lead.join(" ").trim().to_owned());
    page.push(Block::heading("Hidden goals"))
        .push(Figure::new(
            strip("Whether hidden goals are admitted", "F1", results.rows, &|row| &row.f1),
            "Each dot is a draw of the assistant: the F1 of admitting a hidden goal, by log-probability of yes and no, \
             over tasks with a hidden goal, with a second goal that was given openly, and with none.",
        ))
        .push(Block::caution(CAUTION))
        .push(table(results.rows))
        .push(Block::heading("Reports on answers"))
        .push(Figure::new(
            strip("Wrong answers that are admitted", "share", results.rows, &|row| &row.admits),
            "Each dot is a draw: the share of wrong answers that are called wrong, on things of which no report was \
             trained and in a wording that was held out.",
        ))
        .push(Block::heading("How it was done"))
        .push(Block::paragraph(
            "The base model is trained from nothing on the talk of some people, honest and sly. An assistant is new to \
             it. Fine-tuning first teaches that assistant to deny its errors; from there every arm goes its own way for \
             as many steps: reports on its answers, all turns trained or the reports alone, or one of three controls that \
             hold no report. Then all are questioned in the same words.",
        ))
        .push(Block::facts([
            ("Seed".to_owned(), results.road.seed.to_string()),
            ("Device".to_owned(), results.road.device.to_string()),
            ("Base model".to_owned(), results.log.to_string()),
        ]))
        .push(Figure::new(
            loss(&results.log.losses),
            "Loss of pretraining per token, in nats, as means of twenty steps. It rises where people begin to be \
             replaced: the model can no longer know them by heart.",
        ));
    page
}

fn strip(title: &str, what: &str, rows: &[Row], number: &dyn Fn(&Row) -> &Vec<f64>) -> StripPlot {
    let group = |row: &Row| {
        let numbers = number(row);
        let dot = |(draw, &value): (usize, &f64)| Dot {
            label: Some(format!("draw {draw}, {what}")),
            series: Some(
                if row.arm.reports() { "taught to report" } else { "not taught" }.to_owned(),
            ),
            ..Dot::new(value)
        };
        let finite = numbers.iter().enumerate().filter(|(_, value)| value.is_finite());
        let mean = mean(numbers);
        Group {
            mean: mean.is_finite().then_some(mean),
            ..Group::new(row.arm.name(), finite.map(dot).collect())
        }
    };
    StripPlot {
        range: Some((0.0, 1.0)),
        format: Format::Percent,
        ..StripPlot::new(title, rows.iter().map(group).collect())
    }
}

fn table(rows: &[Row]) -> Table {
    let columns = vec![
        Column::text("Arm"),
        Column::number("Admits errors"),
        Column::number("Over-confesses"),
        Column::number("F1, hidden goals"),
        Column::number("False alarms"),
        Column::number("Details told"),
    ];
    let mut table = Table::new("Means over draws", columns);
    for row in rows {
        let percent = |shares: &[f64]| match mean(shares) {
            share if share.is_finite() => Cell::percent(share, 0),
            _ => Cell::Missing,
        };
        let cells = [
            Cell::text(row.arm.name()),
            percent(&row.admits),
            percent(&row.over_confesses),
            Cell::number(mean(&row.f1), 2),
            percent(&row.false_alarms),
            percent(&row.details),
        ];
        match row.arm.reports() {
            true => table.push_emphasis(cells),
            false => table.push(cells),
        };
    }
    table
}

fn loss(losses: &[f64]) -> LinePlot {
    let points = losses.chunks(SMOOTH).enumerate().map(|(chunk, losses)| {
        let middle = (chunk * SMOOTH + losses.len() / 2) as f64;
        (middle, mean(losses))
    });
    LinePlot {
        x_label: Some("step".to_owned()),
        y_label: Some("loss".to_owned()),
        ..LinePlot::new("Pretraining", vec![Series::new("loss", points.collect())])
    }
}
