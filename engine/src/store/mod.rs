//! Floor 3, right: where a timeline's index and layers count.
//!
//! A timeline is what its index in the store says, and nothing else is. There is one store today,
//! [`DirStore`]: a directory on the local disk, in which a layer's file is its object.

mod dir;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::path::PathBuf;

use crate::base::{Result, TimelineId};
use crate::format::{Index, IndexLayer};
use crate::io::{Entry, Io, Op};

pub use dir::DirStore;

/// Where the index and the layers of timelines are kept.
///
/// # Errors
/// Of every method: `Latched` if a sync failed, so that what was under way is in doubt; `Io` if the
/// device refused, and then the call can be made again.
pub trait Store: Clone + Send + Sync + 'static {
    /// The seam that it stands on.
    type Io: Io;

    /// The seam that it stands on.
    fn io(&self) -> &Self::Io;

    /// The local directory of a timeline's files.
    fn dir(&self, timeline: TimelineId) -> PathBuf;

    /// Every timeline of which there is anything at all, in order.
    fn timelines(&self, op: Op) -> impl Future<Output = Result<Vec<TimelineId>>> + Send;

    /// What is in a timeline's directory; nothing if there is no such directory.
    fn list(
        &self,
        op: Op,
        timeline: TimelineId,
    ) -> impl Future<Output = Result<Option<Vec<Entry>>>> + Send;

    /// A timeline's index; nothing if it has none.
    ///
    /// # Errors
    /// `Corrupt` or `Unsupported` if it cannot be read, or if it is another timeline's.
    fn load_index(
        &self,
        op: Op,
        timeline: TimelineId,
    ) -> impl Future<Output = Result<Option<Index>>> + Send;

    /// Makes `index` the one of its timeline. It is durable when this returns.
    ///
    /// `attempt` is never the same twice in a generation.
    fn save_index(
        &self,
        op: Op,
        index: &Index,
        attempt: u32,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Makes durable the index that [`Store::load_index`] gave: a process that was killed may have
    /// written it and not come to its sync.
    fn confirm_index(
        &self,
        op: Op,
        timeline: TimelineId,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Makes finished layer files objects: durable, before an index names them.
    fn put_layers(
        &self,
        op: Op,
        timeline: TimelineId,
        layers: &[IndexLayer],
    ) -> impl Future<Output = Result<()>> + Send;

    /// Makes the directory of a new timeline, unless it is there.
    fn create(&self, op: Op, timeline: TimelineId) -> impl Future<Output = Result<()>> + Send;

    /// Makes a new timeline's directory durable, with what is in it.
    fn acknowledge(&self, op: Op, timeline: TimelineId) -> impl Future<Output = Result<()>> + Send;

    /// Removes one file of a timeline's directory; it may be gone already.
    fn remove(
        &self,
        op: Op,
        timeline: TimelineId,
        name: &str,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Removes everything of a timeline: its layers first, then its index, then its directory. It
    /// is durable when this returns, and can be called again after any error.
    fn delete(&self, op: Op, timeline: TimelineId) -> impl Future<Output = Result<()>> + Send;
}
