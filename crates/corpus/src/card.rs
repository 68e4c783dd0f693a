//! The card of a data set, as the Hugging Face hub shows it.

use std::collections::BTreeMap;

use ethos_core::card::{Head, Prices, Spent, one_line, spending};
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
    /// The language of the documents, as the hub names it; `en` where it is not said.
    #[serde(default)]
    pub language: Option<String>,
    /// What it is for and what to beware of, in Markdown.
    pub about: Option<String>,
    /// Price of a million tokens of requests and of answers, by the key of a model.
    pub prices: Prices,
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
        let head = Head {
            name: &self.name,
            license: self.license.as_deref(),
            language: self.language.as_deref().unwrap_or("en"),
            rows: documents.len(),
            tags: &["synthetic", "model-spec-midtraining", "alignment"],
        };
        let mut card = head.markdown();
        let mut line = |text: &str| {
            card.push_str(text);
            card.push('\n');
        };
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
        line(&format!("- Spec{title}: hash `{}`, {} words.", spec.hash(), spec.shape().words));
        line(&format!("- Planned by `{}`, written by `{}`.", planned.model, report.model));
        line(&format!("- Prompt of the documents: hash `{}`.", report.prompt_hash));
        if !planned.prompts.is_empty() {
            let prompts = planned.prompts.iter().map(|(name, hash)| format!("{name} `{hash}`"));
            line(&format!("- Prompts of the plan: {}.", prompts.collect::<Vec<_>>().join(", ")));
        }
        if let Some(review) = &assembled.review {
            let (model, hash) = (&review.model, &review.prompt_hash);
            line(&format!("- Judged by `{model}`, prompt hash `{hash}`."));
        }
        if let Some(revised) = &assembled.revised {
            line(&format!(
                "- {} documents were criticised and written anew; {} that the judge had objected to passed then. \
                 Prompt hash `{}`.",
                revised.revised, revised.saved, revised.prompt_hash
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
        card.push_str(&spending(stages(assembled, planned), &self.prices));
        card
    }
}

/// The accounts of all stages.
fn stages<'a>(
    assembled: &'a Assembled,
    planned: &'a PlanReport,
) -> impl Iterator<Item = Spent<'a>> {
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
        .map(|(model, requests): (&str, &Requests)| Spent {
            stage: &requests.stage,
            model: Some(model),
            usable: requests.usable,
            unusable: requests.unusable.values().sum(),
            errors: requests.errors,
            usage: requests.usage,
        })
}

fn reason(why: &Fell) -> String {
    match why {
        Fell::Unwritten(_) => "no usable answer".to_owned(),
        Fell::Unjudged(_) => "could not be judged".to_owned(),
        Fell::Rejected { criteria, .. } => format!("judge: not {}", criteria.join(", not ")),
        Fell::Duplicate { .. } => "duplicate".to_owned(),
        Fell::Similar { .. } => "means the same as another".to_owned(),
        Fell::Contaminated { .. } => "holds a prompt of an evaluation".to_owned(),
    }
}
