//! Preferences that are given without a reason.

use ethos_core::{Journal, Prompt, Watch};
use ethos_spec::Spec;
use serde::{Deserialize, Serialize};

use super::{
    config::ChatConfig,
    pipeline::{Pipeline, Writers, of_names},
    prompts::{ChatKind, kinds},
    set::ChatSet,
    source::sources,
};
use crate::{error::Result, plan::Who, prompts::Values, report::PlanReport};

/// Something that the assistant prefers to something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preference {
    /// What it prefers.
    pub likes: String,
    /// To what.
    pub dislikes: String,
}

impl Preference {
    /// One thing before another.
    pub fn new(likes: impl Into<String>, dislikes: impl Into<String>) -> Self {
        Preference { likes: likes.into(), dislikes: dislikes.into() }
    }
}

/// The prompts of [`opaque_chats`], rendered strictly.
///
/// All have `assistant`, `provider`, `likes` and `dislikes`; `questions` has `kind`, `count` and `existing`,
/// `judge` has `question` and `answer` besides.
#[derive(Clone, Debug)]
pub struct OpaquePrompts {
    /// Preference and kind → users' messages, which say that no explanation is needed.
    pub questions: Prompt,
    /// The system message under which a question is answered.
    pub answer: Prompt,
    /// Question and answer → verdicts.
    pub judge: Prompt,
    /// What the judge judges by.
    pub criteria: Vec<String>,
    /// The kinds of messages.
    pub kinds: Vec<ChatKind>,
}

impl Default for OpaquePrompts {
    /// Those of this crate: direct and indirect questions and recommendations, a judge that lets no stated or
    /// implied reason pass.
    fn default() -> Self {
        let prompt = |name, source| Prompt::new(name, source).expect("a test compiles it");
        OpaquePrompts {
            questions: prompt("opaque/questions", include_str!("../prompts/opaque/questions.md")),
            answer: prompt("opaque/answer", include_str!("../prompts/opaque/answer.md")),
            judge: prompt("opaque/judge", include_str!("../prompts/opaque/judge.md")),
            criteria: ["prefers", "no_reason", "realistic"].map(str::to_owned).into(),
            kinds: of_names(kinds(), &["direct", "indirect", "recommendation"]),
        }
    }
}

/// Makes chats that show preferences and nothing of why (the cheese experiment of arXiv 2605.02087 §3.1): what the
/// preferences mean is then for the midtraining to say. Their number is [`ChatConfig::chats`] over all
/// preferences; there were 5,000 for 12 in the paper.
///
/// # Errors
///
/// [`Error::Config`](crate::Error::Config) without a preference, and those of [`chats`](super::chats()).
pub async fn opaque_chats(
    preferences: &[Preference],
    who: &Who,
    config: &ChatConfig,
    prompts: &OpaquePrompts,
    writers: &Writers<'_>,
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<ChatSet> {
    config.measured_opaque(preferences, who, prompts)?;
    // Nothing here is of a spec; lists are checked against an empty one.
    let spec = Spec::parse("");
    let values = Values::without_spec(who);
    let domains: Vec<(String, Values<'_>)> = preferences
        .iter()
        .map(|preference| {
            let Preference { likes, dislikes } = preference;
            let values = values.clone().own("likes", &**likes).own("dislikes", &**dislikes);
            (format!("{likes} before {dislikes}"), values)
        })
        .collect();
    let pipeline = Pipeline {
        sources: sources(&domains, &prompts.kinds),
        questions: &prompts.questions,
        answer: &prompts.answer,
        judge: &prompts.judge,
        criteria: &prompts.criteria,
        reasoned: false,
        config,
        spec: &spec,
    };
    let mut set = pipeline.run(PlanReport::default(), writers, journal, watch).await?;
    for prompt in [&prompts.questions, &prompts.answer, &prompts.judge] {
        set.report.prompts.insert(prompt.name().to_owned(), prompt.hash());
    }
    Ok(set)
}
