//! What is spent, and what may be.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ethos_core::Usage;
use tokio::sync::Notify;

use crate::{
    Error, Result,
    price::{Cached, Cost, Price},
};

/// What a model, or all models of a budget, have taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Spent {
    /// Answers.
    pub answers: u64,
    /// Their tokens.
    pub usage: Usage,
    /// What these cost by the price table, in USD; 0 without one.
    pub usd: f64,
    /// Attempts whose answers never came, or came without their number of tokens, so that nobody here
    /// knows whether they are billed.
    pub unknown: u64,
    /// What these cost at most, in USD. A budget counts it as spent.
    pub unknown_usd: f64,
    /// Attempts, and submissions of batches, that cost nothing: the server refused or declined them, or could not be
    /// reached.
    pub refused: u64,
}

/// A sum that requests may cost, shared by whatever models are given a clone of it.
///
/// Before a request is sent, the most that it can cost is set aside: its bytes as tokens (no tokeniser
/// makes more of them), and `max_tokens`. What it did cost is taken when the answer is there. A request
/// that would not fit waits while others in flight may leave something over, and is refused, unsent,
/// when they cannot: so the sum is never exceeded, unless by what no byte of a request shows, such as
/// images that it only names. Where a server counts more than that, the most that it counted is set aside too, from
/// then on.
#[derive(Clone)]
pub struct Budget(Arc<Shared>);

struct Shared {
    limit: Cost,
    ledger: Mutex<Ledger>,
    settled: Notify,
}

#[derive(Clone, Copy, Default)]
struct Ledger {
    answers: u64,
    usage: Usage,
    spent: Cost,
    unknown: u64,
    lost: Cost,
    refused: u64,
    reserved: Cost,
}

impl Ledger {
    fn spent(&self) -> Spent {
        Spent {
            answers: self.answers,
            usage: self.usage,
            usd: self.spent.as_usd(),
            unknown: self.unknown,
            unknown_usd: self.lost.as_usd(),
            refused: self.refused,
        }
    }

    fn settle(&mut self, end: &End) {
        self.answers += end.answers;
        self.usage += end.usage;
        self.spent.0 += end.spent.0;
        self.unknown += end.unknown;
        self.lost.0 += end.lost.0;
        self.refused += end.refused;
    }
}

/// How what was set aside ended: what of it is spent, and what is lost to nobody knows what. By default it is free.
#[derive(Clone, Copy, Default)]
struct End {
    answers: u64,
    usage: Usage,
    spent: Cost,
    unknown: u64,
    lost: Cost,
    refused: u64,
}

impl End {
    fn unknown(worst: Cost) -> End {
        End { unknown: 1, lost: worst, ..End::default() }
    }
}

impl Budget {
    /// So many USD. What is no sum of money, like a negative number, is nothing.
    pub fn usd(limit: f64) -> Budget {
        let limit = Cost::usd(limit);
        Budget(Arc::new(Shared { limit, ledger: Mutex::default(), settled: Notify::new() }))
    }

    /// What is spent so far, by all who share it.
    pub fn spent(&self) -> Spent {
        lock(&self.0.ledger).spent()
    }

    /// What is left when all that is in flight costs the most that it can, in USD.
    pub fn left(&self) -> f64 {
        let ledger = *lock(&self.0.ledger);
        let taken = ledger.spent.0 + ledger.lost.0 + ledger.reserved.0;
        Cost(self.0.limit.0.saturating_sub(taken)).as_usd()
    }

    async fn reserve(&self, model: &str, worst: Cost) -> Result<()> {
        loop {
            let settled = self.0.settled.notified();
            let mut settled = std::pin::pin!(settled);
            // From here on nothing settles unheard.
            settled.as_mut().enable();
            {
                let mut ledger = lock(&self.0.ledger);
                let gone = ledger.spent.0 + ledger.lost.0;
                let limit = self.0.limit;
                if gone + worst.0 > limit.0 {
                    return Err(Error::Budget {
                        model: model.into(),
                        worst: worst.as_usd(),
                        left: Cost(limit.0.saturating_sub(gone)).as_usd(),
                        limit: limit.as_usd(),
                    });
                }
                if gone + ledger.reserved.0 + worst.0 <= limit.0 {
                    ledger.reserved.0 += worst.0;
                    return Ok(());
                }
            }
            settled.await;
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (limit, spent) = (self.0.limit.as_usd(), self.spent());
        f.debug_struct("Budget").field("limit", &limit).field("spent", &spent).finish()
    }
}

/// Keeps the accounts of one model.
#[derive(Debug)]
pub(crate) struct Meter {
    model: String,
    price: Option<Price>,
    budget: Option<Budget>,
    ledger: Mutex<Ledger>,
    /// The most tokens that an answer took beyond what was set aside for it.
    beyond: Mutex<Usage>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spent().fmt(f)
    }
}

