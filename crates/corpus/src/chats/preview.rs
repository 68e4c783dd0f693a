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

/// Tokens of a domain in a list, of a question, of reasoning with an answer, and of a verdict, about.
const TOKENS: [u64; 4] = [50, 80, 700, 150];

/// Tokens of an answer without reasoning and without a reason, about.
const OPAQUE: u64 = 60;

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
        if spec.text().trim().is_empty() {
            return Err(Error::EmptySpec);
        }
        self.check()?;
        check(&prompts.kinds, &prompts.criteria)?;
        let (chats, stages) = (self.chats as u64, self.measured(spec, who, prompts)?);
        Ok(Preview { rows: chats, stages: stages.into_iter().map(stage).collect() })
    }

    /// The stages with their requests, a prompt of the usual length, the tokens of an answer and their limit. One
    /// that is larger than what the models hold is an error.
    pub(super) fn measured(
        &self,
        spec: &Spec,
        who: &Who,
        prompts: &ChatPrompts,
    ) -> Result<[Measured; 4]> {
        let [domain, question, answer, verdict] = TOKENS;
        let values = Values::new(spec, who);
        let lists = values.clone().list(1, &[]);
        let of = json!({"name": words(3), "description": words(30)});
        let about = lists.clone().own("domain", of.clone()).own("kind", of);
        let judged = values
            .clone()
            .own("question", words(question))
            .own("reasoning", words(answer / 2))
            .own("answer", words(answer / 2));
        let (chats, domains) = (self.chats as u64, self.domains() as u64);
        let sources = domains.saturating_mul(prompts.kinds.len() as u64);
        let limits = self.max_tokens;
        let stages = [
            (DOMAINS, 1, prompts.domains.render(&lists)?, domains * domain, limits.domains),
            (
                QUESTIONS,
                sources.min(chats),
                prompts.questions.render(&about)?,
                question * chats.div_ceil(sources),
                limits.questions,
            ),
            (
                ANSWERS,
                chats,
                prompts.answer.render(&values)? + &words(question),
                answer,
                limits.answer,
            ),
            (JUDGE, chats, prompts.judge.render(&judged)?, verdict, limits.judge),
        ];
        for (stage, _, prompt, _, limit) in &stages {
            fits(stage, prompt, *limit, self.context)?;
        }
        Ok(stages)
    }

    /// What opaque chats of this number will take; the same holds of it as of [`preview`](Self::preview).
    ///
    /// # Errors
    ///
    /// [`Error::Config`], and a prompt that does not render.
    pub fn preview_opaque(
        &self,
        preferences: &[Preference],
        who: &Who,
        prompts: &OpaquePrompts,
    ) -> Result<Preview> {
        self.check()?;
        check(&prompts.kinds, &prompts.criteria)?;
        let Some(Preference { likes, dislikes }) = preferences.first() else {
            return Err(Error::Config { setting: "preferences", message: "is empty" });
        };
        let [_, question, _, verdict] = TOKENS;
        let kind = json!({"name": words(3), "description": words(30)});
        let values = Values::without_spec(who).own("likes", &**likes).own("dislikes", &**dislikes);
        let asked = values.clone().own("kind", kind).list(1, &[]);
        let judged = values
            .clone()
            .own("question", words(question))
            .own("answer", words(OPAQUE))
            .own("reasoning", "");
        let chats = self.chats as u64;
        let sources = (preferences.len() as u64).saturating_mul(prompts.kinds.len() as u64);
        let limits = self.max_tokens;
        let stages = [
            (
                QUESTIONS,
                sources.min(chats),
                prompts.questions.render(&asked)?,
                question * chats.div_ceil(sources),
                limits.questions,
            ),
            (
                ANSWERS,
                chats,
                prompts.answer.render(&values)? + &words(question),
                OPAQUE,
                limits.answer,
            ),
            (JUDGE, chats, prompts.judge.render(&judged)?, verdict, limits.judge),
        ];
        Ok(Preview { rows: chats, stages: stages.into_iter().map(stage).collect() })
    }
}

/// A stage, its requests, a prompt of the usual length, tokens of an answer, and their limit.
type Measured = (&'static str, u64, String, u64, u32);

fn stage((stage, requests, prompt, output, limit): Measured) -> StagePreview {
    StagePreview {
        stage: stage.to_owned(),
        requests,
        input_tokens: requests.saturating_mul(tokens(&prompt)),
        output_tokens: requests.saturating_mul(output.min(u64::from(limit))),
    }
}

fn words(n: u64) -> String {
    vec!["words"; n as usize].join(" ")
}
