//! The list of members at the end of an archive.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use indexmap::IndexMap;

use super::{CENTRAL, END, END_64, EXTRA_64, Entry, LOCATOR_64, u16_at, u32_at, u64_at};

/// The fixed part of the record that ends an archive, and the longest comment that may follow.
const END_SIZE: usize = 22;
const LONGEST_COMMENT: u64 = 0xffff;

/// Bytes that a record may take on average: names are that long at most, or they are not Inspect's.
const LONG_RECORD: u64 = 256;

#[derive(Debug)]
pub(crate) enum DirectoryError {
    Io(io::Error),
    Wrong(&'static str),
    TooMany,
}

impl From<io::Error> for DirectoryError {
    fn from(error: io::Error) -> DirectoryError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => DirectoryError::Wrong("its list of members is cut off"),
            _ => DirectoryError::Io(error),
        }
    }
}

/// Reads the list of members, at most `limit` of them. Of several with one name the last counts, as
/// for Inspect, which writes a sample again that was run again.
pub(crate) fn read_directory(
    file: &mut (impl Read + Seek),
    limit: u64,
) -> Result<IndexMap<String, Entry>, DirectoryError> {
    let (start, size) = find(file)?;
    if size > limit.saturating_mul(LONG_RECORD) {
        return Err(DirectoryError::TooMany);
    }
    file.seek(SeekFrom::Start(start))?;
    let mut records = BufReader::new(file.take(size));
    let mut members = IndexMap::new();
    let mut read = 0;
    while !records.fill_buf()?.is_empty() {
        read += 1;
        if read > limit {
            return Err(DirectoryError::TooMany);
        }
        let (name, entry) = record(&mut records)?;
        members.insert(name, entry);
    }
    Ok(members)
}

/// Where the list of members starts, and its size.
fn find(file: &mut (impl Read + Seek)) -> Result<(u64, u64), DirectoryError> {
    let length = file.seek(SeekFrom::End(0))?;
    let tail_start = length.saturating_sub(END_SIZE as u64 + LONGEST_COMMENT);
    file.seek(SeekFrom::Start(tail_start))?;
    let mut tail = Vec::new();
    file.take(length - tail_start).read_to_end(&mut tail)?;
    let Some(end) = find_end(&tail) else {
        return Err(DirectoryError::Wrong("it has no list of members; it may be cut off"));
    };
    let mut size = u64::from(u32_at(&tail, end + 12));
    let mut start = u64::from(u32_at(&tail, end + 16));
    let locator = end.checked_sub(20).filter(|&at| u32_at(&tail, at) == LOCATOR_64);
    if let Some(locator) = locator {
        file.seek(SeekFrom::Start(u64_at(&tail, locator + 8)))?;
        let mut record = [0; 56];
        file.read_exact(&mut record)?;
        if u32_at(&record, 0) != END_64 {
            return Err(DirectoryError::Wrong("its end is damaged"));
        }
        size = u64_at(&record, 40);
        start = u64_at(&record, 48);
    }
    if start.checked_add(size).is_none_or(|end| end > length) {
        return Err(DirectoryError::Wrong("its list of members would lie past its end"));
    }
    Ok((start, size))
}

/// The record that ends an archive: at the very end if there is no comment, else the last one.
fn find_end(tail: &[u8]) -> Option<usize> {
    let fits = |at: usize| u32_at(tail, at) == END;
    let last = tail.len().checked_sub(END_SIZE)?;
    if fits(last) && u16_at(tail, last + 20) == 0 {
        return Some(last);
    }
    (0..=last).rev().find(|&at| fits(at))
}

fn record(records: &mut impl Read) -> Result<(String, Entry), DirectoryError> {
    let mut fixed = [0; 46];
    records.read_exact(&mut fixed)?;
    if u32_at(&fixed, 0) != CENTRAL {
        return Err(DirectoryError::Wrong("its list of members is damaged"));
    }
    let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(&fixed, at)));
    let mut rest = vec![0; name + extra + comment];
    records.read_exact(&mut rest)?;
    let (name, rest) = rest.split_at(name);
    let Ok(name) = str::from_utf8(name) else {
        return Err(DirectoryError::Wrong("the name of a member is not UTF-8"));
    };
    let mut entry = Entry {
        method: u16_at(&fixed, 10),
        encrypted: u16_at(&fixed, 8) & 1 == 1,
        crc: u32_at(&fixed, 16),
        packed: u64::from(u32_at(&fixed, 20)),
        size: u64::from(u32_at(&fixed, 24)),
        offset: u64::from(u32_at(&fixed, 42)),
    };
    wide_sizes(&mut entry, &rest[..extra]);
    Ok((name.to_owned(), entry))
}

/// Sizes that need 64 bits stand in an extra field, each only if its place holds the largest value.
fn wide_sizes(entry: &mut Entry, mut extra: &[u8]) {
    while extra.len() >= 4 {
        let (id, size) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let field = &extra[4..(4 + size).min(extra.len())];
        if id == EXTRA_64 {
            let mut values = field.chunks_exact(8).map(|value| u64_at(value, 0));
            for place in [&mut entry.size, &mut entry.packed, &mut entry.offset] {
                if *place == u64::from(u32::MAX) {
                    *place = values.next().unwrap_or(*place);
                }
            }
            return;
        }
        extra = &extra[(4 + size).min(extra.len())..];
    }
}
