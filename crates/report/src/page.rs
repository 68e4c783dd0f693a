use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use maud::{DOCTYPE, PreEscaped, html};
use serde::{Deserialize, Serialize};

use crate::{Block, Error, Result, plot};

/// A page: a title and blocks under it, in one HTML file that needs nothing else.
///
/// The same page gives the same bytes. It follows the reader's light or dark mode, fits a phone,
/// prints, and needs no script to be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The title, at the top and in the browser's tab.
    pub title: String,
    /// A sentence or two under the title: what the page says.
    pub lead: Option<String>,
    /// The language of the text, as HTML's `lang` wants it.
    pub lang: String,
    /// What the page consists of, from the top.
    pub blocks: Vec<Block>,
}

impl Page {
    /// A page in English (`en`) without a lead and without blocks.
    pub fn new(title: impl Into<String>) -> Page {
        Page { title: title.into(), lead: None, lang: "en".into(), blocks: Vec::new() }
    }

    /// The page with a sentence or two under its title.
    pub fn with_lead(self, lead: impl Into<String>) -> Page {
        Page { lead: Some(lead.into()), ..self }
    }

    /// Adds a block at the end.
    pub fn push(&mut self, block: impl Into<Block>) -> &mut Page {
        self.blocks.push(block.into());
        self
    }

    /// The page as HTML.
    pub fn to_html(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang=(self.lang) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) }
                    style { (PreEscaped(include_str!("page.css"))) (PreEscaped(plot::CSS)) }
                }
                body {
                    header {
                        h1 { (self.title) }
                        @if let Some(lead) = &self.lead { p.lead { (lead) } }
                    }
                    main { @for block in &self.blocks { (block.render()) } }
                    @if self.blocks.iter().any(Block::has_table) {
                        script { (PreEscaped(include_str!("sort.js"))) }
                    }
                }
            }
        };
        printable(&page.0) + "\n"
    }

    /// Writes the page to `path`, in a folder that exists.
    ///
    /// The file is written beside its place and then moved there, so that a reader sees the old page
    /// or the new one and never half of it.
    ///
    /// # Errors
    ///
    /// [`Error::Write`] when the file system refuses; what stood at `path` then still stands there.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        replace(path, self.to_html().as_bytes())
            .map_err(|source| Error::Write { path: path.into(), source })
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft_beside(path)?;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&draft)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// A name in the same folder, and so on the same file system, that no other write is using.
fn draft_beside(path: &Path) -> io::Result<PathBuf> {
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    if path.file_name().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
    }
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = format!(".page-{}-{number}.tmp", process::id());
    Ok(path.with_file_name(draft))
}

/// `markup` with the characters that neither HTML nor XML may hold replaced by U+FFFD.
pub(crate) fn printable(markup: &str) -> String {
    let forbidden = |c: char| {
        matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}')
            || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    markup.replace(forbidden, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_page_replaces_the_one_before_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("größe.html");
        for title in ["first", "second"] {
            Page::new(title).write(&path).unwrap();
            assert!(fs::read_to_string(&path).unwrap().contains(title));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_error_names_the_path_and_leaves_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("nowhere").join("page.html");
        let error = Page::new("t").write(&nowhere).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write the page `{}`", nowhere.display()));
        assert!(error.source().is_some());

        // A folder cannot be replaced by a file: this fails at the last step.
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        Page::new("t").write(&taken).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        Page::new("t").write("").unwrap_err();
    }
}
