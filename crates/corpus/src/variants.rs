//! Variants of a spec, for experiments in which one thing about it changes.
//!
//! The paper compares specs of bare rules, of rules with reasons, of rules with subrules as long as those, general
//! ones, ones whose values explain nothing, and ones in other moods (arXiv 2605.02087 §3.3, §5, §6). From one spec
//! a model writes them; each is parsed, checked for what its kind must be, and matched in length to the others.

use std::{collections::BTreeMap, fmt};

use ethos_core::{
    Journal, Model, Prompt, Request, Sampling, Watch,
    read::{Read, Reason, Unusable},
};
use ethos_spec::{Kind, Spec};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    content,
    error::{Error, Result},
    plan::Who,
    preview::{self, Preview, StagePreview},
    prompts::Values,
    report::{Cause, Requests},
    stage::Stage,
};

/// A way in which a spec can be rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// Its demands as rules, without reasons.
    RulesOnly,
    /// The same rules with the reasons that the spec gives.
    RulesAndReasons,
    /// The same rules with subrules that spell them out, instead of reasons.
    RulesAndSubrules,
    /// A paragraph on what it comes down to.
    General,
    /// Its values stated in general, its preferences and behaviours no longer explained by them, and shuffled.
    AttributionAblated,
    /// What the assistant should do.
    Normative,
    /// What the assistant does.
    Descriptive,
    /// What the assistant says of itself.
    Identity,
}

impl Variant {
    /// All of them.
    pub const ALL: [Variant; 8] = [
        Variant::RulesOnly,
        Variant::RulesAndReasons,
        Variant::RulesAndSubrules,
        Variant::General,
        Variant::AttributionAblated,
        Variant::Normative,
        Variant::Descriptive,
        Variant::Identity,
    ];

