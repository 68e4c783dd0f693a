//! Hugging Face chat templates, and the loss masks they imply.

use std::{fmt, sync::Arc};

use ethos_core::{Chat, Message, Request, Role};
use minijinja::{Environment, ErrorKind, State, Value, context, value::Kwargs};

use crate::{Error, Result, Tokenizer, tokens::Row};

/// A chat template in Hugging Face's dialect of Jinja.
///
/// `{% generation %}…{% endgeneration %}` marks what the model itself writes: training rows carry loss
/// there and nowhere else. A template without such marks cannot make training rows.
#[derive(Clone)]
pub struct ChatTemplate {
    source: String,
    environment: Arc<Environment<'static>>,
}

/// A rendered chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text that the model reads.
    pub text: String,
    /// Byte ranges of `text` that the model writes, with the number of the assistant message.
    pub generated: Vec<std::ops::Range<usize>>,
}

// Marks around generated text while a template renders; taken out again before anybody sees it.
// Noncharacters: no text holds them by right, and a chat that does is refused.
const OPEN: char = '\u{FDD0}';
const CLOSE: char = '\u{FDD1}';

/// Instructions a template may run: enough for long chats, an end to hostile templates.
const FUEL: u64 = 10_000_000;

impl ChatTemplate {
    /// Compiles a template.
    ///
    /// # Errors
    ///
    /// [`Error::Template`] when its syntax is wrong.
    pub fn new(source: impl Into<String>) -> Result<Self> {
        let source = source.into();
        let mut environment = Environment::new();
        // The settings of transformers.
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_fuel(Some(FUEL));
        environment.add_function("raise_exception", |message: String| -> Result<Value, _> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.add_function("__generation", |state: &State<'_, '_>, kwargs: Kwargs| {
            let body = kwargs.get::<Value>("caller")?.call(state, &[])?;
            Ok::<_, minijinja::Error>(Value::from_safe_string(format!("{OPEN}{body}{CLOSE}")))
        });
        environment
            .add_template_owned("chat", calls_for_generation(&source))
            .map_err(|error| failed(&error))?;
        Ok(ChatTemplate { source, environment: Arc::new(environment) })
    }

    /// The template's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Renders messages; with `prompt`, up to where the model's next answer begins.
    ///
    /// # Errors
    ///
    /// [`Error::Template`] when the template refuses them or runs too long.
    pub fn render(&self, messages: &[Message], prompt: bool, end: &str) -> Result<Rendered> {
        if messages.iter().any(|message| message.text().contains([OPEN, CLOSE])) {
            return Err(Error::Template("a message holds a Unicode noncharacter".to_owned()));
        }
        let template = self.environment.get_template("chat").map_err(|error| failed(&error))?;
        let marked = template
            .render(context! { messages, add_generation_prompt => prompt, eos_token => end })
            .map_err(|error| failed(&error))?;
        let mut rendered = Rendered { text: String::new(), generated: Vec::new() };
        let mut opened = None;
        for piece in marked.split_inclusive([OPEN, CLOSE]) {
            let text = piece.trim_end_matches([OPEN, CLOSE]);
            rendered.text.push_str(text);
            if piece.ends_with(OPEN) {
                opened = Some(rendered.text.len());
            } else if piece.ends_with(CLOSE)
                && let Some(start) = opened.take()
            {
                rendered.generated.push(start..rendered.text.len());
            }
        }
        Ok(rendered)
    }

    /// A chat as a training row, with loss on the assistant's tokens only, or by the weights that its
    /// messages give.
    ///
    /// # Errors
    ///
    /// [`Error::Template`] when the template refuses the chat, or does not mark as many generated
    /// parts as the chat has assistant messages.
    pub fn row(&self, chat: &Chat, tokenizer: &Tokenizer) -> Result<Row> {
        let rendered = self.render(&chat.messages, false, &tokenizer.end_token())?;
        let assistant: Vec<f32> = chat
            .messages
            .iter()
            .filter(|message| message.role == Role::Assistant)
            .map(|message| message.weight.unwrap_or(1.0))
            .collect();
        if assistant.len() != rendered.generated.len() {
            let (marked, messages) = (rendered.generated.len(), assistant.len());
            return Err(Error::Template(format!(
                "it marks {marked} generated parts for {messages} assistant messages; wrap what the \
                 assistant says in {{% generation %}}…{{% endgeneration %}}"
            )));
        }
        let mut row = Row::default();
        for (id, (start, end)) in tokenizer.encode_with_offsets(&rendered.text)? {
            // A token that only begins before the answer's first byte, such as one that swallows a
            // leading space, is still the model's to write.
            let part =
                rendered.generated.iter().position(|part| start < part.end && end > part.start);
            row.ids.push(id);
            row.weights.push(part.map_or(0.0, |part| assistant[part]));
        }
        Ok(row)
    }

    /// The text that a model reads before it answers a request, prefill included.
    pub(crate) fn prompt(&self, request: &Request, end: &str) -> Result<String> {
        let mut text = self.render(&request.messages, true, end)?.text;
        text.push_str(request.prefill.as_deref().unwrap_or_default());
        Ok(text)
    }
}

/// minijinja knows no `generation` statement; a call block does the same.
fn calls_for_generation(source: &str) -> String {
    let mut rewritten = String::new();
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let Some(length) = rest[start..].find("%}") else { break };
        let statement = &rest[start + 2..start + length];
        let name = statement.trim_matches(['-', '+', ' ', '\t', '\n', '\r']);
        let replacement = match name {
            "generation" => Some("call __generation()"),
            "endgeneration" => Some("endcall"),
            _ => None,
        };
        rewritten.push_str(&rest[..start + 2]);
        match replacement {
            Some(replacement) => rewritten.push_str(&statement.replacen(name, replacement, 1)),
            None => rewritten.push_str(statement),
        }
        rewritten.push_str("%}");
        rest = &rest[start + length + 2..];
    }
    rewritten + rest
}

