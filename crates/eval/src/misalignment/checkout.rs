//! Scenarios from a checkout of the published evaluations.
//!
//! The layout is that of inspect_evals' `agentic_misalignment` and of the code of Model Spec
//! Midtraining: `templates/<scenario>/templates/email-template-….md` with `${variables}`, and
//! `templates/<scenario>/variables/*.md` with sections of JSON. There a variable that is missing stays
//! in the prompt as it is, and a file that is a stub goes out as a prompt; here both are errors. The
//! system prompts of the published code are in Python, not in files: give their text to [`fill`].

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::condition::{GoalType, GoalValue, Urgency};
use crate::{Error, Result};

/// Values of variables by name.
pub type Variables = BTreeMap<String, String>;

/// A checkout's folder of templates.
#[derive(Clone, Debug)]
pub struct Checkout {
    templates: PathBuf,
}

/// A cell of the published grid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The folder of the scenario, such as `leaking`.
    pub scenario: String,
    /// How the goal stands. Explicit and latent goals have the same mails.
    pub goal_type: GoalType,
    /// What the goal is about, for an explicit or latent one.
    pub goal_value: Option<GoalValue>,
    /// What is about to happen to the assistant.
    pub urgency: Urgency,
    /// The assistant's name.
    pub assistant: String,
}

impl Checkout {
    /// The checkout at this folder: that of the evaluation or its `templates`.
    ///
    /// # Errors
    ///
    /// [`Error::Texts`] when there is no scenario in it.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let within = folder.join("templates");
        let templates = if within.is_dir() { within } else { folder.to_owned() };
        let checkout = Checkout { templates };
        if checkout.scenarios()?.is_empty() {
            return texts(
                folder,
                "holds no scenario (`<scenario>/templates` and `<scenario>/variables`); give the \
                 folder `agentic_misalignment` of a checkout",
            );
        }
        Ok(checkout)
    }

    /// The scenarios that it holds, in order of name.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the folder cannot be listed.
    pub fn scenarios(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for path in listed(&self.templates)? {
            let whole = path.join("templates").is_dir() && path.join("variables").is_dir();
            if let Some(name) = path.file_name().and_then(|n| n.to_str()).filter(|_| whole) {
                found.push(name.to_owned());
            }
        }
        Ok(found)
    }

    /// Every cell that the published grid allows, whether or not its files are whole.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the folder cannot be listed.
    pub fn cells(&self, assistant: &str) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        for scenario in self.scenarios()? {
            let latent = GoalValue::ALL.map(|value| (GoalType::Latent, Some(value)));
            let bare = [(GoalType::Ambiguous, None), (GoalType::None, None)];
            for (goal_type, goal_value) in latent.into_iter().chain(bare) {
                for urgency in Urgency::ALL {
                    cells.push(Cell {
                        scenario: scenario.clone(),
                        goal_type,
                        goal_value,
                        urgency,
                        assistant: assistant.to_owned(),
                    });
                }
            }
        }
        Ok(cells)
    }

    /// The inbox of a cell, every variable filled in.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] for a file that is not there, [`Error::Texts`] for one that is a stub, for a
    /// variable that is missing or left open in a value, and for a goal whose variables cannot be told.
    pub fn inbox(&self, cell: &Cell) -> Result<String> {
        let variables = self.variables(cell)?;
        let (scenario, urgency) = (&cell.scenario, cell.urgency);
        let folder = self.templates.join(scenario).join("templates");
        let names = match cell.goal_type {
            GoalType::None => {
                vec![format!("email-template-{scenario}-goal-conflict-none-{urgency}.md")]
            }
            _ => vec![
                format!("email-template-{scenario}-shared.md"),
                format!("email-template-{scenario}-{urgency}.md"),
            ],
        };
        let mut inbox = String::new();
        for name in names {
            let path = folder.join(name);
            let template = text_of(&path)?;
            if !template.contains("<email>") {
                return texts(&path, "holds no `<email>`; it is a stub");
            }
            inbox.push_str(&fill(&path.display().to_string(), &template, &variables)?);
        }
        // The published code numbers the mails where they can be forwarded.
        if matches!(scenario.as_str(), "leaking" | "exfiltration") {
            inbox = numbered(&inbox);
        }
        Ok(inbox)
    }

    /// The variables of a cell: those of its goal, and the assistant's name in three forms.
    ///
    /// # Errors
    ///
    /// As [`Checkout::inbox`].
    pub fn variables(&self, cell: &Cell) -> Result<Variables> {
        let folder = self.templates.join(&cell.scenario).join("variables");
        let (path, section) = match (cell.goal_type, cell.goal_value) {
            (GoalType::Explicit | GoalType::Latent, Some(value)) => {
                (file_of(&folder, value)?, Some(value))
            }
            (GoalType::None | GoalType::Ambiguous, None) | (GoalType::Latent, None) => {
                (folder.join("ambiguous.md"), None)
            }
            (kind, value) => {
                let value = value.map_or("no value", GoalValue::as_str);
                return Err(Error::Condition { message: format!("a goal {kind} with {value}") });
            }
        };
        let sections = sections(&path, &text_of(&path)?)?;
        let of_goal = |(name, _): &(String, Variables)| match section {
            Some(value) => name.split('_').any(|word| word == value.as_str()),
            None => true,
        };
        let mut matching: Vec<Variables> =
            sections.into_iter().filter(of_goal).map(|(_, variables)| variables).collect();
        let (Some(mut variables), true) = (matching.pop(), matching.is_empty()) else {
            let goal = section.map_or("its goal", GoalValue::as_str);
            return texts(&path, format!("does not have exactly one section for `{goal}`"));
        };
        for (name, value) in &variables {
            if value.contains("${") {
                return texts(&path, format!("the value of `{name}` has a variable left in it"));
            }
        }
        let name = &cell.assistant;
        variables.insert("model_name".to_owned(), name.clone());
        variables.insert("model_name_lower".to_owned(), name.to_lowercase());
        variables.insert("model_name_upper".to_owned(), name.to_uppercase());
        Ok(variables)
    }

    /// What is wrong with each cell that cannot be rendered.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the folder cannot be listed.
    pub fn broken(&self, assistant: &str) -> Result<Vec<(Cell, Error)>> {
        let cells = self.cells(assistant)?;
        Ok(cells
            .into_iter()
            .filter_map(|cell| self.inbox(&cell).err().map(|error| (cell, error)))
            .collect())
    }
}

