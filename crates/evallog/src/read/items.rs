//! A list whose items are read one by one.

use std::{io::BufRead, marker::PhantomData};

use serde::de::DeserializeOwned;

use super::Context;
use crate::{Error, Result, json::Scanner};

/// The items of a list. An item that is JSON of a wrong shape is an error, and reading can go on after
/// it; one that is no JSON ends the list.
pub(super) struct Items<'a, B, T = crate::EvalSample> {
    scanner: Scanner<B>,
    context: &'a Context,
    list: &'static str,
    /// The bytes of the last item.
    bytes: Vec<u8>,
    taken: u64,
    ended: bool,
    item: PhantomData<fn() -> T>,
}

impl<'a, B: BufRead, T: DeserializeOwned> Items<'a, B, T> {
    pub(super) fn new(
        mut scanner: Scanner<B>,
        context: &'a Context,
        list: &'static str,
    ) -> Result<Self> {
        let opened = scanner.expect(b'[', "expected a list");
        opened.map_err(context.scan(list, "sample"))?;
        let (bytes, item) = (Vec::new(), PhantomData);
        Ok(Items { scanner, context, list, bytes, taken: 0, ended: false, item })
    }

    fn part(&self) -> String {
        format!("{}[{}]", self.list, self.taken.saturating_sub(1))
    }

    /// Takes the bytes of the next item.
    fn take(&mut self) -> Result<bool> {
        self.bytes.clear();
        if self.ended {
            return Ok(false);
        }
        let (first, limit) = (self.taken == 0, self.context.limits.sample);
        self.taken += 1;
        let taken = self.scanner.item(first, b']').and_then(|another| {
            if another {
                self.scanner.value(&mut self.bytes, limit)?;
            }
            Ok(another)
        });
        self.ended = !matches!(taken, Ok(true));
        taken.map_err(|error| self.context.scan(&self.part(), "sample")(error))
    }

    /// The next item as something else than it is.
    pub(super) fn next_as<U: DeserializeOwned>(&mut self) -> Option<Result<U>> {
        match self.take() {
            Ok(true) => Some(self.context.parse(&self.bytes, &self.part())),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The last item once more.
    pub(super) fn again(&self) -> Result<T, Error> {
        self.context.parse(&self.bytes, &self.part())
    }
}

impl<B: BufRead, T: DeserializeOwned> Iterator for Items<'_, B, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        self.next_as()
    }
}
