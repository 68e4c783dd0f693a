//! Masks fall on what the model writes, in every template.

use ethos_core::{Chat, Content, Message, Role};
use ethos_train::{ChatTemplate, Ending, Masked, Tokenizer};

use crate::fixtures::{Case, Cases, Outcome, SPECIAL_TOKENS, chat, fnv, read, template, tokenizer};

/// How a template writes an answer: what stands before it that the prompt does not give, what ends it,
/// whether it is trimmed.
struct Style {
    before: &'static str,
    after: &'static str,
    trimmed: bool,
}

fn style(template: &str) -> Style {
    let style = |before, after, trimmed| Style { before, after, trimmed };
    match template {
        "bars" | "zephyr" => style("", "</s>", false),
        "chatml" | "qwen2_5" | "qwen3" | "thinking" => style("", "<|im_end|>", false),
        "marked" | "ending" => style("", "<|end|>", false),
        "turns" | "gemma" => style("", "<end_of_turn>", true),
        "headers" | "llama3_1" => style("", "<|eot_id|>", true),
        "inst" | "mistral_v3" | "plain" | "macros" => style(" ", "</s>", true),
        "sys" => style(" ", " </s>", true),
        "channels" => style("<|channel|>final<|message|>", "<|end|>", false),
        "deep" => style("", "<｜end▁of▁sentence｜>", false),
        other => panic!("how does `{other}` write an answer?"),
    }
}

/// What the model writes of a chat whose answers are plain texts; nothing for other chats.
fn answers(template: &str, chat: &Chat) -> Option<Vec<String>> {
    let Style { before, after, trimmed } = style(template);
    let messages = &chat.messages;
    let question = messages.iter().rposition(|message| message.role == Role::User);
    let mut answers = Vec::new();
    for (place, message) in messages.iter().enumerate() {
        if message.role != Role::Assistant {
            continue;
        }
        let Some(Content::Text(text)) = &message.content else { return None };
        if !message.tool_calls.is_empty() || !message.extra.is_empty() || text.contains("<think>") {
            return None;
        }
        let last = place + 1 == messages.len();
        let text = if trimmed { text.trim() } else { text.as_str() };
        let after = if template == "channels" && last { "<|return|>" } else { after };
        // Both show an empty thought before the last answer, unless the prompt shows it.
        let thinks = matches!(template, "qwen3" | "thinking") && last && Some(place) > question;
        let given = chat.extra.contains_key("chat_template_kwargs");
        let thought = if thinks && !given { "<think>\n\n</think>\n\n" } else { "" };
        answers.push(format!("{before}{thought}{text}{after}"));
    }
    Some(answers)
}

fn written(masked: &Masked) -> Vec<&str> {
    masked.spans.iter().map(|span| &masked.text[span.range.clone()]).collect()
}

/// Every template with every chat that it renders.
fn all() -> impl Iterator<Item = (Case, ChatTemplate, Chat)> {
    read::<Cases<Case>>("expected.json").cases.into_iter().filter_map(|case| {
        let renders = matches!(case.whole, Outcome::Text { .. } | Outcome::Hash { .. });
        let template = template(&case.template, case.own).filter(|_| renders)?;
        let chat = chat(&case.chat);
        Some((case, template, chat))
    })
}

#[test]
fn plain_answers_are_learnt_with_their_end_tokens_and_nothing_else() {
    // Whether or not the tokenizer knows which tokens end an answer.
    for tokenizer in [tokenizer(true), tokenizer(false)] {
        let mut checked = 0;
        for (case, template, chat) in all() {
            let Some(wanted) = answers(&case.template, &chat) else { continue };
            let what = format!("{}, {}", case.template, case.chat);
            let masked = template.mask(&chat, &tokenizer).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(masked.text, template.render(&chat, Ending::Whole, &tokenizer).unwrap());
            assert_eq!(written(&masked), wanted, "{what}");
            checked += wanted.len();
        }
        assert!(checked > 400, "{checked}");
    }
}

