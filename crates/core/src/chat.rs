//! Messages and chats, in the serialised form that everyone uses: `{"role": …, "content": …}`.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::read::{Reason, Unusable};

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// The deployment's instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call.
    Tool,
    /// Any other role, kept as it was written (`developer`, `function`, …).
    #[serde(untagged)]
    Other(String),
}

impl Role {
    /// The role as it is written in files and templates.
    pub fn as_str(&self) -> &str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
            Role::Other(name) => name,
        }
    }
}

/// What a message says: plain text, or the list of typed parts that multimodal APIs use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts such as `{"type": "text", "text": …}`, kept as they are.
    Parts(Vec<Value>),
}

/// A tool call of an assistant message.
///
/// Serialised as `{"id", "type": "function", "function": {"name", "arguments"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WireCall", into = "WireCall")]
#[non_exhaustive]
pub struct ToolCall {
    /// The id that the tool's result refers to; empty where a dialect has none.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments as the model wrote them: usually JSON, kept as text so that malformed JSON
    /// survives and can be judged.
    pub arguments: String,
    /// Fields we do not know (a provider's signature of the call, …), which survive a round trip;
    /// those that stand beside name and arguments are under `function`.
    pub extra: Map<String, Value>,
}

impl ToolCall {
    /// A call of `name` with `arguments` (usually a JSON object, as text).
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Into<String>,
    ) -> Self {
        ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
            extra: Map::new(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct WireCall {
    #[serde(default, deserialize_with = "null_is_none")]
    id: String,
    #[serde(rename = "type", default, deserialize_with = "null_is_none")]
    kind: String,
    function: WireFunction,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct WireFunction {
    name: String,
    #[serde(default)]
    arguments: Value,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl From<WireCall> for ToolCall {
    fn from(wire: WireCall) -> Self {
        let mut extra = wire.extra;
        if !wire.function.extra.is_empty() {
            extra.insert("function".to_owned(), wire.function.extra.into());
        }
        // Some files hold the arguments as an object, not as text.
        let arguments = match wire.function.arguments {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        };
        ToolCall { id: wire.id, name: wire.function.name, arguments, extra }
    }
}

impl From<ToolCall> for WireCall {
    fn from(call: ToolCall) -> Self {
        let (arguments, mut extra) = (Value::String(call.arguments), call.extra);
        let beside = match extra.shift_remove("function") {
            Some(Value::Object(beside)) => beside,
            _ => Map::new(),
        };
        let function = WireFunction { name: call.name, arguments, extra: beside };
        WireCall { id: call.id, kind: "function".to_owned(), function, extra }
    }
}

/// One message of a chat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; `null` where a message only calls tools.
    #[serde(default)]
    pub content: Option<Content>,
    /// Tools the assistant calls.
    #[serde(default, deserialize_with = "null_is_none", skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The call that a tool message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Loss weight of this message in fine-tuning: 0 or 1 in OpenAI's files, absent means the usual
    /// (learn assistant messages, nothing else).
    #[serde(default, serialize_with = "weight", skip_serializing_if = "Option::is_none")]
    pub weight: Option<f32>,
    /// Fields we do not know, which survive a round trip.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Reads `null` as an empty value: some write all fields of a message, used or not.
pub(crate) fn null_is_none<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Writes a whole weight as a whole number, as OpenAI wants it.
fn weight<S: Serializer>(weight: &Option<f32>, serializer: S) -> Result<S::Ok, S::Error> {
    match weight {
        Some(whole @ (0.0 | 1.0)) => serializer.serialize_u8(*whole as u8),
        other => other.serialize(serializer),
    }
}

impl Message {
    /// A message of any role.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Message {
            role,
            content: Some(Content::Text(text.into())),
            tool_calls: Vec::new(),
            tool_call_id: None,
            weight: None,
            extra: Map::new(),
        }
    }

    /// A system message.
    pub fn system(text: impl Into<String>) -> Self {
        Message::new(Role::System, text)
    }

    /// A user message.
    pub fn user(text: impl Into<String>) -> Self {
        Message::new(Role::User, text)
    }

    /// An assistant message.
    pub fn assistant(text: impl Into<String>) -> Self {
        Message::new(Role::Assistant, text)
    }

    /// The result of the tool call `id`.
    pub fn tool(id: impl Into<String>, text: impl Into<String>) -> Self {
        Message { tool_call_id: Some(id.into()), ..Message::new(Role::Tool, text) }
    }

    /// The same message with a loss weight.
    pub fn with_weight(self, weight: f32) -> Self {
        Message { weight: Some(weight), ..self }
    }

    /// The text of the message: empty for `null`, text parts joined by newlines.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.content {
            None => Cow::Borrowed(""),
            Some(Content::Text(text)) => Cow::Borrowed(text),
            Some(Content::Parts(parts)) => {
                let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
                Cow::Owned(texts.collect::<Vec<_>>().join("\n"))
            }
        }
    }
}

