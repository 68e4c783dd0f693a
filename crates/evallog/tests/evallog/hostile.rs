//! Logs that are damaged, or made to do damage: errors that name the part and the way out, within
//! bounded memory.

use std::{
    io::{Cursor, Read, Seek},
    sync::LazyLock,
};

use ethos_evallog::*;

use crate::samples::{finished, full, log, reductions};

/// A sound log in each form.
pub(crate) static SOUND: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    #[cfg(feature = "zstd")]
    let other = Compression::Zstd;
    #[cfg(not(feature = "zstd"))]
    let other = Compression::Deflate;
    [("eval", Compression::Deflate), ("eval", other), ("json", Compression::Deflate)].map(
        |(ending, compression)| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log").with_extension(ending);
            let mut writer = LogWriter::create_packed(&path, &log(), compression).unwrap();
            writer.add(&full(1, 1)).unwrap();
            writer.add(&full("a", 1)).unwrap();
            writer.finish(&finished(), Some(&reductions())).unwrap();
            std::fs::read(&path).unwrap()
        },
    )
});

fn tight() -> Limits {
    Limits { sample: 1 << 20, header: 1 << 20, lists: 1 << 20, members: 100, ..Limits::default() }
}

/// Reads all there is; the first error of each part.
pub(crate) fn read_all(log: impl Read + Seek) -> Vec<Error> {
    let mut reader = match LogReader::new(log, "hostile", tight()) {
        Ok(reader) => reader,
        Err(error) => return vec![error],
    };
    let mut errors = Vec::new();
    errors.extend(reader.header().err());
    errors.extend(reader.samples().take(1000).find_map(Result::err));
    errors.extend(reader.summaries().take(1000).find_map(Result::err));
    errors.extend(reader.sample(1, 1).err());
    errors.extend(reader.reductions().err());
    errors
}

fn first_error(log: &[u8]) -> String {
    let errors = read_all(Cursor::new(log));
    errors.first().expect("an error").to_string()
}

