//! The part of ZIP that a log uses: many members, packed with deflate or zstd, of any size.
//!
//! A log needs what archive libraries do not give: a list of members that is bounded before it is
//! read, and members that can be added to a file of which a readable copy is made now and then.

mod directory;
mod member;
mod write;

pub(crate) use self::{
    directory::{DirectoryError, read_directory},
    member::open,
    write::ArchiveWriter,
};

/// How a member is packed, as the format numbers it.
pub(crate) mod method {
    pub(crate) const STORED: u16 = 0;
    pub(crate) const DEFLATE: u16 = 8;
    pub(crate) const ZSTD: u16 = 93;
}

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;

/// The extra field with sizes of 64 bits.
const EXTRA_64: u16 = 1;

/// One member, as the central directory describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) method: u16,
    pub(crate) encrypted: bool,
    pub(crate) crc: u32,
    pub(crate) packed: u64,
    pub(crate) size: u64,
    /// Where its local header stands in the file.
    pub(crate) offset: u64,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{Entry, read_directory, write};

    /// Of an archive that is all list.
    #[test]
    fn sizes_beyond_32_bits_and_members_beyond_16() {
        for (size, members) in [(5, 3), (5 << 32, 3), (5, 70_000), (u64::from(u32::MAX), 65_535)] {
            let entry = Entry {
                method: 8,
                encrypted: false,
                crc: 7,
                packed: size - 1,
                size,
                offset: size + 1,
            };
            let names: Vec<_> = (0..members).map(|number| format!("☂{number}")).collect();
            let mut bytes = Vec::new();
            for name in &names {
                bytes.extend(write::central_record(name, &entry));
            }
            bytes.extend(write::end_records(members, bytes.len() as u64, 0));
            let found = read_directory(&mut Cursor::new(bytes), 100_000).unwrap();
            assert!(found.keys().eq(&names));
            assert!(found.values().all(|found| *found == entry));
        }
    }
}