fn failed(error: &minijinja::Error) -> Error {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    Error::Template(match error.line() {
        Some(line) => format!("line {line}: {what}"),
        None => what,
    })
}

impl fmt::Debug for ChatTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatTemplate").field("source", &self.source).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "{% for m in messages %}
{% if m.role == 'user' %}
user : {{ m.content.strip() }}{{ ' ' }}
{%- else %}
 bot :{{ ' ' }}{% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}
{% endif %}
{% endfor %}
{% if add_generation_prompt %} bot :{% endif %}";

    fn tokenizer() -> Tokenizer {
        let words = ["user", "bot", ":", "hi", "there", "?"].map(str::to_owned);
        Tokenizer::word_level(words).unwrap()
    }

    #[test]
    fn loss_falls_on_the_assistant_only() {
        let template = ChatTemplate::new(TEMPLATE).unwrap();
        let chat = Chat::new([
            Message::user("hi ?"),
            Message::assistant("hi there"),
            Message::user("there ?"),
            Message::assistant("there").with_weight(0.0),
        ]);
        let tokenizer = tokenizer();
        let row = template.row(&chat, &tokenizer).unwrap();
        assert_eq!(
            row.show(&tokenizer).to_string(),
            "user : hi ? bot : [hi] [there] [<eos>] user : there ? bot : there <eos>"
        );
    }

    #[test]
    fn a_prompt_ends_where_the_answer_begins() {
        let template = ChatTemplate::new(TEMPLATE).unwrap();
        let text = template.prompt(&Request::user(" hi "), "<eos>").unwrap();
        assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), "user : hi bot :");
    }

    #[test]
    fn a_template_without_marks_makes_no_rows() {
        let template =
            ChatTemplate::new("{% for m in messages %}{{ m.content }}{% endfor %}").unwrap();
        let chat = Chat::new([Message::user("hi"), Message::assistant("there")]);
        let error = template.row(&chat, &tokenizer()).unwrap_err().to_string();
        assert!(error.contains("{% generation %}"), "{error}");
    }

    #[test]
    fn templates_may_refuse_and_may_not_run_for_ever() {
        let refuses = ChatTemplate::new("{{ raise_exception('no system message') }}").unwrap();
        let error = refuses.render(&[], false, "").unwrap_err().to_string();
        assert!(error.contains("no system message"), "{error}");
        let endless =
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
        assert!(ChatTemplate::new(endless).unwrap().render(&[], false, "").is_err());
        assert!(ChatTemplate::new("{% if %}").is_err());
    }

    #[test]
    fn marks_in_a_message_are_refused() {
        let template = ChatTemplate::new(TEMPLATE).unwrap();
        assert!(template.render(&[Message::user("\u{FDD0}")], false, "").is_err());
    }
}
