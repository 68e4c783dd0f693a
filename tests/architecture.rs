//! The table of docs/architecture.md against `cargo metadata`, and its absences against the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use cargo_metadata::{Metadata, MetadataCommand};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn metadata() -> Result<Metadata> {
    Ok(MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?)
}

/// Package → folder and the packages that it may depend on, as the table has them.
fn table() -> Result<BTreeMap<String, (String, BTreeSet<String>)>> {
    let text = fs::read_to_string(root().join("docs/architecture.md"))?;
    let ticked = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let rows = text.lines().filter(|line| line.starts_with("| `crates/")).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let name = |cell: &str| cell.trim_matches('`').to_owned();
        (name(cells[1]), (name(cells[0]), ticked(cells[3])))
    });
    Ok(rows.collect())
}

#[test]
fn crates_depend_only_on_what_the_table_allows() -> Result<()> {
    let (table, metadata) = (table()?, metadata()?);
    let crates = metadata.packages.iter().filter(|p| p.manifest_path.as_str().contains("/crates/"));
    let mut seen = BTreeSet::new();
    for package in crates {
        let Some((folder, allowed)) = table.get(package.name.as_str()) else {
            panic!("`{}` is missing in the table of docs/architecture.md", package.name);
        };
        assert!(package.manifest_path.as_str().ends_with(&format!("{folder}/Cargo.toml")));
        seen.insert(package.name.to_string());
        // Dev-dependencies are arrows too: siblings never see each other.
        for dependency in package.dependencies.iter().filter(|d| d.name.starts_with("ethos-")) {
            assert!(
                allowed.contains(&dependency.name),
                "`{}` depends on `{}`, which docs/architecture.md does not allow",
                package.name,
                dependency.name
            );
        }
    }
    assert_eq!(seen, table.into_keys().collect(), "the table lists packages that are not there");
    Ok(())
}

#[test]
fn only_their_owners_speak_of_these() -> Result<()> {
    let owners = [
        ("burn", "ethos-train"),
        ("tokenizers", "ethos-train"),
        ("redb", "ethos-core"),
        ("pulldown-cmark", "ethos-spec"),
        ("maud", "ethos-report"),
        ("hf-hub", "ethos-hub"),
        ("ureq", "ethos-hub"),
        ("reqwest", "ethos-api"),
        ("tokio", "ethos-api"),
    ];
    let nobodys = ["hyper", "anyhow", "indicatif"];
    for package in metadata()?.packages.iter().filter(|p| p.publish.is_none()) {
        for dependency in &package.dependencies {
            if let Some((_, owner)) = owners.iter().find(|(name, _)| *name == dependency.name) {
                assert_eq!(package.name.as_str(), *owner, "depends on `{}`", dependency.name);
            }
            let name = dependency.name.as_str();
            assert!(!nobodys.contains(&name), "library `{}` depends on `{name}`", package.name);
        }
    }
    Ok(())
}

#[test]
fn libraries_read_no_environment_and_only_devices_and_kernels_know_backends() -> Result<()> {
    let mut read = 0;
    for file in sources(&root().join("crates"))? {
        let text = fs::read_to_string(&file)?;
        let shown = file.display();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let from_env = ["hub", "api"]
                .iter()
                .any(|name| file.ends_with(format!("{name}/src/environment.rs")));
            let of_tests = file.ends_with("train/src/testing.rs");
            let reads = line.contains("env::var");
            assert!(!reads || from_env || of_tests, "{shown} reads the environment: {line}");
            let device = file.ends_with("train/src/device.rs")
                || file.ancestors().any(|folder| folder.ends_with("train/src/fused"));
            let backend = ["\"flex\")", "\"cuda\")", "\"libtorch\")"]
                .iter()
                .any(|name| line.contains(&format!("feature = {name}")));
            assert!(!backend || device, "{shown} knows a backend: {line}");
        }
        read += 1;
    }
    assert!(read > 50, "only {read} sources were read");
    Ok(())
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !["target", "tests"].iter().any(|name| path.ends_with(name)) {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

#[test]
fn files_that_documents_name_are_there() -> Result<()> {
    for document in ["README.md", "docs/architecture.md"] {
        let text = fs::read_to_string(root().join(document))?;
        let named = text.split('`').skip(1).step_by(2).chain(text.split(['(', ')']));
        let places = ["crates/", "docs/", "examples/", "tests/", ".ci/"];
        for name in named.filter(|name| places.iter().any(|place| name.starts_with(place))) {
            assert!(root().join(name).exists(), "{document} names `{name}`, which is not there");
        }
    }
    Ok(())
}
