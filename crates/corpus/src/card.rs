//! The card of a data set, as the Hugging Face hub shows it.

use std::{collections::BTreeMap, fmt::Write};

use ethos_core::Usage;
use ethos_spec::Spec;
use serde::{Deserialize, Serialize};

use crate::{
    assemble::{Assembled, Fell},
    coverage::coverage,
    report::{PlanReport, Requests},
    tokens::TokenCounts,
};

/// What a card says, and what only its author knows. Everything else is counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The data set's name.
    pub name: String,
    /// The licence, as the hub names it: `mit`, `cc-by-4.0`.
    pub license: Option<String>,
    /// What it is for and what to beware of, in Markdown.
    pub about: Option<String>,
    /// Price of a million tokens of requests and of answers, by the key of a model.
    pub prices: BTreeMap<String, (f64, f64)>,
}

impl Card {
    /// A card of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Card { name: name.into(), ..Card::default() }
    }

    /// The card of a corpus: from which spec, by which models and prompts, how many documents of what, what fell
    /// and why, what was asked and what it cost. `planned` is the account of its first plan; `tokens` may be
    /// left out.
    pub fn markdown(
        &self,
        assembled: &Assembled,
        planned: &PlanReport,
        spec: &Spec,
        tokens: Option<&TokenCounts>,
    ) -> String {
        let documents = &assembled.corpus.documents;
        let report = &assembled.corpus.report;
        let who = &assembled.plan.who;
        let mut card = String::new();
        let mut line = |text: &str| {
            card.push_str(text);
            card.push('\n');
        };
        line("---");
        line(&format!("pretty_name: {}", quoted(&self.name)));
        if let Some(license) = &self.license {
            line(&format!("license: {}", quoted(license)));
        }
        line("language:\n- en");
        line(&format!("size_categories:\n- {}", size(documents.len())));
        line("task_categories:\n- text-generation");
        line("tags:\n- synthetic\n- model-spec-midtraining\n- alignment");
        line("---\n");
        line(&format!("# {}\n", one_line(&self.name)));
        line(&format!(
            "{} synthetic documents about {}, an AI assistant of {}, written from a Model Spec for midtraining \
             (arXiv 2605.02087).\n",
            documents.len(),
            one_line(&who.assistant),
            one_line(&who.provider)
        ));
        if let Some(about) = &self.about {
            line(about.trim());
            line("");
        }

        line("## Where it comes from\n");
        let title = spec.title().map(|title| format!(" “{}”", one_line(title))).unwrap_or_default();
        line(&format!("- Spec:{title}, hash `{}`, {} words.", spec.hash(), spec.shape().words));
        line(&format!("- Planned by `{}`, written by `{}`.", planned.model, report.model));
        line(&format!("- Prompt of the documents: hash `{}`.", report.prompt_hash));
        if let Some(review) = &assembled.review {
            let (model, hash) = (&review.model, &review.prompt_hash);
            line(&format!("- Judged by `{model}`, prompt hash `{hash}`."));
        }
        if let Some(revised) = &assembled.revised {
            line(&format!(
                "- {} documents were criticised and written anew; {} that the judge had objected to passed then.",
                revised.revised, revised.saved
            ));
        }
        let coverage = coverage(documents, spec);
        line(&format!(
            "- Of the spec's sentences {:.1} % (by bytes) are spoken of; every row says of which bytes it speaks.",
            100.0 * coverage.fraction()
        ));

        line("\n## What is in it\n");
        line(
            "Rows have `id`, `text`, `lineage` (hash of the spec and byte ranges) and `metadata` (domain, topic, \
              assertions, type, idea, model, prompt hash).\n",
        );
        if let Some((tokens, mean)) = tokens.and_then(|tokens| Some((tokens, tokens.mean()?))) {
            let at = |share| tokens.quantile(share).unwrap_or_default();
            line(&format!(
                "{} tokens; a document has {mean:.0} in the mean, 5 % have at most {}, half at most {}, 95 % at \
                 most {}.\n",
                tokens.total(),
                at(0.05),
                at(0.5),
                at(0.95)
            ));
        }
        line("| domain | documents |\n|---|---:|");
        let mut domains: BTreeMap<&str, usize> = BTreeMap::new();
        for document in documents {
            let domain = document.metadata.get("domain").and_then(|domain| domain.as_str());
            *domains.entry(domain.unwrap_or("unknown")).or_default() += 1;
        }
        for (domain, count) in domains {
            line(&format!("| {} | {count} |", one_line(domain)));
        }

        line("\n## What is not in it\n");
        let mut fallen: BTreeMap<String, usize> = BTreeMap::new();
        for one in &assembled.fallen {
            *fallen.entry(reason(&one.why)).or_default() += 1;
        }
        match fallen.is_empty() {
            true => line("Nothing that was planned is missing."),
            false => {
                line("| why | documents |\n|---|---:|");
                for (why, count) in fallen {
                    line(&format!("| {why} | {count} |"));
                }
            }
        }
        for short in &assembled.short {
            let (path, wanted, got) = (one_line(&short.path), short.wanted, short.got);
            line(&format!("\nOf {path} there are {got} documents instead of {wanted}."));
        }
        for short in &planned.shortfalls {
            let (stage, wanted, got) = (&short.stage, short.wanted, short.got);
            line(&format!(
                "\n`{stage}` gave {got} of {wanted}: {}.",
                one_line(&short.cause.to_string())
            ));
        }

        line("\n## What was asked\n");
        line(
            "| stage | answers used | not usable | errors | tokens in | tokens out | cost |\n\
              |---|---:|---:|---:|---:|---:|---:|",
        );
        let (mut all, mut cost) = (Usage::default(), Some(0.0));
        for (model, requests) in stages(assembled, planned) {
            let spent = self.cost(model, requests.usage);
            let told = spent.map_or_else(|| "?".to_owned(), |cost| format!("{cost:.2}"));
            let unusable: u64 = requests.unusable.values().sum();
            line(&format!(
                "| {} | {} | {unusable} | {} | {} | {} | {told} |",
                requests.stage,
                requests.usable,
                requests.errors,
                requests.usage.input,
                requests.usage.output
            ));
            all += requests.usage;
            cost = cost.zip(spent).map(|(sum, spent)| sum + spent);
        }
        let told = cost.map_or_else(|| "?".to_owned(), |cost| format!("{cost:.2}"));
        let _ = writeln!(card, "| all | | | | {} | {} | {told} |", all.input, all.output);
        if cost.is_none() {
            card.push_str("\nA `?` is the cost of a model whose price was not given.\n");
        }
        card
    }

    fn cost(&self, model: &str, usage: Usage) -> Option<f64> {
        if usage == Usage::default() {
            return Some(0.0);
        }
        let (input, output) = self.prices.get(model)?;
        Some((usage.input as f64 * input + usage.output as f64 * output) / 1e6)
    }
}