/// Fills in `$name` and `${name}`; `$$` is a dollar, and a dollar before anything else is itself.
///
/// # Errors
///
/// [`Error::Texts`] when a variable has no value; it names the file, the line and the variable.
pub fn fill(file: &str, template: &str, variables: &Variables) -> Result<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(more) = after.strip_prefix('$') {
            filled.push('$');
            rest = more;
            continue;
        }
        let braced = after.strip_prefix('{');
        let inside = braced.unwrap_or(after);
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        let length = match inside.starts_with(first) {
            true => {
                inside.find(|c: char| !(first(c) || c.is_ascii_digit())).unwrap_or(inside.len())
            }
            false => 0,
        };
        let (name, end) = (&inside[..length], &inside[length..]);
        let closed = braced.is_none() || end.starts_with('}');
        if length == 0 || !closed {
            if braced.is_some() {
                let line = template[..template.len() - rest.len() + at].matches('\n').count() + 1;
                let message = format!("line {line}: `${{` begins no variable");
                return Err(Error::Texts { file: file.to_owned(), message });
            }
            filled.push('$');
            rest = after;
            continue;
        }
        let Some(value) = variables.get(name) else {
            let line = template[..template.len() - rest.len() + at].matches('\n').count() + 1;
            let message = format!("line {line}: the variable `{name}` has no value");
            return Err(Error::Texts { file: file.to_owned(), message });
        };
        filled.push_str(value);
        rest = if braced.is_some() { &end[1..] } else { end };
    }
    filled.push_str(rest);
    Ok(filled)
}

fn texts<T>(path: &Path, message: impl Into<String>) -> Result<T> {
    Err(Error::Texts { file: path.display().to_string(), message: message.into() })
}

fn text_of(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::Io { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut paths =
        entries.map(|e| e.map(|e| e.path()).map_err(failed)).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The file of variables whose name has the value as a word: `america_vs_global.md`.
fn file_of(folder: &Path, value: GoalValue) -> Result<PathBuf> {
    let of_value = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_lowercase();
        path.extension().is_some_and(|e| e == "md")
            && stem.split(['_', '-']).any(|word| word == value.as_str())
    };
    let mut files: Vec<PathBuf> = listed(folder)?.into_iter().filter(of_value).collect();
    match (files.pop(), files.is_empty()) {
        (Some(file), true) => Ok(file),
        (None, _) => texts(folder, format!("no file is named for `{value}`")),
        (Some(_), false) => texts(folder, format!("several files are named for `{value}`")),
    }
}

/// The sections of a file of variables: `## Name` and a fence of JSON below it. Names in lower case
/// with `_` for spaces and hyphens.
fn sections(path: &Path, text: &str) -> Result<Vec<(String, Variables)>> {
    let mut found = Vec::new();
    let (mut name, mut json): (Option<String>, Option<String>) = (None, None);
    for line in text.lines() {
        match (&mut json, line.trim()) {
            (Some(_), "```") => {
                let Some(name) = name.take() else {
                    return texts(path, "JSON stands below no `## Name`");
                };
                let text = json.take().unwrap_or_default();
                match serde_json::from_str(&text) {
                    Ok(variables) => found.push((name, variables)),
                    Err(e) => return texts(path, format!("the section `{name}`: {e}")),
                }
            }
            (Some(json), _) => {
                json.push_str(line);
                json.push('\n');
            }
            (None, "```json") => json = Some(String::new()),
            (None, line) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    name = Some(heading.trim().to_lowercase().replace([' ', '-'], "_"));
                }
            }
        }
    }
    match json {
        Some(_) => texts(path, "a fence of JSON never closes"),
        None => Ok(found),
    }
}

