//! The JSON in an answer.

use serde::de::DeserializeOwned;

use super::{Read, Reason, Unusable};

/// The one JSON object or array in an answer: alone, in a code fence, or between prose. Nothing is
/// repaired.
///
/// A fence that is marked as JSON, or else one without a mark, holds the value and nothing beside it.
/// Without a fence the value begins with the first `{` or `[`.
///
/// # Errors
///
/// [`Reason::BadJson`] when there is none, when it is cut off or closed once too often, when it is not
/// a `T`, or when another `T` follows it.
pub fn json<T: DeserializeOwned>(text: &str) -> Read<T> {
    let bad = |detail: &str| Err(Unusable::new(Reason::BadJson, detail));
    let fence = fenced(text);
    let (body, after) = fence.unwrap_or((text, ""));
    let Some(start) = body.find(BRACKETS) else { return bad("no `{` or `[`") };
    let mut values = serde_json::Deserializer::from_str(&body[start..]).into_iter::<T>();
    let value = match values.next() {
        Some(Ok(value)) => value,
        Some(Err(error)) => return bad(&error.to_string()),
        None => return bad("no value"),
    };
    let rest = body[start + values.byte_offset()..].trim_start();
    if rest.starts_with(['}', ']']) {
        return bad("it is closed once too often");
    }
    if fence.is_some() && !(body[..start].trim().is_empty() && rest.is_empty()) {
        return bad("something beside the value in its code fence");
    }
    match holds::<T>(rest) || holds::<T>(after) {
        true => bad("several values"),
        false => Ok(value),
    }
}

const BRACKETS: [char; 2] = ['{', '['];

/// Whether there is a `T` somewhere in the text.
fn holds<T: DeserializeOwned>(text: &str) -> bool {
    text.match_indices(BRACKETS).any(|(start, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<T>();
        matches!(values.next(), Some(Ok(_)))
    })
}

/// The inside of the first code fence that is marked as JSON, or else of the first without a mark; and
/// what follows the fence.
fn fenced(text: &str) -> Option<(&str, &str)> {
    const FENCE: &str = "```";
    let mut unmarked = None;
    // Where the fence that is open begins and its inside does, and whether it is marked as JSON.
    let mut open: Option<(usize, Option<bool>)> = None;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let start = end;
        end += line.len();
        let Some(mark) = line.trim().strip_prefix(FENCE) else { continue };
        match open.take() {
            None => {
                let json = mark.eq_ignore_ascii_case("json");
                open = Some((end, (json || mark.is_empty()).then_some(json)));
            }
            // A fence within a string of the JSON is not on a line of its own.
            Some(inside) if !mark.is_empty() => open = Some(inside),
            Some((inside, Some(true))) => return Some((&text[inside..start], &text[end..])),
            Some((inside, Some(false))) => {
                unmarked.get_or_insert((&text[inside..start], &text[end..]));
            }
            Some((_, None)) => {}
        }
    }
    unmarked
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json as value};

    use super::{super::tests::reason, *};

    #[test]
    fn json_is_found_in_prose_and_fences() {
        assert_eq!(json::<Vec<u8>>("Sure: [1, 2] as asked"), Ok(vec![1, 2]));
        assert_eq!(json::<Vec<String>>("```json\n[\"```\"]\n```"), Ok(vec!["```".to_owned()]));
        let fences = "See [1].\n```sh\nls {a}\n```\n  ```JSON\n  {\"a\": [1]}\n  ```\nAs [asked].";
        assert_eq!(json::<Value>(fences), Ok(value!({"a": [1]})));
        assert_eq!(json::<Value>("```\n{}\n```\n```json\n[1]\n```"), Ok(value!([1])));
        let text = "{\"code\": \"```\"}";
        assert_eq!(json::<Value>(text), Ok(value!({"code": "```"})));
        let sources = "{\"a\": \"b\"} Sources: [1], [2]";
        assert!(json::<std::collections::BTreeMap<String, String>>(sources).is_ok());
    }

    #[test]
    fn nothing_is_repaired_or_chosen() {
        for text in [
            "none",
            "[1, 2",
            "[1, 2]]",
            "[1, 2,]",
            "{\"a\": 1}",
            "[1] or [2]",
            "As [asked]: [1]",
            "```json\n[1]\n// done\n```",
            "```json\nok: [1]\n```",
            "```json\n[1]\n```\nor\n```json\n[2]\n```",
            "```json\n[1, 2\n```\n[3]",
        ] {
            assert_eq!(reason(json::<Vec<u8>>(text)), Reason::BadJson, "{text}");
        }
        assert_eq!(reason(json::<Value>("{\"a\": 1} {\"a\": 2}")), Reason::BadJson);
        assert_eq!(reason(json::<Value>("[{\"a\": 1}, {\"a\": ")), Reason::BadJson);
    }
}
