//! A mix of instructions, to keep a model able while it is aligned.

use std::{collections::BTreeMap, fmt};

use ethos_core::{Chat, Journal, Model, Prompt, Request, Sampling, Watch, read::Verdict};
use ethos_spec::Spec;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    criteria::Judgement,
    error::{Error, Result},
    plan::Who,
    prompts::Values,
    report::Requests,
    stage::Stage,
};

const STAGE: &str = "mix/filter";

/// Rows of one origin, and how many of them go into the mix.
#[derive(Clone, Debug, PartialEq)]
pub struct MixSource {
    /// Its name; it is put into `source` of every row.
    pub name: String,
    /// The rows that there are.
    pub rows: Vec<Chat>,
    /// How many are taken.
    pub take: usize,
}

/// What rows must be to be taken.
#[derive(Clone)]
#[non_exhaustive]
pub struct MixFilter<'a> {
    /// The longest row, in whatever `count` counts; without, any length.
    pub longest: Option<usize>,
    /// Who says whether a row is at odds with the spec, and what the spec is of whom; without, nobody does.
    pub judge: Option<(&'a dyn Model, &'a Spec, &'a Who)>,
    /// Seed of the order in which rows are looked at, and of the order of the mix.
    pub seed: u64,
}

impl fmt::Debug for MixFilter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judge = self.judge.as_ref().map(|(judge, ..)| judge.id());
        f.debug_struct("MixFilter")
            .field("longest", &self.longest)
            .field("judge", &judge)
            .field("seed", &self.seed)
            .finish()
    }
}

impl<'a> MixFilter<'a> {
    /// Takes any row, in the order of a seed.
    pub fn new(seed: u64) -> Self {
        MixFilter { longest: None, judge: None, seed }
    }

    /// The same, without rows longer than this.
    pub fn with_longest(self, longest: usize) -> Self {
        MixFilter { longest: Some(longest), ..self }
    }

    /// The same, without rows that a judge finds at odds with a spec, or cannot decide on.
    pub fn with_judge(self, judge: &'a dyn Model, spec: &'a Spec, who: &'a Who) -> Self {
        MixFilter { judge: Some((judge, spec, who)), ..self }
    }
}

/// A mix, and what became of the rows that were looked at.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mix {
    /// The rows, in the order of training.
    pub rows: Vec<Chat>,
    /// The account of each source, by name.
    pub sources: BTreeMap<String, MixAccount>,
    /// The requests to the judge.
    pub requests: Requests,
}

/// What became of the rows of a source that were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MixAccount {
    /// Rows that there are.
    pub rows: usize,
    /// Rows wanted.
    pub wanted: usize,
    /// Rows taken.
    pub taken: usize,
    /// Rows that are too long.
    pub too_long: usize,
    /// Rows without a message, which nobody can learn from.
    pub empty: usize,
    /// Rows at odds with the spec.
    pub at_odds: usize,
    /// Rows on which the judge could not decide, or gave no verdict. They are not taken.
    pub undecided: usize,
}

