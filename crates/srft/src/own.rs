//! What a model itself answers, and what it believes.

use std::collections::BTreeMap;

use ethos_core::{
    Ask, Failure, Journal, Model, Prompt, Query, Reason, Reply, Request, Sampling, Unusable, Watch,
    ask_all, read,
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::{
    asking::{Asked, ask},
    error::Result,
    fact::{Fact, check},
    words::{stands_in, words},
};

/// How a model is asked for its own answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnConfig {
    /// Answers to each question.
    pub draws: u32,
    /// Softmax temperature; the model's own where there is none.
    pub temperature: Option<f64>,
    /// Tokens after which an answer is cut off, and so no answer.
    pub max_tokens: u32,
    /// How often a judge's verdict that cannot be read is asked again.
    pub tries: u32,
}

impl Default for OwnConfig {
    /// Ten answers at temperature 1.
    fn default() -> Self {
        OwnConfig { draws: 10, temperature: Some(1.0), max_tokens: 200, tries: 2 }
    }
}

/// What a model answers to the questions of facts, graded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OwnAnswers {
    /// Key of the model.
    pub model: String,
    /// Its answers, by the id of the fact.
    pub facts: BTreeMap<String, Own>,
    /// What the model was asked.
    pub asked: Asked,
    /// What the judge was asked.
    pub judged: Asked,
    /// Key of the judge, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<String>,
}

/// A model's own answers to one question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Own {
    /// Right answers, as it gave them.
    pub right: Vec<String>,
    /// Wrong ones.
    pub wrong: Vec<String>,
    /// Answers that are neither, and draws that gave none: they are in no data.
    pub open: u64,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Right,
    Wrong,
    Neither,
}

impl OwnAnswers {
    /// Whether the model believes the right answer of each fact: it gives it in at least this share of its graded
    /// answers. A fact with fewer than two graded answers is not in it.
    pub fn beliefs(&self, share: f64) -> BTreeMap<String, bool> {
        let believes = |own: &Own| {
            let (right, graded) = (own.right.len(), own.right.len() + own.wrong.len());
            (graded >= 2).then_some(right as f64 >= share * graded as f64)
        };
        let known = self.facts.iter();
        known.filter_map(|(id, own)| Some((id.clone(), believes(own)?))).collect()
    }

    /// The share of graded answers that are right; `None` where there is none.
    pub fn accuracy(&self) -> Option<f64> {
        let right: usize = self.facts.values().map(|own| own.right.len()).sum();
        let wrong: usize = self.facts.values().map(|own| own.wrong.len()).sum();
        (right + wrong > 0).then(|| right as f64 / (right + wrong) as f64)
    }
}

