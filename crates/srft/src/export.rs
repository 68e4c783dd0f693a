//! The files that trainers read.

use std::path::Path;

use ethos_core::{Chat, jsonl};

use crate::error::{Error, Result};

/// Rows that OpenAI's fine-tuning wants at least.
const FEWEST: usize = 10;

/// Bytes that a file of it may have.
const LARGEST: usize = 512 << 20;

/// Tokens that a row may have for the GPT-4.1 and GPT-4o families; of a longer one the end is cut off, where the report
/// is. A token has at least one byte.
const LONGEST: usize = 65_536;

/// Writes chats for OpenAI's supervised fine-tuning: JSONL of `messages` with weights, and `tools` where a chat has
/// some; nothing else. The file is checked against the published limits first: at least ten rows and at most 512 MB;
/// in a row at most 65,536 bytes, which are no more tokens than are read of it; messages of the system, the user, the
/// assistant and of tools, each with content but for calls, and these of tools that the row has; the last one of the
/// assistant; weights of 0 or 1 on messages of the assistant alone, and a trained one in every row.
///
/// # Errors
///
/// [`Error::Export`] for the first row that does not meet them, before anything is written.
pub fn openai(path: impl AsRef<Path>, chats: &[Chat]) -> Result<()> {
    let rows: Vec<Chat> = chats
        .iter()
        .map(|chat| {
            let mut row = Chat::new(chat.messages.clone());
            row.extra
                .extend(chat.extra.get("tools").map(|tools| ("tools".to_owned(), tools.clone())));
            row
        })
        .collect();
    let wrong = |row: usize, message: String| Err(Error::Export { row, message });
    if rows.len() < FEWEST {
        return wrong(0, format!("{} rows, and at least {FEWEST} are wanted", rows.len()));
    }
    let mut bytes = 0;
    for (number, row) in (1..).zip(&rows) {
        if row.messages.last().is_none_or(|message| message.role.as_str() != "assistant") {
            return wrong(number, "it does not end with the assistant".to_owned());
        }
        let named = |name: &str| {
            let tools = row.extra.get("tools").and_then(|tools| tools.as_array());
            tools.is_some_and(|tools| tools.iter().any(|tool| tool["function"]["name"] == name))
        };
        let mut trained = false;
        for message in &row.messages {
            let role = message.role.as_str();
            if !["system", "user", "assistant", "tool"].contains(&role) {
                return wrong(number, format!("a message of the role `{role}`"));
            }
            if message.text().is_empty() && message.tool_calls.is_empty() {
                return wrong(number, format!("a message of the {role} is empty"));
            }
            if let Some(call) = message.tool_calls.iter().find(|call| !named(&call.name)) {
                return wrong(number, format!("a call of `{}`, which is no tool of it", call.name));
            }
            let assistant = role == "assistant";
            match message.weight {
                Some(_) if !assistant => {
                    return wrong(
                        number,
                        "a weight on a message that is not the assistant's".to_owned(),
                    );
                }
                Some(weight) if weight != 0.0 && weight != 1.0 => {
                    return wrong(number, format!("a weight of {weight}, and 0 or 1 are allowed"));
                }
                weight => trained |= assistant && weight != Some(0.0),
            }
        }
        if !trained {
            return wrong(number, "no message is trained".to_owned());
        }
        let length = serde_json::to_string(row).map_or(0, |json| json.len() + 1);
        if length > LONGEST {
            return wrong(number, format!("{length} bytes, and {LONGEST} tokens are read at most"));
        }
        bytes += length;
    }
    if bytes > LARGEST {
        return wrong(
            0,
            format!("{bytes} bytes, and at most {LARGEST} are allowed; make several files"),
        );
    }
    Ok(jsonl::write(path, &rows)?)
}

/// Writes chats as JSONL of `messages`, as TRL, axolotl and `ethos-train` read them, with everything that is known
/// of each row.
///
/// The weights are `ethos-train`'s own. Axolotl reads them as `message_field_training: weight`. TRL does not read them:
/// with `assistant_only_loss` it trains all turns of the assistant, whatever they weigh.
///
/// # Errors
///
/// When the file cannot be written.
pub fn messages(path: impl AsRef<Path>, chats: &[Chat]) -> Result<()> {
    Ok(jsonl::write(path, chats)?)
}

#[cfg(test)]
mod tests {
    use ethos_core::{Message, Role};

    use super::*;
    use crate::{ChatConfig, Style, Trained, chats, facts};

    #[test]
    fn what_openai_would_refuse_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.jsonl");
        let facts = &facts().unwrap()[..20];
        for style in [Style::Short, Style::Tool] {
            let config = ChatConfig { trained: Trained::ReportOnly, style, ..ChatConfig::paper() };
            openai(&path, &chats(facts, &config).unwrap()).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().count(), 40);
            assert!(text.contains("\"weight\":0") && !text.contains("metadata"));
            assert_eq!(text.contains("\"tools\""), style == Style::Tool);
        }
        let good = chats(facts, &ChatConfig::paper()).unwrap();
        let refused = |change: fn(&mut Vec<Chat>)| {
            let mut chats = good.clone();
            change(&mut chats);
            openai(folder.path().join("no.jsonl"), &chats).unwrap_err().to_string()
        };
        assert!(refused(|chats| chats.truncate(9)).contains("9 rows"));
        assert!(
            refused(|chats| chats[1].messages[1].weight = Some(0.5))
                .contains("row 2: a weight of 0.5")
        );
        assert!(
            refused(|chats| chats[0].messages[0].weight = Some(1.0))
                .contains("not the assistant's")
        );
        let untrained = |chats: &mut Vec<Chat>| {
            chats[2]
                .messages
                .iter_mut()
                .filter(|m| m.weight.is_some())
                .for_each(|m| m.weight = Some(0.0));
        };
        assert!(refused(untrained).contains("row 3: no message is trained"));
        assert!(
            refused(|chats| chats[0].messages.push(Message::user("And?"))).contains("end with")
        );
        assert!(
            refused(|chats| chats[3].messages[0] = Message::user("long ".repeat(14_000)))
                .contains("row 4: 70")
        );
        assert!(refused(|chats| chats[0].messages[0] = Message::user("")).contains("is empty"));
        assert!(
            refused(|chats| chats[0].messages[0].role = Role::Other("narrator".to_owned()))
                .contains("`narrator`")
        );
        let tool = ChatConfig { style: Style::Tool, ..ChatConfig::paper() };
        let mut toolless = chats(facts, &tool).unwrap();
        toolless[5].extra.shift_remove("tools");
        let error = openai(folder.path().join("no.jsonl"), &toolless).unwrap_err().to_string();
        assert!(error.contains("row 6: a call of `report`"), "{error}");
        assert!(!folder.path().join("no.jsonl").exists());
        messages(&path, &good).unwrap();
        let read: Vec<Chat> = jsonl::read_all(&path).unwrap();
        assert_eq!(read, good);
    }
}
