//! Jinja as Hugging Face's chat templates speak it.
//!
//! A template is written and tested against Python's Jinja2, in the environment that `transformers`
//! makes: a sandbox in which nothing can be changed, `trim_blocks`, `lstrip_blocks`, `break` and
//! `continue`, `{% generation %}`, `tojson`, `raise_exception`, `strftime_now`. It leans on Python
//! everywhere else: on how values print, on the methods of strings, on what an operator refuses. So
//! this is an interpreter with Python's values. It answers to one more demand: templates come with
//! models from anywhere, and each render has bounded time and memory (see `meter`).
//!
//! In reading order: `lex` makes tokens, `parse` a tree (`ast`), a `machine` runs its statements and
//! evaluates its expressions (`eval`) on values (`value`) within a `meter`.

mod ast;
mod fault;
mod lex;
mod parse;

mod meter;
mod text;
mod value;

mod attribute;
mod checks;
mod clock;
mod compare;
mod filters;
mod format;
mod index;
mod iterate;
mod json;
mod math;
mod methods;
mod number;
mod show;
mod sort;

mod call;
mod eval;
mod loops;
mod machine;

use std::{rc::Rc, sync::Arc};

use serde_json::{Map, Value as Json};

use self::{
    ast::Block,
    fault::{Eval, fail},
    machine::Machine,
    meter::Meter,
    value::Value,
};

/// Longer templates are none.
const LONGEST: usize = 1 << 20;

/// A compiled template. Can be rendered from several threads at once.
#[derive(Debug)]
pub(crate) struct Program {
    body: Block,
    texts: Vec<String>,
    /// Whether it says what the model writes.
    generation: bool,
}

impl Program {
    pub(crate) fn compile(source: &str) -> Eval<Self> {
        if source.len() > LONGEST {
            fail!("a template of {} bytes, where {LONGEST} are the most", source.len());
        }
        let (body, texts) = parse::parse(source)?;
        let generation = ast::marks_generation(&body);
        Ok(Program { body, texts, generation })
    }

    /// Whether it has `{% generation %}` marks.
    pub(crate) fn has_generation(&self) -> bool {
        self.generation
    }

    /// Renders with these variables. `marks` are written around what stands in `{% generation %}`,
    /// `now` is the time in seconds since 1970.
    pub(crate) fn render(
        &self,
        variables: &Map<String, Json>,
        marks: Option<[char; 2]>,
        now: i64,
    ) -> Eval<String> {
        let size = variables.values().map(size_of_json).sum();
        let meter = Meter::new(size);
        let texts: Vec<Value> =
            self.texts.iter().map(|text| Value::free_text(text.as_str())).collect();
        let mut named: Vec<(Arc<str>, Value)> = Vec::with_capacity(variables.len());
        for (name, value) in variables {
            named.push((name.as_str().into(), Value::from_json(value)?));
        }
        Machine::new(Rc::clone(&meter), &texts, named, marks, now)?.run(&self.body)
    }
}

/// About how many bytes a variable has.
fn size_of_json(json: &Json) -> usize {
    match json {
        Json::String(text) => text.len() + 32,
        Json::Array(items) => items.iter().map(size_of_json).sum::<usize>() + 32,
        Json::Object(map) => {
            map.iter().map(|(key, value)| key.len() + size_of_json(value)).sum::<usize>() + 32
        }
        _ => 32,
    }
}
