//! The files of a folder that are to be uploaded.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{Error, Repo, Result, Wanted, digest::Digest, name};

/// A file to upload.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    /// Its name in the repository.
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) content: Content,
}

/// Where its bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl Local {
    /// A file that is not in the folder.
    pub(crate) fn new(name: &str, bytes: Vec<u8>) -> Local {
        Local { name: name.into(), size: bytes.len() as u64, content: Content::Bytes(bytes) }
    }

    /// All its bytes.
    pub(crate) fn bytes(&self) -> Result<Cow<'_, [u8]>> {
        match &self.content {
            Content::Bytes(bytes) => Ok(bytes.into()),
            Content::File(path) => fs::read(path).map(Cow::Owned).map_err(Error::io("read", path)),
        }
    }

    /// Its first 512 bytes, from which the hub tells texts and others apart.
    pub(crate) fn sample(&self) -> Result<Vec<u8>> {
        let mut sample = Vec::new();
        match &self.content {
            Content::Bytes(bytes) => sample.extend(bytes.iter().take(512)),
            Content::File(path) => {
                let mut read = |path| File::open(path)?.take(512).read_to_end(&mut sample);
                read(path).map_err(Error::io("read", path))?;
            }
        }
        Ok(sample)
    }

    /// Its SHA-256.
    pub(crate) fn sha256(&self) -> Result<String> {
        let mut digest = Digest::sha256();
        match &self.content {
            Content::Bytes(bytes) => digest.update(bytes),
            Content::File(path) => hash(path, &mut digest).map_err(Error::io("read", path))?,
        }
        Ok(digest.finish())
    }
}

fn hash(path: &Path, digest: &mut Digest) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => digest.update(&buffer[..read]),
        }
    }
}

/// The files of `folder` that are wanted, sorted by name. Links to files are followed, links to
/// folders and names that begin with a dot are not.
pub(crate) fn files(folder: &Path, repo: &Repo, wanted: &Wanted) -> Result<Vec<Local>> {
    let mut files = Vec::new();
    walk(folder, "", repo, wanted, &mut files)?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn walk(
    folder: &Path,
    prefix: &str,
    repo: &Repo,
    wanted: &Wanted,
    files: &mut Vec<Local>,
) -> Result<()> {
    for found in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let found = found.map_err(Error::io("read", folder))?;
        let path = found.path();
        let Ok(own) = found.file_name().into_string() else {
            let why = format!("`{}` is not named in UTF-8", path.display());
            return Err(Error::Upload { repo: repo.clone(), why });
        };
        if own.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{own}");
        if found.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, &format!("{name}/"), repo, wanted, files)?;
            continue;
        }
        let data = fs::metadata(&path).map_err(Error::io("read", &path))?;
        if data.is_file() && wanted.wants(&name) {
            name::checked(repo, &name)?;
            files.push(Local { name, size: data.len(), content: Content::File(path) });
        }
    }
    Ok(())
}
