use std::time::{Duration, Instant};

use ethos_api::{Budget, Endpoint, Error as ApiError, Limits, OpenAi, Price, Prices, Retry};
use ethos_core::{Completion, Error, Model, Request, Sampling, Usage};
use futures::{executor::block_on, future::join_all};
use serde_json::json;

use crate::server::{Reply, Server};

fn many(model: &OpenAi, n: usize, max_tokens: u32) -> Vec<Result<Completion, Error>> {
    let sampling = Sampling { max_tokens: Some(max_tokens), ..Sampling::default() };
    let request = Request::user("so?").with_sampling(sampling);
    block_on(join_all((0..n).map(|_| model.complete(&request))))
}

#[test]
fn no_more_are_in_flight_than_allowed() {
    let server = Server::replies(vec![Reply::says("yes").after(0.02)]);
    let model = OpenAi::new(server.endpoint().with_limits(Limits::concurrent(5))).unwrap();
    assert_eq!((model.concurrency(), model.in_flight()), (5, 5));
    assert!(many(&model, 40, 9).into_iter().all(|answer| answer.is_ok()));
    assert_eq!(server.most(), 5);
}

#[test]
fn refusals_for_load_halve_what_is_in_flight() {
    let server = Server::start(|asked| match asked.number {
        0..16 => Reply::error(429, "rate_limit_exceeded", "slow").after(0.05),
        _ => Reply::says("yes"),
    });
    let endpoint = server.endpoint().with_limits(Limits::concurrent(16));
    let model = OpenAi::new(endpoint).unwrap();
    assert!(many(&model, 16, 9).into_iter().all(|answer| answer.is_ok()));
    // One window of refusals is one sign; the sixteen successes after it raise it by one or two.
    assert!((8..=10).contains(&model.in_flight()), "{}", model.in_flight());
    assert_eq!(model.concurrency(), 16);
    many(&model, 200, 9);
    assert_eq!(model.in_flight(), 16);
}

#[test]
fn a_limit_that_is_given_is_kept() {
    let server = Server::replies(vec![Reply::says("yes")]);
    let limits = Limits { requests_per_minute: Some(1200), ..Limits::concurrent(64) };
    let model = OpenAi::new(server.endpoint().with_limits(limits)).unwrap();
    let began = Instant::now();
    many(&model, 11, 9);
    let took = began.elapsed().as_secs_f64();
    assert!((0.5..2.0).contains(&took), "{took}");
}

#[test]
fn a_limit_that_headers_tell_is_kept() {
    let server = Server::start(|_| {
        Reply::says("yes")
            .with("x-ratelimit-limit-requests", 1200)
            .with("x-ratelimit-limit-tokens", 1_000_000)
    });
    let model = server.model();
    many(&model, 1, 9);
    let began = Instant::now();
    many(&model, 11, 9);
    assert!(began.elapsed() > Duration::from_millis(450));
    let used_up = Server::start(|_| {
        Reply::says("yes")
            .with("x-ratelimit-remaining-tokens", 0)
            .with("x-ratelimit-reset-tokens", "400ms")
    });
    let model = used_up.model();
    let began = Instant::now();
    many(&model, 1, 9);
    many(&model, 1, 9);
    let took = began.elapsed().as_secs_f64();
    assert!((0.4..2.0).contains(&took), "{took}");
}

#[test]
fn a_server_that_asks_for_a_pause_is_left_alone_by_all() {
    let server = Server::start(|asked| match asked.number {
        0 => Reply::error(429, "x", "slow").with("Retry-After", "0.4"),
        _ => Reply::says("yes"),
    });
    let model = server.model();
    let request = Request::user("so?");
    block_on(async {
        let mut first = model.complete(&request);
        let _ = futures::poll!(&mut first);
        while server.count() == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(50));
        model.complete(&request).await.unwrap();
        first.await.unwrap();
    });
    let asked = server.asked();
    assert!(asked[1].at - asked[0].at > Duration::from_millis(380));
}

