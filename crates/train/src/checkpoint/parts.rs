//! What a saved folder is made of, so that nothing else is removed when one is replaced.

use std::{
    ffi::OsStr,
    fs::{self, DirEntry},
    io,
    path::Path,
};

use super::{CONFIG, adapter, tensors, text, training};
use crate::{Error, Result};

/// Files that are written together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Model,
    Text,
    Adapter,
    Run,
}

/// One way of saving, and what it writes. A folder that holds anything else is not replaced: that would
/// be lost, be it somebody's notes, the tokenizer of a checkpoint, or the base of an adapter.
pub(super) struct Kind {
    name: &'static str,
    parts: &'static [Part],
}

/// `Transformer::save`.
pub(super) const MODEL: Kind = Kind { name: "a model alone", parts: &[Part::Model] };
/// `Checkpoint::save`.
pub(super) const CHECKPOINT: Kind =
    Kind { name: "a checkpoint", parts: &[Part::Model, Part::Text] };
/// `Transformer::save_adapter`.
pub(super) const ADAPTER: Kind = Kind { name: "an adapter", parts: &[Part::Adapter] };
/// `Trainer::save` of all parameters.
pub(super) const RUN: Kind = Kind { name: "a model in training", parts: &[Part::Model, Part::Run] };
/// `Trainer::save` of an adapter.
pub(super) const ADAPTER_RUN: Kind =
    Kind { name: "an adapter in training", parts: &[Part::Adapter, Part::Run] };
/// Whatever is saved here.
pub(super) const ANY: Kind =
    Kind { name: "a checkpoint", parts: &[Part::Model, Part::Text, Part::Adapter, Part::Run] };

impl Kind {
    /// An error where a folder holds what is not written in this way. One that is not there holds
    /// nothing.
    pub(super) fn check(&self, folder: &Path) -> Result<()> {
        let other: Vec<String> = entries(folder)?
            .iter()
            .filter(|entry| !part(entry).is_some_and(|part| self.parts.contains(&part)))
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            // Files that are half written have such names.
            .filter(|name| !(name.starts_with('.') && name.contains(".partial.")))
            .collect();
        match other.iter().min() {
            None => Ok(()),
            Some(name) => {
                let what = self.name;
                Err(wrong(folder, format!("holds `{name}`, which is no part of {what}; {OTHER}")))
            }
        }
    }

    /// The same before a folder is written anew: what a run replaces is a run.
    pub(super) fn check_before(&self, folder: &Path) -> Result<()> {
        self.check(folder)?;
        let run = self.parts.contains(&Part::Run);
        if run && !folder.join(training::RUN).exists() && !entries(folder)?.is_empty() {
            return Err(wrong(folder, format!("holds a model, and no run in training; {OTHER}")));
        }
        Ok(())
    }
}

const OTHER: &str = "give another folder";

fn wrong(folder: &Path, message: String) -> Error {
    Error::Checkpoint { path: folder.to_owned(), message }
}

fn entries(folder: &Path) -> Result<Vec<DirEntry>> {
    match fs::read_dir(folder).and_then(Iterator::collect) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries.map_err(Error::io("read", folder)),
    }
}

fn part(entry: &DirEntry) -> Option<Part> {
    let name = entry.file_name();
    let name = name.to_str()?;
    if entry.file_type().ok()?.is_dir() {
        let templates = name == text::MORE_TEMPLATES && holds_templates(&entry.path());
        return templates.then_some(Part::Text);
    }
    match name {
        CONFIG | tensors::WEIGHTS | tensors::INDEX => Some(Part::Model),
        text::TOKENIZER
        | text::TOKENIZER_CONFIG
        | text::SPECIAL_TOKENS
        | text::GENERATION
        | text::TEMPLATE => Some(Part::Text),
        adapter::CONFIG | adapter::WEIGHTS => Some(Part::Adapter),
        training::OPTIMIZER | training::RUN => Some(Part::Run),
        name => tensors::is_shard(name).then_some(Part::Model),
    }
}