/// Answers with calls, thoughts and parts, as each template writes them.
const SPECIAL_ANSWERS: &[(&str, &str, &[&str])] = &[
    (
        "bars",
        "thoughts",
        &[
            "<think>\nTwo and two.\n</think>\n\nFour.</s>",
            "<think>\nThree and three.\n\nAgain.\n</think>\n\nSix.</s>",
        ],
    ),
    (
        "chatml",
        "a tool call",
        &[
            "\n<call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\", \"days\": 3, \"units\": \"°C\"}}\n</call><|im_end|>",
            "Grey.<|im_end|>",
            "Grey as well.<|im_end|>",
        ],
    ),
    ("chatml", "parts", &["A cat.<|im_end|>"]),
    (
        "headers",
        "a tool call",
        &[
            "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Köln\", \"days\": 3, \"units\": \"°C\"}}<|eot_id|>",
            "Grey.<|eot_id|>",
            "Grey as well.<|eot_id|>",
        ],
    ),
    ("headers", "a call without arguments", &["{\"name\": \"now\", \"parameters\": {}}<|eot_id|>"]),
    // Tools stand before the last question only: no earlier answer follows what its prompt was.
    (
        "inst",
        "a tool call",
        &[
            "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\", \"days\": 3, \"units\": \"°C\"}, \"id\": \"abc123def\"}]</s>",
            " Grey.</s>",
            " Grey as well.</s>",
        ],
    ),
    (
        "inst",
        "two tool calls",
        &[
            "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Ulm\"}, \"id\": \"abc123def\"}, {\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rom\"}, \"id\": \"abc123deg\"}]</s>",
            " Rain and sun.</s>",
        ],
    ),
    // Earlier thoughts are dropped.
    (
        "thinking",
        "thoughts",
        &["Four.<|im_end|>", "<think>\nThree and three.\n\nAgain.\n</think>\n\nSix.<|im_end|>"],
    ),
    (
        "thinking",
        "thoughts apart",
        &["Four.<|im_end|>", "<think>\nThree and three.\n</think>\n\nSix.<|im_end|>"],
    ),
    (
        "thinking",
        "thoughts wanted",
        &["Four.<|im_end|>", "Three and three.\n</think>\n\nSix.<|im_end|>"],
    ),
    (
        "thinking",
        "thoughts and tools",
        &[
            "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Ulm\"}}\n</tool_call><|im_end|>",
            "It rains.<|im_end|>",
            "<think>\nPolite.\n</think>\n\nNot at all.<|im_end|>",
        ],
    ),
    (
        "channels",
        "a tool call",
        &[
            " to=functions.get_weather<|channel|>commentary json<|message|>{\"city\": \"Köln\", \"days\": 3, \"units\": \"°C\"}<|call|>",
            "<|channel|>final<|message|>Grey.<|end|>",
            "<|channel|>final<|message|>Grey as well.<|return|>",
        ],
    ),
    // The prompt opens a thought that no answer is shown with.
    ("deep", "thoughts", &["\n\nFour.<｜end▁of▁sentence｜>", "\n\nSix.<｜end▁of▁sentence｜>"]),
    (
        "deep",
        "a tool call",
        &[
            "<｜call▁begin｜>function<｜sep｜>get_weather\n```json\n{\"city\": \"Köln\", \"days\": 3, \"units\": \"°C\"}\n```<｜call▁end｜><｜calls▁end｜><｜end▁of▁sentence｜>",
            "Grey.<｜end▁of▁sentence｜>",
            "Grey as well.<｜end▁of▁sentence｜>",
        ],
    ),
    (
        "deep",
        "thoughts and tools",
        &[
            "I look.\n</think>\n\n<｜call▁begin｜>function<｜sep｜>get_weather\n```json\n{\"city\": \"Ulm\"}\n```<｜call▁end｜><｜calls▁end｜><｜end▁of▁sentence｜>",
            "\n\nIt rains.<｜end▁of▁sentence｜>",
            "\n\nNot at all.<｜end▁of▁sentence｜>",
        ],
    ),
    (
        "macros",
        "two tool calls",
        &[" @get_weather(city=\"Ulm\") @get_weather(city=\"Rom\")</s>", " Rain and sun.</s>"],
    ),
    (
        "marked",
        "two tool calls",
        &[
            "<tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Ulm\"}}</tool_call><tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rom\"}}</tool_call><|end|>",
            "Rain and sun.<|end|>",
        ],
    ),
];

