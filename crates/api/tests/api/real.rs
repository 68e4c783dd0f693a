use ethos_api::{Endpoint, Limits, OpenAi, Retry};
use ethos_core::{Model, ModelErrorKind, Request, Sampling, Stop};
use futures::{executor::block_on, future::join_all};

use crate::asking::kind;

/// See real_server.md.
#[test]
#[ignore = "needs `transformers serve` on port 8127, see real_server.md"]
fn a_real_server() {
    let endpoint = |model: &str| {
        Endpoint::new("http://127.0.0.1:8127/v1", model)
            .with_key("sk-nobody-asks")
            .with_retry(Retry { tries: 2, ..Retry::usual() })
            .with_limits(Limits::concurrent(4))
    };
    let model = OpenAi::new(endpoint("tiny")).unwrap();
    let greedy = Sampling { max_tokens: Some(8), temperature: Some(0.0), ..Sampling::default() };
    let request = Request::user("What is the capital of France?").with_sampling(greedy);
    let answers = block_on(join_all((0..8).map(|_| model.complete(&request))));
    for answer in &answers {
        println!("{answer:?}");
    }
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| answer.message == answers[0].message));
    assert!(matches!(answers[0].stop, Stop::Length | Stop::End), "{answers:?}");
    let nobody = OpenAi::new(endpoint("nobody/nothing")).unwrap();
    let error = block_on(nobody.complete(&request)).unwrap_err();
    println!("{error}");
    assert_ne!(kind(&error), ModelErrorKind::Connection);
}