fn priced(server: &Server, budget: &Budget) -> Endpoint {
    // A USD for a thousand tokens, so that an answer of 10 and 5 tokens costs 0.015.
    let prices = Prices::new().with("m", Price::new(1000.0, 1000.0));
    server.endpoint().with_prices(prices).with_budget(budget)
}

#[test]
fn a_budget_is_never_exceeded() {
    let server = Server::replies(vec![Reply::says("yes").after(0.005)]);
    let budget = Budget::usd(1.0);
    let model = OpenAi::new(priced(&server, &budget)).unwrap();
    let (good, bad): (Vec<_>, Vec<_>) = many(&model, 200, 50).into_iter().partition(Result::is_ok);
    let spent = budget.spent();
    assert!(spent.usd <= 1.0, "{spent:?}");
    assert_eq!((good.len() as u64, server.count()), (spent.answers, good.len()));
    assert_eq!(spent.usage, Usage::new(10 * spent.answers, 5 * spent.answers));
    assert!((spent.usd - 0.015 * good.len() as f64).abs() < 1e-9);
    // A request costs 0.2 at most, so no more than that is left.
    assert!(budget.left() < 0.2 && bad.len() + good.len() == 200, "{spent:?}");
    for error in bad {
        let error = error.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().downcast_ref::<ApiError>();
        assert!(matches!(source, Some(ApiError::Budget { model, .. }) if model == "m"), "{error}");
    }
}

#[test]
fn what_nobody_knows_counts_at_its_worst() {
    let budget = Budget::usd(10.0);
    let late = Server::replies(vec![Reply::says("yes").after(0.7)]);
    let model = OpenAi::new(priced(&late, &budget).with_retry(Retry::never())).unwrap();
    assert!(many(&model, 1, 50)[0].is_err());
    let spent = budget.spent();
    assert_eq!((spent.usd, spent.unknown), (0.0, 1));
    assert!(spent.unknown_usd > 0.05, "{spent:?}");
    // Refusals are free.
    let refuses = Server::replies(vec![Reply::error(500, "x", "oh")]);
    let model = OpenAi::new(priced(&refuses, &budget)).unwrap();
    assert!(many(&model, 1, 50)[0].is_err());
    let after = budget.spent();
    assert_eq!((after.usd, after.unknown, after.unknown_usd), (0.0, 1, spent.unknown_usd));
    assert_eq!((spent.refused, after.refused), (0, refuses.count() as u64));
    // An answer without a count is not.
    let answer = json!({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]});
    let silent = Server::replies(vec![Reply::json(answer)]);
    let model = OpenAi::new(priced(&silent, &budget)).unwrap();
    assert!(many(&model, 1, 50)[0].is_ok());
    assert_eq!(budget.spent().unknown, 2);
}

#[test]
fn a_budget_wants_a_price_and_a_bound() {
    let server = Server::replies(vec![Reply::says("yes")]);
    let budget = Budget::usd(1.0);
    let error = OpenAi::new(server.endpoint().with_budget(&budget)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the price table has no `m`, so what it costs is not known; add its price"
    );
    let others = Prices::new().with("another", Price::new(1.0, 1.0));
    let error = OpenAi::new(server.endpoint().with_prices(others)).unwrap_err();
    assert!(matches!(error, ApiError::NoPrice { model } if model == "m"));
    let model = OpenAi::new(priced(&server, &budget)).unwrap();
    let error = block_on(model.complete(&Request::user("so?"))).unwrap_err();
    assert!(error.to_string().contains("max_tokens"), "{error}");
    let model = OpenAi::new(priced(&server, &budget).with_max_tokens(50)).unwrap();
    assert!(block_on(model.complete(&Request::user("so?"))).is_ok());
    assert!(model.spent().usd == budget.spent().usd && model.spent().usd > 0.0);
}
