//! Which files of a repository are wanted.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Kind;

/// Patterns of the files that are wanted, and of those that are not.
///
/// In a pattern `*` stands for any characters and `?` for one, neither for a `/`; a part `**`
/// stands for any number of folders, none included. Nothing else is special, and case matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// A file is wanted if one of these is its name.
    pub files: Vec<String>,
    /// Unless one of these is.
    #[serde(default)]
    pub except: Vec<String>,
}

impl Wanted {
    /// What it takes to load a model or an adapter: configuration, tokenizer, chat templates and
    /// weights as safetensors, from the top folder (further templates have one of their own). Mistral's second copy of the weights
    /// (`consolidated.safetensors`) is left out, and pickled weights, which can run code.
    pub fn model() -> Wanted {
        Wanted {
            files: strings(&[
                "config.json",
                "generation_config.json",
                "adapter_config.json",
                "tokenizer.json",
                "tokenizer_config.json",
                "special_tokens_map.json",
                "chat_template.jinja",
                "additional_chat_templates/*.jinja",
                "*.safetensors",
                "*.safetensors.index.json",
            ]),
            except: strings(&["consolidated*"]),
        }
    }

    /// The rows of a data set in whatever folder, and its card.
    pub fn dataset() -> Wanted {
        let rows = ["jsonl", "jsonl.gz", "jsonl.zst", "json", "csv", "parquet"];
        let rows = rows.iter().map(|ending| format!("**/*.{ending}"));
        Wanted { files: rows.chain(["README.md".into()]).collect(), except: Vec::new() }
    }

    /// [`Wanted::model`] or [`Wanted::dataset`].
    pub fn usual(kind: Kind) -> Wanted {
        match kind {
            Kind::Model => Wanted::model(),
            Kind::Dataset => Wanted::dataset(),
        }
    }

    /// Every file.
    pub fn everything() -> Wanted {
        Wanted::only(["**"])
    }

    /// The files that these patterns name, and no others.
    pub fn only<P: Into<String>>(patterns: impl IntoIterator<Item = P>) -> Wanted {
        Wanted { files: patterns.into_iter().map(Into::into).collect(), except: Vec::new() }
    }

    /// Whether a file is wanted, by its name in the repository.
    pub fn wants(&self, file: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, file));
        any(&self.files) && !any(&self.except)
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().copied().map(str::to_owned).collect()
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.files.join("`, `"))?;
        match self.except.is_empty() {
            true => Ok(()),
            false => write!(f, " (but not `{}`)", self.except.join("`, `")),
        }
    }
}

fn matches(pattern: &str, file: &str) -> bool {
    let parts: Vec<&str> = pattern.split('/').collect();
    let names: Vec<&str> = file.split('/').collect();
    fits(&parts, &names, &|part| *part == "**", &|part, name| {
        let (part, name): (Vec<char>, Vec<char>) = (part.chars().collect(), name.chars().collect());
        fits(&part, &name, &|c| *c == '*', &|c, d| *c == '?' || c == d)
    })
}

/// Whether `names` is what `pattern` describes, part by part, where a `many` stands for any number.
///
/// After a mismatch only the last `many` takes one name more, which is enough and never worse than
/// the product of the lengths.
fn fits<T>(
    pattern: &[T],
    names: &[T],
    many: &impl Fn(&T) -> bool,
    one: &impl Fn(&T, &T) -> bool,
) -> bool {
    let (mut p, mut n, mut last) = (0, 0, None);
    while n < names.len() {
        if pattern.get(p).is_some_and(many) {
            last = Some((p, n));
            p += 1;
        } else if pattern.get(p).is_some_and(|part| one(part, &names[n])) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((many, taken)) = last {
            last = Some((many, taken + 1));
            (p, n) = (many + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(many)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_name_files() {
        for (pattern, yes, no) in [
            ("config.json", "config.json", "sub/config.json"),
            ("*.safetensors", "model.safetensors", "onnx/model.safetensors"),
            ("model-?.bin", "model-1.bin", "model-10.bin"),
            ("**/*.parquet", "data/en/train.parquet", "data/train.parquet.txt"),
            ("**/*.parquet", "train.parquet", "parquet"),
            ("data/**", "data/a/b", "other/a"),
            ("a/**/z", "a/z", "a/b"),
            ("**", "any/thing", ""),
            ("*a*b*", "xxaxxbxx", "xxbxxa"),
        ] {
            assert!(matches(pattern, yes), "{pattern} {yes}");
            assert_eq!(matches(pattern, no), no.is_empty(), "{pattern} {no}");
        }
    }

    #[test]
    fn a_model_is_one_copy_of_its_weights() {
        let wanted = Wanted::model();
        assert!(wanted.wants("model-00001-of-00002.safetensors"));
        assert!(wanted.wants("adapter_model.safetensors"));
        // All that says how text is read and written.
        for file in ["special_tokens_map.json", "additional_chat_templates/tool_use.jinja"] {
            assert!(wanted.wants(file), "{file}");
        }
        for file in ["consolidated.safetensors", "pytorch_model.bin", "original/x.safetensors"] {
            assert!(!wanted.wants(file), "{file}");
        }
        assert!(Wanted::usual(Kind::Dataset).wants("data/train-00000-of-00001.parquet"));
    }

    /// The definition, as it would be written if time did not matter.
    fn slow(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), Some((_, names))) => slow(rest, name) || slow(pattern, names),
            (Some((b'*', rest)), None) => slow(rest, name),
            (Some((p, rest)), Some((n, names))) => (p == n || *p == b'?') && slow(rest, names),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn stars_are_what_they_say(pattern in "[ab*?]{0,8}", name in "[ab]{0,10}") {
            prop_assume!(pattern != "**");
            prop_assert_eq!(matches(&pattern, &name), slow(pattern.as_bytes(), name.as_bytes()));
        }

        #[test]
        fn a_name_without_stars_names_itself_alone(a in "[a-c./]{0,6}", b in "[a-c./]{0,6}") {
            prop_assert_eq!(matches(&a, &b), a == b);
        }
    }
}
