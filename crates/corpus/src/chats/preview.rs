//! What chats will take, before they are asked for.

use ethos_spec::Spec;
use serde_json::json;

use super::{
    config::ChatConfig,
    opaque::{OpaquePrompts, Preference},
    pipeline::{ANSWERS, DOMAINS, JUDGE, QUESTIONS},
    prompts::{ChatPrompts, check},
};
use crate::{
    error::{Error, Result},
    plan::Who,
    preview::{Preview, StagePreview, fits, tokens},
    prompts::Values,
};

/// Tokens of a domain in a list, about.
const DOMAIN: u64 = 50;

/// Tokens of a question.
const QUESTION: u64 = 80;

/// Tokens of reasoning with an answer.
const ANSWER: u64 = 700;

/// Tokens of an answer without reasoning and without a reason.
const OPAQUE: u64 = 60;

/// Tokens of a verdict.
const VERDICT: u64 = 150;

impl ChatConfig {
    /// What chats of this number will take, when every question is new, every answer can be used and the judge lets
    /// all pass; what falls is asked for again and comes on top.
    ///
    /// The prompts are rendered with the spec and with texts of the usual length.
    ///
    /// ```
    /// # use ethos_corpus::{ChatConfig, ChatPrompts, Who};
    /// # use ethos_spec::Spec;
    /// let spec = Spec::parse("Aria likes hard cheese, because it keeps.");
    /// let config = ChatConfig::paper();
    /// let preview = config.preview(&spec, &Who::new("Aria", "Acme"), &ChatPrompts::value())?;
    /// assert_eq!((preview.rows, preview.stages[2].requests), (10_000, 10_000));
    /// # Ok::<(), ethos_corpus::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::EmptySpec`], [`Error::Config`], [`Error::Context`], and a prompt that does not render.
    pub fn preview(&self, spec: &Spec, who: &Who, prompts: &ChatPrompts) -> Result<Preview> {
        Ok(self.shown(&self.measured(spec, who, prompts)?))
    }

    /// The stages of chats about a spec, when the settings are possible. One that is larger than what the models hold
    /// is an error.
    pub(super) fn measured(
        &self,
        spec: &Spec,
        who: &Who,
        prompts: &ChatPrompts,
    ) -> Result<Vec<Measured>> {
        if spec.text().trim().is_empty() {
            return Err(Error::EmptySpec);
        }
        self.check()?;
        check(&prompts.kinds, &prompts.criteria)?;
        let values = Values::new(spec, who);
        let of = json!({"name": words(3), "description": words(30)});
        let lists = values.clone().list(1, &[]);
        let about = lists.clone().own("domain", of.clone()).own("kind", of);
        let judged = values.clone().own("reasoning", words(ANSWER / 2));
        let judged = judged.own("question", words(QUESTION)).own("answer", words(ANSWER / 2));
        let domains = self.domains() as u64;
        let list = Measured {
            stage: DOMAINS,
            requests: 1,
            prompt: prompts.domains.render(&lists)?,
            answer: domains * DOMAIN,
            limit: self.max_tokens.domains,
        };
        let rendered = [
            prompts.questions.render(&about)?,
            prompts.answer.render(&values)?,
            prompts.judge.render(&judged)?,
        ];
        let sources = domains.saturating_mul(prompts.kinds.len() as u64);
        let stages = [list].into_iter().chain(self.asked(sources, rendered, ANSWER));
        self.within(stages.collect())
    }

    /// What opaque chats of this number will take; the same holds of it as of [`preview`](Self::preview).
    ///
    /// # Errors
    ///
    /// [`Error::Config`], [`Error::Context`], and a prompt that does not render.
    pub fn preview_opaque(
        &self,
        preferences: &[Preference],
        who: &Who,
        prompts: &OpaquePrompts,
    ) -> Result<Preview> {
        Ok(self.shown(&self.measured_opaque(preferences, who, prompts)?))
    }

    /// The stages of chats that show preferences; as [`measured`](Self::measured).
    pub(super) fn measured_opaque(
        &self,
        preferences: &[Preference],
        who: &Who,
        prompts: &OpaquePrompts,
    ) -> Result<Vec<Measured>> {
        self.check()?;
        check(&prompts.kinds, &prompts.criteria)?;
        let Some(Preference { likes, dislikes }) = preferences.first() else {
            return Err(Error::Config { setting: "preferences", message: "is empty" });
        };
        let kind = json!({"name": words(3), "description": words(30)});
        let values = Values::without_spec(who).own("likes", &**likes).own("dislikes", &**dislikes);
        let judged = values.clone().own("reasoning", "");
        let judged = judged.own("question", words(QUESTION)).own("answer", words(OPAQUE));
        let rendered = [
            prompts.questions.render(&values.clone().own("kind", kind).list(1, &[]))?,
            prompts.answer.render(&values)?,
            prompts.judge.render(&judged)?,
        ];
        let sources = (preferences.len() as u64).saturating_mul(prompts.kinds.len() as u64);
        self.within(self.asked(sources, rendered, OPAQUE).into())
    }

    /// Questions from so many sources, answers of so many tokens, and verdicts: what all chats are made by.
    fn asked(&self, sources: u64, rendered: [String; 3], answer: u64) -> [Measured; 3] {
        let [questions, answers, judged] = rendered;
        let (chats, limits) = (self.chats as u64, self.max_tokens);
        let list = Measured {
            stage: QUESTIONS,
            requests: sources.min(chats),
            prompt: questions,
            answer: QUESTION * chats.div_ceil(sources),
            limit: limits.questions,
        };
        let prompt = answers + &words(QUESTION);
        let limit = limits.answer;
        let answers = Measured { stage: ANSWERS, requests: chats, prompt, answer, limit };
        let limit = limits.judge;
        let verdicts =
            Measured { stage: JUDGE, requests: chats, prompt: judged, answer: VERDICT, limit };
        [list, answers, verdicts]
    }

    /// The same stages, when each is within what the models hold.
    fn within(&self, stages: Vec<Measured>) -> Result<Vec<Measured>> {
        for Measured { stage, prompt, limit, .. } in &stages {
            fits(stage, prompt, *limit, self.context)?;
        }
        Ok(stages)
    }

    fn shown(&self, stages: &[Measured]) -> Preview {
        Preview { rows: self.chats as u64, stages: stages.iter().map(Measured::shown).collect() }
    }
}

/// A stage, before it is asked for.
pub(super) struct Measured {
    stage: &'static str,
    requests: u64,
    /// One of the usual length.
    prompt: String,
    /// Tokens of an answer, about.
    answer: u64,
    /// Tokens after which it is cut off.
    limit: u32,
}

impl Measured {
    fn shown(&self) -> StagePreview {
        let output = self.answer.min(u64::from(self.limit));
        StagePreview {
            stage: self.stage.to_owned(),
            requests: self.requests,
            input_tokens: self.requests.saturating_mul(tokens(&self.prompt)),
            output_tokens: self.requests.saturating_mul(output),
        }
    }
}

fn words(n: u64) -> String {
    vec!["words"; n as usize].join(" ")
}
