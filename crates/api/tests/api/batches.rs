//! The batch services of OpenAI and Anthropic, as a server on this machine plays them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use ethos_api::{Anthropic, Budget, OpenAi, Price, Prices};
use ethos_core::{
    Answer, Ask, BatchLimits, Batching, Failure, Journal, Model, ModelErrorKind, Progress, Query,
    Reply as Kept, Request, Stop, ask_batch,
};
use futures::executor::block_on;
use serde_json::{Value, json};

use crate::{
    asking::kind,
    server::{Asked, Reply, Server, hasty},
};

/// A service, both OpenAI's and Anthropic's.
#[derive(Default)]
struct Service {
    files: Mutex<Vec<String>>,
    batches: Mutex<Vec<Stored>>,
    /// Creations that are accepted, and answered with 500.
    deaf: AtomicUsize,
    /// Batches refused as a whole.
    refused: AtomicUsize,
    /// Lists that are none.
    garbled: AtomicUsize,
    /// Results of which the first line is cut off.
    cut: AtomicUsize,
    /// Looks at a batch that find nothing.
    blind: AtomicUsize,
}

/// Whether it happens once more.
fn once_more(times: &AtomicUsize) -> bool {
    times.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
}

#[derive(Clone)]
struct Stored {
    tag: Value,
    /// Custom id and text.
    items: Vec<(String, String)>,
    looks: usize,
    cancelled: bool,
    refused: bool,
}

impl Service {
    fn play(&self, asked: &Asked) -> Reply {
        let path = asked.path.split('?').next().unwrap();
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let posted = !asked.body.is_empty();
        match parts[..] {
            ["files"] => {
                assert!(asked.header("content-type").starts_with("multipart/form-data; boundary="));
                let body = String::from_utf8(asked.body.clone()).unwrap();
                assert!(body.contains("name=\"purpose\"\r\n\r\nbatch\r\n"));
                let (_, rest) = body.split_once("application/jsonl\r\n\r\n").unwrap();
                let mut files = self.files.lock().unwrap();
                files.push(rest.split("\r\n--").next().unwrap().to_owned());
                Reply::json(json!({"id": format!("file-{}", files.len() - 1)}))
            }
            ["files", file, "content"] => {
                let n: usize = file[1..].parse().unwrap();
                self.results(self.openai_results(n, file.starts_with('o')))
            }
            ["batches"] if posted => {
                let body = asked.json();
                assert_eq!(body["endpoint"], "/v1/chat/completions");
                assert_eq!(body["completion_window"], "24h");
                let file: usize = body["input_file_id"].as_str().unwrap()[5..].parse().unwrap();
                let lines = self.files.lock().unwrap()[file].clone();
                let items = lines.lines().map(|line| {
                    let line: Value = serde_json::from_str(line).unwrap();
                    assert_eq!(
                        (&line["method"], &line["body"]["model"]),
                        (&"POST".into(), &"m".into())
                    );
                    item(&line, &line["body"])
                });
                self.create(body["metadata"]["ethos"].clone(), items.collect())
            }
            ["messages", "batches"] if posted => {
                let body = asked.json();
                let items = body["requests"].as_array().unwrap().iter();
                self.create(Value::Null, items.map(|one| item(one, &one["params"])).collect())
            }
            ["batches"] | ["messages", "batches"] if once_more(&self.garbled) => {
                Reply::json(json!({"detail": "so?"}))
            }
            ["batches"] | ["messages", "batches"] => self.page(asked),
            ["batches", _] | ["messages", "batches", _] if once_more(&self.blind) => {
                Reply::error(404, "not_found", "no such batch")
            }
            ["batches", id] | ["messages", "batches", id] => {
                let n: usize = id[1..].parse().unwrap();
                match self.batches.lock().unwrap().get_mut(n) {
                    Some(stored) => {
                        stored.looks += 1;
                        Reply::json(show(n, stored))
                    }
                    None => Reply::error(404, "not_found", "no such batch"),
                }
            }
            ["messages", "batches", id, "results"] => {
                self.results(self.anthropic_results(id[1..].parse().unwrap()))
            }
            ["batches", id, "cancel"] | ["messages", "batches", id, "cancel"] => {
                let n: usize = id[1..].parse().unwrap();
                self.batches.lock().unwrap()[n].cancelled = true;
                Reply::json(json!({}))
            }
            _ => Reply::error(404, "not_found", path),
        }
    }

    fn results(&self, lines: String) -> Reply {
        let from = if once_more(&self.cut) { 20.min(lines.len()) } else { 0 };
        Reply::new(200, &lines.as_bytes()[from..])
    }

