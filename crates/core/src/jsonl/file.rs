//! Files that are compressed or not by the ending of their name, and replaced whole or not at all.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::Path,
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};

use crate::{Error, Result, partial::beside};

/// zstd's own default: about gzip's size, several times as fast.
const ZSTD_LEVEL: i32 = 3;

enum Ending {
    Plain,
    Gzip,
    Zstd,
}

fn ending(path: &Path) -> Ending {
    match path.extension().and_then(OsStr::to_str) {
        Some("gz") => Ending::Gzip,
        Some("zst") => Ending::Zstd,
        _ => Ending::Plain,
    }
}

/// Opens a file for reading.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    let failed = |source| Error::Io { doing: "open", path: path.to_owned(), source };
    let file = BufReader::new(File::open(path).map_err(failed)?);
    Ok(match ending(path) {
        Ending::Plain => Box::new(file),
        Ending::Gzip => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        Ending::Zstd => Box::new(BufReader::new(zstd::Decoder::with_buffer(file).map_err(failed)?)),
    })
}

/// Fills a file beside `path`, which then takes its name.
pub(super) fn replace(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let failed = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed("create", folder))?;
    }
    let partial = beside(path);
    let written = create(&partial, fill).and_then(|()| fs::rename(&partial, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&partial);
        failed("write", path)(error)
    })
}

/// Makes a file and fills it; its bytes are on the disk when this returns.
fn create(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let file = match ending(path) {
        Ending::Plain => {
            fill(&mut file)?;
            file
        }
        Ending::Gzip => {
            let mut packer = GzEncoder::new(file, Compression::default());
            fill(&mut packer)?;
            packer.finish()?
        }
        Ending::Zstd => {
            let mut packer = zstd::Encoder::new(file, ZSTD_LEVEL)?;
            fill(&mut packer)?;
            packer.finish()?
        }
    };
    file.into_inner()?.sync_all()
}
