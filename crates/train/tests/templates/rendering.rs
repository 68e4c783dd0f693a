//! Rendered byte for byte as `transformers` renders it.

use ethos_train::{ChatTemplate, Ending, Error};
use serde_json::{Map, Value};

use crate::fixtures::{Case, Cases, Outcome, Template, chat, fnv, read, template, tokenizer};

/// What differs, in words; nothing where all is well.
fn difference(rendered: Result<String, Error>, expected: &Outcome) -> Option<String> {
    match (rendered, expected) {
        (Ok(text), Outcome::Text { text: wanted }) => {
            (text != *wanted).then(|| format!("{text:?}\ninstead of\n{wanted:?}"))
        }
        (Ok(text), Outcome::Hash { fnv: wanted, length }) => {
            (fnv(&text) != *wanted).then(|| format!("{text:?}\nof other {length} bytes"))
        }
        (Err(error), Outcome::Raised { raised }) => {
            let message = error.to_string();
            (!message.contains(raised.as_str())).then(|| format!("{message}\ninstead of\n{raised}"))
        }
        (Err(_), Outcome::Error { .. }) => None,
        (rendered, expected) => Some(format!("{rendered:?}\ninstead of\n{expected:?}")),
    }
}

#[test]
fn small_templates_of_the_whole_dialect_are_rendered_as_transformers_does() {
    let snippets: Cases<Template> = read("snippets.json");
    let variables: &Map<String, Value> = snippets.head["variables"].as_object().unwrap();
    assert!(snippets.cases.len() > 1000);
    let mut wrong = Vec::new();
    for Template { template, outcome } in &snippets.cases {
        let rendered = ChatTemplate::new(template).and_then(|t| t.render_with(variables));
        if let Some(difference) = difference(rendered, outcome) {
            wrong.push(format!("{template}\nrenders\n{difference}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn chats_are_rendered_as_transformers_does() {
    let tokenizer = tokenizer(true);
    let mut wrong = Vec::new();
    for case in read::<Cases<Case>>("expected.json").cases {
        let Some(template) = template(&case.template, case.own) else { continue };
        let chat = chat(&case.chat);
        for (ending, expected) in [
            (Ending::Whole, &case.whole),
            (Ending::Prompt, &case.prompt),
            (Ending::Continued, &case.continued),
        ] {
            let rendered = template.render(&chat, ending, &tokenizer);
            if let Some(difference) = difference(rendered, expected) {
                let (template, chat) = (&case.template, &case.chat);
                wrong.push(format!("{template}, {chat}, {ending:?}:\n{difference}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
}
