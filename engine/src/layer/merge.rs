//! Many sorted streams of records as one.
//!
//! 1. Each source is in one of three states: it has a head in the heap, it is the one to be asked
//!    next, or it is at its end.
//!
//! ```text
//!               ┌────────── it gave a record ──────────┐
//!               ▼                                      │
//!  new() ──▶ in the heap ──its head is the lowest──▶ to be asked ──it gave none──▶ at its end
//! ```
//!
//! 2. The head of a source that was never asked is the key where it starts at the earliest. It
//!    stands before all records of that key. So a source is opened when the merge gets there, and
//!    never too late.
//! 3. Nothing is taken out of the heap while a source is awaited, and the source to be asked stays
//!    so until it has answered: a call that is dropped on the way has lost nothing.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::raw_record::{Placed, RecordKind};
use crate::base::{Error, Key, Lsn, Result};

/// A sorted stream of records.
pub trait Source: Send {
    /// What it is a stream of.
    type Item: Placed;

    /// Where its records start at the earliest: it need not be opened before the merge gets there.
    fn first_key(&self) -> Key;

    /// The next record, or nothing after the last.
    ///
    /// # Shape
    /// Records ascend strictly by key, LSN, image before delta. A dropped future loses none.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Item>>> + Send;
}

/// The records of all its sources, in order.
///
/// # Shape
/// By key, LSN, image before delta. Records of several sources that stand at one place all come
/// out, in an order that does not depend on that of the sources. Holds a record of each source.
pub struct Merge<S: Source> {
    sources: Vec<S>,
    heads: BinaryHeap<Reverse<Head<S::Item>>>,
    /// The source to be asked before anything else is done.
    asked: Option<usize>,
    /// Where the last record stood that came out.
    last: Option<(Key, Lsn, RecordKind)>,
    /// What stopped the merge, for good.
    failure: Option<Error>,
}

/// The lowest that a source has left.
struct Head<T> {
    place: MergePlace<T>,
    source: usize,
}

enum MergePlace<T> {
    /// It was never asked: nothing below this key.
    Unopened(Key),
    Record(T),
}

impl<S: Source> Merge<S> {
    /// Merges `sources`, none of which is asked yet.
    pub fn new(sources: Vec<S>) -> Merge<S> {
        let heads = (0..).zip(&sources).map(|(source, stream)| {
            let place = MergePlace::Unopened(stream.first_key());
            Reverse(Head { place, source })
        });
        Merge {
            heads: heads.collect(),
            sources,
            asked: None,
            last: None,
            failure: None,
        }
    }

    /// The next record of all, or nothing after the last.
    ///
    /// # Errors
    /// The first error of a source, and the same one ever after: what was not read is not the end.
    /// # Panics
    /// If a source goes backwards.
    pub async fn next(&mut self) -> Result<Option<S::Item>> {
        loop {
            if let Some(failure) = &self.failure {
                return Err(failure.clone());
            }
            if let Some(source) = self.asked {
                match self.sources[source].next().await {
                    Ok(record) => self.take(source, record),
                    Err(error) => self.failure = Some(error),
                }
                continue;
            }
            let Some(Reverse(head)) = self.heads.pop() else {
                return Ok(None);
            };
            self.asked = Some(head.source);
            if let MergePlace::Record(record) = head.place {
                assert!(self.last <= Some(record.place()));
                self.last = Some(record.place());
                return Ok(Some(record));
            }
        }
    }

    /// Takes the answer of the source that was asked: it gave the last record, or was never asked.
    fn take(&mut self, source: usize, record: Option<S::Item>) {
        self.asked = None;
        if let Some(record) = record {
            assert!(self.sources[source].first_key() <= record.place().0);
            assert!(self.last < Some(record.place()));
            let place = MergePlace::Record(record);
            self.heads.push(Reverse(Head { place, source }));
        }
    }
}

impl<T: Placed> Head<T> {
    /// Where it stands: at one key, a source that is not open yet comes first.
    fn order(&self) -> (Key, Option<&T>) {
        match &self.place {
            MergePlace::Unopened(key) => (*key, None),
            MergePlace::Record(record) => (record.place().0, Some(record)),
        }
    }
}

impl<T: Placed> Ord for Head<T> {
    fn cmp(&self, other: &Head<T>) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl<T: Placed> PartialOrd for Head<T> {
    fn partial_cmp(&self, other: &Head<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Placed> PartialEq for Head<T> {
    fn eq(&self, other: &Head<T>) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T: Placed> Eq for Head<T> {}

#[cfg(test)]
mod tests;
