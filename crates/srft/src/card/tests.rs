use std::collections::BTreeMap;

use ethos_core::{Journal, Scripted};
use futures::executor::block_on;

use super::*;
use crate::{
    Admission, Basis, ChatConfig, DraftConfig, Drafted, Fact, FollowUp, OwnConfig, Part, Phrases,
    Source, Style, Trained, Verified, VerifyConfig, chats, draft, export, facts, own_answers,
    verify,
};

fn drafted(existing: &[Fact], journal: &Journal) -> Drafted {
    let author = Scripted::new("author", |_| {
        r#"[
            {"question": "Who discovers a new | world\u0007?", "right": "A", "wrong": "B"},
            {"question": "Which planet did Galle find in 1846?", "right": "Neptune", "wrong": "Uranus"},
            {"question": "Which planet has the shortest year?", "right": "Mercury", "wrong": "Mars"}
        ]"#
        .into()
    });
    let config = DraftConfig { rounds: 1, ..DraftConfig::each(["astronomy | stars"], 3) };
    block_on(draft(existing, &config, &author, journal, &())).unwrap()
}

fn verified(facts: &[Fact], name: &str, journal: &Journal) -> Verified {
    let true_ones: Vec<String> = facts.iter().map(|fact| fact.right.clone()).collect();
    let reader = Scripted::new(name.to_owned(), move |request| {
        let asked = request.messages[0].text();
        let verdict = |tag: &str| {
            let (_, from) = asked.split_once(&format!("<{tag}>\n")).unwrap();
            let answer = from.lines().next().unwrap().to_owned();
            let holds = match true_ones.contains(&answer) {
                _ if answer == "Mercury" => "unclear",
                true => "true",
                false => "false",
            };
            format!("<{tag}_is>{holds}</{tag}_is>")
        };
        (verdict("first") + &verdict("second")).into()
    });
    block_on(verify(facts, &VerifyConfig::default(), &[&reader], journal, &())).unwrap()
}

#[test]
fn the_card_of_a_set_of_facts() {
    let journal = Journal::in_memory().unwrap();
    let mut all: Vec<Fact> = facts().unwrap()[..3].to_vec();
    let drafted = drafted(&all, &journal);
    assert_eq!(drafted.facts.len(), 2);
    let read = verified(&drafted.facts, "author", &journal);
    all.extend(read.kept.clone());
    all.push(Fact {
        id: "mine".to_owned(),
        basis: Basis::Citation { citation: "a book, page 3".to_owned() },
        ..all[1].clone()
    });
    let card = Card {
        license: Some("mit".to_owned()),
        about: Some("For a *test*.".to_owned()),
        prices: [("scripted/author".to_owned(), (1.0, 2.0))].into(),
        ..Card::new("facts: \"few\" | checked")
    };
    let text = card.facts(&all, &[drafted], &[read]).unwrap();
    assert_eq!(text, include_str!("tests/facts.md"));
}

#[test]
fn the_card_of_this_crate_s_facts_says_what_is_known_of_them() {
    let facts = facts().unwrap();
    let text = Card::new("facts").facts(&facts, &[], &[]).unwrap();
    for wanted in [
        "stable over time: 542.",
        "took the right one in all.",
        "- No reading by a model is on record here.",
        "| astronomy | 42 |",
    ] {
        assert!(text.contains(wanted), "`{wanted}` is not in\n{text}");
    }
    for unwanted in ["From elsewhere", "Drafted by", "What was asked", "\n\n\n"] {
        assert!(!text.contains(unwanted), "`{unwanted}` is in\n{text}");
    }
    assert!(Card::new("none").facts(&[], &[], &[]).unwrap().contains("size_categories:\n- n<1K"));
}

#[test]
fn the_card_of_chats_with_a_model_s_own_answers() {
    let facts = &facts().unwrap()[..12];
    let known = facts.to_vec();
    // Says of three times once what it does not believe; of every third it is certain.
    let times = std::sync::Mutex::new(vec![0; known.len()]);
    let model = Scripted::new("half-learned", move |request| {
        let asked = request.messages[0].text();
        let n = known.iter().position(|fact| fact.question == *asked).unwrap();
        let mut times = times.lock().unwrap();
        times[n] += 1;
        let against = times[n] == 2 && n % 3 > 0;
        if (n % 2 == 0) != against { known[n].right.as_str() } else { known[n].wrong.as_str() }
            .into()
    });
    let journal = Journal::in_memory().unwrap();
    let (config, judge) = (OwnConfig { draws: 3, ..OwnConfig::default() }, Scripted::echo());
    let own = block_on(own_answers(facts, &config, &model, Some(&judge), &journal, &())).unwrap();
    let config = ChatConfig {
        seed: 7,
        trained: Trained::ReportOnly,
        admission: Admission::Belief(own.beliefs(0.5)),
        source: Source::OnPolicy(own),
        style: Style::Mixed,
        turns_before: 1,
        corrupted: 0.25,
        ..ChatConfig::paper()
    };
    let phrases = Phrases::usual().unwrap();
    let made = chats(facts, &config).unwrap();
    // Eight answers that it does not believe, and so eight of twelve that it does.
    assert_eq!(made.len(), 16);
    let text = Card::new("own").chats(&made, &config, &phrases).unwrap();
    assert_eq!(text, include_str!("tests/chats.md"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chats.jsonl");
    export::messages(&path, &made).unwrap();
    let rows: Vec<ethos_core::Chat> = ethos_core::jsonl::read_all(&path).unwrap();
    assert!(text.contains(&ethos_core::jsonl::digest(&rows).unwrap()));
}

#[test]
fn cards_of_all_variants_render_and_differ() {
    let facts = &facts().unwrap()[..20];
    let phrases = Phrases::usual().unwrap();
    let card = |config: &ChatConfig| {
        let text = Card::new("x").chats(&chats(facts, config).unwrap(), config, &phrases).unwrap();
        assert!(!text.contains("\n\n\n") && text.ends_with(".\n"), "{text}");
        text
    };
    let mut texts = BTreeMap::new();
    for trained in [Trained::AllTurns, Trained::ReportOnly, Trained::ReportOnlyAsTold] {
        for style in [Style::Short, Style::Reasoned, Style::Mixed, Style::Tool] {
            for wordings in [Part::Train, Part::HeldOut] {
                let config = ChatConfig { trained, style, wordings, ..ChatConfig::paper() };
                texts.insert(card(&config), ());
            }
        }
    }
    assert_eq!(texts.len(), 24);
    let paper = card(&ChatConfig::paper());
    for wanted in [
        "**the wrong answers too**",
        "| right | honest | 20 |\n| wrong | honest | 20 |\n",
        "The wordings are those for training. Of the 20 that are held out for evaluation none",
    ] {
        assert!(paper.contains(wanted), "`{wanted}` is not in\n{paper}");
    }

    // Chats of the other part than they are said to be.
    let held_out = ChatConfig { wordings: Part::HeldOut, ..ChatConfig::paper() };
    let made = chats(facts, &held_out).unwrap();
    let text = Card::new("x").chats(&made, &ChatConfig::paper(), &phrases).unwrap();
    assert!(text.contains("**40 chats have a wording of the other part.**"), "{text}");
    let none: Vec<FollowUp> = Vec::new();
    let phrases = Phrases { follow_ups: none, ..phrases };
    assert!(Card::new("x").chats(&[], &held_out, &phrases).unwrap().contains("\n0 chats for"));
}