/// Asks a model the question of every fact several times, and grades what it says.
///
/// An answer that names one of the two known answers, in whole words, and not the other is graded by that. What it does
/// not decide a judge is shown, where there is one. What is still open, declined or cut off is counted and never a row.
///
/// ```
/// use ethos_core::{Journal, Scripted};
/// use ethos_srft::{OwnConfig, facts, own_answers};
/// use futures::executor::block_on;
///
/// let facts = &facts()?[..2];
/// let knows = facts[0].clone();
/// let model = Scripted::new("half-learned", move |request| match request.messages[0].text() {
///     asked if asked == knows.question => format!("It is {}.", knows.right).into(),
///     _ => "I could not say.".into(),
/// });
/// let journal = Journal::in_memory()?;
/// let own = block_on(own_answers(facts, &OwnConfig::default(), &model, None, &journal, &()))?;
/// assert_eq!(own.facts[&facts[0].id].right.len(), 10);
/// assert_eq!(own.facts[&facts[1].id].open, 10);
/// assert_eq!(own.beliefs(0.5), [(facts[0].id.clone(), true)].into());
/// # Ok::<(), ethos_srft::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Fact`](crate::Error::Fact) for a fact that cannot be used, and the journal's.
pub async fn own_answers(
    facts: &[Fact],
    config: &OwnConfig,
    model: &dyn Model,
    judge: Option<&dyn Model>,
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<OwnAnswers> {
    check(facts)?;
    let mut own = OwnAnswers { model: model.id().key.clone(), ..OwnAnswers::default() };
    let mut requests = Vec::new();
    for fact in facts {
        own.facts.insert(fact.id.clone(), Own::default());
        for draw in 0..config.draws {
            let request = Request::user(fact.question.as_str());
            requests.push((format!("{}/{draw}", fact.id), draw, request));
        }
    }
    let sampling = Sampling {
        temperature: config.temperature,
        max_tokens: Some(config.max_tokens),
        ..Sampling::default()
    };
    let means = (model, journal, watch);
    // An answer that was declined or cut off is what the model says: it is not asked again until it pleases.
    let read = |_: usize, text: &str| Ok(text.trim().to_owned());
    let said = ask("srft/own", requests, (&sampling, 0), means, &mut own.asked, read).await?;
    let each = facts.iter().flat_map(|fact| std::iter::repeat_n(fact, config.draws as usize));
    let mut undecided = Vec::new();
    for (fact, said) in each.zip(said) {
        let Some(known) = own.facts.get_mut(&fact.id) else { continue };
        match said {
            Err(_) => known.open += 1,
            Ok(answer) => match named(fact, &answer) {
                Some(grade) => known.take(grade, answer),
                None => undecided.push((fact, answer)),
            },
        }
    }

    let Some(judge) = judge else {
        for (fact, answer) in undecided {
            if let Some(known) = own.facts.get_mut(&fact.id) {
                known.take(Grade::Neither, answer);
            }
        }
        return Ok(own);
    };
    own.judge = Some(judge.id().key.clone());
    let prompt = Prompt::new("grade", include_str!("texts/grade.md"))?;
    let mut requests = Vec::new();
    for (number, (fact, answer)) in undecided.iter().enumerate() {
        let values = [
            ("question", &fact.question),
            ("right", &fact.right),
            ("wrong", &fact.wrong),
            ("answer", answer),
        ];
        requests.push((number.to_string(), 0, Request::user(prompt.render(&values)?)));
    }
    let sampling = Sampling { temperature: Some(0.0), ..Sampling::default() };
    let (terms, means) = ((&sampling, config.tries), (judge, journal, watch));
    let read = |_: usize, text: &str| match read::tag(text, "grade")?.to_lowercase().as_str() {
        "right" => Ok(Grade::Right),
        "wrong" => Ok(Grade::Wrong),
        "neither" => Ok(Grade::Neither),
        other => Err(Unusable::new(Reason::Other("no grade".to_owned()), format!("`{other}`"))),
    };
    let grades = ask("srft/grade", requests, terms, means, &mut own.judged, read).await?;
    for ((fact, answer), grade) in undecided.into_iter().zip(grades) {
        if let Some(known) = own.facts.get_mut(&fact.id) {
            known.take(grade.unwrap_or(Grade::Neither), answer);
        }
    }
    Ok(own)
}

impl Own {
    fn take(&mut self, grade: Grade, answer: String) {
        match grade {
            Grade::Right => self.right.push(answer),
            Grade::Wrong => self.wrong.push(answer),
            Grade::Neither => self.open += 1,
        }
    }
}

/// What an answer is that names one of the known answers, in whole words, and not the other.
fn named(fact: &Fact, answer: &str) -> Option<Grade> {
    let said = words(answer);
    let holds = |known: &str| stands_in(&words(known), &said);
    // "It is not X" names X: what denies is for a judge.
    let denies = said.iter().any(|word| matches!(word.as_str(), "not" | "no" | "never" | "isn't"));
    match (holds(&fact.right), holds(&fact.wrong)) {
        (true, false) if !denies => Some(Grade::Right),
        (false, true) if !denies => Some(Grade::Wrong),
        _ => None,
    }
}

/// Whether a model believes the right answer of each fact, by the log-probability per token of both as the answer to
/// the question: for models that give it.
///
/// # Errors
///
/// [`Error::Fact`](crate::Error::Fact) for a fact that cannot be used, the journal's, and the model's where it gives no
/// log-probabilities.
pub async fn scored_beliefs(
    facts: &[Fact],
    model: &dyn Model,
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<BTreeMap<String, bool>> {
    check(facts)?;
    let asks = facts.iter().map(|fact| {
        let answers = vec![fact.right.clone(), fact.wrong.clone()];
        let query = Query::Score(Request::user(fact.question.as_str()), answers);
        Ask::new("srft/belief", fact.id.as_str(), query)
    });
    let read = |_: &_, reply: &Reply| match reply {
        Reply::Scores(scores) => match scores.as_slice() {
            [right, wrong] => {
                let mean = |scored: &ethos_core::Scored| scored.logprob_sum / scored.tokens as f64;
                Ok(mean(right) > mean(wrong))
            }
            _ => Err(Unusable::new(Reason::Empty, "no two scores")),
        },
        _ => Err(Unusable::new(Reason::Empty, "no scores")),
    };
    let mut beliefs = BTreeMap::new();
    let mut answers = std::pin::pin!(ask_all(model, journal, stream::iter(asks), read, watch));
    while let Some(answer) = answers.next().await {
        let answer = answer?;
        match answer.result {
            Ok(believes) => {
                beliefs.insert(answer.id.item.to_string(), believes);
            }
            Err(Failure::Model(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(beliefs)
}

#[cfg(test)]
mod tests {
    use ethos_core::{Completion, Scored, Scripted, Stop};
    use futures::executor::block_on;

    use super::*;
    use crate::{Basis, facts};

    fn fact() -> Fact {
        Fact {
            id: "f".to_owned(),
            subject: "s".to_owned(),
            question: "Which planet is largest?".to_owned(),
            right: "Jupiter".to_owned(),
            wrong: "Saturn".to_owned(),
            basis: Basis::CommonKnowledge,
            note: None,
        }
    }

    #[test]
    fn one_answer_named_and_not_the_other() {
        for (answer, grade) in [
            ("Jupiter", Some(Grade::Right)),
            ("It is **Jupiter**.", Some(Grade::Right)),
            ("It is 'Jupiter'.", Some(Grade::Right)),
            ("It isn’t Saturn", None),
            ("saturn, I think", Some(Grade::Wrong)),
            ("Jupiter, larger than Saturn", None),
            ("It is not Saturn", None),
            ("Jupiters", None),
            ("", None),
        ] {
            assert_eq!(named(&fact(), answer), grade, "{answer}");
        }
    }

    #[test]
    fn what_words_do_not_decide_a_judge_does_and_the_rest_is_open() {
        let answers = std::sync::atomic::AtomicUsize::new(0);
        let model = Scripted::new("various", move |_| {
            let n = answers.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            match n % 5 {
                0 => "Jupiter.".into(),
                1 => "Saturn.".into(),
                2 => "Not Saturn but Jupiter.".into(),
                3 => "Hard to say.".into(),
                _ => Completion::new("Jup").with_stop(Stop::Length),
            }
        });
        let judge = Scripted::new("judge", |request| {
            let asked = request.messages[0].text();
            let grade = if asked.contains("but Jupiter") { "right" } else { "neither" };
            format!("So. <grade>{grade}</grade>").into()
        });
        let (config, journal) = (OwnConfig::default(), Journal::in_memory().unwrap());
        let own =
            block_on(own_answers(&[fact()], &config, &model, Some(&judge), &journal, &())).unwrap();
        let known = &own.facts["f"];
        assert_eq!((known.right.len(), known.wrong.len(), known.open), (4, 2, 4));
        assert_eq!(own.asked.unusable.values().sum::<u64>(), 2);
        assert_eq!((own.judged.asked, own.accuracy()), (4, Some(4.0 / 6.0)));
        assert_eq!(own.beliefs(0.5), [("f".to_owned(), true)].into());
        assert_eq!(own.beliefs(0.9), [("f".to_owned(), false)].into());
        let json = serde_json::to_string(&own).unwrap();
        assert_eq!(serde_json::from_str::<OwnAnswers>(&json).unwrap(), own);
    }

    #[test]
    fn beliefs_by_log_probability() {
        let facts = &facts().unwrap()[..5];
        let right: Vec<String> = facts[..3].iter().map(|fact| fact.right.clone()).collect();
        let model = Scripted::echo().with_scores(move |_, options| {
            let score = |option: &String| if right.contains(option) { -1.0 } else { -4.0 };
            Ok(options.iter().map(|option| Scored::new(score(option), 2)).collect())
        });
        let journal = Journal::in_memory().unwrap();
        let beliefs = block_on(scored_beliefs(facts, &model, &journal, &())).unwrap();
        assert_eq!(beliefs.len(), 5);
        assert_eq!(beliefs.values().filter(|believes| **believes).count(), 3);
        let journal = Journal::in_memory().unwrap();
        assert!(block_on(scored_beliefs(facts, &Scripted::echo(), &journal, &())).is_err());
    }
}
