//! Why an answer ended, in every provider's words.

use ethos_core::Stop;

/// `calls` says whether the answer calls tools: some servers say `stop` then.
pub(crate) fn stop(reason: Option<&str>, calls: bool) -> Stop {
    let Some(reason) = reason else {
        return if calls { Stop::ToolCalls } else { Stop::Other("unknown".into()) };
    };
    match reason.to_ascii_lowercase().as_str() {
        "tool_calls" | "tool_use" | "function_call" => Stop::ToolCalls,
        "stop" | "end_turn" | "stop_sequence" | "eos" | "eos_token" | "end" if calls => {
            Stop::ToolCalls
        }
        "stop" | "end_turn" | "stop_sequence" | "eos" | "eos_token" | "end" => Stop::End,
        "length" | "max_tokens" | "model_context_window_exceeded" => Stop::Length,
        "content_filter" | "refusal" | "safety" => Stop::Refusal,
        _ => Stop::Other(reason.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_all_providers() {
        for (reason, expected) in [
            ("stop", Stop::End),
            ("end_turn", Stop::End),
            ("eos_token", Stop::End),
            ("length", Stop::Length),
            ("MAX_TOKENS", Stop::Length),
            ("content_filter", Stop::Refusal),
            ("refusal", Stop::Refusal),
            ("tool_calls", Stop::ToolCalls),
            ("tool_use", Stop::ToolCalls),
            ("pause_turn", Stop::Other("pause_turn".into())),
        ] {
            assert_eq!(stop(Some(reason), false), expected);
        }
        assert_eq!(stop(Some("stop"), true), Stop::ToolCalls);
        assert_eq!(stop(None, true), Stop::ToolCalls);
        assert_eq!(stop(None, false), Stop::Other("unknown".into()));
    }
}
