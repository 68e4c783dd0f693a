//! Readers of answers: never a panic, and never a text that the answer does not hold. Messages survive
//! a round trip.

#![no_main]

use ethos_core::{Chat, Message, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for name in ["content", "scratchpad", "verdict"] {
        if let Ok(inside) = read::tag(text, name) {
            assert!(text.contains(inside) && !inside.is_empty());
            assert!(!inside.contains(&format!("</{name}>")));
        }
    }
    for item in read::list(text).into_iter().flatten() {
        assert!(!item.is_empty());
        assert!(item.lines().all(|line| text.contains(line)), "{item:?} is not in the text");
    }
    if let Ok(value) = read::json::<serde_json::Value>(text) {
        assert!(value.is_object() || value.is_array());
    }
    let _ = read::verdict(text);
    if let Ok(chat) = Chat::new([Message::assistant(text)]).without_reasoning() {
        assert!(chat.messages[0].text().len() <= text.len());
    }
    if let Ok(message) = serde_json::from_str::<Message>(text)
        && message.weight.is_none_or(f32::is_finite)
    {
        let json = serde_json::to_string(&message).expect("it serialises");
        assert_eq!(serde_json::from_str::<Message>(&json).expect("it is read back"), message);
    }
});