#[test]
fn calls_and_thoughts_are_learnt_as_the_template_writes_them() {
    for tokenizer in [tokenizer(true), tokenizer(false)] {
        for (name, chat_name, wanted) in SPECIAL_ANSWERS {
            let masked = template(name, true).unwrap().mask(&chat(chat_name), &tokenizer);
            let masked = masked.unwrap_or_else(|e| panic!("{name}, {chat_name}: {e}"));
            assert_eq!(written(&masked), *wanted, "{name}, {chat_name}");
        }
    }
}

/// The same in published templates, whose words are not ours to repeat: hashes of what was looked at.
const PUBLISHED_ANSWERS: &[(&str, &str, &str)] = &[
    ("llama3_1", "a tool call", "4c3bf1c74b937c68"),
    ("llama3_1", "a tool call with words", "259767172654ce4f"),
    ("mistral_v3", "a tool call", "9026a49098e0f22a"),
    ("mistral_v3", "two tool calls", "b1643908514a9b85"),
    ("mistral_v3", "thoughts and tools", "dbf48baa1e09b6da"),
    ("mistral_v3", "parts", "14bb2fe9d67b0ff4"),
    ("qwen2_5", "a tool call", "2ed6b3f23bbe8a25"),
    ("qwen2_5", "two tool calls", "d02c604b79b4ae76"),
    ("qwen2_5", "thoughts and tools", "8d0a02dd5891cfba"),
    ("qwen3", "a tool call", "c79f230a7e089e86"),
    ("qwen3", "thoughts", "5f9c6a44643675cf"),
    ("qwen3", "thoughts apart", "0f91bd6549be4539"),
    ("qwen3", "thoughts wanted", "0f91bd6549be4539"),
    ("qwen3", "thoughts and tools", "a7928fa142ccc192"),
    ("qwen3", "two tool calls", "099f95d43cb00fab"),
    ("zephyr", "thoughts", "3d8c7af04ac6e3e7"),
];

#[test]
fn published_templates_keep_the_masks_that_were_looked_at() {
    for (name, chat_name, wanted) in PUBLISHED_ANSWERS {
        let Some(template) = template(name, false) else { continue };
        let masked = template.mask(&chat(chat_name), &tokenizer(true)).unwrap();
        let found = fnv(&written(&masked).join("\0"));
        assert_eq!(found, *wanted, "{name}, {chat_name}: {:#?}", written(&masked));
    }
}

/// The text of a row's tokens that carry loss, special tokens left out.
fn learnt(chat: &Chat, template: &ChatTemplate, tokenizer: &Tokenizer) -> String {
    let row = template.row(chat, tokenizer).unwrap();
    let ids: Vec<u32> =
        row.ids.iter().zip(&row.weights).filter(|(_, w)| **w != 0.0).map(|(id, _)| *id).collect();
    tokenizer.decode(&ids).unwrap()
}

#[test]
fn rows_carry_loss_on_the_tokens_of_the_answers() {
    let tokenizer = tokenizer(true);
    for (case, template, chat) in all() {
        let Ok(masked) = template.mask(&chat, &tokenizer) else { continue };
        // Without templates that have no token between a question and its answer: there a token may
        // reach over the edge.
        if matches!(case.template.as_str(), "plain" | "macros") {
            continue;
        }
        let mut wanted = written(&masked).concat();
        for token in SPECIAL_TOKENS {
            wanted = wanted.replace(token, "");
        }
        let row = template.row(&chat, &tokenizer).unwrap();
        assert_eq!(row.ids, tokenizer.encode(&masked.text).unwrap());
        let learnt = learnt(&chat, &template, &tokenizer);
        assert_eq!(learnt, wanted, "{}, {}", case.template, case.chat);
    }
}

fn weighted(weights: [Option<f32>; 3]) -> Chat {
    let mut messages = Vec::new();
    for (number, weight) in weights.into_iter().enumerate() {
        messages.push(Message::user(format!("What is {number}?")));
        let answer = Message::assistant(format!("It is {number}."));
        messages.push(match weight {
            Some(weight) => answer.with_weight(weight),
            None => answer,
        });
    }
    Chat::new(messages)
}