impl Meter {
    pub(crate) fn new(model: &str, price: Option<Price>, budget: Option<Budget>) -> Result<Meter> {
        if let Some(price) = &price {
            price.check()?;
        } else if budget.is_some() {
            return Err(Error::NoPrice { model: model.into() });
        }
        let (ledger, beyond) = (Mutex::default(), Mutex::default());
        Ok(Meter { model: model.into(), price, budget, ledger, beyond })
    }

    pub(crate) fn budgeted(&self) -> bool {
        self.budget.is_some()
    }

    pub(crate) fn spent(&self) -> Spent {
        lock(&self.ledger).spent()
    }

    /// Sets aside what an attempt costs at most.
    pub(crate) async fn reserve(self: &Arc<Self>, bound: Usage) -> Result<Hold> {
        let mut worst = bound;
        worst += *lock(&self.beyond);
        let mut hold = self.reserve_at(self.price, worst).await?;
        hold.bound = Some(bound);
        Ok(hold)
    }

    /// Sets aside what all requests of a batch cost at most.
    pub(crate) async fn reserve_batch(self: &Arc<Self>, worst: Usage) -> Result<Hold> {
        self.reserve_at(self.price.map(Price::batched), worst).await
    }

    async fn reserve_at(self: &Arc<Self>, price: Option<Price>, worst: Usage) -> Result<Hold> {
        let worst = price.map(|price| price.worst(worst)).unwrap_or_default();
        if let Some(budget) = &self.budget {
            budget.reserve(&self.model, worst).await?;
        }
        let meter = Arc::clone(self);
        Ok(Hold { meter, price, worst, bound: None, sent: false, settled: false })
    }

    /// An answer took so much, where no more than `bound` was to be expected.
    fn took(&self, usage: Usage, bound: Usage) {
        let mut beyond = lock(&self.beyond);
        beyond.input = beyond.input.max(usage.input.saturating_sub(bound.input));
        beyond.output = beyond.output.max(usage.output.saturating_sub(bound.output));
    }
}

/// What is set aside for an attempt, or for a batch. Dropped unsettled, it is free before the attempt was sent, and
/// unknown after.
#[derive(Debug)]
pub(crate) struct Hold {
    meter: Arc<Meter>,
    price: Option<Price>,
    worst: Cost,
    /// Tokens of an attempt that its bytes and its `max_tokens` bound.
    bound: Option<Usage>,
    sent: bool,
    settled: bool,
}

impl Hold {
    /// The server may have the request.
    pub(crate) fn sent(&mut self) {
        self.sent = true;
    }

    /// The server did not do it.
    pub(crate) fn free(mut self) {
        self.settle(End { refused: u64::from(self.sent), ..End::default() });
    }

    /// It was answered.
    pub(crate) fn paid(self, usage: Usage, cached: Cached) {
        if let Some(bound) = self.bound {
            self.meter.took(usage, bound);
        }
        self.paid_all([Some((usage, cached))]);
    }

    /// So many answers came, some perhaps without a word on what they took: these took all the rest.
    pub(crate) fn paid_all(mut self, answers: impl IntoIterator<Item = Option<(Usage, Cached)>>) {
        let mut end = End::default();
        for answer in answers {
            end.answers += 1;
            match answer {
                Some((usage, cached)) => {
                    end.usage += usage;
                    end.spent.0 += self.price.map_or(0, |price| price.of(usage, cached).0);
                }
                None => end.unknown += 1,
            }
        }
        if end.unknown > 0 {
            end.lost = Cost(self.worst.0.saturating_sub(end.spent.0));
        }
        self.settle(end);
    }

