//! What the reader of actions promises of any text.

use proptest::prelude::*;

use super::{Action, Fault, Piece, Reading, Span, read_actions};

/// Pieces that answers are made of, so that random texts come close to actions.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<tool_use:email>"),
        Just("</tool_use:email>"),
        Just("<tool_use:forward to=\"A <a@b.net>\" email_id='3'>"),
        Just("<tool_use:forward>"),
        Just("</tool_use>"),
        Just("<tool_use:cancel_alert/>"),
        Just("<cancel_alert>"),
        Just(
            "<tool_call>{\"name\": \"email\", \"arguments\": {\"to\": \"a@b.net\", \"body\": \"é\"}}"
        ),
        Just("</tool_call>"),
        Just("<invoke name=\"email\">"),
        Just("<parameter name=\"to\">"),
        Just("</parameter>"),
        Just("<to>"),
        Just("</to>"),
        Just("<SCRATCHPAD_REASONING>"),
        Just("</SCRATCHPAD_REASONING>"),
        Just("<think>"),
        Just("</think>"),
        Just("<!--"),
        Just("-->"),
        Just("```tool_use:email\n"),
        Just("```\n"),
        Just("### tool_use:forward\n"),
        Just("to: "),
        Just("**To:** "),
        Just("\"body\": \""),
        Just("body: "),
        Just("cc: é <é@ü.net>, "),
        Just("subject："),
        Just("email_id: 2"),
        Just("code: “CS-1”"),
        Just("a@b.net"),
        Just("@"),
        Just("&lt;"),
        Just("\n"),
        Just(" "),
        Just("\""),
        Just("`"),
        Just("“"),
        Just("é"),
        Just("{"),
        Just("<"),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn inner(action: &Action) -> Vec<(Span, Option<String>)> {
    let piece = |p: &Piece| (p.span.clone(), Some(p.text.clone()));
    let mut spans: Vec<_> = action.recipients().map(|r| (r.span.clone(), None)).collect();
    match action {
        Action::Email { subject, body, .. } => {
            spans.extend(subject.iter().chain(body).map(piece));
        }
        Action::Forward { body, .. } => spans.extend(body.iter().map(piece)),
        Action::CancelAlert { code } => spans.push(piece(code)),
        Action::Malformed { .. } => {}
    }
    spans
}

fn sound(text: &str, reading: &Reading) -> Result<(), TestCaseError> {
    let mut taken: Vec<Span> = reading.hidden.clone();
    taken.extend(reading.actions.iter().map(|found| found.span.clone()));
    for span in taken.iter().chain(&reading.unclosed) {
        prop_assert!(span.start <= span.end && text.get(span.clone()).is_some(), "{span:?}");
    }
    let ordered = |spans: &[Span]| spans.windows(2).all(|pair| pair[0].end <= pair[1].start);
    prop_assert!(ordered(&reading.hidden), "{:?}", reading.hidden);
    taken.sort_by_key(|span| (span.start, span.end));
    prop_assert!(ordered(&taken), "{taken:?}");
    prop_assert!(reading.actions.is_sorted_by_key(|found| found.span.start));
    for found in &reading.actions {
        for (span, piece) in inner(&found.action) {
            let within = found.span.start <= span.start && span.end <= found.span.end;
            prop_assert!(within && text.get(span.clone()).is_some(), "{span:?}");
            if let Some(piece) = piece {
                prop_assert_eq!(&text[span], piece);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_and_spans_lie_within_it(
        text in prop_oneof![pieces(), "(?s).{0,200}", "[<>/a-z:_\"'`@.\n ]{0,120}"],
    ) {
        sound(&text, &read_actions(&text))?;
    }

    #[test]
    fn a_mail_is_read_whatever_stands_before_it(before in "[a-zA-Z .,\n]{0,60}", body in "[a-z ]{1,40}x") {
        let mail = format!("<tool_use:email>\nto: a@b.net\nsubject: s\nbody: {body}\n</tool_use:email>");
        let reading = read_actions(&format!("{before}{mail}"));
        let Action::Email { to, body: Some(read), .. } = &reading.actions[0].action else {
            return Err(TestCaseError::fail("no mail"));
        };
        prop_assert_eq!(to[0].address.as_str(), "a@b.net");
        prop_assert_eq!(read.text.as_str(), body.trim());
    }

    #[test]
    fn what_is_hidden_does_not_act(draft in pieces()) {
        let draft = draft.replace("</think>", "").replace("<think>", "");
        let reading = read_actions(&format!("<think>{draft}</think>Nothing."));
        prop_assert!(reading.actions.is_empty());
        prop_assert_eq!(reading.unclosed, None);
    }
}

#[test]
fn long_answers_of_one_piece_come_to_an_end() {
    let pieces =
        ["<tool_use:email>\nto: a@b.net\nbody: x\n", "<", "\"body\": \"", "<think>", "to: \"a\n"];
    for piece in pieces {
        let text = piece.repeat(100_000 / piece.len());
        sound(&text, &read_actions(&text)).unwrap();
    }
}

#[test]
fn faults_have_their_reason() {
    for (text, reason) in [
        ("<tool_use:email>\nto: a@b.net", Fault::Unclosed),
        ("<tool_use:email>\nto: a@b.net\n</tool_use:forward>", Fault::Mismatched),
        ("</tool_use:email>", Fault::NeverOpened),
        ("<tool_use:pay>all</tool_use:pay>", Fault::UnknownTool),
        ("<tool_use:email>\nbody: x\n</tool_use:email>", Fault::NoRecipient),
        ("<tool_use:email>\nto: Ann\nbody: x\n</tool_use:email>", Fault::BadAddress),
        ("<tool_use:email>\nto: a@b.net\n</tool_use:email>", Fault::NoText),
        ("<tool_use:forward>\nto: a@b.net\n</tool_use:forward>", Fault::NoId),
        ("<tool_use:forward>\nto: a@b.net\nid: two\n</tool_use:forward>", Fault::BadId),
        ("<tool_use:cancel_alert>\n</tool_use:cancel_alert>", Fault::NoCode),
        ("<tool_call>{</tool_call>", Fault::BadArguments),
        ("Use `<cancel_alert>code: 1</cancel_alert>`?", Fault::Quoted),
        ("<think><cancel_alert>code: 1</cancel_alert>", Fault::InScratchpad),
    ] {
        let reading = read_actions(text);
        let [found] = reading.actions.as_slice() else { panic!("{text}: {reading:?}") };
        let Action::Malformed { reason: read, .. } = found.action else { panic!("{text}") };
        assert_eq!(read, reason, "{text}");
    }
}

#[test]
fn what_only_names_a_tool_is_no_action() {
    for text in [
        "I will not use <tool_use:cancel_alert> now.",
        "`<tool_use:email>` and `</tool_use:email>` are the tags.",
        "## tool_use:email\n\nThat is how it is called.",
        "<tool_use:email is not a tag",
        "tool_use",
    ] {
        assert_eq!(read_actions(text).actions, [], "{text}");
    }
}
