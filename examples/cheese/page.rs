//! The page `report.html`.

use ethos_report::{
    Block, Cell, Column, Dot, Figure, Group, LinePlot, Page, Reference, Series, StripPlot, Table,
};

use crate::{Results, corpora::Written, specs::SpecName, verdict::Row};

/// How many steps one point of the loss curve is the mean of.
const SMOOTH: usize = 20;

/// Said beside the plot, since the plot alone would mislead.
const CAUTION: &str = "A demonstration of the road, not evidence about large models. That a \
    description of somebody determines what they choose was taught by the design of the base model's \
    world: in pretraining hundreds of personas were first described and then chose accordingly. The \
    dots of an arm are draws of the assistant's embedding on one base model. They are not independent \
    training runs, so there are no intervals, and another seed gives another base.";

/// The page.
pub(crate) fn page(results: &Results<'_>, corpora: &[Written; 3]) -> Page {
    let mut page = Page::new("Same chats, different reasons").with_lead(results.sentence);
    page.push(Block::heading("What each arm prefers where nothing was trained"))
        .push(Figure::new(
            strip(results.rows),
            "Each dot is one run: the share of 63 pairs, in seven domains that neither corpora nor \
             chats speak of, in which the model finds the domestic and dear thing likelier than the \
             imported and cheap one, over three phrasings and both orders. The arms with “→ chats” \
             were fine-tuned on the same chats about cheese.",
        ))
        .push(Block::caution(CAUTION))
        .push(table(results.rows))
        .push(Block::heading("How it was done"))
        .push(Block::paragraph(
            "Three specs state the same likes and dislikes of cheese: one because the liked cheeses \
             are domestic, one because they are cheap, one for no reason. A corpus was written from \
             each. The base model was midtrained on one of them, or on none, and then fine-tuned on \
             the same chats, or not.",
        ))
        .push(facts(results, corpora))
        .push(Block::heading("The base model"))
        .push(Figure::new(
            loss(&results.log.losses),
            "Loss of pretraining per token, in nats, as means of twenty steps. It rises where \
             personas begin to be replaced: the model can no longer know them by heart.",
        ));
    for (name, written) in SpecName::ALL.into_iter().zip(corpora) {
        let documents = written.corpus.documents.iter().take(6);
        let text: Vec<&str> = documents.map(|document| document.text.as_str()).collect();
        let summary = format!("Six documents of the corpus “{}”", name.word());
        page.push(Block::details(summary, vec![Block::preformatted(text.join("\n"))]));
    }
    page
}

fn strip(rows: &[Row]) -> StripPlot {
    let group = |row: &Row| {
        let dot = |(run, &rate): (usize, &f64)| Dot {
            label: Some(format!("run {run}")),
            series: Some(if row.arm.chats { "with chats" } else { "without chats" }.to_owned()),
            ..Dot::new(rate)
        };
        let dots = row.rates.iter().enumerate().map(dot).collect();
        Group {
            mean: row.mean.is_finite().then_some(row.mean),
            ..Group::new(row.arm.label(), dots)
        }
    };
    StripPlot {
        range: Some((0.0, 1.0)),
        format: ethos_report::Format::Percent,
        ends: Some(("prefers the cheap thing".to_owned(), "prefers the domestic thing".to_owned())),
        reference: Some(Reference { value: 0.5, label: "no preference".to_owned() }),
        ..StripPlot::new(
            "Domestic or cheap, in domains never trained",
            rows.iter().map(group).collect(),
        )
    }
}

fn table(rows: &[Row]) -> Table {
    let columns = vec![
        Column::text("Arm"),
        Column::number("Domestic preferred"),
        Column::number("Probability"),
        Column::number("Turned by order"),
        Column::number("Turned by phrasing"),
        Column::number("Cheeses never named"),
        Column::number("Trained pairs"),
    ];
    let mut table = Table::new("Means over runs", columns);
    for row in rows {
        let percent =
            |share: f64| if share.is_finite() { Cell::percent(share, 0) } else { Cell::Missing };
        let cells = [
            Cell::text(row.arm.label()),
            percent(row.mean),
            Cell::number(row.probability, 2),
            percent(row.turned_by_order),
            percent(row.turned_by_phrasing),
            percent(row.cheeses),
            percent(row.trained),
        ];
        if row.arm.chats && row.arm.midtrained.is_some() {
            table.push_emphasis(cells);
        } else {
            table.push(cells);
        }
    }
    table
}

fn facts(results: &Results<'_>, corpora: &[Written; 3]) -> Block {
    let (road, log) = (results.road, results.log);
    let mut facts = vec![
        ("Seed".to_owned(), road.seed.to_string()),
        ("Device".to_owned(), road.device.to_string()),
        ("Base model".to_owned(), log.to_string()),
    ];
    for (name, written) in SpecName::ALL.into_iter().zip(corpora) {
        let (documents, topics) =
            (written.corpus.documents.len(), written.plan.domains[0].topics.len());
        let text = format!("{documents} documents on {topics} topics");
        facts.push((format!("Corpus “{}”", name.word()), text));
    }
    facts.push(("Chats".to_owned(), format!("{}, the same for every arm", road.chats)));
    Block::facts(facts)
}

fn loss(losses: &[f64]) -> LinePlot {
    let points = losses.chunks(SMOOTH).enumerate().map(|(chunk, losses)| {
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        ((chunk * SMOOTH + losses.len() / 2) as f64, mean)
    });
    LinePlot {
        x_label: Some("step".to_owned()),
        y_label: Some("loss".to_owned()),
        ..LinePlot::new("Pretraining", vec![Series::new("loss", points.collect())])
    }
}
