//! Logs that are one JSON object: `.json`.

use std::io::{BufReader, Read, Seek, SeekFrom};

use serde::{Deserialize, de::DeserializeOwned};

use super::{Context, items::Items};
use crate::{Error, EvalLog, EvalSample, EvalSampleReductions, Result, SampleId, json::Scanner};

/// The object, read from its start to its end.
pub(super) struct Document<'a, R> {
    scanner: Scanner<BufReader<&'a mut R>>,
    context: &'a Context,
    first: bool,
}

const PART: &str = "the log";

impl<'a, R: Read + Seek> Document<'a, R> {
    pub(super) fn new(file: &'a mut R, context: &'a Context) -> Result<Self> {
        file.seek(SeekFrom::Start(0)).map_err(Error::io("read", &context.path))?;
        let mut scanner = Scanner::new(BufReader::new(file));
        let opened = scanner.expect(b'{', "expected an object");
        opened.map_err(context.scan(PART, "header"))?;
        Ok(Document { scanner, context, first: true })
    }

    /// The next key as it stands there, in quotes; its value comes next.
    fn key(&mut self) -> Result<Option<Vec<u8>>> {
        let mut key = Vec::new();
        let first = std::mem::replace(&mut self.first, false);
        let taken = self.scanner.item(first, b'}').and_then(|another| {
            if another {
                self.scanner.value(&mut key, self.context.limits.header)?;
                self.scanner.expect(b':', "expected a colon")?;
            }
            Ok(another)
        });
        let another = taken.map_err(self.context.scan(PART, "header"))?;
        Ok(another.then_some(key))
    }

    fn skip(&mut self) -> Result<()> {
        self.scanner.skip().map_err(self.context.scan(PART, "header"))
    }

    pub(super) fn header(mut self) -> Result<EvalLog> {
        let limit = self.context.limits.header;
        let mut bytes = vec![b'{'];
        let mut has = [false; 2];
        while let Some(key) = self.key()? {
            match key.as_slice() {
                // Nothing of a header stands behind the samples, where Inspect wrote the log.
                b"\"samples\"" if has == [true; 2] => break,
                b"\"samples\"" | b"\"reductions\"" => self.skip()?,
                name => {
                    has[0] |= name == b"\"eval\"";
                    has[1] |= name == b"\"status\"";
                    if bytes.len() > 1 {
                        bytes.push(b',');
                    }
                    bytes.extend_from_slice(name);
                    bytes.push(b':');
                    let room = limit.saturating_sub(bytes.len() as u64);
                    let taken = self.scanner.value(&mut bytes, room);
                    taken.map_err(|error| match self.context.scan("header", "header")(error) {
                        Error::TooLarge { path, part, raise, .. } => {
                            Error::TooLarge { path, part, limit, raise }
                        }
                        other => other,
                    })?;
                }
            }
        }
        bytes.push(b'}');
        self.context.parse(&bytes, "header")
    }

    /// Goes to the value of a key; false where there is none, or it is null.
    fn find(&mut self, wanted: &str) -> Result<bool> {
        while let Some(key) = self.key()? {
            if key[1..key.len() - 1] == *wanted.as_bytes() {
                let next = self.scanner.peek().map_err(self.context.scan(PART, "header"))?;
                return Ok(next != Some(b'n'));
            }
            self.skip()?;
        }
        Ok(false)
    }

    fn items(mut self) -> Result<Option<Items<'a, BufReader<&'a mut R>>>> {
        match self.find("samples")? {
            true => Items::new(self.scanner, self.context, "samples").map(Some),
            false => Ok(None),
        }
    }

    pub(super) fn samples(self) -> Box<dyn Iterator<Item = Result<EvalSample>> + 'a> {
        match self.items() {
            Ok(items) => Box::new(items.into_iter().flatten()),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    pub(super) fn sample(self, id: &SampleId, epoch: i64) -> Result<Option<EvalSample>> {
        #[derive(Deserialize)]
        struct Key {
            id: SampleId,
            epoch: i64,
        }
        let id = id.to_string();
        let Some(mut items) = self.items()? else { return Ok(None) };
        while let Some(key) = items.next_as::<Key>() {
            let key = key?;
            if key.epoch == epoch && key.id.to_string() == id {
                return items.again().map(Some);
            }
        }
        Ok(None)
    }

    pub(super) fn reductions(mut self) -> Result<Option<Vec<EvalSampleReductions>>> {
        match self.find("reductions")? {
            true => self.whole("reductions").map(Some),
            false => Ok(None),
        }
    }

    fn whole<T: DeserializeOwned>(mut self, part: &str) -> Result<T> {
        let mut bytes = Vec::new();
        let taken = self.scanner.value(&mut bytes, self.context.limits.lists);
        taken.map_err(self.context.scan(part, "lists"))?;
        self.context.parse(&bytes, part)
    }
}
