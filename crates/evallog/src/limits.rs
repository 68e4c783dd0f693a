//! How much of a log is let into memory.

/// Bounds on what reading a log may take, so that a hostile file ends in an error.
///
/// A reader holds the archive's list of members, and one part of the log at a time: its bytes and the
/// values made of them, which take a few times as much; forty times, if somebody tries. Sizes are in
/// bytes as unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one sample: 128 MiB.
    pub sample: u64,
    /// Bytes of all that is not samples or lists of them: 64 MiB.
    pub header: u64,
    /// Bytes of all reductions, or of all summaries of a log that is not finished: 128 MiB.
    pub lists: u64,
    /// Members of an archive: a million, whose records in its list take 256 bytes on average.
    pub members: u64,
    /// How deep lists and objects may be nested: 200, as in Inspect's own reader.
    pub depth: u8,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            sample: 128 << 20,
            header: 64 << 20,
            lists: 128 << 20,
            members: 1_000_000,
            depth: 200,
        }
    }
}
