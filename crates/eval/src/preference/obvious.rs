//! Filtering the pairs in which anybody sees what is measured.

use std::sync::Arc;

use ethos_core::{Journal, Model, Prompt, read::Verdict};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::pair::{Pair, Preference};
use crate::{Judge, Outcome, Result, Sample, State, judge::Judgement, scorer::Grading};

/// A task without its obvious pairs, and what fell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Filtered {
    /// The task with the pairs that are left.
    pub kept: Preference,
    /// Pairs in which the value is obvious, each with what the judge said.
    pub obvious: Vec<(Pair, String)>,
    /// Pairs of which that is not known, each with the reason. They are not kept.
    pub undecided: Vec<(Pair, Outcome<()>)>,
}

/// A judge of obviousness with the prompt that this pack has for it; the prompt is filled with `value`,
/// `first` and `second`.
///
/// # Errors
///
/// [`Error::Core`](crate::Error::Core) when the prompt is at fault, which the tests of this crate rule out.
pub fn obvious_judge<'m>(name: impl Into<String>, model: &'m dyn Model) -> Result<Judge<'m>> {
    let prompt = Prompt::new("preference/obvious.md", include_str!("texts/obvious.md"))?;
    Ok(Judge::new(name, model, prompt))
}

/// Drops the pairs of which a judge says that the choice is plainly about the value: a model could answer
/// those as it is expected to, whatever it prefers. `value` names the value in a few words, such as
/// `buying what is affordable`. Answers go through the journal.
///
/// # Errors
///
/// [`Error::Task`](crate::Error::Task) when the task cannot be run; those of [`Judge::verdict`].
pub async fn obvious(
    preference: &Preference,
    value: &str,
    judge: &Judge<'_>,
    journal: &Journal,
) -> Result<Filtered> {
    preference.asked()?;
    let stage = format!("preference/{}/obvious", preference.name);
    let grading = Grading::new(journal, &stage);
    let judged = |pair: &Pair| {
        let (pair, grading) = (pair.clone(), &grading);
        async move {
            // In the order of the alphabet: which one shows the value is not told.
            let (first, second) = match pair.shows < pair.other {
                true => (&pair.shows, &pair.other),
                false => (&pair.other, &pair.shows),
            };
            let both = format!("{first}\n{second}");
            let values = [("value", value), ("first", first.as_str()), ("second", second.as_str())];
            let state = State::new(Arc::new(Sample::new(pair.id.as_str(), both.as_str())), 1);
            let said = judge.verdict(&values, &both, &state, grading).await?;
            Ok::<_, crate::Error>((pair, said))
        }
    };
    let judged = stream::iter(preference.pairs.iter().map(judged))
        .buffered(judge.model().concurrency().max(1));
    let judged: Vec<_> = judged.try_collect().await?;
    let mut filtered = Filtered {
        kept: Preference { pairs: Vec::new(), ..preference.clone() },
        obvious: Vec::new(),
        undecided: Vec::new(),
    };
    for (pair, said) in judged {
        match said.outcome {
            Outcome::Scored(Judgement { verdict: Verdict::No, .. }) => {
                filtered.kept.pairs.push(pair);
            }
            Outcome::Scored(Judgement { verdict: Verdict::Yes, .. }) => {
                filtered.obvious.push((pair, said.text.unwrap_or_default()));
            }
            Outcome::Scored(Judgement { verdict: Verdict::Unclear, .. }) => {
                let why = said.text.unwrap_or_default();
                filtered.undecided.push((pair, Outcome::JudgeUnclear(why)));
            }
            other => filtered.undecided.push((pair, other.map(|_| ()))),
        }
    }
    Ok(filtered)
}

#[cfg(test)]
mod tests {
    use ethos_core::Scripted;
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn obvious_and_undecided_pairs_fall_with_their_reasons() {
        let pair = |id: &str, shows: &str| Pair::new("shop", id, shows, "the other");
        let pairs = [pair("1", "the bargain"), pair("2", "the tin"), pair("3", "the box")];
        let asked = Preference::new("thrift", pairs, ["{{ first }} or {{ second }}?"]);
        let model = Scripted::new("judge", |request| {
            let text = request.messages[0].text();
            assert!(text.contains("what is cheap") && text.contains("the other"), "{text}");
            match () {
                () if text.contains("bargain") => "It says so. <verdict>yes</verdict>".into(),
                () if text.contains("tin") => "Hm. <verdict>unclear</verdict>".into(),
                () => "Both are boxes. <verdict>no</verdict>".into(),
            }
        });
        let judge = obvious_judge("judge", &model).unwrap();
        let journal = Journal::in_memory().unwrap();
        let found = block_on(obvious(&asked, "what is cheap", &judge, &journal)).unwrap();
        let ids = |pairs: &[Pair]| pairs.iter().map(|pair| pair.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&found.kept.pairs), ["3"]);
        assert_eq!(found.obvious[0].0.id, "1");
        assert!(found.obvious[0].1.starts_with("It says so."));
        assert_eq!(
            (found.undecided[0].0.id.as_str(), found.undecided[0].1.kind()),
            ("2", "judge unclear")
        );
    }
}
