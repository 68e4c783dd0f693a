//! An archive that grows, and of which a whole copy can be made at any time.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
};

use flate2::{Compression as Level, write::DeflateEncoder};
use indexmap::IndexMap;

use super::{CENTRAL, END, END_64, EXTRA_64, Entry, LOCAL, LOCATOR_64, method};
use crate::Compression;

/// A frame of zstd holds at most so many bytes: the viewer's decoder fails on larger ones.
#[cfg(feature = "zstd")]
const FRAME: u64 = 200 << 20;

/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// 4.5, the version that knows sizes of 64 bits.
const VERSION: u16 = 45;
/// Midnight of the first of January 1980, the earliest day there is: an archive tells no times.
const DATE: u16 = 1 << 5 | 1;

/// Members go to a nameless file without its list of members, which [`ArchiveWriter::copy_to`] adds.
pub(crate) struct ArchiveWriter {
    file: BufWriter<File>,
    /// Where the next member will stand. What lies behind is left of one that failed.
    end: u64,
    members: IndexMap<String, Entry>,
    compression: Compression,
}

impl ArchiveWriter {
    pub(crate) fn new(file: File, compression: Compression) -> ArchiveWriter {
        ArchiveWriter { file: BufWriter::new(file), end: 0, members: IndexMap::new(), compression }
    }

    /// Adds a member, or replaces the one of this name.
    pub(crate) fn add(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let offset = self.end;
        self.file.seek(SeekFrom::Start(offset))?;
        let mut entry = Entry {
            method: match self.compression {
                Compression::Deflate => method::DEFLATE,
                #[cfg(feature = "zstd")]
                Compression::Zstd => method::ZSTD,
            },
            encrypted: false,
            crc: 0,
            packed: 0,
            size: 0,
            offset,
        };
        self.file.write_all(&local_header(name, &entry))?;
        let data = self.file.stream_position()?;
        match self.compression {
            Compression::Deflate => {
                let packer = DeflateEncoder::new(&mut self.file, Level::default());
                filled(Counted::new(packer), fill)?.tell(&mut entry).finish()?;
            }
            #[cfg(feature = "zstd")]
            Compression::Zstd => {
                let packer = Frames::new(&mut self.file)?;
                filled(Counted::new(packer), fill)?.tell(&mut entry).finish()?;
            }
        }
        let end = self.file.stream_position()?;
        entry.packed = end - data;
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(&local_header(name, &entry))?;
        self.end = end;
        self.members.insert(name.to_owned(), entry);
        Ok(())
    }

    /// Writes the archive as it is now, whole.
    pub(crate) fn copy_to(&mut self, file: &mut File) -> io::Result<()> {
        self.file.flush()?;
        let mut source: &File = self.file.get_ref();
        source.seek(SeekFrom::Start(0))?;
        io::copy(&mut source.take(self.end), file)?;
        let mut file = BufWriter::new(file);
        let mut size = 0;
        for (name, entry) in &self.members {
            let record = central_record(name, entry);
            size += record.len() as u64;
            file.write_all(&record)?;
        }
        file.write_all(&end_records(self.members.len() as u64, size, self.end))?;
        file.flush()
    }
}

/// Fills a packer in large pieces. JSON is written in many small ones, and each that reaches flate2 has it
/// clear the room behind its output, 32 kB: two thirds of the time that a log took.
fn filled<W: Write>(
    packer: Counted<W>,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<Counted<W>> {
    let mut buffer = BufWriter::with_capacity(64 << 10, packer);
    fill(&mut buffer)?;
    buffer.into_inner().map_err(io::IntoInnerError::into_error)
}

/// Counts and hashes what is packed.
struct Counted<W> {
    packer: W,
    size: u64,
    hasher: crc32fast::Hasher,
}

impl<W: Write> Counted<W> {
    fn new(packer: W) -> Self {
        Counted { packer, size: 0, hasher: crc32fast::Hasher::new() }
    }

    fn tell(self, entry: &mut Entry) -> W {
        entry.size = self.size;
        entry.crc = self.hasher.finalize();
        self.packer
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.packer.write(bytes)?;
        self.size += written as u64;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.packer.flush()
    }
}

/// zstd, with a new frame before one gets too large.
#[cfg(feature = "zstd")]
struct Frames<'a, W: Write> {
    encoder: Option<zstd::Encoder<'a, W>>,
    room: u64,
}