fn holds_templates(folder: &Path) -> bool {
    let template = |entry: &DirEntry| entry.path().extension() == Some(OsStr::new("jinja"));
    entries(folder).is_ok_and(|entries| entries.iter().all(template))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ChatTemplate, Checkpoint, FitConfig, LoraConfig, Tokenizer, Trainer, Transformer,
        TransformerConfig,
    };

    /// Every way of saving, by name.
    fn save(how: &str, folder: &Path) -> Result<()> {
        let device = crate::testing::device();
        let model = Transformer::init(TransformerConfig::tiny(2), 1, &device)?;
        let lora = LoraConfig { rank: 2, ..LoraConfig::paper() };
        let train = |lora| {
            let config = FitConfig { lora, ..FitConfig::midtrain() };
            Trainer::new(model.clone(), config, 5)?.save(folder, &())
        };
        match how {
            "model" => model.save(folder),
            "adapter" => model.with_lora(&lora, 1)?.save_adapter(folder, None),
            "run" => train(None),
            "adapter run" => train(Some(lora)),
            _ => {
                let more = [("default", "x"), ("tool_use", "y")];
                let more = more.map(|(name, source)| (name.to_owned(), source.to_owned()));
                let (tokenizer, template) =
                    (Tokenizer::word_level([])?, ChatTemplate::named(more)?);
                Checkpoint { model, tokenizer, template }.save(folder)
            }
        }
    }

    const HOW: [&str; 5] = ["model", "checkpoint", "adapter", "run", "adapter run"];

    fn names(folder: &Path) -> Vec<String> {
        let names = entries(folder).unwrap();
        let mut names: Vec<_> =
            names.iter().map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_not_written_again_is_not_removed() {
        for how in HOW {
            for (file, text) in [
                ("thesis.txt", "all of it"),
                ("README.md", "a card"),
                ("model.safetensors.bak", "weights"),
                ("model-best.safetensors", "weights"),
                ("additional_chat_templates/notes.txt", "all of it"),
                ("config.json/notes.txt", "all of it"),
            ] {
                let outer = tempfile::tempdir().unwrap();
                let folder = outer.path().join("model");
                let path = folder.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, text).unwrap();
                let error = save(how, &folder).unwrap_err().to_string();
                let named = file.split('/').next().unwrap();
                assert!(error.contains(&format!("`{named}`, which is no part of a")), "{error}");
                assert_eq!(fs::read_to_string(&path).unwrap(), text, "{how}");
                assert_eq!(names(outer.path()), ["model"], "nothing was written");
            }
        }
    }

    #[test]
    fn a_folder_is_replaced_only_by_what_writes_all_that_it_holds() {
        for before in HOW {
            for after in HOW {
                let outer = tempfile::tempdir().unwrap();
                let folder = outer.path().join("model");
                save(before, &folder).unwrap();
                let held = names(&folder);
                let kept = before == after || (before, after) == ("model", "checkpoint");
                assert_eq!(save(after, &folder).is_ok(), kept, "{after} onto {before}");
                assert!(kept || names(&folder) == held, "{after} onto {before}");
                assert_eq!(names(outer.path()), ["model"]);
            }
        }
    }

    #[test]
    fn a_folder_without_a_name_of_its_own_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        fs::create_dir(outer.path().join("inner")).unwrap();
        let up = outer.path().join("inner/..");
        for folder in [Path::new("."), Path::new(".."), Path::new("/"), Path::new(""), &up] {
            for how in HOW {
                let error = save(how, folder).unwrap_err().to_string();
                assert!(error.contains("has no name of its own"), "{error}");
            }
        }
        assert_eq!(names(outer.path()), ["inner"]);
        let file = outer.path().join("file");
        fs::write(&file, "text").unwrap();
        assert!(save("model", &file).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "text");
    }

    /// What stands where a folder is made, or waits to take its place, is only taken for one's own if it
    /// can be.
    #[test]
    fn folders_beside_are_somebody_elses_too() {
        for ending in ["partial", "whole"] {
            let outer = tempfile::tempdir().unwrap();
            let beside = outer.path().join(format!("model.{ending}"));
            fs::create_dir(&beside).unwrap();
            fs::write(beside.join("thesis.txt"), "all of it").unwrap();
            let error = save("model", &outer.path().join("model")).unwrap_err().to_string();
            assert!(error.contains("`thesis.txt`") && error.contains(ending), "{error}");
            assert_eq!(fs::read_to_string(beside.join("thesis.txt")).unwrap(), "all of it");
        }
    }
}
