//! What a journal holds, for people and for other tools.

use std::{collections::BTreeMap, path::Path};

use redb::{ReadableDatabase, ReadableTableMetadata};
use serde::{Deserialize, Serialize};

use super::{INTENTS, Journal, Key, REPLIES, batches::HEADS, failed};
use crate::{
    Result,
    ask::{AskId, Reply},
    jsonl,
    model::Usage,
};

/// One kept reply: a row of the journal, and of what [`Journal::export`] writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// The ask that it was given to. Where several asked the very same thing, the first of them.
    pub id: AskId,
    /// The model's key.
    pub model: String,
    /// Which draw of the question it is.
    pub draw: u32,
    /// Which attempt: above 0, those before it could not be used.
    pub attempt: u32,
    /// The reply.
    pub reply: Reply,
}

/// What a journal holds, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JournalStats {
    /// Replies kept.
    pub replies: u64,
    /// Queries that were sent and whose reply is not kept: those of a process that died, which may
    /// have been paid for nothing, or of asks that are going on.
    pub in_flight: u64,
    /// Batches that were about to be submitted, or were, and are not settled. Their queries are among
    /// those in flight.
    #[serde(default)]
    pub batches: u64,
    /// Tokens of all replies.
    pub usage: Usage,
    /// Size of the file, in bytes; 0 of a journal in memory.
    pub bytes: u64,
    /// The replies by stage.
    pub stages: BTreeMap<String, StageStats>,
    /// How many replies each model gave, by its key.
    pub models: BTreeMap<String, u64>,
}

/// The replies of one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StageStats {
    /// Replies kept.
    pub replies: u64,
    /// Those of them that were asked for since an earlier one could not be used.
    pub repeats: u64,
    /// Their tokens.
    pub usage: Usage,
}

/// Rows that are read in one go: few enough to hold, many enough to be quick.
const PAGE: usize = 256;

impl Journal {
    /// All replies, in an order that depends on nothing but what was asked. They are read as they are
    /// needed; replies that come in meanwhile may be among them or not.
    ///
    /// An item is an [`Error::Journal`](crate::Error::Journal) when the store fails, and the last.
    pub fn records(&self) -> impl Iterator<Item = Result<Record>> + '_ {
        let mut next = Some([0; 32]);
        let pages = std::iter::from_fn(move || {
            let page = self.page(next?);
            next = page.as_ref().ok().and_then(|(_, next)| *next);
            Some(page)
        });
        pages.flat_map(|page| match page {
            Ok((records, _)) => records.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        })
    }

    /// Writes all replies as JSONL, whole or not at all, and gives how many there are.
    ///
    /// # Errors
    ///
    /// When the store fails or the file cannot be written.
    pub fn export(&self, path: impl AsRef<Path>) -> Result<u64> {
        jsonl::try_write(path, self.records())
    }

    /// Counts what the journal holds. Reads all of it.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`](crate::Error::Journal) when the store fails.
    pub fn stats(&self) -> Result<JournalStats> {
        let open = || -> Result<_, redb::Error> {
            let store = self.store.begin_read()?;
            Ok((store.open_table(INTENTS)?.len()?, store.open_table(HEADS)?.len()?))
        };
        let (in_flight, batches) =
            open().map_err(|error| failed(&self.path, "counting intents", error))?;
        let bytes = self.path.metadata().map_or(0, |file| file.len());
        let mut stats = JournalStats { in_flight, batches, bytes, ..JournalStats::default() };
        for record in self.records() {
            let Record { id, model, attempt, reply, .. } = record?;
            let usage = reply.usage();
            stats.replies += 1;
            stats.usage += usage;
            let stage = stats.stages.entry(id.stage).or_default();
            stage.replies += 1;
            stage.repeats += u64::from(attempt > 0);
            stage.usage += usage;
            *stats.models.entry(model).or_default() += 1;
        }
        Ok(stats)
    }

    /// The replies from a key on, and the key after them.
    fn page(&self, from: Key) -> Result<(Vec<Record>, Option<Key>)> {
        let read = || -> Result<_, redb::Error> {
            let table = self.store.begin_read()?.open_table(REPLIES)?;
            let mut rows = Vec::new();
            for row in table.range::<&Key>(&from..)?.take(PAGE + 1) {
                let (key, value) = row?;
                rows.push((*key.value(), value.value().to_vec()));
            }
            Ok(rows)
        };
        let mut rows = read().map_err(|error| failed(&self.path, "reading replies", error))?;
        let next = rows.get(PAGE).map(|(key, _)| *key);
        rows.truncate(PAGE);
        let parsed = rows.iter().map(|(_, value)| serde_json::from_slice(value));
        let records = parsed
            .collect::<Result<_, _>>()
            .map_err(|error| failed(&self.path, "reading a reply", error))?;
        Ok((records, next))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use futures::{StreamExt, executor::block_on, stream};

    use super::*;
    use crate::{Ask, Completion, Query, Request, Scripted, Stop, ask_all};

    #[test]
    fn everything_comes_out_once() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path().join("journal.redb")).unwrap();
        let model = Scripted::new("m", |request| {
            let text = request.messages[0].text();
            let stop = if text.ends_with('0') { Stop::Refusal } else { Stop::End };
            Completion::new(text).with_stop(stop).with_usage(Usage::new(2, 3))
        });
        let count = 3 * PAGE + 7;
        let asks = (0..count).map(|n| {
            let query = Query::Complete(Request::user(n.to_string()));
            let stage = if n < 100 { "first" } else { "second" };
            Ask::new(stage, n.to_string(), query).with_tries(1)
        });
        let read = |_: &_, reply: &Reply| reply.text().map(|text| text.into_owned());
        block_on(ask_all(&model, &journal, stream::iter(asks), read, &()).count());

        let stats = journal.stats().unwrap();
        let refused = count.div_ceil(10);
        assert_eq!((stats.replies, stats.in_flight), ((count + refused) as u64, 0));
        assert_eq!(stats.usage, Usage::new(2 * stats.replies, 3 * stats.replies));
        assert_eq!((stats.stages["first"].replies, stats.stages["first"].repeats), (110, 10));
        assert_eq!(stats.models["scripted/m"], stats.replies);
        assert!(stats.bytes > 0);

        let path = folder.path().join("replies.jsonl.gz");
        assert_eq!(journal.export(&path).unwrap(), stats.replies);
        let rows: Vec<Record> = jsonl::read_all(&path).unwrap();
        let items: BTreeSet<_> = rows.iter().map(|row| (&row.id.item, row.attempt)).collect();
        assert_eq!((rows.len(), items.len()), (count + refused, count + refused));
    }

    #[test]
    fn an_empty_journal_has_empty_numbers() {
        let journal = Journal::in_memory().unwrap();
        assert_eq!(journal.stats().unwrap(), JournalStats::default());
        assert_eq!(journal.records().count(), 0);
    }
}
