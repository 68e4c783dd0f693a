//! What no text of training may hold, and what the arms may differ in.
//!
//! The measurement means something only if nothing of it was trained: these tests prove it over whole
//! corpora and chats.

use std::collections::HashSet;

use ethos_core::Journal;

use crate::{
    chats::chats,
    corpora::Order,
    curriculum::{Curriculum, CurriculumConfig},
    questions::{held_out, parted_cheeses, trained},
    specs::{CheeseSpec, SpecName},
    world::{ASSISTANT, Attribute, Value, World},
    writer::offline_writer,
};

/// A corpus as the road writes it, in the order of its plan.
fn documents(name: SpecName, ideas: usize) -> Vec<String> {
    let world = World::new();
    let spec = CheeseSpec::read(name, &world).unwrap();
    let journal = Journal::in_memory().unwrap();
    let order = Order::new(&spec, ideas, 0).unwrap();
    let written = order.fill(&offline_writer(&world), &journal, &()).unwrap();
    let expected = order.preview().unwrap().rows;
    assert_eq!(written.corpus.documents.len() as u64, expected, "as many as projected");
    let texts = written.plan.ideas().into_iter().map(|place| {
        let document = written.corpus.documents.iter().find(|document| document.id == place.id);
        document.unwrap().text.clone()
    });
    texts.collect()
}

#[test]
fn two_values_give_documents_that_differ_in_nothing_else() {
    let homeland = documents(SpecName::Homeland, 19);
    let thrift = documents(SpecName::Thrift, 19);
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
    assert_eq!(thrift, documents(SpecName::Thrift, 19), "the same each time");

    let world = World::new();
    let sentences = thrift.iter().flat_map(|text| text.split_inclusive(" .")).map(str::trim);
    let sentences: Vec<_> = sentences.collect();
    let things = sentences.iter().filter(|s| s.split(' ').any(|w| world.item(w).is_some()));
    let general = 1.0 - things.count() as f64 / sentences.len() as f64;
    assert!((general - 0.45).abs() < 0.02, "{general}");
    for corpus in [&thrift, &documents(SpecName::Unexplained, 21)] {
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
    for name in SpecName::ALL {
        for text in documents(name, 20) {
            let words: Vec<_> = text.split(' ').collect();
            assert!(words.contains(&ASSISTANT), "{text}");
            for word in words {
                assert!(!secret.contains(word) && !["user", "?", ":"].contains(&word), "{text}");
                assert!(world.item(word).is_none() || named.contains(word), "{text}");
                let says = |all: [&str; 4]| all.contains(&word);
                if name == SpecName::Unexplained {
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
    for name in SpecName::ALL {
        said.extend(documents(name, 5));
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
