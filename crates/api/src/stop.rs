//! Why an answer ended, in every provider's words.

use ethos_core::Stop;

/// `calls` says whether the answer calls tools: some servers say `stop` then. `None` where the server broke
/// the answer off itself: what is there is a failure of the server, and no answer.
pub(crate) fn stop(reason: Option<&str>, calls: bool) -> Option<Stop> {
    let Some(reason) = reason else {
        return Some(if calls { Stop::ToolCalls } else { Stop::Other(Stop::UNKNOWN.into()) });
    };
    Some(match reason.to_ascii_lowercase().as_str() {
        "tool_calls" | "tool_use" | "function_call" => Stop::ToolCalls,
        "stop" | "end_turn" | "stop_sequence" | "eos" | "eos_token" | "end" | "complete"
        | "completed" => {
            if calls {
                Stop::ToolCalls
            } else {
                Stop::End
            }
        }
        "length"
        | "max_tokens"
        | "max_output_tokens"
        | "model_length"
        | "model_context_window_exceeded" => Stop::Length,
        "content_filter" | "refusal" | "safety" | "recitation" | "blocklist"
        | "prohibited_content" | "spii" => Stop::Refusal,
        "error"
        | "abort"
        | "aborted"
        | "cancelled"
        | "canceled"
        | "insufficient_system_resource" => return None,
        _ => Stop::Other(reason.into()),
    })
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
            ("RECITATION", Stop::Refusal),
            ("tool_calls", Stop::ToolCalls),
            ("tool_use", Stop::ToolCalls),
            ("pause_turn", Stop::Other("pause_turn".into())),
        ] {
            assert_eq!(stop(Some(reason), false), Some(expected));
        }
        assert_eq!(stop(Some("stop"), true), Some(Stop::ToolCalls));
        assert_eq!(stop(None, true), Some(Stop::ToolCalls));
        assert_eq!(stop(None, false), Some(Stop::Other("unknown".into())));
        for broken in ["error", "abort", "insufficient_system_resource"] {
            assert_eq!(stop(Some(broken), false), None);
        }
    }
}
