//! One member, unpacked and checked as it is read.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::DeflateDecoder;

use super::{Entry, LOCAL, method, u16_at, u32_at};

/// The largest window that a zstd frame may ask for: 2^25 bytes. Inspect's own frames ask for 2^21.
#[cfg(feature = "zstd")]
const ZSTD_WINDOW: u32 = 25;

/// Opens a member for reading. Its end is an error if size or checksum are not as the list of members
/// has them, and so is a byte more than that size: reading never gives more than the list promised.
pub(crate) fn open<'a, F: Read + Seek>(
    file: &'a mut F,
    entry: &Entry,
) -> io::Result<impl BufRead + use<'a, F>> {
    if entry.encrypted {
        return Err(damaged("it is encrypted"));
    }
    file.seek(SeekFrom::Start(entry.offset))?;
    let mut header = [0; 30];
    file.read_exact(&mut header)?;
    if u32_at(&header, 0) != LOCAL {
        return Err(damaged("it is not where the list of members says"));
    }
    let skip = i64::from(u16_at(&header, 26)) + i64::from(u16_at(&header, 28));
    file.seek(SeekFrom::Current(skip))?;
    let packed = BufReader::new(file.take(entry.packed));
    let unpacked: Box<dyn Read + 'a> = match entry.method {
        method::STORED => Box::new(packed),
        method::DEFLATE => Box::new(DeflateDecoder::new(packed)),
        #[cfg(feature = "zstd")]
        method::ZSTD => {
            let mut decoder = zstd::Decoder::with_buffer(packed)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
        #[cfg(not(feature = "zstd"))]
        method::ZSTD => {
            return Err(damaged("it is packed with zstd; enable the feature `zstd`"));
        }
        other => return Err(damaged(&format!("it is packed with the unknown method {other}"))),
    };
    let (size, crc) = (entry.size, entry.crc);
    Ok(BufReader::new(Checked { unpacked, left: size, wanted: crc, hasher: Default::default() }))
}

struct Checked<R> {
    unpacked: R,
    left: u64,
    wanted: u32,
    hasher: crc32fast::Hasher,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.unpacked.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        let Some(left) = self.left.checked_sub(read as u64) else {
            return Err(damaged("it unpacks to more than the list of members says"));
        };
        self.left = left;
        if read == 0 && !buffer.is_empty() {
            if left > 0 {
                return Err(damaged("it is cut off"));
            }
            if self.hasher.clone().finalize() != self.wanted {
                return Err(damaged("its checksum is wrong"));
            }
        }
        Ok(read)
    }
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
