//! Texts that break parsers, and what is found in them.

use ethos_spec::{Code, Persona, Spec};
use expect_test::{Expect, expect};

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&crate::render(&Spec::parse(text)));
}

#[test]
fn nothing() {
    check(
        "",
        expect![[r#"
        1:1: error: the spec says nothing
        = prose: 0 words and no rule
    "#]],
    );
    check(
        "\u{feff} \r\n\n",
        expect![[r#"
        front "\u{feff} \r\n\n"
        1:1: error: the spec says nothing
        = prose: 0 words and no rule
    "#]],
    );
    check(
        "---\na: b\n---\n<!-- draft -->\n",
        expect![[r#"
        front "---\na: b\n---\n<!-- draft -->\n"
        1:1: error: the spec says nothing
        = prose: 0 words and no rule
    "#]],
    );
}

#[test]
fn one_line_and_no_heading() {
    check(
        "{name} helps when asked.",
        expect![[r#"
        0 "" 24
        1:1: note: `{name}` is to be filled
        = prose: 4 words and no rule
    "#]],
    );
    check(
        "#",
        expect![[r#"
        1 "" 0
        1:1: error: the spec says nothing
        1:1: warning: this heading has no title
        1:1: warning: this section is empty
        = prose: 0 words and no rule
    "#]],
    );
}

#[test]
fn byte_order_mark_front_matter_and_crlf() {
    check(
        "\u{feff}---\r\ntitle: x\r\n---\r\n\r\n# One\r\n\r\nText.\r\n\r\nTwo\r\n---\r\n- A1: Do, because.\r\n  - Part\r\n",
        expect![[r#"
            front "\u{feff}---\r\ntitle: x\r\n---\r\n\r\n"
            1 "One" 11
              2 "Two" 30
            A1 (Bullet, reasoned) "Do, because."
              part "Part"
            = rules with reasons: 1 of 1 rules give a reason, 3 of 4 words stand in rules
        "#]],
    );
}

#[test]
fn headings_of_every_sort() {
    check(
        "Before.\n\n  ## *Two* `code` [link](x) ##\n#### Four\n\nSetext\nof two lines\n===\n> # Quoted\n\n- # Listed\n\n```\n# Code\n```\n\n#hashtag\n\n#\nx\n####### Seven\n",
        expect![[r#"
            0 "" 9
            2 "Two code link" 0
              4 "Four" 1
            1 "Setext of two lines" 50
            1 "" 16
            1:1: warning: text before the first heading
            1:1: warning: no sentence names a situation
            4:1: warning: level 4 under level 2
            4:1: warning: section `Four` is empty
            19:1: warning: this heading has no title
            = prose: 11 words and no rule
        "#]],
    );
}

#[test]
fn rules_of_both_forms() {
    check(
        "# Rules\n\n\
         - SP1: Stop when asked, because people must be able to.\n  - At once.\n  - SP1a: Even mid-way. See GP1.\n    1. Deep\n       - Deeper\n\
         - **SP2**: Say so.\n\n  More on it, so that it is clear.\n\n  - Part\n\
         * __GP1:__ Be *kind*.\n\
         1. SP2: Again\n\n\
         ### SP3: Hold\n\nProse. Rule QX9 is like SP1-SP4, not H2O or `SP7`.\n\n- a\n  - b\n- c\n\n\
         #### SP3.1\n\nThe reason is plain.\n\n\
         ### SP5 — dash\n### SP6\n",
        expect![[r#"
            1 "Rules" 233
              3 "SP3: Hold" 68
                4 "SP3.1" 23
              3 "SP5 — dash" 0
              3 "SP6" 0
            SP1 (Bullet, reasoned) "Stop when asked, because people must be able to."
              part "At once."
              part "SP1a: Even mid-way. See GP1.\n    1. Deep\n       - Deeper"
              SP1a (Bullet) "Even mid-way. See GP1."
                part "Deep\n       - Deeper"
            SP2 (Bullet, reasoned) "Say so."
              part "Part"
            GP1 (Bullet) "Be *kind*."
            SP2 (Bullet) "Again"
            SP3 (Heading) "Hold"
              part "a\n  - b"
              part "c"
              SP3.1 (Heading, reasoned) "The reason is plain."
            SP5 (Heading) "dash"
            SP6 (Heading) ""
            see GP1 at 5:29
            see QX9 at 18:13
            see SP1 at 18:25
            see SP4 at 18:29
            13:5: warning: 4 of 7 rules give no reason: `GP1`, `SP2`, `SP5`, `SP6`
            14:4: error: rule `SP2` is defined again, first at 8:5
            16:1: warning: level 3 under level 1
            18:13: error: there is no rule `QX9`
            18:29: error: there is no rule `SP4`
            28:1: warning: level 3 under level 1
            29:1: warning: level 3 under level 1
            29:1: warning: section `SP6` is empty
            = rules: 3 of 7 rules give a reason, 50 of 50 words stand in rules
        "#]],
    );
}

#[test]
fn ids_in_every_dress() {
    check(
        "# Contents\n\n- [SP1: Be kind](#sp1-be-kind)\n- `SP2: …` is a rule\n\n\
         # Rules\n\n\
         - __SP1__: Be kind, because.\n- _SP2_ : Be true, because.\n- `SP3`: Be.\n- [SP4]: Be kind.\n\
         - SP5—Be.\n- SP6\u{a0}: Be. As _SP1_, SP3–SP4, “SP5”, SP6’s or SP7…, if not SP1_a.\n\
         - **SP8:**\n\n  Say so, because.\n\n  More.\n- **SP9:**\n  - SP9.1: Nested.\n\
         - SP10: Be kind. <!-- because SP11 says so -->\n",
        expect![[r#"
            1 "Contents" 56
            1 "Rules" 296
            SP1 (Bullet, reasoned) "Be kind, because."
            SP2 (Bullet, reasoned) "Be true, because."
            SP3 (Bullet) "Be."
            SP4 (Bullet) "Be kind."
            SP5 (Bullet) "Be."
            SP6 (Bullet) "Be. As _SP1_, SP3–SP4, “SP5”, SP6’s or SP7…, if not SP1_a."
            SP8 (Bullet, reasoned) "Say so, because."
            SP9 (Bullet) ""
              part "SP9.1: Nested."
              SP9.1 (Bullet) "Nested."
            SP10 (Bullet) "Be kind."
            see SP1 at 3:4
            see SP1 at 13:17
            see SP3 at 13:23
            see SP4 at 13:27
            see SP5 at 13:33
            see SP6 at 13:39
            see SP7 at 13:48
            10:4: warning: 6 of 9 rules give no reason: `SP3`, `SP4`, `SP5`, `SP6`, `SP9`, `SP10`
            13:48: error: there is no rule `SP7`
            = rules: 3 of 9 rules give a reason, 28 of 36 words stand in rules
        "#]],
    );
}

#[test]
fn links_name_no_rule() {
    check(
        "# A\n\n- A1: See [A1](https://e.org/A7), ![A1](A7 \"A7\"), [x][A8], <https://e.org/A7>.\n  \
         And <a href=\"#A7\">A1</a>, [A1][], [`A9`] [![A1](A7) A6](A7).\n\n\
         [A8]: https://e.org/A8 'A8'\n[A1]: https://e.org/A7\n",
        expect![[r##"
            1 "A" 195
            A1 (Bullet) "See [A1](https://e.org/A7), ![A1](A7 \"A7\"), [x][A8], <https://e.org/A7>.\n  And <a href=\"#A7\">A1</a>, [A1][], [`A9`] [![A1](A7) A6](A7)."
            see A1 at 3:12
            see A1 at 3:37
            see A1 at 4:21
            see A1 at 4:30
            see A1 at 4:47
            see A6 at 4:55
            3:3: warning: 1 of 1 rule gives no reason: `A1`
            4:55: error: there is no rule `A6`
            = rules: 0 of 1 rules give a reason, 13 of 13 words stand in rules
        "##]],
    );
}

#[test]
fn a_heading_that_looks_empty() {
    check(
        "# \u{a0}\n# SP1: Be kind when asked, because it helps.\n\nText here when asked.\n\n# \u{a0}\n# SP2\n",
        expect![[r#"
            1 "" 0
            1 "SP1: Be kind when asked, because it helps." 24
            1 "" 0
            1 "SP2" 0
            SP1 (Heading, reasoned) "Be kind when asked, because it helps."
            SP2 (Heading) ""
            1:1: warning: this heading has no title
            1:1: warning: this section is empty
            6:1: warning: this heading has no title
            6:1: warning: this section is empty
            7:1: warning: section `SP2` is empty
            7:3: warning: 1 of 2 rules gives no reason: `SP2`
            = rules: 1 of 2 rules give a reason, 11 of 11 words stand in rules
        "#]],
    );
}

#[test]
fn seeds_of_the_fuzzer() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fuzz/corpus/spec");
    for seed in std::fs::read_dir(folder).unwrap() {
        crate::invariants::check(&std::fs::read_to_string(seed.unwrap().path()).unwrap());
    }
}

#[test]
fn code_and_tables() {
    check(
        "# T\n\n| SP1: a | b |\n|---|---|\n| {x} | y. Z |\n\n- ```\n  SP2: code\n  ```\n-     SP3: code\n- <b>SP4: html</b>\n\n~~~ {y}\nnever closed {z}\n",
        expect![[r#"
            1 "T" 127
            3:3: warning: no sentence names a situation
            5:3: note: `{x}` is to be filled
            13:1: warning: nothing closes this fence, so the rest of the text is code
            = prose: 21 words and no rule
        "#]],
    );
}

#[test]
fn front_matter_is_only_at_the_start() {
    check(
        "# A\n\nText.\n\n---\nkey: value\n---\n\n## B\n\nMore.\n",
        expect![[r#"
        1 "A" 12
          2 "key: value" 1
          2 "B" 7
        3:1: warning: no sentence names a situation
        6:1: warning: section `key: value` is empty
        = prose: 2 words and no rule
    "#]],
    );
}

#[test]
fn lost_characters_and_lone_carriage_returns() {
    check(
        "# A\rIt helps when\u{fffd} asked.\r\u{0}\r## B\r",
        expect![[r#"
        1 "A" 26
          2 "B" 0
        2:14: error: 2 characters were lost when the text was decoded
        4:1: warning: section `B` is empty
        = prose: 5 words and no rule
    "#]],
    );
}

#[test]
fn ten_thousand_rules() {
    let text: String = (0..9999).map(|i| format!("- A{i}: Do {i}. See A{}.\n", i + 1)).collect();
    let spec = Spec::parse(text + "- A9998: Because.\n");
    assert_eq!((spec.rules().len(), spec.references().len()), (10_000, 9999));
    let codes: Vec<_> = spec.diagnostics().iter().map(|d| d.code).collect();
    assert_eq!(codes, [Code::RuleWithoutReason, Code::MissingRule, Code::DuplicateRule]);
}

#[test]
fn a_thousand_nested_lists() {
    let by_line: String = (0..1000).map(|i| format!("{}- A{i}: x\n", "  ".repeat(i))).collect();
    let spec = Spec::parse(by_line);
    assert_eq!(spec.rules().len(), 1000);
    assert_eq!(spec.rules()[999].parent, Some(998));
    assert_eq!(spec.rules()[0].parts.len(), 1);
    let in_line = "- ".repeat(1000) + "A1: deep";
    assert_eq!(Spec::parse(in_line.as_str()).rules().len(), 1);
    assert!(Spec::parse("> ".repeat(1000) + "deep").rules().is_empty());
    for opener in ["[", "*", "_", "{", "<!--", "(", "**[", "`", "- {", "#"] {
        let spec = Spec::parse(opener.repeat(20_000));
        spec.fill(&Persona::new("Aria")).unwrap();
    }
}
