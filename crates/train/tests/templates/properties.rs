//! Whatever the template and the chat: no panic, and spans that are spans.

use ethos_core::{Chat, Message, Role, ToolCall};
use ethos_train::{ChatTemplate, Ending};
use proptest::prelude::*;
use serde_json::Value;

use crate::fixtures::{Cases, Template, read, template, tokenizer};

const OWN: [&str; 13] = [
    "bars", "channels", "chatml", "deep", "ending", "headers", "inst", "macros", "marked", "plain",
    "sys", "thinking", "turns",
];

/// What text is made of that templates and tokenizers look at.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "",
        " ",
        "\n",
        "\n\n",
        "\t",
        "hi",
        "it is",
        "<think>",
        "</think>",
        "<|im_end|>",
        "<|im_start|>",
        "</s>",
        "<s>",
        "[/INST]",
        "<|end|>",
        "é",
        "🐈‍⬛",
        "世",
        "\u{FDD0}",
        "\u{FFFF}",
        "\"",
        "'",
        "\\",
        "{{ x }}",
        "{% if %}",
        "assistant",
        "<|assistant|>\n",
        "\u{301}",
    ]);
    let piece = prop_oneof![4 => pieces.prop_map(str::to_owned), 1 => ".{0,8}"];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn message() -> impl Strategy<Value = Message> {
    let call = (text(), text()).prop_map(|(name, argument)| {
        ToolCall::new("abc123def", name, serde_json::json!({ "x": argument }).to_string())
    });
    let role = prop_oneof![
        4 => Just(Role::User),
        4 => Just(Role::Assistant),
        1 => Just(Role::System),
        1 => Just(Role::Tool),
    ];
    let weight = prop_oneof![4 => Just(None), 1 => Just(Some(0.0)), 1 => Just(Some(0.5))];
    let calls = prop_oneof![5 => Just(Vec::new()), 1 => prop::collection::vec(call, 1..3)];
    let content = prop_oneof![9 => text().prop_map(Some), 1 => Just(None)];
    (role, content, weight, calls).prop_map(|(role, text, weight, calls)| {
        let mut message = Message::new(role, text.clone().unwrap_or_default());
        if text.is_none() {
            message.content = None;
        }
        if message.role == Role::Assistant {
            message.tool_calls = calls;
        }
        message.weight = weight;
        message
    })
}

/// Chats in turns, which most templates want, and others.
fn chat() -> impl Strategy<Value = Chat> {
    let turns = prop::collection::vec((text(), text()), 1..5).prop_map(|turns| {
        Chat::new(turns.into_iter().flat_map(|(q, a)| [Message::user(q), Message::assistant(a)]))
    });
    prop_oneof![turns, prop::collection::vec(message(), 0..6).prop_map(Chat::new)]
}

fn templates() -> Vec<String> {
    let snippets = read::<Cases<Template>>("snippets.json").cases.into_iter();
    let own = OWN.iter().map(|name| template(name, true).unwrap().source().to_owned());
    snippets.map(|snippet| snippet.template).chain(own).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn spans_lie_apart_within_the_text(name in prop::sample::select(&OWN[..]), chat in chat()) {
        let tokenizer = tokenizer(true);
        let template = template(name, true).unwrap();
        let Ok(masked) = template.mask(&chat, &tokenizer) else { return Ok(()) };
        prop_assert_eq!(&masked.text, &template.render(&chat, Ending::Whole, &tokenizer).unwrap());
        let mut last = 0;
        for span in &masked.spans {
            let std::ops::Range { start, end } = span.range;
            prop_assert!(last <= start && start < end && end <= masked.text.len());
            prop_assert!(masked.text.is_char_boundary(start) && masked.text.is_char_boundary(end));
            prop_assert!(span.weight != 0.0);
            last = end;
        }
        let answers = chat.messages.iter().filter(|m| m.role == Role::Assistant && m.weight != Some(0.0));
        prop_assert!(masked.spans.len() <= answers.count());
        let row = masked.row(&tokenizer).unwrap();
        prop_assert_eq!(row.ids.len(), row.weights.len());
        let _ = (masked.to_string(), format!("{masked:#}"), format!("{:#}", row.show(&tokenizer)));
    }

    #[test]
    fn a_prompt_is_what_stands_before_the_last_answer(question in text(), answer in "[a-z]{1,9}") {
        let tokenizer = tokenizer(true);
        let chat = Chat::new([Message::user(&question), Message::assistant(&answer)]);
        let asked = Chat::new([Message::user(&question)]);
        for name in OWN {
            let template = template(name, true).unwrap();
            let masked = template.mask(&chat, &tokenizer).unwrap();
            let prompt = template.render(&asked, Ending::Prompt, &tokenizer).unwrap();
            let [span] = &masked.spans[..] else { return Err(TestCaseError::fail(name)) };
            prop_assert!(masked.text[span.range.clone()].contains(&answer));
            // One opens a thought that answers are shown without.
            let before = &masked.text[..span.range.start];
            prop_assert_eq!(before, prompt.trim_end_matches("<think>\n"), "{}", name);
        }
    }

    #[test]
    fn no_template_makes_a_panic(
        which in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        insert in prop_oneof![
            prop::sample::select(vec![
                "{{", "}}", "{%", "%}", "{#", "#}", "-", "(", ")", "[", "]", "'", "\\", "|", ".", "is ", " not ",
                "{% endif %}", "{% endfor %}", "{% raw %}", "*", "**", "~", "%", ",", ":", "=", "0", "1e9", "é",
            ]).prop_map(str::to_owned),
            ".{0,4}",
        ],
    ) {
        let all = templates();
        let variables = read::<Cases<Value>>("snippets.json").head["variables"].as_object().unwrap().clone();
        let mut source: Vec<char> = which.get(&all).chars().chain(other.get(&all).chars()).collect();
        for cut in cuts {
            let at = cut.index(source.len() + 1);
            if at % 2 == 0 {
                source.splice(at..at, insert.chars());
            } else {
                source.drain(at.saturating_sub(3)..at);
            }
        }
        let source: String = source.into_iter().collect();
        if let Ok(template) = ChatTemplate::new(&source) {
            let _ = template.render_with(&variables);
        }
    }

    #[test]
    fn no_text_makes_a_panic(source in "(\\{\\{|\\}\\}|\\{%|%\\}|.|\\PC){0,40}") {
        let _ = ChatTemplate::new(source);
    }
}
