//! Training rows, where they are kept, and how they meet in batches.
//!
//! A [`Row`] is a text as token ids, with the weight of the loss on each. [`Rows`] are many of them: a
//! `Vec<Row>`, a [`RowFile`] larger than memory, a [`Mixture`] of both. An [`Order`] says which of them
//! meet at which step; it [`pack`]s them into sequences of one length, and a [`Batch`] is some of these.

mod digest;
mod row;
mod rows;

mod mixture;
mod row_file;
mod write;

mod batch;
mod order;
mod packing;

pub(crate) use self::batch::FORBIDDEN;
pub use self::{
    batch::Batch,
    digest::Digest,
    mixture::{Mixture, Part, Passed},
    order::{BatchSize, Order, OrderConfig},
    packing::{Overlong, Packed, Packing, pack},
    row::Row,
    row_file::RowFile,
    rows::Rows,
    write::{LeftOut, Writing},
};
