//! Snapshots that another tool fetched, offline: all there is to know is what is in the folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::Deserialize;

use crate::{Error, Result, listing::Entry};

/// The files of a snapshot's folder, sorted by name; none if there is no folder. Links whose
/// content is gone are left out.
pub(crate) fn entries(folder: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    if folder.is_dir() {
        walk(folder, "", &mut entries)?;
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn walk(folder: &Path, prefix: &str, entries: &mut Vec<Entry>) -> Result<()> {
    for found in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let found = found.map_err(Error::io("read", folder))?;
        let name = format!("{prefix}{}", found.file_name().to_string_lossy());
        match fs::metadata(found.path()) {
            Ok(data) if data.is_dir() => walk(&found.path(), &format!("{name}/"), entries)?,
            Ok(data) => entries.push(Entry { name, size: data.len(), etag: String::new() }),
            Err(_) => {}
        }
    }
    Ok(())
}

/// The files that an index of weights in the snapshot speaks of: the one sign of what may be
/// missing.
pub(crate) fn shards(folder: &Path, entries: &[Entry]) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let indexes = entries.iter().filter(|entry| entry.name.ends_with(".safetensors.index.json"));
    let read = |entry: &Entry| {
        let index: Index =
            serde_json::from_slice(&fs::read(folder.join(&entry.name)).ok()?).ok()?;
        let prefix = entry.name.rsplit_once('/').map_or(String::new(), |(at, _)| format!("{at}/"));
        Some(index.weight_map.into_values().map(move |shard| format!("{prefix}{shard}")))
    };
    indexes.filter_map(read).flatten().collect()
}