/// An archive of stored or deflated members: name, method, claimed size, bytes as packed.
fn archive(members: &[(&str, u16, u32, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, method, size, packed) in members {
        let offset = bytes.len() as u32;
        let mut common = Vec::new();
        let unpacked = match method {
            8 => {
                let mut unpacked = Vec::new();
                let decoder = flate2::read::DeflateDecoder::new(*packed);
                let _ = decoder.take(1 << 22).read_to_end(&mut unpacked);
                unpacked
            }
            _ => packed.to_vec(),
        };
        for field in [20, 1 << 11, *method, 0, 33] {
            common.extend(u16::to_le_bytes(field));
        }
        for field in [crc32fast::hash(&unpacked), packed.len() as u32, *size] {
            common.extend(field.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(*packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend((members.len() as u16).to_le_bytes());
    bytes.extend((members.len() as u16).to_le_bytes());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

const HEADER: &str =
    r#"{"version":2,"status":"success","eval":{"created":"t","task":"t","model":"m"}}"#;

fn header() -> (&'static str, u16, u32, &'static [u8]) {
    ("header.json", 0, HEADER.len() as u32, HEADER.as_bytes())
}

fn deflated(byte: u8, count: usize) -> Vec<u8> {
    let mut packed = Vec::new();
    let source = std::io::repeat(byte).take(count as u64);
    let mut encoder = flate2::read::DeflateEncoder::new(source, flate2::Compression::best());
    encoder.read_to_end(&mut packed).unwrap();
    packed
}

fn with_sample(sample: (&str, u16, u32, &[u8])) -> String {
    first_error(&archive(&[header(), sample]))
}

#[test]
fn the_archives_made_here_are_sound() {
    let sample = br#"{"id":1,"epoch":1,"input":"","target":""}"#;
    let member = ("samples/1_epoch_1.json", 0, sample.len() as u32, sample.as_slice());
    assert!(read_all(Cursor::new(archive(&[header(), member]))).is_empty());
    for sound in SOUND.iter() {
        assert!(read_all(Cursor::new(sound.as_slice())).is_empty());
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    let bomb = deflated(b' ', 3 << 20);
    assert!(bomb.len() < 10_000);
    let error = with_sample(("samples/1_epoch_1.json", 8, 3 << 20, &bomb));
    assert!(error.contains("larger than 1048576") && error.contains("`Limits::sample`"), "{error}");
    // One that lies about its size is found out when it has given what it promised.
    let error = with_sample(("samples/1_epoch_1.json", 8, 1000, &bomb));
    assert!(error.contains("more than the list of members says"), "{error}");
}

#[test]
fn absurd_sizes_take_no_memory() {
    let error = with_sample(("samples/1_epoch_1.json", 0, u32::MAX - 1, b"{}"));
    assert!(error.contains("larger than"), "{error}");
    let error = with_sample(("samples/1_epoch_1.json", 0, 1 << 19, b"{}"));
    assert!(error.contains("cut off"), "{error}");
    // A list of members that says to be of 4 GB.
    let mut bytes = archive(&[header()]);
    let end = bytes.len();
    bytes[end - 10..end - 6].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(first_error(&bytes).contains("past its end"));
}

#[test]
fn too_many_members_are_an_error() {
    let many = vec![("samples/1_epoch_1.json", 0, 2, b"{}".as_slice()); 101];
    let error = first_error(&archive(&many));
    assert!(error.contains("`Limits::members`"), "{error}");
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = format!("{{\"id\":{}", "[".repeat(500_000));
    let error = with_sample(("samples/1_epoch_1.json", 0, deep.len() as u32, deep.as_bytes()));
    assert!(error.contains("Limits::depth"), "{error}");
    let deep = format!("{{\"eval\":{deep}");
    assert!(!first_error(deep.as_bytes()).is_empty());
    // As deep as is allowed, through all the types, on the small stack of a test.
    let (open, close) = ("{\"a\":[".repeat(98), "]}".repeat(98));
    let sample = format!(
        r#"{{"id":1,"epoch":1,"input":"","target":"","events":[{{"event":"x","y":{open}{close}}}]}}"#
    );
    let member = ("samples/1_epoch_1.json", 0, sample.len() as u32, sample.as_bytes());
    let bytes = archive(&[header(), member]);
    let errors = read_all(Cursor::new(bytes));
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn the_last_of_several_members_of_one_name_counts() {
    let sample =
        |text: &'static str| ("samples/1_epoch_1.json", 0, text.len() as u32, text.as_bytes());
    let members =
        [header(), sample("broken"), sample(r#"{"id":1,"epoch":1,"input":"last","target":""}"#)];
    let bytes = archive(&members);
    let mut reader = LogReader::new(Cursor::new(bytes), "log", tight()).unwrap();
    let samples: Result<Vec<_>> = reader.samples().collect();
    assert_eq!(samples.unwrap(), [EvalSample::new(1, 1, "last", "")]);
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in ["samples/../../x_epoch_1.json", "/samples/x_epoch_1.json", "a\\..\\b", "a\0b"] {
        let error = with_sample((name, 0, 2, b"{}"));
        assert!(error.contains("refused"), "{name}: {error}");
    }
}

#[test]
fn unreadable_packings_are_named() {
    let error = with_sample(("samples/1_epoch_1.json", 14, 2, b"{}"));
    assert!(error.contains("unknown method 14"), "{error}");
    let error = with_sample(("samples/1_epoch_1.json", 8, 100, b"\xff\xff\xff\xff"));
    assert!(error.contains("samples/1_epoch_1.json"), "{error}");
    #[cfg(feature = "zstd")]
    {
        let error = with_sample(("samples/1_epoch_1.json", 93, 100, b"not zstd"));
        assert!(error.contains("samples/1_epoch_1.json"), "{error}");
    }
}

/// A frame that asks for a window of 2 GB.
#[cfg(feature = "zstd")]
#[test]
fn zstd_windows_are_bounded() {
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0, 0];
    let error = with_sample(("samples/1_epoch_1.json", 93, 100, &frame));
    assert!(error.contains("memory") || error.contains("indow"), "{error}");
}

#[test]
fn a_flipped_bit_is_found() {
    let mut bytes = SOUND[0].clone();
    let local = bytes.windows(4).rposition(|window| window == b"PK\x03\x04").unwrap();
    bytes[local + 100] ^= 1;
    assert!(first_error(&bytes).contains("`header.json` of `hostile`"));
}

#[test]
fn files_that_are_no_logs_are_told() {
    assert!(first_error(b"").contains("neither an archive nor a JSON object"));
    assert!(first_error(b"[1]").contains("neither"));
    assert!(first_error(&SOUND[0][..1000]).contains("cut off"));
    assert!(first_error(&archive(&[])).contains("neither a header nor a start"));
    assert!(first_error(&archive(&[("x", 0, 1, b"x")])).contains("neither a header nor a start"));
    let cut = &SOUND[2][..SOUND[2].len() / 2];
    let errors = read_all(Cursor::new(cut));
    assert!(errors.iter().any(|error| error.to_string().contains("samples[0]")), "{errors:?}");
}

#[test]
fn chunked_samples_are_told() {
    let id = "samples/1_epoch_1";
    let members = [
        header(),
        (&*format!("{id}/sample.json"), 0, 2, b"{}".as_slice()),
        (&*format!("{id}/events/0.json"), 0, 2, b"[]".as_slice()),
    ];
    let bytes = archive(&members);
    let mut reader = LogReader::new(Cursor::new(bytes), "log", tight()).unwrap();
    let errors: Vec<_> = reader.samples().map(Result::unwrap_err).collect();
    assert!(matches!(errors.as_slice(), [Error::Chunked { .. }]), "{errors:?}");
    assert!(matches!(reader.sample(1, 1), Err(Error::Chunked { .. })));
}

#[test]
fn large_values_of_a_document_are_errors() {
    let long = "x".repeat(2 << 20);
    let log = format!(r#"{{"version":2,"status":"started","eval":"{long}"}}"#);
    assert!(first_error(log.as_bytes()).contains("`Limits::header`"));
    let log = format!(r#"{{{},"samples":["{long}"]}}"#, &HEADER[1..HEADER.len() - 1]);
    assert!(first_error(log.as_bytes()).contains("`Limits::sample`"));
}

/// One bad sample does not take the others with it.
#[test]
fn reading_goes_on_past_a_bad_sample() {
    let good = r#"{"id":1,"epoch":1,"input":"","target":""}"#;
    let log = format!(r#"{{{},"samples":[{{"id":1}},{good}]}}"#, &HEADER[1..HEADER.len() - 1]);
    let mut reader = LogReader::new(Cursor::new(log), "log", tight()).unwrap();
    let samples: Vec<_> = reader.samples().collect();
    let error = samples[0].as_ref().unwrap_err().to_string();
    assert!(error.contains("samples[0]") && error.contains("epoch"), "{error}");
    assert!(samples[1].is_ok());
}
