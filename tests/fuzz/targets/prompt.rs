//! Templates: a wrong one is an error, and values are text. The input is a template, and after a
//! line of `---` the value that it is rendered with.

#![no_main]

use ethos_core::Prompt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (template, value) = text.split_once("\n---\n").unwrap_or((text, text));
    if let Ok(prompt) = Prompt::new("fuzzed", template) {
        let _ = prompt.render(&[("a", value), ("b", "b")]);
    }
    let plain = Prompt::new("plain", "<{{ a }}>").expect("it compiles");
    assert_eq!(plain.render(&[("a", text)]).expect("it renders"), format!("<{text}>"));
});
