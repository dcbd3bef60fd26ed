//! Floor 3, right: the store, which has the durable index and layers of each timeline.
//!
//! A timeline is what its index in the store says, and nothing else. There is one store today,
//! [`DirStore`]: a directory on the local disk, in which a layer's file is its object.

mod dir;
mod reserve;
mod root;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::{Result, TimelineId};
use crate::format::{Index, IndexLayer};
use crate::io::{Entry, Io, Op, OpenFiles};

pub use dir::DirStore;
pub use root::RootState;

/// Stores the indexes and the layers of timelines.
///
/// # Errors
/// Of every method: `Latched` if a sync failed, so that what it was to make durable is in doubt;
/// `Io` if the device refused, and then the call can be retried.
pub trait Store: Clone + Send + Sync + 'static {
    /// The backend for all I/O of the store.
    type Io: Io;

    /// The I/O backend.
    fn io(&self) -> &Self::Io;

    /// The files that are kept open, those of layers.
    fn open_files(&self) -> &Arc<OpenFiles<Self::Io>>;

    /// The local directory of a timeline's files.
    fn dir(&self, timeline: TimelineId) -> PathBuf;

    /// Lists every timeline that has a directory, also an unfinished or deleted one, in order.
    fn timelines(&self, op: Op) -> impl Future<Output = Result<Vec<TimelineId>>> + Send;

    /// Lists a timeline's directory; `None` if there is no such directory.
    fn list(
        &self,
        op: Op,
        timeline: TimelineId,
    ) -> impl Future<Output = Result<Option<Vec<Entry>>>> + Send;

    /// Why a timeline that has no directory may be there all the same, if it may: under a name that
    /// is not its own, or behind a link that leads nowhere.
    fn why_lost(
        &self,
        op: Op,
        timeline: TimelineId,
    ) -> impl Future<Output = Result<Option<String>>> + Send;

    /// Loads a timeline's index; `None` if it has none.
    ///
    /// # Errors
    /// `Corrupt` or `Unsupported` if it cannot be read, or if it is another timeline's.
    fn load_index(
        &self,
        op: Op,
        timeline: TimelineId,
    ) -> impl Future<Output = Result<Option<Index>>> + Send;

    /// Replaces the index of its timeline by `index`. It is durable when this returns.
    ///
    /// `attempt` is unique in a generation.
    fn save_index(
        &self,
        op: Op,
        index: &Index,
        attempt: u32,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Gives space back that is held for a full disk; returns whether there was some.
    fn make_room(&self, op: Op) -> impl Future<Output = bool> + Send;

    /// Holds that space again, if there is so much.
    fn hold_room(&self, op: Op) -> impl Future<Output = ()> + Send;

    /// Makes the index that [`Store::load_index`] returned durable: a process that was killed may
    /// have written it and not synced it.
    fn confirm_index(
        &self,
        op: Op,
        timeline: TimelineId,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Makes finished layer files durable, before an index names them.
    fn put_layers(
        &self,
        op: Op,
        timeline: TimelineId,
        layers: &[IndexLayer],
    ) -> impl Future<Output = Result<()>> + Send;

    /// Creates the directory of a new timeline, unless it exists.
    fn create(&self, op: Op, timeline: TimelineId) -> impl Future<Output = Result<()>> + Send;

    /// Makes a new timeline's directory durable, with its entries.
    fn acknowledge(&self, op: Op, timeline: TimelineId) -> impl Future<Output = Result<()>> + Send;

    /// Removes one file of a timeline's directory. Succeeds if the file does not exist.
    fn remove(
        &self,
        op: Op,
        timeline: TimelineId,
        name: &str,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Removes all files of a timeline: its layers first, then its index, then its directory. The
    /// removal is durable when this returns. It is idempotent: call it again after any error.
    fn delete(&self, op: Op, timeline: TimelineId) -> impl Future<Output = Result<()>> + Send;
}