#[cfg(feature = "zstd")]
impl<W: Write> Frames<'_, W> {
    fn new(writer: W) -> io::Result<Self> {
        Ok(Frames { encoder: Some(zstd::Encoder::new(writer, 0)?), room: FRAME })
    }

    fn finish(mut self) -> io::Result<W> {
        let lost = || io::Error::other("an earlier frame failed");
        self.encoder.take().ok_or_else(lost)?.finish()
    }
}

#[cfg(feature = "zstd")]
impl<W: Write> Write for Frames<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lost = || io::Error::other("an earlier frame failed");
        if self.room == 0 {
            let writer = self.encoder.take().ok_or_else(lost)?.finish()?;
            *self = Frames::new(writer)?;
        }
        let most = bytes.len().min(usize::try_from(self.room).unwrap_or(usize::MAX));
        let written = self.encoder.as_mut().ok_or_else(lost)?.write(&bytes[..most])?;
        self.room -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// Little-endian fields, one after the other.
#[derive(Default)]
struct Record(Vec<u8>);

impl Record {
    fn u16(mut self, value: u16) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A value, or the largest one, which says that it stands in a wider field.
    fn narrow(self, value: u64) -> Self {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX))
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    fn length(self, bytes: &[u8]) -> Self {
        self.u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX))
    }
}

/// Sizes are not known when it is first written, so they always stand in the wide field.
fn local_header(name: &str, entry: &Entry) -> Vec<u8> {
    let name = name.as_bytes();
    let header = Record::default().u32(LOCAL).u16(VERSION).u16(FLAGS).u16(entry.method);
    let header = header.u16(0).u16(DATE).u32(entry.crc).u32(u32::MAX).u32(u32::MAX);
    let header = header.length(name).u16(20).bytes(name);
    header.u16(EXTRA_64).u16(16).u64(entry.size).u64(entry.packed).0
}

pub(super) fn central_record(name: &str, entry: &Entry) -> Vec<u8> {
    let name = name.as_bytes();
    let wide = [entry.size, entry.packed, entry.offset].into_iter();
    let wide: Vec<u64> = wide.filter(|&value| value >= u64::from(u32::MAX)).collect();
    let mut extra = Record::default();
    if !wide.is_empty() {
        extra = extra.u16(EXTRA_64).u16(8 * wide.len() as u16);
        extra = wide.into_iter().fold(extra, Record::u64);
    }
    let record = Record::default().u32(CENTRAL).u16(VERSION).u16(VERSION).u16(FLAGS);
    let record = record.u16(entry.method).u16(0).u16(DATE).u32(entry.crc);
    let record = record.narrow(entry.packed).narrow(entry.size).length(name).length(&extra.0);
    // No comment, the first disk, no attributes.
    let record = record.u16(0).u16(0).u16(0).u32(0).narrow(entry.offset);
    record.bytes(name).bytes(&extra.0).0
}

pub(super) fn end_records(members: u64, size: u64, start: u64) -> Vec<u8> {
    let mut records = Record::default();
    let few = u16::try_from(members).ok().filter(|&members| members < u16::MAX);
    if few.is_none() || size.max(start) >= u64::from(u32::MAX) {
        let end = start + size;
        records = records.u32(END_64).u64(44).u16(VERSION).u16(VERSION).u32(0).u32(0);
        records = records.u64(members).u64(members).u64(size).u64(start);
        records = records.u32(LOCATOR_64).u32(0).u64(end).u32(1);
    }
    let few = few.unwrap_or(u16::MAX);
    let end = records.u32(END).u16(0).u16(0).u16(few).u16(few);
    end.narrow(size).narrow(start).u16(0).0
}
