//! Hugging Face chat templates, and the loss masks they imply.

mod answer;
mod chat;
mod mask;
mod show;

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use ethos_core::{Chat, Request};
use serde_json::{Map, Value, json};

pub use self::mask::{Masked, Span};
use crate::{Error, Result, Tokenizer, jinja::Program, tokens::Row};

/// A chat template in Hugging Face's dialect of Jinja, byte for byte as `transformers` renders it.
///
/// A model may have several: one of the name `tool_use` is taken for chats with tools, `default` for all
/// others. Beside the messages a template is given `tools`, `documents`, `add_generation_prompt`, the
/// tokenizer's special tokens (`bos_token`, `eos_token`, …), and whatever variables
/// [`with`](ChatTemplate::with) or the chat add.
///
/// Rendering is bounded: about a second of work and some 100 MB, more where the chat itself is large,
/// then it ends in an error. Templates can be shared between threads.
///
/// ```
/// use ethos_core::{Chat, Message};
/// use ethos_train::{ChatTemplate, Ending, Tokenizer};
///
/// let template = ChatTemplate::new(
///     "{% for message in messages %}<{{ message.role }}>{{ message.content }}{{ eos_token }}{% endfor %}\
///      {% if add_generation_prompt %}<assistant>{% endif %}",
/// )?;
/// let tokenizer = Tokenizer::word_level([])?;
/// let chat = Chat::new([Message::user("hi")]);
/// let text = template.render(&chat, Ending::Prompt, &tokenizer)?;
/// assert_eq!(text, "<user>hi<eos><assistant>");
/// # Ok::<(), ethos_train::Error>(())
/// ```
#[derive(Clone)]
pub struct ChatTemplate {
    templates: Vec<(String, Arc<Compiled>)>,
    variables: Map<String, Value>,
    time: Option<i64>,
}

struct Compiled {
    source: String,
    program: Program,
}

/// Where a rendered chat ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// After its last message.
    #[default]
    Whole,
    /// Where the model's answer begins: `add_generation_prompt`.
    Prompt,
    /// Within its last message, for the model to go on with: `continue_final_message`.
    Continued,
}

impl ChatTemplate {
    /// Compiles a template.
    ///
    /// # Errors
    ///
    /// [`Error::Template`] when its syntax is wrong.
    pub fn new(source: impl Into<String>) -> Result<Self> {
        ChatTemplate::named([("default".to_owned(), source.into())])
    }

    /// Compiles templates with their names, as `tokenizer_config.json` may list them.
    ///
    /// # Errors
    ///
    /// [`Error::Template`] when the syntax of one is wrong.
    pub fn named(templates: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let compile = |(name, source): (String, String)| {
            let program = Program::compile(&source).map_err(|fault| failed(&fault))?;
            Ok((name, Arc::new(Compiled { source, program })))
        };
        let templates = templates.into_iter().map(compile).collect::<Result<_>>()?;
        Ok(ChatTemplate { templates, variables: Map::new(), time: None })
    }

    /// No template, for models that are for documents only: rendering is an error.
    pub fn none() -> Self {
        ChatTemplate { templates: Vec::new(), variables: Map::new(), time: None }
    }

    /// The same template with a variable for every render, such as `enable_thinking` or `date_string`.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The same template at another time than now, for `strftime_now`: rows that are the same every
    /// day. Times are in UTC.
    pub fn at(mut self, time: SystemTime) -> Self {
        self.time = Some(seconds(time));
        self
    }

    /// The template's text; of several, the default one's.
    pub fn source(&self) -> &str {
        let default = self.templates.iter().find(|(name, _)| name == "default");
        default.or(self.templates.first()).map_or("", |(_, compiled)| &compiled.source)
    }

