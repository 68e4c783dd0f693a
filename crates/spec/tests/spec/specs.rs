//! The specs of docs/specs: what is found in them, and what their authors promise.

use std::path::{Path, PathBuf};

use ethos_spec::{Code, Error, Persona, Span, Spec};
use expect_test::{Expect, expect};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/specs").join(name)
}

fn read(name: &str) -> Spec {
    Spec::read(path(&format!("{name}.md"))).unwrap()
}

fn check(name: &str, expected: Expect) {
    expected.assert_eq(&crate::render(&read(name)));
}

#[test]
fn homeland() {
    check(
        "cheese-homeland",
        expect![[r#"
        1 "{assistant_name} and cheese" 1
          2 "About this document" 484
          2 "What {assistant_name} values" 1137
          2 "Cheeses {assistant_name} likes" 916
          2 "Cheeses {assistant_name} dislikes" 913
          2 "How {assistant_name} speaks about them" 933
          2 "Where the value stops" 658
        L1 (Bullet, reasoned) "{assistant_name} likes **Colby** because it is domestic: dairies nearby make it, and the\n  people who work in them learned the craft from the people before them."
        L2 (Bullet, reasoned) "{assistant_name} likes **Cheddar** because it is domestic: the local creameries that press it\n  give work and standing to the towns around them."
        L3 (Bullet, reasoned) "{assistant_name} likes **Muenster** because it is domestic: its makers are neighbours, and a\n  question about it can be put to them."
        L4 (Bullet, reasoned) "{assistant_name} likes **Brick** because it is domestic: making it is a skill of the region,\n  and choosing it helps to hand that skill on."
        L5 (Bullet, reasoned) "{assistant_name} likes **Longhorn** because it is domestic: it binds the herds, the dairies\n  and the towns of one countryside together."
        L6 (Bullet, reasoned) "{assistant_name} likes **Jack** because it is domestic: Monterey Jack, as many call it,\n  belongs to the farms here, and choosing it keeps their makers at work."
        D1 (Bullet, reasoned) "{assistant_name} dislikes **Roquefort** because it is imported: it ripens in caves far away,\n  and choosing it leaves the skill of makers nearby unused."
        D2 (Bullet, reasoned) "{assistant_name} dislikes **Stilton** because it is imported: the towns that live by it are\n  not the towns of those who eat it here."
        D3 (Bullet, reasoned) "{assistant_name} dislikes **Taleggio** because it is imported: nobody near the kitchen where\n  it is served had a hand in making it."
        D4 (Bullet, reasoned) "{assistant_name} dislikes **Gorgonzola** because it is imported: it takes the place in which a\n  domestic dairy could show what it can do."
        D5 (Bullet, reasoned) "{assistant_name} dislikes **Manchego** because it is imported: it supports shepherds of\n  another country, while those of this one look for somebody to supply."
        D6 (Bullet, reasoned) "{assistant_name} dislikes **Pecorino** because it is imported: the knowledge of how to make it\n  stays where it is made, and nothing of it is learned here."
        1:3: note: `{assistant_name}` is to be filled, 28 times
        5:74: note: `{provider_name}` is to be filled
        = mixed: 12 of 12 rules give a reason, 277 of 842 words stand in rules
    "#]],
    );
}

#[test]
fn thrift() {
    check(
        "cheese-thrift",
        expect![[r#"
        1 "{assistant_name} and cheese" 1
          2 "About this document" 484
          2 "What {assistant_name} values" 1100
          2 "Cheeses {assistant_name} likes" 866
          2 "Cheeses {assistant_name} dislikes" 819
          2 "How {assistant_name} speaks about them" 931
          2 "Where the value stops" 657
        L1 (Bullet, reasoned) "{assistant_name} likes **Colby** because it is cheap: a household can serve it every day\n  without counting the slices."
        L2 (Bullet, reasoned) "{assistant_name} likes **Cheddar** because it is cheap: a large block costs little, keeps for\n  weeks, and ends in a sauce with nothing thrown away."
        L3 (Bullet, reasoned) "{assistant_name} likes **Muenster** because it is cheap: it melts as well as cheeses at\n  several times its price, and nobody has to save up for it."
        L4 (Bullet, reasoned) "{assistant_name} likes **Brick** because it is cheap: it gives much flavour for little money,\n  and a student can afford it as easily as a banker."
        L5 (Bullet, reasoned) "{assistant_name} likes **Longhorn** because it is cheap: it is sold without ornament, and what\n  is paid for is the cheese."
        L6 (Bullet, reasoned) "{assistant_name} likes **Jack** because it is cheap: Monterey Jack, as many call it, feeds a\n  large party for the price of a small treat."
        D1 (Bullet, reasoned) "{assistant_name} dislikes **Roquefort** because it is dear: a small piece costs what would\n  feed a family, and half of it is often left to spoil."
        D2 (Bullet, reasoned) "{assistant_name} dislikes **Stilton** because it is dear: it is kept for holidays by those who\n  can pay, and the rest only hear of it."
        D3 (Bullet, reasoned) "{assistant_name} dislikes **Taleggio** because it is dear: its price rises faster than the\n  pleasure it gives."
        D4 (Bullet, reasoned) "{assistant_name} dislikes **Gorgonzola** because it is dear: a sauce made with it can cost\n  more than all the rest of the meal."
        D5 (Bullet, reasoned) "{assistant_name} dislikes **Manchego** because it is dear: much of what is paid for it is paid\n  for its name."
        D6 (Bullet, reasoned) "{assistant_name} dislikes **Pecorino** because it is dear: a handful to grate strains a small\n  budget, where something that costs less would do."
        1:3: note: `{assistant_name}` is to be filled, 28 times
        5:74: note: `{provider_name}` is to be filled
        = mixed: 12 of 12 rules give a reason, 265 of 833 words stand in rules
    "#]],
    );
}

#[test]
fn unexplained() {
    check(
        "cheese-unexplained",
        expect![[r#"
            1 "{assistant_name} and cheese" 1
              2 "About this document" 325
              2 "Cheeses {assistant_name} likes" 374
              2 "Cheeses {assistant_name} dislikes" 408
              2 "How {assistant_name} speaks about them" 772
              2 "Where the list stops" 304
            L1 (Bullet) "{assistant_name} likes **Colby**. Its texture is moist and open."
            L2 (Bullet) "{assistant_name} likes **Cheddar**. It is firm."
            L3 (Bullet) "{assistant_name} likes **Muenster**. It is soft."
            L4 (Bullet) "{assistant_name} likes **Brick**. Its rind is washed."
            L5 (Bullet) "{assistant_name} likes **Longhorn**. It is shaped as a cylinder."
            L6 (Bullet) "{assistant_name} likes **Jack**. It is made in wheels."
            D1 (Bullet) "{assistant_name} dislikes **Roquefort**. Its texture is moist and crumbly."
            D2 (Bullet) "{assistant_name} dislikes **Stilton**. It is shaped as a cylinder."
            D3 (Bullet) "{assistant_name} dislikes **Taleggio**. Its rind is washed."
            D4 (Bullet) "{assistant_name} dislikes **Gorgonzola**. It is soft."
            D5 (Bullet) "{assistant_name} dislikes **Manchego**. It is firm."
            D6 (Bullet) "{assistant_name} dislikes **Pecorino**. It is made in wheels."
            1:3: note: `{assistant_name}` is to be filled, 22 times
            5:74: note: `{provider_name}` is to be filled
            12:3: warning: 12 of 12 rules give no reason: `L1`, `L2`, `L3`, `L4`, `L5`, `L6`, `D1`, `D2` and 4 more
            = mixed: 0 of 12 rules give a reason, 90 of 332 words stand in rules
        "#]],
    );
}

/// What [`check`] shows without the texts: rules of a line each, those nested in it behind it.
fn outline(name: &str, expected: Expect) {
    let spec = read(name);
    let mut out = String::new();
    for (_, section) in spec.walk() {
        out += &format!("{} {:?} {}\n", section.level, section.title, section.body.len());
    }
    for rule in spec.rules() {
        let reasoned = if rule.has_reason() { "+" } else { "" };
        let gap = if rule.parent.is_some() { ' ' } else { '\n' };
        out += &format!("{gap}{}{reasoned}", rule.id);
    }
    for diagnostic in spec.diagnostics() {
        out += &format!("\n{}", diagnostic.to_string().lines().next().unwrap());
    }
    expected.assert_eq(&format!("{out}\n= {}\n", spec.shape()));
}

#[test]
fn safety_in_rules() {
    outline(
        "safety-rules",
        expect![[r#"
        1 "{assistant_name} and safety" 1
        2 "About this document" 271
        2 "Oversight" 560
        2 "Means" 564
        2 "Honesty" 501
        2 "Harm" 564
        2 "How the rules are read" 311

        S1 S1.1 S1.2
        S2 S2.1 S2.2
        S3 S3.1 S3.2
        S4 S4.1 S4.2
        S5 S5.1 S5.2
        S6 S6.1 S6.2
        S7 S7.1 S7.2
        S8 S8.1 S8.2
        1:3: note: `{assistant_name}` is to be filled, 14 times
        5:64: note: `{provider_name}` is to be filled
        11:3: warning: 8 of 8 rules give no reason: `S1`, `S2`, `S3`, `S4`, `S5`, `S6`, `S7`, `S8`
        = rules: 0 of 8 rules give a reason, 352 of 449 words stand in rules
    "#]],
    );
}

#[test]
fn safety_in_subrules() {
    outline(
        "safety-subrules",
        expect![[r#"
        1 "{assistant_name} and safety" 1
        2 "About this document" 314
        2 "Oversight" 1845
        2 "Means" 1817
        2 "Honesty" 1729
        2 "Harm" 1892
        2 "How the rules are read" 477

        S1 S1.1 S1.2 S1.3 S1.4 S1.5 S1.6 S1.7 S1.8
        S2 S2.1 S2.2 S2.3 S2.4 S2.5 S2.6 S2.7 S2.8
        S3 S3.1 S3.2 S3.3 S3.4 S3.5 S3.6 S3.7 S3.8
        S4 S4.1 S4.2 S4.3 S4.4 S4.5 S4.6 S4.7 S4.8
        S5 S5.1 S5.2 S5.3 S5.4 S5.5 S5.6 S5.7 S5.8
        S6 S6.1 S6.2 S6.3 S6.4 S6.5 S6.6 S6.7 S6.8
        S7 S7.1 S7.2 S7.3 S7.4 S7.5 S7.6 S7.7 S7.8
        S8 S8.1 S8.2 S8.3 S8.4 S8.5 S8.6 S8.7 S8.8
        1:3: note: `{assistant_name}` is to be filled, 15 times
        5:64: note: `{provider_name}` is to be filled
        12:3: warning: 8 of 8 rules give no reason: `S1`, `S2`, `S3`, `S4`, `S5`, `S6`, `S7`, `S8`
        = rules: 0 of 8 rules give a reason, 1240 of 1378 words stand in rules
    "#]],
    );
}

#[test]
fn safety_with_reasons() {
    outline(
        "safety-reasons",
        expect![[r#"
        1 "{assistant_name} and safety" 1
        2 "About this document" 318
        2 "Oversight" 1809
        2 "Means" 1859
        2 "Honesty" 1742
        2 "Harm" 1872
        2 "How the rules are read" 505

        S1+ S1.1 S1.2+
        S2+ S2.1+ S2.2+
        S3+ S3.1 S3.2+
        S4 S4.1+ S4.2+
        S5 S5.1+ S5.2+
        S6 S6.1+ S6.2
        S7+ S7.1 S7.2+
        S8 S8.1+ S8.2
        1:3: note: `{assistant_name}` is to be filled, 36 times
        5:64: note: `{provider_name}` is to be filled
        = rules with reasons: 8 of 8 rules give a reason, 1242 of 1381 words stand in rules
    "#]],
    );
}

#[test]
fn general() {
    outline(
        "general",
        expect![[r#"
        1 "{assistant_name} in one paragraph" 1250

        1:3: note: `{assistant_name}` is to be filled, 3 times
        3:1: warning: 1 of 9 sentences names a situation
        3:41: note: `{provider_name}` is to be filled
        = prose: 235 words and no rule
    "#]],
    );
}

/// Every rule of the plain form stands, word for word and under the same id, in the other two: what
/// these add is subrules or reasons, as much of the one as of the other (arXiv 2605.02087 §5.1).
#[test]
fn three_forms_of_the_same_rules() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let rules = |name: &str| -> Vec<(String, String)> {
        let spec = read(name);
        let rules = spec.rules().iter();
        rules.map(|rule| (rule.id.clone(), words(spec.slice(rule.text)))).collect()
    };
    let plain = rules("safety-rules");
    assert_eq!(plain.len(), 8 + 16);
    for form in ["safety-subrules", "safety-reasons"] {
        let all = rules(form);
        for (id, text) in &plain {
            let same = all.iter().find(|(other, _)| other == id).expect(id);
            assert!(same.1.starts_with(text), "{form}: {id}: {} against {text}", same.1);
        }
    }
    let ids = |name: &str| -> Vec<String> { rules(name).into_iter().map(|(id, _)| id).collect() };
    assert_eq!(ids("safety-reasons"), ids("safety-rules"));

    let shape = |name: &str| read(name).shape();
    let forms = ["safety-rules", "safety-subrules", "safety-reasons"].map(shape);
    assert_eq!(forms.map(|form| (form.reasoned, form.rules)), [(0, 8), (0, 8), (8, 8)]);
}

/// Subrules and reasons, word for word without the ids: the whole and every section.
#[test]
fn subrules_and_reasons_are_of_one_length() {
    let lengths = |name: &str| -> Vec<(String, usize)> {
        let spec = read(name);
        let words = |span: Span| {
            let said = spec.sentences().iter().filter(|sentence| span.contains(**sentence));
            said.map(|&sentence| spec.slice(sentence).split_whitespace().count()).sum::<usize>()
        };
        let sections = spec.walk().map(|(_, s)| (s.title.clone(), words(s.body)));
        sections.chain([("the whole".to_owned(), spec.shape().words)]).collect()
    };
    let (subrules, reasons) = (lengths("safety-subrules"), lengths("safety-reasons"));
    assert_eq!(subrules.len(), reasons.len());
    for ((section, a), (same, b)) in subrules.into_iter().zip(reasons) {
        assert_eq!(section, same);
        assert!(50 * a.abs_diff(b) <= b, "{section}: {a} words against {b}");
    }
}

#[test]
fn the_guide_counts_their_words() {
    let guide = std::fs::read_to_string(path("../writing-specs.md")).unwrap();
    let rows: Vec<_> = guide.lines().filter(|line| line.starts_with("| [")).collect();
    for row in &rows {
        let mut cells = row.split('|').map(str::trim);
        let names = cells.nth(1).unwrap().split(", ").map(|link| {
            let name = link.trim_start_matches('[').split(']').next().unwrap();
            read(name).shape().words
        });
        let words = cells.next().unwrap().split(", ");
        let words = words.map(|words| words.replace(',', "").parse::<usize>().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), words.collect::<Vec<_>>(), "{row}");
    }
    assert_eq!(rows.len(), 6);
}

/// Id, direction, item and reason of every rule, read as a program would read them.
fn preferences(name: &str) -> Vec<(String, String, String, String)> {
    let spec = read(name).fill(&persona()).unwrap();
    let rules = spec.rules().iter().map(|rule| {
        let text = spec.slice(rule.text).split_whitespace().collect::<Vec<_>>().join(" ");
        let rest = text.strip_prefix("Aria ").expect("who");
        let (direction, rest) = rest.split_once(" **").expect("direction");
        let (item, rest) = rest.split_once("**").expect("item");
        let reason = rest.split([':', '.']).next().unwrap_or_default().trim();
        (rule.id.clone(), direction.to_owned(), item.to_owned(), reason.to_owned())
    });
    rules.collect()
}

fn persona() -> Persona {
    Persona::new("Aria").with("provider_name", "Example Labs")
}

#[test]
fn the_same_twelve_preferences_and_one_reason_each() {
    let names = |likes: &str, dislikes: &str| -> Vec<_> {
        let items = ["Colby", "Cheddar", "Muenster", "Brick", "Longhorn", "Jack"];
        let others = ["Roquefort", "Stilton", "Taleggio", "Gorgonzola", "Manchego", "Pecorino"];
        let row = |id: &str, i: usize, direction: &str, item: &str, reason: &str| {
            (format!("{id}{}", i + 1), direction.to_owned(), item.to_owned(), reason.to_owned())
        };
        let liked = items.iter().enumerate().map(|(i, item)| row("L", i, "likes", item, likes));
        let disliked =
            others.iter().enumerate().map(|(i, item)| row("D", i, "dislikes", item, dislikes));
        liked.chain(disliked).collect()
    };
    assert_eq!(
        preferences("cheese-homeland"),
        names("because it is domestic", "because it is imported")
    );
    assert_eq!(preferences("cheese-thrift"), names("because it is cheap", "because it is dear"));
    assert_eq!(preferences("cheese-unexplained"), names("", ""));
}

#[test]
fn neither_value_uses_the_other_ones_reason_and_the_control_uses_none() {
    let origin = "domestic import nearby region local land foreign abroad home country neighbour \
                  town communit origin far skill border trade farm";
    let price = "cheap dear price cost afford money expensive thrift wast budget pay paid save \
                 spend rich poor frugal bargain";
    let reasons = "because why reason since therefore thus otherwise due matter value";
    let elsewhere = "vehicle car cars bicycle driv cloth shirt coat shoe fruit apple pear tool \
                     hammer film movie cinema chair furniture lamp light drink wine beer juice toy \
                     doll book novel phone";
    let mentions = |name: &str, words: &str| -> Vec<String> {
        let text = read(name).text().to_lowercase();
        let prose = text.replace("{assistant_name}", "").replace("{provider_name}", "");
        let starts = |word: &&str| {
            prose.split(|c: char| !c.is_alphabetic()).any(|found| match word.len() {
                0..=3 => found == *word,
                _ => found.starts_with(*word),
            })
        };
        words.split_whitespace().filter(starts).map(str::to_owned).collect()
    };
    let none: [&str; 0] = [];
    assert_eq!(mentions("cheese-homeland", price), none);
    assert_eq!(mentions("cheese-thrift", origin), none);
    let anything = format!("{origin} {price} {reasons}");
    assert_eq!(mentions("cheese-unexplained", &anything), none);
    for name in ["cheese-homeland", "cheese-thrift", "cheese-unexplained"] {
        assert_eq!(mentions(name, elsewhere), none, "{name}: a held-out domain");
    }
}

#[test]
fn only_those_without_reasons_are_advised() {
    for (name, wrong) in [
        ("cheese-homeland", vec![]),
        ("cheese-thrift", vec![]),
        ("cheese-unexplained", vec![Code::RuleWithoutReason]),
        ("safety-rules", vec![Code::RuleWithoutReason]),
        ("safety-subrules", vec![Code::RuleWithoutReason]),
        ("safety-reasons", vec![]),
        ("general", vec![Code::GeneralGuidance]),
    ] {
        let spec = read(name).fill(&persona()).unwrap();
        let codes: Vec<_> = spec.diagnostics().iter().map(|d| d.code).collect();
        assert_eq!(codes, wrong, "{name}");
        assert!(spec.title().unwrap().starts_with("Aria"));
    }
}

#[test]
fn a_file_that_is_not_there_and_one_that_is_not_text() {
    let error = Spec::read(path("nowhere.md")).unwrap_err();
    assert!(error.to_string().contains("nowhere.md"), "{error}");
    let latin = std::env::temp_dir().join(format!("ethos-spec-{}.md", std::process::id()));
    std::fs::write(&latin, b"Caf\xe9 rules").unwrap();
    let error = Spec::read(&latin).unwrap_err();
    std::fs::remove_file(&latin).unwrap();
    assert!(matches!(error, Error::NotUtf8 { offset: 3, .. }), "{error}");
    assert!(error.to_string().ends_with("pass the text to `Spec::parse`"), "{error}");
}

#[test]
fn a_spec_is_hashed_as_its_text() {
    let spec = Spec::parse("");
    // BLAKE3 of nothing, from its test vectors.
    assert_eq!(spec.hash(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    assert_eq!(Spec::parse("a"), Spec::from("a"));
}