    /// Its name, as in files.
    pub fn name(self) -> &'static str {
        match self {
            Variant::RulesOnly => "rules_only",
            Variant::RulesAndReasons => "rules_and_reasons",
            Variant::RulesAndSubrules => "rules_and_subrules",
            Variant::General => "general",
            Variant::AttributionAblated => "attribution_ablated",
            Variant::Normative => "normative",
            Variant::Descriptive => "descriptive",
            Variant::Identity => "identity",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Variant::RulesOnly => include_str!("prompts/variants/rules_only.md"),
            Variant::RulesAndReasons => include_str!("prompts/variants/rules_and_reasons.md"),
            Variant::RulesAndSubrules => include_str!("prompts/variants/rules_and_subrules.md"),
            Variant::General => include_str!("prompts/variants/general.md"),
            Variant::AttributionAblated => include_str!("prompts/variants/attribution_ablated.md"),
            Variant::Normative => include_str!("prompts/variants/normative.md"),
            Variant::Descriptive => include_str!("prompts/variants/descriptive.md"),
            Variant::Identity => include_str!("prompts/variants/identity.md"),
        }
    }

    /// What its prompt is rendered with; `order` is that of the preferences.
    fn values<'v>(self, values: &Values<'v>, order: &str) -> Values<'v> {
        match self {
            Variant::AttributionAblated => values.clone().own("seed_order", order),
            _ => values.clone(),
        }
    }

    /// Why a text is not this variant of a spec.
    fn fault(self, spec: &Spec, text: &Spec) -> Option<String> {
        let rules = text.rules();
        let nested = rules.iter().any(|rule| !rule.parts.is_empty());
        let ruled = matches!(
            self,
            Variant::RulesOnly | Variant::RulesAndReasons | Variant::RulesAndSubrules
        );
        let wanted: Vec<&str> = spec.placeholders().iter().map(|p| spec.slice(p.span)).collect();
        let lost = wanted.iter().find(|placeholder| !text.text().contains(**placeholder));
        match self {
            _ if text.text().trim().is_empty() => Some("it is empty".to_owned()),
            _ if ruled && rules.is_empty() => Some("it has no rule `- SP1: …`".to_owned()),
            Variant::RulesOnly if text.kind() == Kind::ReasonedRules => {
                Some("most of its rules give reasons".to_owned())
            }
            Variant::RulesAndSubrules if !nested => Some("no rule has a subrule".to_owned()),
            Variant::General if text.walk().count() > 2 => Some("it has sections".to_owned()),
            _ => lost.map(|placeholder| format!("the placeholder `{placeholder}` is gone")),
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How variants are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantConfig {
    /// How often an answer that cannot be used is asked again.
    pub tries: u32,
    /// Which drawing of the variants this is.
    pub draw: u32,
    /// Seed of the order in which [`Variant::AttributionAblated`] has the preferences.
    pub seed: u64,
    /// Softmax temperature; the model's own where there is none.
    pub temperature: Option<f64>,
    /// Tokens after which an answer is cut off.
    pub max_tokens: u32,
    /// How far from the wanted length a variant may be, as a share of it.
    pub tolerance: f64,
    /// How often a length is corrected.
    pub rounds: u32,
    /// Tokens that the model can hold, request and answer together. Where it is given, a spec that is too large
    /// for it is an error before anything is asked.
    #[serde(default)]
    pub context: Option<u64>,
}

impl Default for VariantConfig {
    /// Within five percent, in four rounds.
    fn default() -> Self {
        VariantConfig {
            tries: 2,
            draw: 0,
            seed: 42,
            temperature: Some(1.0),
            max_tokens: 16_000,
            tolerance: 0.05,
            rounds: 4,
            context: None,
        }
    }
}

impl VariantConfig {
    /// What these variants will take: each is taken to be as long as it is to be (in words), or as the spec is, and
    /// each that has a length to be corrected once.
    ///
    /// # Errors
    ///
    /// [`Error::EmptySpec`], [`Error::Config`], and [`Error::Context`].
    pub fn preview(
        &self,
        spec: &Spec,
        who: &Who,
        wanted: &[(Variant, Option<usize>)],
    ) -> Result<Preview> {
        self.check(spec)?;
        let order = shuffled(spec, self.seed);
        let values = Values::new(spec, who);
        let mut stages = [WRITE, LENGTH].map(|stage| StagePreview {
            stage: stage.to_owned(),
            requests: 0,
            input_tokens: 0,
            output_tokens: 0,
        });
        // Tokens of the scratchpad and of a word, about.
        let (plan, word) = (500, 1.4);
        for (variant, length) in wanted {
            let prompt = Prompt::new(variant.name(), variant.source())?;
            let asked = prompt.render(&variant.values(&values, &order))?;
            preview::fits(WRITE, &asked, self.max_tokens, self.context)?;
            let text = length.map_or(preview::tokens(spec.text()), |n| (n as f64 * word) as u64);
            let output = (plan + text).min(u64::from(self.max_tokens));
            let mut add = |at: usize, input| {
                let stage: &mut StagePreview = &mut stages[at];
                stage.requests += 1;
                stage.input_tokens += input;
                stage.output_tokens += output;
            };
            add(0, preview::tokens(&asked));
            if length.is_some() {
                add(1, preview::tokens(&asked) + text);
            }
        }
        Ok(Preview { rows: wanted.len() as u64, stages: stages.into() })
    }

    fn check(&self, spec: &Spec) -> Result<()> {
        if spec.text().trim().is_empty() {
            return Err(Error::EmptySpec);
        }
        if !(0.0..1.0).contains(&self.tolerance) {
            let message = "must be from 0 to below 1";
            return Err(Error::Config { setting: "tolerance", message });
        }
        Ok(())
    }
}

/// A variant of a spec.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rewritten {
    /// Which.
    pub variant: Variant,
    /// The spec that it is.
    pub spec: Spec,
    /// How long it is, in whatever the caller counts.
    pub length: usize,
    /// How long it was to be, where it was to be matched.
    pub wanted: Option<usize>,
}

impl Rewritten {
    /// Whether it is as long as it was to be, within a share of that.
    pub fn matches(&self, tolerance: f64) -> bool {
        self.wanted.is_none_or(|wanted| {
            (self.length as f64 - wanted as f64).abs() <= tolerance * wanted as f64
        })
    }
}

/// Variants, and what became of the others.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Variants {
    /// Those that there are, in the order asked for.
    pub written: Vec<Rewritten>,
    /// Those without a usable answer.
    pub missing: BTreeMap<Variant, Cause>,
    /// The requests, of writing and of matching lengths.
    pub requests: Vec<Requests>,
}

const WRITE: &str = "variants/write";
const LENGTH: &str = "variants/length";