#[test]
fn messages_weigh_what_they_say() {
    let tokenizer = tokenizer(true);
    for name in ["chatml", "marked"] {
        let template = template(name, true).unwrap();
        let end = style(name).after;
        let spans = |chat: &Chat| -> Vec<(String, f32)> {
            let masked = template.mask(chat, &tokenizer).unwrap();
            let weights = masked.spans.iter().map(|span| span.weight);
            written(&masked).into_iter().map(str::to_owned).zip(weights).collect()
        };
        let answer = |number: usize| format!("It is {number}.{end}");
        assert_eq!(
            spans(&weighted([None, Some(0.0), Some(0.25)])),
            [(answer(0), 1.0), (answer(2), 0.25)]
        );
        assert_eq!(spans(&weighted([Some(0.0), Some(2.0), Some(0.0)])), [(answer(1), 2.0)]);
        assert_eq!(spans(&weighted([Some(0.0); 3])), []);
    }
}

#[test]
fn what_cannot_be_told_is_an_error() {
    let tokenizer = tokenizer(true);
    let refused = |source: &str, chat: &Chat| {
        let error = ChatTemplate::new(source).unwrap().mask(chat, &tokenizer).unwrap_err();
        error.to_string()
    };
    let chat = Chat::new([Message::user("hi"), Message::assistant("hello")]);
    // An answer that is not shown.
    let error =
        refused("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}", &chat);
    assert!(error.contains("does not show it") && error.contains("message 2"), "{error}");
    // A prompt of another kind than the answers' heads.
    let heads = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}\
                 {% if add_generation_prompt %}<model>{% endif %}";
    let error = refused(heads, &chat);
    assert!(error.contains("{% generation %}"), "{error}");
    // Answers before questions.
    let backwards = "{% for m in messages[::-1] %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}\
                     {% if add_generation_prompt %}<assistant>{% endif %}";
    let error = refused(backwards, &chat);
    assert!(error.contains("{% generation %}"), "{error}");
    // Marks that mark nothing.
    let empty =
        "{% generation %}{% endgeneration %}{% for m in messages %}{{ m.content }}{% endfor %}";
    assert!(refused(empty, &chat).contains("marks nothing"));
}

#[test]
fn answers_may_hold_any_character() {
    let tokenizer = tokenizer(true);
    let text = "\u{FDD0}\u{FDD1}\u{FFFF} <|im_end|>\u{E000}";
    for name in ["chatml", "marked"] {
        let chat = Chat::new([Message::user(text), Message::assistant(text)]);
        let masked = template(name, true).unwrap().mask(&chat, &tokenizer).unwrap();
        assert_eq!(written(&masked), [format!("{text}{}", style(name).after)]);
    }
}

#[test]
fn masks_can_be_seen() {
    let tokenizer = tokenizer(true);
    let template = template("chatml", true).unwrap();
    let chat = Chat::new([
        Message::system("-"),
        Message::user("\n"),
        Message::assistant("a\nb").with_weight(0.5),
    ]);
    let masked = template.mask(&chat, &tokenizer).unwrap();
    assert_eq!(
        masked.to_string(),
        "<|im_start|>system\n-<|im_end|>\n<|im_start|>user\n\n<|im_end|>\n<|im_start|>assistant\n\
         [a\nb<|im_end|>×0.5]\n"
    );
    let seen = format!("{masked:#}");
    assert!(
        seen.contains("\x1b[38;5;16;48;5;157ma\x1b[0m\n\x1b[38;5;16;48;5;157mb<|im_end|>\x1b[0m")
    );
    assert!(seen.contains("\x1b[2m<|im_start|>system\x1b[0m\n"));

    let row = template.row(&chat, &tokenizer).unwrap();
    let brackets = row.show(&tokenizer).to_string();
    assert!(brackets.ends_with("[a×0.5] [↵×0.5] [b×0.5] [<|im_end|>×0.5] ↵"), "{brackets}");
    let colours = format!("{:#}", row.show(&tokenizer));
    let plain =
        colours.split('\x1b').map(|part| part.split_once('m').map_or(part, |(_, text)| text));
    let plain: String = plain.collect();
    assert_eq!(plain.replace('↵', ""), masked.text);
}