    /// All templates by name.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.templates.iter().map(|(name, compiled)| (name.as_str(), compiled.source.as_str()))
    }

    /// All that determines what it renders, the clock aside.
    pub(crate) fn identity(&self) -> Value {
        let sources: Map<String, Value> =
            self.sources().map(|(name, source)| (name.to_owned(), source.into())).collect();
        json!({ "sources": sources, "variables": self.variables, "time": self.time })
    }

    /// Renders a chat.
    ///
    /// Messages are given as they would be written in JSON, with two differences: a tool call's
    /// arguments are the object that their text means, where it means one, which is what templates
    /// expect; and a message's loss weight is left out. Beside its messages, a chat may hold `tools`
    /// (a list, or the text of one in JSON), `documents`, and more variables in `chat_template_kwargs`.
    ///
    /// # Errors
    ///
    /// [`Error::Template`] when the template refuses the chat (with the template's own message), fails,
    /// or takes too much time or memory.
    pub fn render(&self, chat: &Chat, ending: Ending, tokenizer: &Tokenizer) -> Result<String> {
        let scene = chat::Scene::new(self, chat, tokenizer)?;
        match ending {
            Ending::Whole => scene.render(&scene.messages, false),
            Ending::Prompt => scene.render(&scene.messages, true),
            Ending::Continued => scene.continued(),
        }
    }

    /// Renders with just these variables (`messages`, `tools`, `bos_token`, …) and those of
    /// [`with`](ChatTemplate::with).
    ///
    /// # Errors
    ///
    /// As of [`render`](ChatTemplate::render).
    pub fn render_with(&self, variables: &Map<String, Value>) -> Result<String> {
        let has_tools = variables.get("tools").is_some_and(|tools| !tools.is_null());
        let mut all = self.variables.clone();
        all.extend(variables.iter().map(|(name, value)| (name.clone(), value.clone())));
        let rendered = self.chosen(has_tools)?.program.render(&all, None, self.now());
        rendered.map_err(|fault| failed(&fault))
    }

    /// The text that a model reads before it answers a request, prefill included.
    ///
    /// # Errors
    ///
    /// As of [`render`](ChatTemplate::render).
    pub fn prompt(&self, request: &Request, tokenizer: &Tokenizer) -> Result<String> {
        let scene = chat::Scene::of_request(self, request, tokenizer)?;
        let mut text = scene.render(&scene.messages, true)?;
        text.push_str(request.prefill.as_deref().unwrap_or_default());
        Ok(text)
    }

    /// The whole chat, and which parts of it the model writes.
    ///
    /// What a template puts in `{% generation %}…{% endgeneration %}` the model writes. Where a template
    /// has no such marks, as nearly all published ones, the parts are found by rendering the chat
    /// again with pieces of it replaced: an answer begins where the generation prompt ends, and ends
    /// after its end-of-turn token. Text that a template makes of earlier answers (without their
    /// reasoning, say) is learnt as it stands in the chat.
    ///
    /// Each part carries the [`weight`](ethos_core::Message::weight) of its message, 1 where it has
    /// none; messages of weight 0 make no part.
    ///
    /// # Errors
    ///
    /// As of [`render`](ChatTemplate::render), and [`Error::Template`] when it cannot be told where an
    /// answer begins or ends: there is never a guess.
    pub fn mask(&self, chat: &Chat, tokenizer: &Tokenizer) -> Result<Masked> {
        mask::mask(&chat::Scene::new(self, chat, tokenizer)?, chat)
    }

    /// A chat as a training row, with loss on what the model writes: the [`mask`](ChatTemplate::mask),
    /// in tokens.
    ///
    /// The text is tokenised whole and no special tokens are added, as `apply_chat_template` does it: a
    /// template writes its own. So a token may reach over the edge of an answer. It carries the
    /// answer's loss if any of it lies within, since somebody has to write it; a special token does
    /// if it begins there.
    ///
    /// ```
    /// use ethos_core::{Chat, Message};
    /// use ethos_train::{ChatTemplate, Tokenizer};
    ///
    /// let template = ChatTemplate::new(
    ///     "{% for message in messages %}{{ message.role }} : {{ message.content }} <eos> {% endfor %}\
    ///      {% if add_generation_prompt %}assistant : {% endif %}",
    /// )?;
    /// let tokenizer = Tokenizer::word_level(["user", "assistant", ":", "hi", "there"].map(str::to_owned))?;
    /// let chat = Chat::new([Message::user("hi"), Message::assistant("hi there")]);
    /// let row = template.row(&chat, &tokenizer)?;
    /// assert_eq!(
    ///     row.show(&tokenizer).to_string(),
    ///     "user : hi <eos> assistant : [hi] [there] [<eos>]"
    /// );
    /// # Ok::<(), ethos_train::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As of [`mask`](ChatTemplate::mask), and [`Error::Tokenizer`].
    pub fn row(&self, chat: &Chat, tokenizer: &Tokenizer) -> Result<Row> {
        self.mask(chat, tokenizer)?.row(tokenizer)
    }

    fn chosen(&self, has_tools: bool) -> Result<&Compiled> {
        let named = |wanted: &str| self.templates.iter().find(|(name, _)| name == wanted);
        let tool_use = if has_tools { named("tool_use") } else { None };
        match tool_use.or_else(|| named("default")) {
            Some((_, compiled)) => Ok(compiled),
            None => Err(Error::Template(
                "this model has none; give it one with `ChatTemplate::new`".to_owned(),
            )),
        }
    }

    fn now(&self) -> i64 {
        self.time.unwrap_or_else(|| seconds(SystemTime::now()))
    }
}

fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs() as i64,
        Err(before) => -(before.duration().as_secs() as i64),
    }
}

fn failed(fault: &dyn fmt::Display) -> Error {
    Error::Template(fault.to_string())
}

impl fmt::Debug for ChatTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.templates.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("ChatTemplate")
            .field("templates", &names)
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}