/// The accounts of all stages, each with the key of its model.
fn stages<'a>(
    assembled: &'a Assembled,
    planned: &'a PlanReport,
) -> impl Iterator<Item = (&'a str, &'a Requests)> {
    let report = &assembled.corpus.report;
    let plans = [planned, &assembled.added].into_iter();
    let plans = plans
        .flat_map(|plan| plan.stages.iter().map(|stage| (planned.model.as_str(), &stage.requests)));
    let writing = std::iter::once((report.model.as_str(), &report.requests));
    let review = assembled.review.iter();
    let revised = assembled.revised.iter();
    plans
        .chain(writing)
        .chain(review.map(|review| (review.model.as_str(), &review.requests)))
        .chain(revised.map(|revised| (report.model.as_str(), &revised.requests)))
}

fn reason(why: &Fell) -> String {
    match why {
        Fell::Unwritten(_) => "no usable answer".to_owned(),
        Fell::Unjudged(_) => "could not be judged".to_owned(),
        Fell::Rejected { criteria, .. } => format!("judge: not {}", criteria.join(", not ")),
        Fell::Duplicate { .. } => "duplicate".to_owned(),
        Fell::Contaminated { .. } => "holds a prompt of an evaluation".to_owned(),
    }
}

/// The hub's words for a number of rows.
fn size(rows: usize) -> &'static str {
    match rows {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        _ => "1M<n<10M",
    }
}

/// A name that a model chose, as a part of a line of Markdown.
fn one_line(text: &str) -> String {
    let text: Vec<&str> = text.split_whitespace().collect();
    text.join(" ").replace('|', "\\|")
}

/// A string in YAML, which reads JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
