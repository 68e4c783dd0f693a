//! Strict prompt templates.

use std::fmt;

use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;

use crate::{Error, Result};

/// Steps that a template may take: far more than a prompt needs, and a loop over loops ends.
const FUEL: u64 = 1_000_000;

/// A prompt template in Jinja's syntax, rendered strictly: a value that is missing, or none, is an
/// error where it should stand, never an empty string or a word.
///
/// Values are text and are never looked at for syntax, so a spec full of braces is safe to insert.
///
/// ```
/// # use ethos_core::Prompt;
/// let prompt = Prompt::new("greet", "Greet {{ name }}.")?;
/// assert_eq!(prompt.render(&[("name", "{{ Ada }}")])?, "Greet {{ Ada }}.");
/// assert!(prompt.render(&[("nam", "Ada")]).is_err());
/// # Ok::<(), ethos_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Prompt {
    name: String,
    source: String,
    // Compiled once; the template is the only one, under the prompt's name.
    environment: Environment<'static>,
}

impl Prompt {
    /// Compiles a template.
    ///
    /// # Errors
    ///
    /// [`Error::Prompt`] when the template's syntax is wrong.
    pub fn new(name: impl Into<String>, source: impl Into<String>) -> Result<Self> {
        let (name, source) = (name.into(), source.into());
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_debug(true); // so that an error knows its place in the source
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_formatter(|out, state, value| match value.is_none() {
            true => Err(minijinja::Error::new(ErrorKind::InvalidOperation, "a value that is none")),
            false => minijinja::escape_formatter(out, state, value),
        });
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_fuel(Some(FUEL));
        environment
            .add_template_owned(name.clone(), source.clone())
            .map_err(|e| Error::Prompt { name: name.clone(), message: describe(&e, &source) })?;
        Ok(Prompt { name, source, environment })
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The template's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Hash of the template's text (blake3, hexadecimal), for lineage.
    pub fn hash(&self) -> String {
        blake3::hash(self.source.as_bytes()).to_hex().to_string()
    }

    /// Renders the prompt with these values (a struct, a map, a list of pairs).
    ///
    /// # Errors
    ///
    /// [`Error::Prompt`] when the template wants a value that is not there, or does not come to an end.
    pub fn render<V: Serialize + ?Sized>(&self, values: &V) -> Result<String> {
        let failed =
            |e| Error::Prompt { name: self.name.clone(), message: describe(&e, &self.source) };
        let values = minijinja::Value::from_serialize(values);
        // A list of pairs is the handiest literal; Jinja wants a map.
        let values = match values.kind() {
            minijinja::value::ValueKind::Seq => pairs(&values).map_err(failed)?,
            _ => values,
        };
        let template = self.environment.get_template(&self.name).map_err(failed)?;
        template.render(values).map_err(failed)
    }
}

fn pairs(list: &minijinja::Value) -> Result<minijinja::Value, minijinja::Error> {
    let mut map = std::collections::BTreeMap::new();
    for pair in list.try_iter()? {
        let key = pair.get_item_by_index(0)?;
        map.insert(key.to_string(), pair.get_item_by_index(1)?);
    }
    Ok(map.into())
}

/// What is wrong, where, and in which piece of the template: "undefined value" alone helps nobody.
fn describe(error: &minijinja::Error, source: &str) -> String {
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let piece = error.range().and_then(|range| source.get(range));
    let what = piece.map_or(what.clone(), |piece| format!("{what}: `{piece}`"));
    match error.line() {
        Some(line) => format!("line {line}: {what}"),
        None => what,
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_is_named_with_its_line() {
        let prompt = Prompt::new("p", "one\n{{ two }}").unwrap();
        let error = prompt.render(&[("three", 3)]).unwrap_err().to_string();
        assert_eq!(error, "prompt `p`: line 2: undefined value: `two`");
    }

    #[test]
    fn a_value_that_is_none_is_not_a_word() {
        let values = [("name", None), ("title", Some("Dr"))];
        let render = |source: &str| Prompt::new("p", source).unwrap().render(&values);
        assert_eq!(
            render("{% if name %}{{ name }}{% else %}{{ title }}{% endif %}").unwrap(),
            "Dr"
        );
        let error = render("{{ title }} {{ name }}").unwrap_err().to_string();
        assert_eq!(error, "prompt `p`: line 1: a value that is none: `name`");
    }

    #[test]
    fn wrong_syntax_is_an_error_at_once() {
        let error = Prompt::new("p", "a\n{% if %}").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn braces_and_markup_in_values_are_text() {
        let prompt = Prompt::new("p", "{{ spec }}").unwrap();
        let spec = "{ \"a\": {{x}} } <b>&amp;</b> {% raw %}";
        assert_eq!(prompt.render(&[("spec", spec)]).unwrap(), spec);
    }

    #[test]
    fn loops_over_loops_end() {
        let each = "{% for a in range(9999) %}";
        let prompt = Prompt::new("p", each.repeat(3) + &"{% endfor %}".repeat(3)).unwrap();
        let error = prompt.render(&[("a", 1)]).unwrap_err().to_string();
        assert!(error.contains("fuel"), "{error}");
    }

    #[test]
    fn the_hash_follows_the_text() {
        let hash = |text: &str| Prompt::new("p", text).unwrap().hash();
        assert_eq!(hash("a"), hash("a"));
        assert_ne!(hash("a"), hash("b"));
    }
}
