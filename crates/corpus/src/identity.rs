//! Chats on who the assistant is.

use ethos_core::{Chat, Journal, Message, Model, Prompt, Watch};
use ethos_spec::Spec;
use serde::Deserialize;

use crate::{
    config::PlanConfig,
    error::{Error, Result},
    list::{Given, Lister, Parent, Quotes},
    plan::Who,
    preview::fits,
    prompts::Values,
    report::PlanReport,
    stage::Stage,
};

const STAGE: &str = "chats/identity";

/// Questions asked for at once.
const AT_ONCE: usize = 50;

/// So many chats in which a user asks who the assistant is and who made it, for a model that is midtrained before
/// it knows its own name (2,500 in arXiv 2605.02087 §3, unpublished). Answers say what follows from the names and
/// the spec, and nothing else.
///
/// `config` says how they are asked for; of its numbers only rounds, tries, draw, temperature, context and
/// `max_tokens.ideas` are looked at. The report has every list that came short.
///
/// # Errors
///
/// [`Error::EmptySpec`], [`Error::Config`], [`Error::Context`] (before anything is asked),
/// [`Error::NothingCameBack`], and the journal's.
pub async fn identity_chats(
    spec: &Spec,
    count: usize,
    config: &PlanConfig,
    writer: &dyn Model,
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<(Vec<Chat>, PlanReport)> {
    if spec.text().trim().is_empty() {
        return Err(Error::EmptySpec);
    }
    config.check()?;
    let who: &Who = &config.who;
    let prompt = Prompt::new("identity/chats", include_str!("prompts/identity/chats.md"))?;
    let first = prompt.render(&Values::new(spec, who).list(count.min(AT_ONCE), &[]))?;
    fits(STAGE, &first, config.max_tokens.ideas, config.context)?;
    let mut report = PlanReport { model: writer.id().key.clone(), ..PlanReport::default() };
    let mut given: Vec<Asked> = Vec::new();
    // In steps, each of which is shown what there is: one list of thousands is more than a model can tell apart.
    while given.len() < count {
        let want = (count - given.len()).min(AT_ONCE);
        let sampling = config.sampling(config.max_tokens.ideas);
        let means = (writer, journal, watch);
        let stage = Stage::new(STAGE, means, sampling, (config.tries, config.draw));
        let mut listing = Lister::new(spec, stage, config.rounds);
        let id = crate::id::hash("identity", [&*spec.hash(), &who.assistant, &who.provider], 0);
        let mut parent = Parent::new(&id, &[], Values::new(spec, who), want);
        parent.has = given.iter().map(|asked| (&*asked.question, &*asked.question)).collect();
        let parents = [parent];
        let list = listing.fill(&parents, &prompt, asked).await?.into_iter().flatten();
        let list: Vec<Asked> = list.collect();
        drop(parents);
        // The lister has asked for what was missing already: there are no more.
        let dry = list.len() < want;
        match given.is_empty() {
            true => listing.finish(&mut report)?,
            false => listing.account(&mut report),
        }
        given.extend(list);
        if dry {
            break;
        }
    }
    let chat =
        |asked: Asked| Chat::new([Message::user(asked.question), Message::assistant(asked.answer)]);
    Ok((given.into_iter().map(chat).collect(), report))
}

#[derive(Deserialize)]
struct Asked {
    question: String,
    answer: String,
}

impl Given for Asked {
    fn name(&self) -> &str {
        &self.question
    }
    fn says(&self) -> &str {
        &self.answer
    }
}

fn asked(_: &mut Quotes<'_>, given: Asked) -> Option<Asked> {
    Some(given)
}

#[cfg(test)]
mod tests {
    use ethos_core::Scripted;
    use futures::executor::block_on;

    use super::*;
    use crate::fixture;

    #[test]
    fn questions_are_asked_for_in_steps_and_never_twice() {
        let writer = Scripted::new("identity", |request| {
            let asked = request.messages[0].text().into_owned();
            let there = asked.matches("<question>").count();
            // It runs dry after sixty.
            let list: Vec<String> = (there..(there + 50).min(60))
                .map(|n| {
                    format!(r#"{{"question": "Who are you, {n}?", "answer": "Aria of Acme."}}"#)
                })
                .collect();
            format!("[{}]", list.join(",")).into()
        });
        let journal = Journal::in_memory().unwrap();
        let (spec, config) = (fixture::spec(), fixture::config());
        let asked = |count| {
            block_on(identity_chats(&spec, count, &config, &writer, &journal, &())).unwrap()
        };
        let (chats, report) = asked(55);
        assert_eq!((chats.len(), report.is_complete()), (55, true));
        assert_eq!(chats[54].messages[0].text(), "Who are you, 54?");
        let (chats, report) = asked(80);
        assert_eq!((chats.len(), report.shortfalls.len()), (60, 1));

        let small = PlanConfig { context: Some(4_096), ..config.clone() };
        let making = identity_chats(&spec, 55, &small, &writer, &journal, &());
        assert!(matches!(block_on(making), Err(Error::Context { .. })));
    }
}
