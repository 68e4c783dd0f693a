//! Reasoning that a model writes before its answer.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Whether what is written next is reasoning: some templates open it at the end of the prompt, and a
/// prefill may.
pub(super) fn is_open(prompt: &str, prefill: Option<&str>) -> bool {
    prompt.trim_end().ends_with(OPEN)
        || prefill.is_some_and(|text| text.rfind(OPEN) > text.rfind(CLOSE))
}

/// Splits what a model wrote into its reasoning, where it begins with some, and its answer. Reasoning
/// that never closes was cut off, and no answer follows it.
pub(super) fn split(open: bool, written: String) -> (Option<String>, String) {
    let inside = match written.trim_start().strip_prefix(OPEN) {
        Some(inside) => inside,
        None if open => &written,
        None => return (None, written),
    };
    let (reasoning, answer) = inside.split_once(CLOSE).unwrap_or((inside, ""));
    (Some(reasoning.trim().to_owned()), answer.trim_start().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_is_kept_apart() {
        let split = |open, text: &str| {
            let (reasoning, answer) = split(open, text.to_owned());
            (reasoning.unwrap_or("-".to_owned()), answer)
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(split(false, "\n<think>\nso\n</think>\n\nyes "), pair("so", "yes "));
        assert_eq!(split(true, "so\n</think>\n\nyes"), pair("so", "yes"));
        assert_eq!(split(false, " yes"), pair("-", " yes"));
        assert_eq!(split(false, "a <think>b</think> c"), pair("-", "a <think>b</think> c"));
        assert_eq!(split(false, "<think>cut"), pair("cut", ""));
        assert_eq!(split(true, "cut"), pair("cut", ""));
    }

    #[test]
    fn the_prompt_or_a_prefill_may_open_it() {
        assert!(is_open("user: hi\nassistant: <think>\n", None));
        assert!(is_open("bot: <think>well", Some("<think>well")));
        assert!(!is_open("bot: <think></think>yes", Some("<think></think>yes")));
        // Not what somebody asked.
        assert!(!is_open("user: what is <think>?\nassistant:", None));
    }
}
