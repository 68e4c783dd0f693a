//! Batches that a provider has, or may have: what a rerun needs to find them again.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redb::{ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::{Claim, Journal, Key, Record, Write, failed};
use crate::{Result, ask::AskId};

/// Tag to [`Head`].
pub(super) const HEADS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("batches");
/// Tag to the batch's [`Slot`]s, written once.
const SLOTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("batch_slots");
/// Providers' ids of batches that are settled: nobody adopts them again.
const SETTLED: TableDefinition<'_, &str, ()> = TableDefinition::new("batches_settled");

/// What is known of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The model's key.
    pub(crate) model: String,
    /// When it was about to be submitted, in seconds since 1970.
    pub(crate) made: u64,
    /// How many requests it has.
    pub(crate) requests: u64,
    /// The provider's id, once it is known.
    pub(crate) id: Option<String>,
}

/// One request of a batch: all of its [`Record`] but the reply.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Slot {
    /// The key in hexadecimal digits.
    pub(crate) key: String,
    pub(crate) id: AskId,
    pub(crate) draw: u32,
    pub(crate) attempt: u32,
    /// Whether it may have been paid before, for nothing.
    pub(crate) orphan: bool,
}

/// Tags of batches that somebody in this process looks after.
pub(super) type Live = Arc<Mutex<HashSet<String>>>;

/// The right to look after a batch; given back when dropped.
pub(crate) struct Tag {
    live: Live,
    pub(crate) name: String,
}

/// What is written of batches.
pub(super) enum Change {
    Begin { tag: String, head: Vec<u8>, slots: Vec<u8>, keys: Vec<Key> },
    Submitted { tag: String, head: Vec<u8> },
    End { tag: String, id: Option<String>, withdrawn: Vec<Key> },
}

impl Journal {
    /// The right to begin a batch under this tag.
    pub(crate) fn tag(&self, name: String) -> Tag {
        lock(&self.live).insert(name.clone());
        Tag { live: Arc::clone(&self.live), name }
    }

    /// The model's batches that are not settled and that nobody in this process looks after.
    pub(crate) fn orphans(&self, model: &str) -> Result<Vec<(Tag, Head, Vec<Slot>)>> {
        let mut live = lock(&self.live);
        let read = || -> Result<_, redb::Error> {
            let store = self.store.begin_read()?;
            let (heads, slots) = (store.open_table(HEADS)?, store.open_table(SLOTS)?);
            let mut rows = Vec::new();
            for row in heads.iter()? {
                let (tag, head) = row?;
                if let Some(slots) = slots.get(tag.value())? {
                    let (tag, head) = (tag.value().to_owned(), head.value().to_vec());
                    rows.push((tag, head, slots.value().to_vec()));
                }
            }
            Ok(rows)
        };
        let rows = read().map_err(|error| failed(&self.path, "looking for batches", error))?;
        let mut orphans = Vec::new();
        for (name, head, slots) in rows {
            let unreadable = |error| failed(&self.path, "reading a batch", error);
            let head: Head = serde_json::from_slice(&head).map_err(unreadable)?;
            if head.model == model && !live.contains(&name) {
                let slots = serde_json::from_slice(&slots).map_err(unreadable)?;
                orphans.push((name, head, slots));
            }
        }
        live.extend(orphans.iter().map(|(name, ..)| name.clone()));
        let tag = |name| Tag { live: Arc::clone(&self.live), name };
        Ok(orphans.into_iter().map(|(name, head, slots)| (tag(name), head, slots)).collect())
    }

    /// Whether a batch of this id was settled or is looked after under another tag.
    pub(crate) fn knows_batch(&self, id: &str) -> Result<bool> {
        let read = || -> Result<_, redb::Error> {
            let store = self.store.begin_read()?;
            let mut known = store.open_table(SETTLED)?.get(id)?.is_some();
            for row in store.open_table(HEADS)?.iter()? {
                let head = serde_json::from_slice::<Head>(row?.1.value());
                known |= head.is_ok_and(|head| head.id.as_deref() == Some(id));
            }
            Ok(known)
        };
        read().map_err(|error| failed(&self.path, "looking for a batch", error))
    }

    /// Records durably that the batch is about to be submitted.
    pub(crate) async fn begin_batch(
        &self,
        tag: &Tag,
        head: &Head,
        slots: &[&Slot],
        keys: Vec<Key>,
    ) -> Result<()> {
        let slots = self.json(slots)?;
        let (tag, head) = (tag.name.clone(), self.json(head)?);
        let change = Change::Begin { tag, head, slots, keys };
        self.write("recording a batch", Write::Batch(change), Vec::new()).await
    }

    /// Records what the provider calls it.
    pub(crate) async fn submitted_batch(&self, tag: &Tag, head: &Head) -> Result<()> {
        let change = Change::Submitted { tag: tag.name.clone(), head: self.json(head)? };
        self.write("recording a batch's id", Write::Batch(change), Vec::new()).await
    }

    /// Keeps replies of a batch, all in one commit.
    pub(crate) async fn keep_all(&self, replies: Vec<(Claim, Record)>) -> Result<()> {
        let mut rows = Vec::with_capacity(replies.len());
        let mut claims = Vec::with_capacity(replies.len());
        for (claim, record) in replies {
            rows.push((claim.key, self.json(&record)?));
            claims.push(claim);
        }
        self.write("keeping replies", Write::Replies(rows), claims).await
    }

    /// The batch is settled: there is nothing to adopt any more. The intents of `withdrawn` are taken back.
    pub(crate) async fn end_batch(
        &self,
        tag: &Tag,
        id: Option<String>,
        withdrawn: Vec<Key>,
        claims: Vec<Claim>,
    ) -> Result<()> {
        let change = Change::End { tag: tag.name.clone(), id, withdrawn };
        self.write("settling a batch", Write::Batch(change), claims).await
    }

    fn json(&self, value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>> {
        serde_json::to_vec(value).map_err(|error| failed(&self.path, "writing a row", error))
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        lock(&self.live).remove(&self.name);
    }
}

fn lock(live: &Live) -> MutexGuard<'_, HashSet<String>> {
    live.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the tables.
pub(super) fn prepare(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(HEADS)?;
    transaction.open_table(SLOTS)?;
    transaction.open_table(SETTLED)?;
    Ok(())
}

pub(super) fn apply(
    transaction: &WriteTransaction,
    intents: &mut Table<'_, &'static [u8; 32], ()>,
    change: &Change,
) -> Result<(), redb::Error> {
    let mut heads = transaction.open_table(HEADS)?;
    match change {
        Change::Begin { tag, head, slots, keys } => {
            heads.insert(tag.as_str(), head.as_slice())?;
            transaction.open_table(SLOTS)?.insert(tag.as_str(), slots.as_slice())?;
            for key in keys {
                intents.insert(key, ())?;
            }
        }
        Change::Submitted { tag, head } => {
            heads.insert(tag.as_str(), head.as_slice())?;
        }
        Change::End { tag, id, withdrawn } => {
            heads.remove(tag.as_str())?;
            transaction.open_table(SLOTS)?.remove(tag.as_str())?;
            if let Some(id) = id {
                transaction.open_table(SETTLED)?.insert(id.as_str(), ())?;
            }
            for key in withdrawn {
                intents.remove(key)?;
            }
        }
    }
    Ok(())
}