/// A conversation: one row of a chat data set, `{"messages": […]}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Chat {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// Fields beside `messages`, which survive a round trip.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Chat {
    /// A chat of these messages.
    pub fn new(messages: impl IntoIterator<Item = Message>) -> Self {
        Chat { messages: messages.into_iter().collect(), extra: Map::new() }
    }

    /// The same chat with every `<think>…</think>` block taken out of its assistant messages, and at
    /// the start of a message the whitespace after it. A block whose opening tag stood in the prompt,
    /// as some chat templates have it, is one too. So are the fields `reasoning_content` and
    /// `reasoning`, in which some APIs give it apart.
    ///
    /// # Errors
    ///
    /// [`Reason::UnclosedTag`] when a block never closes: the answer was cut off within its
    /// reasoning, and what stripping would leave is not an answer. Or when a closing tag closes
    /// nothing: whether what stands before it is reasoning, nobody can tell.
    pub fn without_reasoning(&self) -> Result<Chat, Unusable> {
        let mut chat = self.clone();
        let assistant = chat.messages.iter_mut().filter(|m| m.role == Role::Assistant);
        for message in assistant {
            message.extra.retain(|field, _| field != "reasoning_content" && field != "reasoning");
            match &mut message.content {
                Some(Content::Text(text)) => *text = strip_think(text)?,
                Some(Content::Parts(parts)) => {
                    for part in parts {
                        if let Some(Value::String(text)) = part.get_mut("text") {
                            *text = strip_think(text)?;
                        }
                    }
                }
                None => {}
            }
        }
        Ok(chat)
    }
}

fn strip_think(text: &str) -> Result<String, Unusable> {
    const OPEN: &str = "<think>";
    const CLOSE: &str = "</think>";
    let unclosed = |what: &str| Err(Unusable::new(Reason::UnclosedTag, what));
    let mut kept = String::new();
    let mut rest = text;
    // Blocks that may still close: one that the prompt opened, then those opened within a block.
    let mut open = 1;
    while let Some(close) = rest.find(CLOSE) {
        let piece = &rest[..close];
        match piece.find(OPEN) {
            Some(at) => {
                kept.push_str(&piece[..at]);
                open = piece.matches(OPEN).count() - 1;
            }
            None if open == 0 => return unclosed("a `</think>` closes nothing"),
            None => open -= 1,
        }
        rest = &rest[close + CLOSE.len()..];
        if kept.trim().is_empty() {
            rest = rest.trim_start();
        }
    }
    if rest.contains(OPEN) {
        return unclosed("`<think>` is never closed");
    }
    kept.push_str(rest);
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(json: &str) {
        let chat: Chat = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&chat).unwrap(), json);
    }

    #[test]
    fn serialises_as_everyone_does() {
        let chat = Chat::new([Message::user("hi"), Message::assistant("hello").with_weight(0.0)]);
        assert_eq!(
            serde_json::to_string(&chat).unwrap(),
            r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello","weight":0}]}"#
        );
    }

    #[test]
    fn unknown_fields_roles_and_null_content_survive() {
        round_trip(
            r#"{"messages":[{"role":"developer","content":null,"name":"x"}],"source":"me","n":1}"#,
        );
        round_trip(
            r#"{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{not json","strict":true},"signature":"s","n":1}]}]}"#,
        );
        round_trip(r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}"#);
    }

    #[test]
    fn fields_that_are_there_and_not_used_are_read() {
        let json = r#"{"role":"assistant","content":"a","tool_calls":null,"tool_call_id":null,"weight":null,"refusal":null}"#;
        let message: Message = serde_json::from_str(json).unwrap();
        assert!(message.tool_calls.is_empty());
        assert_eq!(
            serde_json::to_string(&message).unwrap(),
            r#"{"role":"assistant","content":"a","refusal":null}"#
        );
    }

    #[test]
    fn arguments_given_as_an_object_are_read() {
        let call: ToolCall =
            serde_json::from_str(r#"{"function":{"name":"f","arguments":{"a":1}}}"#).unwrap();
        assert_eq!((call.name.as_str(), call.arguments.as_str()), ("f", r#"{"a":1}"#));
    }

    #[test]
    fn reasoning_is_removed_from_assistant_messages_only() {
        let chat = Chat::new([
            Message::user("<think>mine</think>"),
            Message::assistant("<think>a</think>\n\nyes<think>b</think> indeed"),
        ]);
        let stripped = chat.without_reasoning().unwrap();
        assert_eq!(stripped.messages[0].text(), "<think>mine</think>");
        assert_eq!(stripped.messages[1].text(), "yes indeed");
        let text = |said: &str| {
            let stripped = Chat::new([Message::assistant(said)]).without_reasoning().unwrap();
            stripped.messages[0].text().into_owned()
        };
        assert_eq!(text("so and so\n</think>\n\nyes"), "yes", "opened in the prompt");
        assert_eq!(text("<think>a <think>b</think> c</think>yes"), "yes", "a block in a block");
        assert_eq!(text("<think>of `<think>` tags</think>yes <think>b</think>"), "yes ");
        let apart = r#"{"role":"assistant","content":"yes","reasoning_content":"a","name":"b"}"#;
        let chat = Chat::new([serde_json::from_str(apart).unwrap()]).without_reasoning().unwrap();
        assert_eq!(chat.messages[0].extra, serde_json::from_str(r#"{"name":"b"}"#).unwrap());
    }

    #[test]
    fn reasoning_that_never_closes_is_reported() {
        for text in ["<think>cut", "<think>a</think>b <think>cut", "<think>a</think>b</think>c"] {
            let chat = Chat::new([Message::assistant(text)]);
            assert_eq!(chat.without_reasoning().unwrap_err().reason, Reason::UnclosedTag, "{text}");
        }
    }
}