    fn create(&self, tag: Value, items: Vec<(String, String)>) -> Reply {
        let refused = self.refused.load(Ordering::SeqCst) > 0;
        let mut batches = self.batches.lock().unwrap();
        batches.push(Stored { tag, items, looks: 0, cancelled: false, refused });
        if self.deaf.load(Ordering::SeqCst) > 0 {
            self.deaf.fetch_sub(1, Ordering::SeqCst);
            return Reply::error(500, "server_error", "nobody knows");
        }
        Reply::json(json!({"id": format!("b{}", batches.len() - 1)}))
    }

    /// Pages of one batch, the newest first.
    fn page(&self, asked: &Asked) -> Reply {
        let batches = self.batches.lock().unwrap();
        let after = asked.path.split(['?', '&']).find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.starts_with("after").then(|| value[1..].parse::<usize>().unwrap())
        });
        let end = after.unwrap_or(batches.len());
        let shown = end.checked_sub(1).map(|n| show(n, &batches[n]));
        Reply::json(json!({"data": Vec::from_iter(shown), "has_more": end > 1}))
    }

    fn openai_results(&self, n: usize, fine: bool) -> String {
        let batch = self.batches.lock().unwrap()[n].clone();
        let mut lines = String::new();
        for (id, text) in batch.items.iter().rev() {
            let said = |status: u16, body: Value| json!({"custom_id": id, "error": null, "response": {"status_code": status, "body": body}});
            let (line, good) = match text.as_str() {
                _ if batch.cancelled => {
                    let error = json!({"code": "batch_cancelled", "message": "sk-secret-secret"});
                    (json!({"custom_id": id, "response": null, "error": error}), false)
                }
                "3" => {
                    let error = json!({"message": "too long sk-secret-secret", "code": "context_length_exceeded"});
                    (said(400, json!({"error": error})), false)
                }
                "4" => {
                    let error = json!({"message": "no", "code": "content_filter"});
                    (said(400, json!({"error": error})), false)
                }
                text => {
                    let message = json!({"role": "assistant", "content": format!("yes {text}")});
                    let choice = json!({"index": 0, "finish_reason": "stop", "message": message});
                    (
                        said(
                            200,
                            json!({"id": "c", "choices": [choice],
                        "usage": {"prompt_tokens": 10, "completion_tokens": 5}}),
                        ),
                        true,
                    )
                }
            };
            if good == fine {
                lines += &format!("{line}\n");
            }
        }
        lines
    }

    fn anthropic_results(&self, n: usize) -> String {
        let batch = self.batches.lock().unwrap()[n].clone();
        let line = |(id, text): &(String, String)| {
            let result = match text.as_str() {
                _ if batch.cancelled => json!({"type": "canceled"}),
                "3" => json!({"type": "errored", "error": {"type": "error", "error":
                    {"type": "invalid_request_error", "message": "too long sk-secret-secret"}}}),
                "4" => {
                    json!({"type": "succeeded", "message": {"content": [], "stop_reason": "refusal",
                    "usage": {"input_tokens": 10, "output_tokens": 5}}})
                }
                text => {
                    json!({"type": "succeeded", "message": {"id": "m", "stop_reason": "end_turn",
                    "content": [{"type": "text", "text": format!("yes {text}")}],
                    "usage": {"input_tokens": 10, "output_tokens": 5}}})
                }
            };
            format!("{}\n", json!({"custom_id": id, "result": result}))
        };
        batch.items.iter().rev().map(line).collect()
    }
}

fn item(line: &Value, body: &Value) -> (String, String) {
    let text = body["messages"][0]["content"].as_str().unwrap();
    assert!(body.get("stream").is_none());
    (line["custom_id"].as_str().unwrap().to_owned(), text.to_owned())
}

/// A batch as either provider shows it: their fields have different names.
fn show(n: usize, stored: &Stored) -> Value {
    let (ended, total) = (stored.looks > 1 || stored.cancelled, stored.items.len());
    let status = match () {
        () if stored.refused => "failed",
        () if stored.cancelled => "cancelled",
        () if ended => "completed",
        () => "in_progress",
    };
    let file = |kind: &str| ended.then(|| format!("{kind}{n}"));
    json!({
        "id": format!("b{n}"), "metadata": {"ethos": stored.tag}, "status": status,
        "created_at": if stored.tag.is_null() { json!("2100-01-01T00:00:00.5+00:00") } else { json!(4e9 as u64) },
        "errors": {"data": [{"message": "too many tokens are enqueued"}]},
        "output_file_id": file("o"), "error_file_id": file("e"),
        "processing_status": if ended { "ended" } else { "in_progress" }, "archived_at": null,
        "request_counts": {"total": total, "completed": 0, "failed": 0,
            "processing": if ended { 0 } else { total }, "succeeded": if ended { total } else { 0 },
            "errored": 0, "canceled": 0, "expired": 0},
    })
}