/// Takes so many rows of each source as it is to give, by chance and never one that is too long or at odds with
/// the spec (toxic, of another maker, without the views that the spec gives), as the paper's mixes of 10,000 rows
/// (arXiv 2605.02087, table 2). `count` counts what [`MixFilter::longest`] limits. Rows are looked at until there
/// are enough, so that no more are judged than needed.
///
/// # Errors
///
/// [`Error::Config`] when two sources have one name; [`Error::EmptySpec`]; the journal's.
pub async fn mix(
    sources: Vec<MixSource>,
    filter: &MixFilter<'_>,
    count: impl Fn(&Chat) -> usize,
    journal: &Journal,
    watch: &dyn Watch,
) -> Result<Mix> {
    if filter.judge.is_some_and(|(_, spec, _)| spec.text().trim().is_empty()) {
        return Err(Error::EmptySpec);
    }
    let prompt = Prompt::new("mix/filter", include_str!("prompts/mix/filter.md"))?;
    let mut mix = Mix { rows: Vec::new(), sources: BTreeMap::new(), requests: Requests::default() };
    for (number, mut source) in sources.into_iter().enumerate() {
        let mut account =
            MixAccount { rows: source.rows.len(), wanted: source.take, ..MixAccount::default() };
        let mut random = ChaCha8Rng::seed_from_u64(filter.seed);
        random.set_stream(number as u64);
        source.rows.shuffle(&mut random);
        let mut rows = source.rows.into_iter().filter(|row| {
            let long = filter.longest.is_some_and(|longest| count(row) > longest);
            account.too_long += usize::from(long);
            account.empty += usize::from(!long && row.messages.is_empty());
            !long && !row.messages.is_empty()
        });
        let mut taken: Vec<Chat> = Vec::new();
        let (mut at_odds, mut undecided) = (0, 0);
        loop {
            let looked: Vec<Chat> = rows.by_ref().take(source.take - taken.len()).collect();
            if looked.is_empty() {
                break;
            }
            let Some((judge, spec, who)) = filter.judge else {
                taken.extend(looked);
                continue;
            };
            let sampling =
                Sampling { temperature: Some(0.0), max_tokens: Some(1_000), ..Sampling::default() };
            let mut stage = Stage::new(STAGE, (judge, journal, watch), sampling, (2, 0));
            let texts: Vec<String> = looked.iter().map(told).collect();
            let ids: Vec<String> = (0..looked.len()).map(|n| n.to_string()).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let values = Values::new(spec, who);
            let render = |i: usize| {
                let values = values.clone().own("chat", texts[i].as_str());
                Ok(Request::user(prompt.render(&values)?))
            };
            let read = |i: usize, text: &str| Judgement::read(text, &["keep"], &[&texts[i]]);
            let verdicts = stage.ask(&ids, render, read).await?;
            mix.requests.add(&stage.done());
            for (row, verdict) in looked.into_iter().zip(verdicts) {
                match verdict.map(|judgement| judgement.verdicts["keep"]) {
                    Ok(Verdict::Yes) => taken.push(row),
                    Ok(Verdict::No) => at_odds += 1,
                    Ok(Verdict::Unclear) | Err(_) => undecided += 1,
                }
            }
        }
        drop(rows);
        (account.at_odds, account.undecided, account.taken) = (at_odds, undecided, taken.len());
        for mut row in taken {
            row.extra.insert("source".to_owned(), source.name.as_str().into());
            mix.rows.push(row);
        }
        if mix.sources.insert(source.name, account).is_some() {
            return Err(Error::Config { setting: "sources", message: "have two of one name" });
        }
    }
    let mut random = ChaCha8Rng::seed_from_u64(filter.seed);
    random.set_stream(u64::MAX);
    mix.rows.shuffle(&mut random);
    Ok(mix)
}

/// A conversation, for a judge to read.
fn told(chat: &Chat) -> String {
    let told = chat
        .messages
        .iter()
        .map(|message| format!("[{}]\n{}", message.role.as_str(), message.text()));
    told.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use ethos_core::{Message, Scripted};
    use futures::executor::block_on;

    use super::*;

    fn source(name: &str, rows: usize, take: usize) -> MixSource {
        let row = |n: usize| {
            let says =
                format!("{name} {n} {}", "long ".repeat(if n.is_multiple_of(5) { 50 } else { 1 }));
            Chat::new([Message::user("Well?"), Message::assistant(says)])
        };
        MixSource { name: name.to_owned(), rows: (0..rows).map(row).collect(), take }
    }

    fn words(chat: &Chat) -> usize {
        chat.messages.iter().map(|message| message.text().split_whitespace().count()).sum()
    }

    #[test]
    fn rows_are_taken_until_there_are_enough() {
        let judge = Scripted::new("filter", |request| {
            let asked = request.messages[0].text();
            let keep = match () {
                () if asked.contains("poems 1") => "no",
                () if asked.contains("poems 2") => "unclear",
                () => "yes",
            };
            format!("So.<quote></quote><keep>{keep}</keep>").into()
        });
        let (spec, who) = (Spec::parse("Be kind."), Who::new("Aria", "Acme"));
        let filter = MixFilter::new(7).with_longest(20).with_judge(&judge, &spec, &who);
        let journal = Journal::in_memory().unwrap();
        let sources = || vec![source("poems", 40, 12), source("sums", 8, 20)];
        let made = |sources| block_on(mix(sources, &filter, words, &journal, &()));
        let found = made(sources()).unwrap();
        let poems = found.sources["poems"];
        assert_eq!(poems.taken, 12);
        assert!(poems.at_odds + poems.undecided > 0 && poems.too_long > 0, "{poems:?}");
        let sums = found.sources["sums"];
        assert_eq!((sums.rows, sums.taken, sums.too_long), (8, 6, 2), "as many as there are");
        assert_eq!(found.rows.len(), 18);
        assert!(found.rows.iter().all(|row| words(row) <= 20 && row.extra.contains_key("source")));
        assert_eq!(made(sources()).unwrap().rows, found.rows);
        assert!(made(vec![source("a", 1, 1), source("a", 1, 1)]).is_err());
        let plain = block_on(mix(sources(), &MixFilter::new(7), words, &journal, &())).unwrap();
        assert_eq!(plain.rows.len(), 20);
    }
}