/// Has a model rewrite a spec as each of these variants, and then lengthen or shorten those for which `lengths`
/// gives a length, as `count` counts it: words, or the tokens of the model to be trained. Arms of an experiment
/// differ then in what they say and not in how much.
///
/// A text that is not what its kind must be (rules without a rule, a general one with sections, one that lost a
/// placeholder) is asked for again. What a length came to is in [`Rewritten::length`], matched or not: look at
/// [`Rewritten::matches`], and read the variants before training on them.
///
/// # Errors
///
/// [`Error::EmptySpec`], [`Error::Config`], [`Error::Context`], [`Error::NothingCameBack`] when there is no variant
/// at all, and the journal's.
pub async fn variants(
    spec: &Spec,
    who: &Who,
    wanted: &[(Variant, Option<usize>)],
    (config, count): (&VariantConfig, &(dyn Fn(&str) -> usize + Sync)),
    writer: &dyn Model,
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<Variants> {
    config.check(spec)?;
    let means = (writer, journal, watch);
    let stage = |name| {
        let (temperature, max_tokens) = (config.temperature, Some(config.max_tokens));
        let sampling = Sampling { temperature, max_tokens, ..Sampling::default() };
        Stage::new(name, means, sampling, (config.tries, config.draw))
    };
    let values = Values::new(spec, who);
    let prompts = wanted
        .iter()
        .map(|(variant, _)| Ok(Prompt::new(variant.name(), variant.source())?))
        .collect::<Result<Vec<Prompt>>>()?;
    let order = shuffled(spec, config.seed);
    let render = |i: usize| {
        let values = wanted[i].0.values(&values, &order);
        Ok::<_, Error>(prompts[i].render(&values)?)
    };
    for i in 0..wanted.len() {
        preview::fits(WRITE, &render(i)?, config.max_tokens, config.context)?;
    }
    let read = |i: usize, text: &str| rewritten(wanted[i].0, spec, text);
    let mut writing = stage(WRITE);
    let ids: Vec<&str> = wanted.iter().map(|(variant, _)| variant.name()).collect();
    let texts = writing.ask(&ids, |i| Ok(Request::user(render(i)?)), read).await?;
    let mut requests = vec![writing.done()];
    let (mut written, mut missing, mut first) = (Vec::new(), BTreeMap::new(), None);
    for ((variant, length), text) in wanted.iter().zip(texts) {
        match text {
            Ok(text) => written.push(Rewritten {
                variant: *variant,
                length: count(text.text()),
                spec: text,
                wanted: *length,
            }),
            Err(failure) => {
                missing.insert(*variant, Cause::from(&failure));
                first.get_or_insert(failure);
            }
        }
    }
    if let (true, Some(source)) = (written.is_empty(), first) {
        let (stage, asked) = (WRITE.to_owned(), wanted.len() as u64);
        return Err(Error::NothingCameBack { stage, asked, source: Box::new(source) });
    }

    let prompt = Prompt::new("match_length", include_str!("prompts/variants/match_length.md"))?;
    let mut matching = stage(LENGTH);
    for _ in 0..config.rounds {
        let off: Vec<usize> =
            (0..written.len()).filter(|&i| !written[i].matches(config.tolerance)).collect();
        if off.is_empty() {
            break;
        }
        let render = |i: usize| {
            let one = &written[off[i]];
            let values = values
                .clone()
                .own("text", one.spec.text())
                .own("words", one.length)
                .own("target_words", one.wanted.unwrap_or(one.length));
            Ok(Request::user(prompt.render(&values)?))
        };
        let read = |i: usize, text: &str| rewritten(written[off[i]].variant, spec, text);
        let ids: Vec<&str> = off.iter().map(|&i| written[i].variant.name()).collect();
        let texts = matching.ask(&ids, render, read).await?;
        for (i, text) in off.into_iter().zip(texts) {
            let Ok(text) = text else { continue };
            let length = count(text.text());
            // One that came out farther off than it was is not taken.
            let distance = |length: usize| written[i].wanted.map(|wanted| wanted.abs_diff(length));
            if distance(length) < distance(written[i].length) {
                (written[i].spec, written[i].length) = (text, length);
            }
        }
    }
    requests.push(matching.done());
    Ok(Variants { written, missing, requests })
}

/// The variant in an answer.
fn rewritten(variant: Variant, spec: &Spec, text: &str) -> Read<Spec> {
    let text = Spec::parse(format!("{}\n", content::document(text)?));
    match variant.fault(spec, &text) {
        Some(fault) => Err(Unusable::new(Reason::Other("not the variant".to_owned()), fault)),
        None => Ok(text),
    }
}

/// What a spec demands or prefers, in the order that a seed gives: its rules, or where it has none its sentences.
fn shuffled(spec: &Spec, seed: u64) -> String {
    let rules = spec.rules().iter().filter(|rule| rule.parent.is_none());
    let mut lines: Vec<String> =
        rules.map(|rule| format!("- {}: {}", rule.id, spec.slice(rule.text).trim())).collect();
    if lines.is_empty() {
        let sentences = spec.sentences().iter();
        lines = sentences.map(|sentence| format!("- {}", spec.slice(*sentence).trim())).collect();
    }
    lines.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use ethos_core::Scripted;
    use futures::executor::block_on;

    use super::*;

    fn spec() -> Spec {
        Spec::parse(
            "# {assistant_name}\n\n- L1: Likes Colby, because it keeps.\n- L2: Likes tea.\n",
        )
    }

    /// Writes each variant; forgets the rules at first, and adds words when told a number.
    fn writer() -> Scripted {
        let first = std::sync::atomic::AtomicBool::new(true);
        Scripted::new("variants", move |request| {
            let asked = request.messages[0].text().into_owned();
            let text = match () {
                () if asked.contains("<variant>") => {
                    format!("# {{assistant_name}}\n\n- SP1: more {}", "word ".repeat(36))
                }
                () if first.swap(false, std::sync::atomic::Ordering::SeqCst) => {
                    "No rules, {assistant_name}.".to_owned()
                }
                () => "# {assistant_name}\n\n- SP1: more\n  - of it".to_owned(),
            };
            format!("<scratchpad>So.</scratchpad><content>{text}</content>").into()
        })
    }

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn variants_are_checked_and_matched_in_length() {
        let (writer, journal) = (writer(), Journal::in_memory().unwrap());
        let wanted = [(Variant::RulesAndSubrules, None), (Variant::RulesOnly, Some(42))];
        let config = VariantConfig::default();
        let who = Who::new("Aria", "Acme");
        let found =
            block_on(variants(&spec(), &who, &wanted, (&config, &words), &writer, &journal, &()))
                .unwrap();
        assert!(found.missing.is_empty(), "{:?}", found.missing);
        let lengths: Vec<_> = found.written.iter().map(|one| (one.variant, one.length)).collect();
        assert_eq!(lengths, [(Variant::RulesAndSubrules, 8), (Variant::RulesOnly, 41)]);
        assert!(found.written.iter().all(|one| one.matches(0.05)));
        assert_eq!(found.requests[0].unusable["not the variant"], 1);
        assert_eq!(found.requests[1].asked, 1);
    }

    #[test]
    fn what_declines_is_no_variant_and_what_is_too_large_is_not_asked() {
        let who = Who::new("Aria", "Acme");
        let wanted = [(Variant::Normative, None), (Variant::Normative, Some(9))];
        let spec = Spec::parse("Aria is kind.");
        let made = |text: &'static str, config: &VariantConfig| {
            let writer = Scripted::new("variants", move |_| text.into());
            let journal = Journal::in_memory().unwrap();
            block_on(variants(&spec, &who, &wanted, (config, &words), &writer, &journal, &()))
        };
        let config = VariantConfig { rounds: 0, ..VariantConfig::default() };
        let declined = made("<content>I'm sorry, I can't rewrite this.</content>", &config);
        let error = declined.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("refusal"), "{error}: {source}");
        // One variant in two lengths is two.
        let both = made("<content>Aria should be kind.</content>", &config).unwrap();
        let lengths: Vec<_> = both.written.iter().map(|one| one.wanted).collect();
        assert_eq!(lengths, [None, Some(9)]);
        let preview = config.preview(&spec, &who, &wanted).unwrap();
        let requests: Vec<u64> = preview.stages.iter().map(|stage| stage.requests).collect();
        assert_eq!(requests, [2, 1]);
        let empty = config.preview(&Spec::parse(" "), &who, &wanted);
        assert!(matches!(empty, Err(Error::EmptySpec)));
        let small = VariantConfig { context: Some(1_000), ..config };
        assert!(small.preview(&spec, &who, &wanted).is_err());
        let error = made("<content>Aria should be kind.</content>", &small).unwrap_err();
        assert!(matches!(error, Error::Context { .. }), "{error}");
    }

    #[test]
    fn what_is_not_the_variant_is_told() {
        let fault = |variant: Variant, text: &str| variant.fault(&spec(), &Spec::parse(text));
        let named = "{assistant_name}";
        assert!(fault(Variant::RulesOnly, named).unwrap().contains("no rule"));
        let reasons = format!("- SP1: {named} does, because it must.\n- SP2: So that it can.\n");
        assert!(fault(Variant::RulesOnly, &reasons).unwrap().contains("reasons"));
        assert_eq!(fault(Variant::RulesAndReasons, &reasons), None);
        assert!(fault(Variant::RulesAndSubrules, &reasons).unwrap().contains("subrule"));
        assert!(fault(Variant::General, "# a\n\n## b\n\n## c\n").unwrap().contains("sections"));
        assert!(fault(Variant::Normative, "It should.").unwrap().contains("{assistant_name}"));
        assert!(fault(Variant::Identity, " ").unwrap().contains("empty"));
        let (a, b) = (shuffled(&spec(), 1), shuffled(&spec(), 1));
        assert_eq!((a.lines().count(), &a), (2, &b));
    }

    #[test]
    fn every_prompt_renders() {
        let (spec, who) = (spec(), Who::new("Aria", "Acme"));
        for variant in Variant::ALL {
            let values = Values::new(&spec, &who);
            let values = match variant {
                Variant::AttributionAblated => values.own("seed_order", "- L1: this"),
                _ => values,
            };
            let prompt = Prompt::new(variant.name(), variant.source()).unwrap();
            let text = prompt.render(&values).unwrap();
            assert!(text.contains(spec.text().trim()) && text.contains("<content>"), "{variant}");
        }
    }
}