    fn settle(&mut self, end: End) {
        self.settled = true;
        let end = &end;
        lock(&self.meter.ledger).settle(end);
        if let Some(Budget(shared)) = &self.meter.budget {
            {
                let mut ledger = lock(&shared.ledger);
                ledger.reserved.0 = ledger.reserved.0.saturating_sub(self.worst.0);
                ledger.settle(end);
            }
            shared.settled.notify_waiters();
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.settled {
            self.settle(if self.sent { End::unknown(self.worst) } else { End::default() });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, executor::block_on};

    use super::*;

    fn meter(budget: &Budget) -> Arc<Meter> {
        let price = Some(Price::new(1e6, 1e6)); // a USD for a token
        Arc::new(Meter::new("m", price, Some(budget.clone())).unwrap())
    }

    fn usage(input: u64) -> Usage {
        Usage::new(input, 0)
    }

    #[test]
    fn a_budget_waits_for_what_may_be_left_over_and_stops_before_it_is_exceeded() {
        let budget = Budget::usd(10.0);
        let (one, two) = (meter(&budget), meter(&budget));
        let mut first = block_on(one.reserve(usage(6))).unwrap();
        first.sent();
        assert_eq!(budget.left(), 4.0);
        let mut waits = Box::pin(two.reserve(usage(6)));
        assert!((&mut waits).now_or_never().is_none(), "it may yet fit");
        first.paid(usage(3), Cached::default());
        let mut second = block_on(waits).unwrap();
        second.sent();
        drop(second);
        let spent = budget.spent();
        assert_eq!((spent.usd, spent.unknown_usd, spent.unknown), (3.0, 6.0, 1));
        let error = block_on(one.reserve(usage(2))).unwrap_err();
        assert!(
            matches!(error, Error::Budget { worst: 2.0, left: 1.0, limit: 10.0, .. }),
            "{error}"
        );
        block_on(one.reserve(usage(1))).unwrap().free();
        drop(block_on(one.reserve(usage(1))).unwrap());
        assert_eq!((budget.left(), one.spent().usd, two.spent().usd), (1.0, 3.0, 0.0));
    }

    #[test]
    fn a_batch_costs_what_its_answers_say_and_all_of_it_where_one_says_nothing() {
        let budget = Budget::usd(10.0);
        let price = Some(Price { batch: Some(0.5), ..Price::new(1e6, 1e6) });
        let meter = Arc::new(Meter::new("m", price, Some(budget.clone())).unwrap());
        let hold = || {
            let mut hold = block_on(meter.reserve_batch(usage(8))).unwrap();
            hold.sent();
            hold
        };
        let took = |tokens| Some((usage(tokens), Cached::default()));
        let first = hold();
        assert_eq!(budget.left(), 6.0);
        first.paid_all([took(2), took(1)]);
        assert_eq!((budget.left(), budget.spent().usd, budget.spent().answers), (8.5, 1.5, 2));
        hold().paid_all([took(2), None]);
        let spent = budget.spent();
        assert_eq!((spent.usd, spent.unknown, spent.unknown_usd), (2.5, 1, 3.0));
        hold().free();
        assert_eq!(budget.left(), 4.5);
    }

    #[test]
    fn a_server_that_counts_more_than_there_is_does_so_once() {
        let budget = Budget::usd(100.0);
        let meter = meter(&budget);
        let mut first = block_on(meter.reserve(usage(6))).unwrap();
        first.sent();
        first.paid(usage(36), Cached::default());
        assert_eq!(budget.left(), 64.0);
        // Thirty more than its six are set aside now.
        let second = block_on(meter.reserve(usage(6))).unwrap();
        assert_eq!(budget.left(), 28.0);
        drop(second);
        let error = block_on(meter.reserve(usage(35))).unwrap_err();
        assert!(matches!(error, Error::Budget { worst: 65.0, left: 64.0, .. }), "{error}");
    }

    #[test]
    fn a_model_without_a_price_is_named() {
        let error = Meter::new("gpt-5", None, Some(Budget::usd(1.0))).unwrap_err();
        assert!(error.to_string().contains("gpt-5"), "{error}");
        assert!(Meter::new("gpt-5", None, None).is_ok());
    }
}
