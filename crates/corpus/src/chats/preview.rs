//! What chats will take, before they are asked for.

use ethos_spec::Spec;
use serde_json::json;

use super::{
    config::ChatConfig,
    pipeline::{ANSWERS, DOMAINS, JUDGE, QUESTIONS},
    prompts::{ChatPrompts, check},
};
use crate::{
    error::{Error, Result},
    plan::Who,
    preview::{Preview, StagePreview, tokens},
    prompts::Values,
};

/// Tokens of a domain in a list, of a question, of reasoning with an answer, and of a verdict, about.
const TOKENS: [u64; 4] = [50, 80, 700, 150];

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
    /// [`Error::EmptySpec`], [`Error::Config`], and a prompt that does not render.
    pub fn preview(&self, spec: &Spec, who: &Who, prompts: &ChatPrompts) -> Result<Preview> {
        if spec.text().trim().is_empty() {
            return Err(Error::EmptySpec);
        }
        self.check()?;
        check(&prompts.kinds, &prompts.criteria)?;
        let words = |n: u64| vec!["words"; n as usize].join(" ");
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
        let stages =
            stages.into_iter().map(|(stage, requests, prompt, output, limit)| StagePreview {
                stage: stage.to_owned(),
                requests,
                input_tokens: requests.saturating_mul(tokens(&prompt)),
                output_tokens: requests.saturating_mul(output.min(u64::from(limit))),
            });
        Ok(Preview { rows: chats, stages: stages.collect() })
    }
}
