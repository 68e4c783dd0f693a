//! Asking a model about many facts, and the account of it.

use std::{collections::BTreeMap, ops::AddAssign, pin::pin};

use ethos_core::{
    Ask, Failure, Journal, Model, Query, Reply, Request, Sampling, Usage, Watch, ask_all,
    card::Spent, read::Read,
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// With what a model is asked.
pub(crate) type Means<'a> = (&'a dyn Model, &'a Journal, &'a dyn Watch);

/// The account of what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Asked {
    /// Questions.
    pub asked: u64,
    /// Those that the journal had answers to.
    pub reused: u64,
    /// Those with an answer that could be used.
    #[serde(default)]
    pub usable: u64,
    /// Answers that could not be used, by reason; each was asked again, but for the last.
    pub unusable: BTreeMap<String, u64>,
    /// Questions to which no answer came at all.
    pub errors: u64,
    /// Tokens of all answers, those from the journal too.
    pub usage: Usage,
}

impl AddAssign<&Asked> for Asked {
    fn add_assign(&mut self, other: &Asked) {
        self.asked += other.asked;
        self.reused += other.reused;
        self.usable += other.usable;
        for (reason, count) in &other.unusable {
            *self.unusable.entry(reason.clone()).or_default() += count;
        }
        self.errors += other.errors;
        self.usage += other.usage;
    }
}

impl Asked {
    /// The same as a row of a card.
    pub(crate) fn spent<'a>(&self, stage: &'a str, model: Option<&'a str>) -> Spent<'a> {
        Spent {
            stage,
            model,
            usable: self.usable,
            unusable: self.unusable.values().sum(),
            errors: self.errors,
            usage: self.usage,
        }
    }
}

/// Asks all of these, each by an id that no other has, and gives what `read` makes of the answers, in order.
pub(crate) async fn ask<T: Send>(
    stage: &str,
    requests: Vec<(String, u32, Request)>,
    (sampling, tries): (&Sampling, u32),
    (model, journal, watch): Means<'_>,
    account: &mut Asked,
    read: impl Fn(usize, &str) -> Read<T> + Send + Sync,
) -> Result<Vec<Result<T, Failure>>> {
    let index: BTreeMap<String, usize> =
        requests.iter().enumerate().map(|(n, (id, ..))| (id.clone(), n)).collect();
    let mut settled: Vec<Option<Result<T, Failure>>> = requests.iter().map(|_| None).collect();
    let asks = requests.into_iter().map(|(id, draw, request)| {
        let request = request.with_sampling(sampling.clone());
        Ask::new(stage, id, Query::Complete(request)).with_draw(draw).with_tries(tries)
    });
    let reader = |id: &ethos_core::AskId, reply: &Reply| read(index[&*id.item], &reply.text()?);
    let mut answers = pin!(ask_all(model, journal, stream::iter(asks), reader, watch));
    while let Some(answer) = answers.next().await {
        let answer = answer?;
        account.asked += 1;
        account.reused += u64::from(answer.reused);
        account.usage += answer.usage;
        for why in &answer.unusable {
            *account.unusable.entry(why.reason.to_string()).or_default() += 1;
        }
        account.usable += u64::from(answer.result.is_ok());
        account.errors += u64::from(matches!(answer.result, Err(Failure::Model(_))));
        settled[index[&*answer.id.item]] = Some(answer.result);
    }
    Ok(settled.into_iter().flatten().collect())
}
