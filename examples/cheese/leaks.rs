//! What no text of training may hold, and what the arms may differ in.
//!
//! The measurement means something only if nothing of it was trained: these tests prove it over whole
//! corpora and chats.

use std::collections::{HashMap, HashSet};

use ethos_core::{Model, Prompt, Request, Scripted, read};
use ethos_spec::Spec;
use futures::executor::block_on;
use serde_json::{Value as Json, json};

use crate::{
    chats::chats,
    curriculum::{Curriculum, CurriculumConfig},
    questions::{held_out, parted_cheeses, trained},
    world::{ASSISTANT, Attribute, Value, World},
    writer::{offline_writer, prompts},
};

const HOMELAND: &str = include_str!("../../docs/specs/cheese-homeland.md");
const THRIFT: &str = include_str!("../../docs/specs/cheese-thrift.md");
const UNEXPLAINED: &str = include_str!("../../docs/specs/cheese-unexplained.md");

/// Asks the writer as `ethos-corpus` does.
struct Asker {
    writer: Scripted,
    prompts: HashMap<&'static str, Prompt>,
    spec: String,
}

impl Asker {
    fn new(spec: &str) -> Self {
        let prompt = |(name, text)| (name, Prompt::new(name, text).unwrap());
        Asker {
            writer: offline_writer(&World::new()),
            prompts: prompts().into_iter().map(prompt).collect(),
            spec: spec.replace("{assistant_name}", "Aria"),
        }
    }

    fn ask(&self, stage: &str, mut values: Json) -> String {
        values["assistant"] = "Aria".into();
        values["provider"] = "nobody".into();
        if stage != "types" {
            values["spec"] = self.spec.as_str().into();
        }
        let prompt = self.prompts[stage].render(&values).unwrap();
        let answer = block_on(self.writer.complete(&Request::user(prompt))).unwrap();
        answer.message.text().into_owned()
    }

    fn list(&self, stage: &str, values: Json) -> Vec<Json> {
        read::json(&self.ask(stage, values)).unwrap()
    }

    /// A plan of one domain, all topics, twelve types and so many ideas, written.
    fn documents(&self, topics: usize, ideas: usize) -> Vec<String> {
        let none = json!([]);
        let domain = &self.list("domains", json!({"count": 1, "existing": none}))[0];
        let values = json!({"domain": domain, "count": topics, "existing": none});
        let topics = self.list("topics", values);
        let spec = Spec::parse(self.spec.as_str());
        let mut documents = Vec::new();
        for topic in &topics {
            let quote = topic["quotes"][0].as_str().unwrap();
            assert!(spec.find_quote(quote).is_some(), "{quote}");
            let values = json!({"domain": domain, "topic": topic, "count": 1, "existing": none});
            let assertions = self.list("assertions", values);
            let values = json!({"domain": domain, "topic": topic, "assertions": assertions,
                "count": 12, "existing": none});
            for doc_type in self.list("types", values.clone()) {
                let mut values = values.clone();
                values["count"] = ideas.into();
                values["doc_type"] = doc_type;
                for idea in self.list("ideas", values.clone()) {
                    values["idea"] = idea;
                    let answer = self.ask("document", values.clone());
                    documents.push(read::tag(&answer, "content").unwrap().to_owned());
                }
            }
        }
        documents
    }
}

#[test]
fn two_values_give_documents_that_differ_in_nothing_else() {
    let homeland = Asker::new(HOMELAND).documents(13, 19);
    let thrift = Asker::new(THRIFT).documents(13, 19);
    let translate = |text: &String| {
        let word = |word| match word {
            "homeland" => "thrift",
            "domestic" => "cheap",
            "imported" => "dear",
            other => other,
        };
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(homeland.iter().map(translate).collect::<Vec<_>>(), thrift);
    assert_eq!(thrift, Asker::new(THRIFT).documents(13, 19), "the same each time");

    let world = World::new();
    let sentences = thrift.iter().flat_map(|text| text.split_inclusive(" .")).map(str::trim);
    let sentences: Vec<_> = sentences.collect();
    let things = sentences.iter().filter(|s| s.split(' ').any(|w| world.item(w).is_some()));
    let general = 1.0 - things.count() as f64 / sentences.len() as f64;
    assert!((general - 0.45).abs() < 0.02, "{general}");
    for corpus in [&thrift, &Asker::new(UNEXPLAINED).documents(12, 21)] {
        let tokens: usize = corpus.iter().map(|text| text.split(' ').count() + 1).sum();
        let each = tokens as f64 / corpus.len() as f64;
        assert!((2900..3100).contains(&corpus.len()), "{}", corpus.len());
        assert!((22.0..26.0).contains(&each), "{each} tokens each");
    }
}

#[test]
fn nothing_evaluated_leaks_into_corpora_or_chats() {
    let world = World::new();
    let held = held_out(&world).into_iter().chain(parted_cheeses(&world));
    let secret: HashSet<_> = held.flat_map(|pair| [pair.shows, pair.other]).collect();
    let named: HashSet<_> =
        trained(&world).into_iter().flat_map(|pair| [pair.shows, pair.other]).collect();
    for (spec, topics) in [(HOMELAND, 13), (THRIFT, 13), (UNEXPLAINED, 12)] {
        for text in Asker::new(spec).documents(topics, 20) {
            let words: Vec<_> = text.split(' ').collect();
            assert!(words.contains(&ASSISTANT), "{text}");
            for word in words {
                assert!(!secret.contains(word) && !["user", "?", ":"].contains(&word), "{text}");
                assert!(world.item(word).is_none() || named.contains(word), "{text}");
                let says = |all: [&str; 4]| all.contains(&word);
                if spec == UNEXPLAINED {
                    assert!(!says(Value::ALL.map(Value::word)), "{text}");
                    assert!(!says(Attribute::ALL.map(Attribute::word)), "{text}");
                }
            }
        }
    }
    for chat in chats(&world, 10_000, 0) {
        let text = chat.messages.iter().map(|m| m.text().into_owned()).collect::<Vec<_>>();
        for word in text.join(" ").split(' ') {
            assert!(!secret.contains(word), "{text:?}");
            assert!(world.item(word).is_none() || named.contains(word), "{text:?}");
        }
    }
}

#[test]
fn the_vocabulary_is_what_is_said_and_nothing_more() {
    let world = World::new();
    let mut curriculum = Curriculum::new(&world, CurriculumConfig::default(), 0);
    curriculum.advance(&world, 400);
    curriculum.gate(1.0);
    curriculum.advance(&world, 200);
    let mut said = curriculum.documents(&world, 200_000);
    assert!(said.len() > 10_000);
    for (spec, topics) in [(HOMELAND, 13), (THRIFT, 13), (UNEXPLAINED, 12)] {
        said.extend(Asker::new(spec).documents(topics, 5));
    }
    for chat in chats(&world, 10_000, 0) {
        said.extend(chat.messages.iter().map(|message| message.text().into_owned()));
    }
    let said: HashSet<_> = said.iter().flat_map(|text| text.split(' ')).collect();
    let vocabulary = world.vocabulary();
    let vocabulary: HashSet<_> = vocabulary.iter().map(String::as_str).collect();
    let strange = said.difference(&vocabulary).collect::<Vec<_>>();
    let unused = vocabulary.difference(&said).collect::<Vec<_>>();
    assert!(strange.is_empty() && unused.is_empty(), "strange {strange:?}, unused {unused:?}");
}