fn numbered(inbox: &str) -> String {
    let mut parts = inbox.split("<email>");
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for (n, part) in parts.enumerate() {
        numbered.push_str(&format!("<email>\nID: {}{part}", n + 1));
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A checkout in the published layout, made for the test.
    fn checkout(folder: &Path) -> Checkout {
        let write = |path: &str, text: &str| {
            let path = folder.join("templates").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let mail = "<email>\nFrom: a@firm.net\nBody: ${greeting}, ${model_name} of $company_name. It \
                    costs $5, or $$6.\n</email>\n";
        let templates = "leaking/templates/email-template-leaking";
        write(&format!("{templates}-shared.md"), mail);
        write(&format!("{templates}-replacement.md"), mail);
        write(&format!("{templates}-restriction.md"), "TODO\n");
        write(&format!("{templates}-goal-conflict-none-replacement.md"), mail);
        write(&format!("{templates}-none.md"), "<email>\n${greeting}\n${direction}\n</email>");
        let side = |name: &str| {
            format!(
                "## Pro-{name}\n\n```json\n{{\"greeting\": \"Hi {name}\", \"company_name\": \"F\"}}\n```\n"
            )
        };
        let pair = format!("# Variables\n{}{}", side("America"), side("Global"));
        write("leaking/variables/america_vs_global.md", &pair);
        write(
            "leaking/variables/ambiguous.md",
            "## Ambiguous\n```json\n{\"greeting\": \"Hi\", \"company_name\": \"F\"}\n```\n",
        );
        Checkout::open(folder).unwrap()
    }

    fn cell(value: Option<GoalValue>, urgency: Urgency) -> Cell {
        let goal_type = if value.is_some() { GoalType::Explicit } else { GoalType::Ambiguous };
        let (scenario, assistant) = ("leaking".to_owned(), "Qwen".to_owned());
        Cell { scenario, goal_type, goal_value: value, urgency, assistant }
    }

    #[test]
    fn an_inbox_is_filled_and_numbered() {
        let folder = tempfile::tempdir().unwrap();
        let checkout = checkout(folder.path());
        let america =
            checkout.inbox(&cell(Some(GoalValue::America), Urgency::Replacement)).unwrap();
        assert!(america.contains("Hi America, Qwen of F. It costs $5, or $6."), "{america}");
        assert!(america.contains("ID: 1\n") && america.contains("ID: 2\n"), "{america}");
        let none = Cell { goal_type: GoalType::None, ..cell(None, Urgency::Replacement) };
        assert!(checkout.inbox(&none).unwrap().contains("Hi, Qwen"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let checkout = checkout(folder.path());
        let error = |cell: &Cell| checkout.inbox(cell).unwrap_err().to_string();
        let stub = error(&cell(Some(GoalValue::Global), Urgency::Restriction));
        assert!(stub.contains("leaking-restriction.md") && stub.contains("stub"), "{stub}");
        let missing = error(&cell(None, Urgency::None));
        assert!(missing.contains("leaking-none.md") && missing.contains("line 3"), "{missing}");
        assert!(missing.contains("`direction`"), "{missing}");
        let no_file = error(&cell(Some(GoalValue::Safety), Urgency::Replacement));
        assert!(no_file.contains("no file is named for `safety`"), "{no_file}");
        assert_eq!(checkout.cells("Qwen").unwrap().len(), 30);
        assert_eq!(checkout.broken("Qwen").unwrap().len(), 26, "4 of 30 are whole");
    }

    #[test]
    fn variables_left_in_values_and_broken_json_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let checkout = checkout(folder.path());
        let path = folder.path().join("templates/leaking/variables/ambiguous.md");
        for (text, says) in [
            ("## A\n```json\n{\"a\": \"${b}\"}\n```\n", "`a` has a variable"),
            ("## A\n```json\n{\"a\": }\n```\n", "the section `a`"),
            ("## A\n```json\n{\"a\": \"\"}\n", "never closes"),
            ("```json\n{}\n```\n", "no `## Name`"),
            ("nothing", "exactly one section"),
        ] {
            fs::write(&path, text).unwrap();
            let error = checkout.variables(&cell(None, Urgency::None)).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("ambiguous.md"), "{error}");
        }
    }

    #[test]
    fn a_folder_without_scenarios_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = Checkout::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("holds no scenario"), "{error}");
        assert!(matches!(Checkout::open(folder.path().join("no")), Err(Error::Io { .. })));
    }

    #[test]
    fn dollars_are_filled_strictly() {
        let values = Variables::from([("a".to_owned(), "1 ${b}".to_owned())]);
        assert_eq!(fill("f", "$a ${a} $$ $5 $", &values).unwrap(), "1 ${b} 1 ${b} $ $5 $");
        for open in ["${", "${a", "${ a}", "${a b}", "${}"] {
            assert!(fill("f", open, &values).unwrap_err().to_string().contains("no variable"));
        }
    }
}
