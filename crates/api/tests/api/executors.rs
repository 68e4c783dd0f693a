use std::{
    thread,
    time::{Duration, Instant},
};

use ethos_api::{OpenAi, Runtime};
use ethos_core::{Model, Request};
use futures::{FutureExt, executor::block_on, future::join_all};

use crate::server::{Reply, Server, hasty};

fn tokio_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn any_executor_may_poll() {
    let server = Server::replies(vec![Reply::says("yes").after(0.02)]);
    let model = server.model();
    let request = Request::user("so?");
    let all = || async {
        let answers = join_all((0..20).map(|_| model.complete(&request))).await;
        assert!(answers.into_iter().all(|answer| answer.unwrap().message.text() == "yes"));
    };
    block_on(all());
    tokio_runtime().block_on(all());
    thread::scope(|scope| {
        scope.spawn(|| block_on(all()));
        scope.spawn(|| tokio_runtime().block_on(all()));
    });
}

#[test]
fn a_runtime_that_is_given_is_used_and_one_that_has_stopped_is_told() {
    let server = Server::replies(vec![Reply::says("yes")]);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let model = OpenAi::new(server.endpoint().with_runtime(runtime.handle().clone())).unwrap();
    let request = Request::user("so?");
    assert!(block_on(model.complete(&request)).is_ok());
    assert!(runtime.block_on(model.complete(&request)).is_ok());
    drop(runtime);
    let error = block_on(model.complete(&request)).unwrap_err();
    assert!(error.to_string().contains("its runtime has stopped"), "{error}");
    let poor = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let model = OpenAi::new(server.endpoint().with_runtime(poor.handle().clone())).unwrap();
    let error = block_on(model.complete(&request)).unwrap_err();
    assert!(error.to_string().contains("no drivers"), "{error}");
}

#[test]
fn models_share_a_runtime_and_go_anywhere() {
    let server = Server::replies(vec![Reply::says("yes")]);
    let shared = Runtime::new(1).unwrap();
    let model = || OpenAi::new(server.endpoint().with_runtime(shared.clone())).unwrap();
    let (one, two) = (model(), model());
    let request = Request::user("so?");
    tokio_runtime().block_on(async move {
        assert!(one.complete(&request).await.is_ok());
        drop(one);
        assert!(two.complete(&request).await.is_ok());
    });
    // The last owner of a runtime may go within another.
    let own = server.model();
    drop(shared);
    tokio_runtime().block_on(async move { drop(own) });
}

#[test]
fn giving_up_aborts_the_request() {
    let server = Server::replies(vec![Reply::says("yes").after(0.3)]);
    let endpoint = hasty(server.endpoint()).with_limits(ethos_api::Limits::concurrent(1));
    let model = OpenAi::new(endpoint).unwrap();
    let request = Request::user("so?");
    let mut first = model.complete(&request);
    assert!((&mut first).now_or_never().is_none());
    let began = Instant::now();
    while server.count() == 0 && began.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(5));
    }
    drop(first);
    // Its permit is free at once, though the server is still at it.
    assert!(block_on(model.complete(&request)).is_ok());
    assert_eq!(server.most(), 2);
    assert_eq!(model.spent().unknown, 1);
    // What was never polled was never sent.
    drop(model.complete(&request));
    thread::sleep(Duration::from_millis(50));
    assert_eq!(server.count(), 2);
}