struct Both {
    service: Arc<Service>,
    server: Server,
}

fn both() -> Both {
    let service = Arc::<Service>::default();
    let played = Arc::clone(&service);
    Both { server: Server::start(move |asked| played.play(asked)), service }
}

impl Both {
    fn models(&self) -> [Box<dyn Model>; 2] {
        let endpoint = || self.server.endpoint().with_key("sk-secret-secret");
        let openai = OpenAi::new(endpoint()).unwrap().with_batches();
        [Box::new(openai), Box::new(Anthropic::new(endpoint()).unwrap().with_batches())]
    }

    fn sizes(&self) -> Vec<usize> {
        self.service.batches.lock().unwrap().iter().map(|batch| batch.items.len()).collect()
    }
}

/// Looks at once again.
fn terms<'a>() -> Batching<'a> {
    Batching::default().with_every(std::time::Duration::ZERO)
}

fn ask(model: &dyn Model, journal: &Journal, terms: &Batching<'_>) -> (Vec<Answer<String>>, u64) {
    let query = |n: usize| Query::Complete(Request::user(n.to_string()));
    let asks = (0..8).map(|n| Ask::new("test", n.to_string(), query(n)).with_tries(0));
    let read = |_: &_, reply: &Kept| Ok(reply.text()?.into_owned());
    let repaid = Mutex::new(0);
    let watch = |progress: &Progress| *repaid.lock().unwrap() = progress.repaid;
    let answers = block_on(ask_batch(model, journal, asks, read, terms, &watch)).unwrap();
    (answers, repaid.into_inner().unwrap())
}

#[test]
fn batches_are_submitted_polled_and_read() {
    let both = both();
    for (at, model) in both.models().into_iter().enumerate() {
        let journal = Journal::in_memory().unwrap();
        let terms = terms().with_limits(BatchLimits::new(5, u64::MAX));
        let (answers, repaid) = ask(&model, &journal, &terms);
        assert_eq!((&both.sizes()[2 * at..], repaid), (&[5, 3][..], 0));
        for (n, answer) in answers.iter().enumerate() {
            match (n, &answer.result) {
                (3, Err(Failure::Model(error))) => {
                    assert_eq!(kind(error), ModelErrorKind::BadRequest);
                    let shown = format!("{error} {error:?}");
                    assert!(shown.contains("too long") && !shown.contains("secret"), "{shown}");
                }
                (4, Err(Failure::Unusable(_))) => {}
                (n, said) => {
                    assert_eq!(said.as_ref().unwrap(), &format!("yes {n}"));
                    assert_eq!((answer.usage.input, answer.usage.output), (10, 5));
                }
            }
        }
        let record = journal.records().map(Result::unwrap).find(|record| record.id.item == "4");
        let Kept::Completion(refusal) = record.unwrap().reply else { panic!("it is a score") };
        assert_eq!(refusal.stop, Stop::Refusal);
        assert_eq!(journal.stats().unwrap().in_flight, 0);
    }
    let keys = both.server.asked();
    assert!(keys.iter().all(|asked| {
        asked.header("authorization") == "Bearer sk-secret-secret"
            || asked.header("x-api-key") == "sk-secret-secret"
    }));
}

#[test]
fn a_creation_that_nobody_heard_of_is_adopted_and_not_repeated() {
    let both = both();
    for (at, model) in both.models().into_iter().enumerate() {
        let journal = Journal::in_memory().unwrap();
        both.service.deaf.store(1, Ordering::SeqCst);
        let terms = terms().with_limits(BatchLimits::new(6, u64::MAX));
        let (answers, repaid) = ask(&model, &journal, &terms);
        assert_eq!(answers.iter().filter(|answer| answer.result.is_ok()).count(), 6);
        assert_eq!((&both.sizes()[2 * at..], repaid), (&[6, 2][..], 0));
    }
}

