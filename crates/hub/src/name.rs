//! Names of files as a server gives them: paths, but only downwards.

use std::path::{Component, Path};

use crate::{Error, Repo, Result};

/// `file`, if it stays below whatever folder it is joined to.
pub(crate) fn checked(repo: &Repo, file: &str) -> Result<()> {
    match fault(file) {
        None => Ok(()),
        Some(why) => Err(Error::UnsafeName { repo: repo.clone(), file: file.into(), why }),
    }
}

fn fault(file: &str) -> Option<&'static str> {
    // As this system reads a part: on Windows `C:` is a drive.
    let plain = |part: &str| {
        let mut parts = Path::new(part).components();
        let first = parts.next();
        matches!(first, Some(Component::Normal(name)) if name == part) && parts.next().is_none()
    };
    if file.contains(|c: char| c == '\\' || c.is_control()) {
        Some("it holds a backslash or a control character")
    } else if !file.split('/').all(plain) {
        Some("it leaves the folder, or a part of it is empty")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let bad =
            ["", "/etc/passwd", "../x", "a/../../x", "a/..", "a//b", "a/", "./a", "a\\b", "a\0"];
        for file in bad {
            assert!(fault(file).is_some(), "{file}");
        }
        for file in
            ["config.json", "data/train-0.parquet", "..a/b..", "a b", "é/…", ".gitattributes"]
        {
            assert!(fault(file).is_none(), "{file}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_stays_below(file in "[a./\\\\é\0-]{0,10}") {
            let path = Path::new("/top").join(&file);
            let below = path.components().skip(2).all(|part| matches!(part, Component::Normal(_)));
            let stays = below && path.starts_with("/top") && !file.is_empty();
            prop_assert!(fault(&file).is_some() || stays);
        }
    }
}