#[test]
fn a_list_that_is_none_is_not_an_empty_one() {
    let both = both();
    for (at, model) in both.models().into_iter().enumerate() {
        let journal = Journal::in_memory().unwrap();
        both.service.deaf.store(1, Ordering::SeqCst);
        both.service.garbled.store(3, Ordering::SeqCst);
        let (answers, repaid) = ask(&model, &journal, &terms());
        assert_eq!(answers.iter().filter(|answer| answer.result.is_ok()).count(), 6);
        assert_eq!((both.sizes().len(), repaid), (at + 1, 0), "the batch was submitted again");
        assert_eq!(both.service.garbled.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a_line_that_is_cut_off_is_fetched_again_and_loses_no_other() {
    let both = both();
    for (at, model) in both.models().into_iter().enumerate() {
        // Once, and as often as it is fetched for one batch: then it is asked anew.
        for (cuts, batches) in [(1, 1), (3, 2)] {
            let before = both.sizes().len();
            let journal = Journal::in_memory().unwrap();
            both.service.cut.store(cuts, Ordering::SeqCst);
            let (answers, repaid) = ask(&model, &journal, &terms());
            assert_eq!(answers.iter().filter(|answer| answer.result.is_ok()).count(), 6);
            assert_eq!((both.sizes().len() - before, repaid as usize), (batches, batches - 1));
            assert!(both.sizes()[before + batches - 1] <= 8 / batches, "{at}: {:?}", both.sizes());
        }
    }
}

#[test]
fn a_batch_that_is_not_found_once_is_looked_for_again() {
    let both = both();
    for (at, model) in both.models().into_iter().enumerate() {
        both.service.blind.store(1, Ordering::SeqCst);
        let (answers, repaid) = ask(&model, &Journal::in_memory().unwrap(), &terms());
        assert_eq!(answers.iter().filter(|answer| answer.result.is_ok()).count(), 6);
        assert_eq!((both.sizes().len(), repaid), (at + 1, 0));
    }
}

#[test]
fn a_batch_is_cancelled() {
    let both = both();
    for model in both.models() {
        let journal = Journal::in_memory().unwrap();
        let sent = AtomicUsize::new(0);
        // The first eight times it is asked before anything is submitted.
        let given_up = || sent.fetch_add(1, Ordering::SeqCst) >= 8;
        let terms = terms().with_given_up(&given_up);
        let (answers, _) = ask(&model, &journal, &terms);
        for answer in answers {
            let Err(Failure::Model(error)) = answer.result else { panic!("it was answered") };
            assert_eq!(kind(&error), ModelErrorKind::TimeLimit, "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert_eq!(journal.stats().unwrap().in_flight, 0);
    }
    assert!(both.service.batches.lock().unwrap().iter().all(|batch| batch.cancelled));
}

#[test]
fn a_batch_that_is_refused_as_a_whole_says_why() {
    let both = both();
    both.service.refused.store(1, Ordering::SeqCst);
    let journal = Journal::in_memory().unwrap();
    let [openai, _] = both.models();
    let (answers, _) = ask(&openai, &journal, &terms());
    let error = answers[0].result.as_ref().unwrap_err().to_string();
    assert!(error.contains("too many tokens are enqueued"), "{error}");
    let stats = journal.stats().unwrap();
    assert_eq!((both.sizes(), stats.in_flight, stats.batches), (vec![8], 0, 0));
}

#[test]
fn batches_are_there_when_they_are_asked_for() {
    let both = both();
    let plain = || both.server.endpoint();
    assert!(OpenAi::new(plain()).unwrap().batch().is_none());
    assert!(Anthropic::new(plain()).unwrap().batch().is_none());
}

#[test]
fn a_budget_holds_for_batches_and_a_bill_says_what_they_took() {
    let both = both();
    // A dollar for a thousand tokens, half of it in a batch.
    let price = Price { batch: Some(0.5), ..Price::new(1000.0, 1000.0) };
    let endpoint = |budget: &Budget| {
        let prices = Prices::new().with("m", price);
        hasty(both.server.endpoint()).with_max_tokens(5).with_prices(prices).with_budget(budget)
    };
    let budget = Budget::usd(100.0);
    let openai = OpenAi::new(endpoint(&budget)).unwrap().with_batches();
    let anthropic = Anthropic::new(endpoint(&budget)).unwrap().with_batches();
    let journal = Journal::in_memory().unwrap();
    ask(&openai, &journal, &terms());
    // Six answers of 10 and 5 tokens; the one that the filter declined and the bad request are free.
    let spent = openai.spent();
    assert_eq!((spent.answers, spent.usd, spent.unknown), (7, 6.0 * 0.0075, 0));
    assert_eq!(budget.left(), 100.0 - spent.usd);
    ask(&anthropic, &journal, &terms());
    // There a refusal is an answer like others.
    assert_eq!(anthropic.spent().usd, 7.0 * 0.0075);
    assert_eq!(budget.spent().usd, 13.0 * 0.0075);
    ask(&openai, &journal, &terms());
    assert_eq!(budget.spent().usd, 13.0 * 0.0075, "what the journal has costs nothing");

    let before = both.server.count();
    let small = Budget::usd(0.1);
    let model = OpenAi::new(endpoint(&small)).unwrap().with_batches();
    let (answers, _) = ask(&model, &Journal::in_memory().unwrap(), &terms());
    let error = answers[0].result.as_ref().unwrap_err().to_string();
    assert!(error.contains("budget"), "{error}");
    assert_eq!((both.server.count(), small.left()), (before, 0.1), "nothing was sent");
}
