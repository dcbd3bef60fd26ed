//! Splitting: a directory of timelines becomes several, each with a part of the keys.
//!
//! ```text
//!  lock ─▶ indexes ─▶ for each child: mark, layers, indexes, all durable
//!                      ─▶ mark the parent: this is the split ─▶ unmark the children
//! ```
//!
//! 1. The parent is not touched before all children are durable. Until then it can be opened, and
//!    what was made of the children is for the next attempt to use or to clear.
//! 2. One entry in the parent's directory is the split. From then on the parent is not opened any
//!    more, so that no history goes on in two places.
//! 3. A child can be opened once its own mark is gone, durably. Until then it is refused.
//! 4. A child's mark names the state of the parent that it was made of: its indexes. An attempt
//!    that finds another state there clears the child, and begins it anew.
//! 5. Files are shared, never changed: a link is one more name, and each directory removes its own.

use std::path::{Path, PathBuf};

use crate::base::{Error, FileName, Result, ShardIdentity, TimelineId};
use crate::format::{Index, IndexShard, ShardOrigin};
use crate::io::{Io, Job, Op, Part};
use crate::store::{DirStore, RootState, Store};
use crate::timeline::{Options, reconciled};

/// What a directory is split into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The directories of the children, in the order of their numbers; two at least. Their parents
    /// exist, and they do not, or they are empty.
    pub children: Vec<PathBuf>,
    /// The number of blocks of a stripe, where the parent is not sharded. Default of a peer:
    /// [`ShardIdentity::STRIPE_DEFAULT`].
    pub stripe: u32,
}

/// A split under way.
struct Splitting<'a, I: Io> {
    parent: DirStore<I>,
    children: Vec<(DirStore<I>, &'a Path, ShardIdentity)>,
    options: &'a Options,
}

/// Splits the directory `root`, which no engine has open, and returns the shards, in the order of
/// their directories. `options` are those with which it was opened.
///
/// # Errors
/// `Refused` if it cannot be split so: see the text. `Busy` if an engine has it open. `Corrupt` if
/// an index cannot be read. `Io` or `Latched`: call it again.
pub(crate) async fn split<I: Io>(
    io: I,
    root: &Path,
    split: &Split,
    options: &Options,
) -> Result<Vec<ShardIdentity>> {
    options.check()?;
    let shards = options.shard.children(split.children.len(), split.stripe);
    let shards = shards.map_err(|error| refused(error.to_string()))?;
    let op = Op::new(None, Job::Split, 0);
    let parent = DirStore::new(io.clone(), root);
    let missing = || refused(format!("there is no directory {}", root.display()));
    parent.root_state(op).await?.ok_or_else(missing)?;
    let _lock = parent.lock(op.on(Part::Lock, 1)).await?;
    let state = parent.root_state(op).await?.ok_or_else(missing)?;
    let children = split.children.iter().zip(&shards);
    let splitting = Splitting {
        parent,
        children: children
            .map(|(dir, shard)| (DirStore::new(io.clone(), dir), dir.as_path(), *shard))
            .collect(),
        options,
    };
    splitting.run(op, root, &state).await?;
    Ok(shards)
}

impl<I: Io> Splitting<'_, I> {
    async fn run(&self, op: Op, root: &Path, state: &RootState) -> Result<()> {
        check_finished(root, state)?;
        let count = self.children[0].2.count();
        match state.split_into {
            None => {
                let indexes = self.load(op, state).await?;
                for (child, at) in self.children.iter().zip(1..) {
                    self.make(at, child, &indexes).await?;
                }
                let io = self.parent.io();
                io.interleave(op).await;
                self.parent.mark(op, FileName::SplitInto { count }).await?;
            }
            Some(into) if into == count => {
                let io = self.parent.io();
                io.probe("a split that was cut off is brought to its end");
                // An attempt before may have been cut off before its sync.
                self.parent.sync_marks(op).await?;
            }
            Some(into) => {
                let dir = root.display();
                let why = format!("{dir} was split into {into} shards, not into {count}");
                return Err(refused(why));
            }
        }
        for (child, at) in self.children.iter().zip(1..) {
            self.release(at, child).await?;
        }
        Ok(())
    }

    /// The indexes of all timelines, as an open would find them.
    async fn load(&self, op: Op, state: &RootState) -> Result<Vec<Index>> {
        let mut indexes = Vec::new();
        for timeline in &state.timelines {
            let op = Op {
                timeline: Some(*timeline),
                ..op
            };
            let entries = self.parent.list(op, *timeline).await?.unwrap_or_default();
            let index = self.parent.load_index(op, *timeline).await?;
            let found = reconciled((*timeline, index), &entries, self.options)?;
            indexes.extend(found);
        }
        Ok(indexes)
    }

    /// Makes a child of the parent's state, durably; it cannot be opened yet.
    async fn make(
        &self,
        at: u32,
        (store, dir, shard): &(DirStore<I>, &Path, ShardIdentity),
        indexes: &[Index],
    ) -> Result<()> {
        let op = Op::new(None, Job::Split, at);
        let indexes: Vec<Index> = indexes
            .iter()
            .map(|index| child_of(index, *shard))
            .collect();
        let mark = FileName::SplitFrom {
            state: state_of(&indexes),
        };
        store.create_root(op).await?;
        let found = store.root_state(op).await?.unwrap_or_default();
        self.clear(op, (store, dir), &found, mark).await?;
        store.mark(op, mark).await?;
        let others: Vec<FileName> = found
            .unfinished
            .into_iter()
            .filter(|it| *it != mark)
            .collect();
        if !others.is_empty() {
            store.unmark(op, &others).await?;
        }
        let mut attempts = || (store.io().random() >> 32) as u32;
        for index in &indexes {
            let op = Op {
                timeline: Some(index.timeline),
                ..op
            };
            store
                .adopt(op, (&self.parent, index), &mut attempts)
                .await?;
        }
        // The entries of the timelines' directories.
        store.sync_marks(op).await
    }

    /// Removes what an attempt has made of another state of the parent.
    async fn clear(
        &self,
        op: Op,
        (store, dir): (&DirStore<I>, &Path),
        found: &RootState,
        mark: FileName,
    ) -> Result<()> {
        let is_begun = !found.unfinished.is_empty();
        if !is_begun && !found.is_empty {
            let dir = dir.display();
            return Err(refused(format!(
                "{dir} is not empty: name another directory"
            )));
        }
        if !is_begun || found.unfinished == [mark] {
            return Ok(());
        }
        let io = store.io();
        io.probe("a split clears what it had made of an older state");
        for timeline in &found.timelines {
            store.delete(timeline_op(op, *timeline), *timeline).await?;
        }
        Ok(())
    }

    /// Lets a child be opened.
    async fn release(
        &self,
        at: u32,
        (store, dir, _): &(DirStore<I>, &Path, ShardIdentity),
    ) -> Result<()> {
        let op = Op::new(None, Job::Split, at);
        match store.root_state(op).await? {
            Some(found) => store.unmark(op, &found.unfinished).await,
            None => {
                let why = format!(
                    "{} is not there: it was a child of the split",
                    dir.display()
                );
                Err(refused(why))
            }
        }
    }
}

/// Refuses a directory that a split has not finished.
fn check_finished(root: &Path, state: &RootState) -> Result<()> {
    match state.unfinished.is_empty() {
        true => Ok(()),
        false => {
            let dir = root.display();
            let why = format!("{dir} is being made by a split: call that again until it succeeds");
            Err(refused(why))
        }
    }
}

/// Refuses a directory that a split has not finished, or that was split.
pub(crate) fn check_whole(root: &Path, state: &RootState) -> Result<()> {
    check_finished(root, state)?;
    match state.split_into {
        None => Ok(()),
        Some(count) => {
            let dir = root.display();
            let why = format!("{dir} was split into {count} shards: open its children instead");
            Err(refused(why))
        }
    }
}

/// The index that a child has of a timeline.
fn child_of(index: &Index, identity: ShardIdentity) -> Index {
    let mut origins = index.shard.origins.clone();
    let through = index.generation;
    // A child that was never opened has no layer of its own.
    if origins.last().is_none_or(|last| last.through < through) {
        let count = index.shard.identity.count();
        origins.push(ShardOrigin { through, count });
    }
    Index {
        shard: IndexShard { identity, origins },
        ..index.clone()
    }
}

/// A number for the state of the parent that a child is made of.
fn state_of(indexes: &[Index]) -> u32 {
    let encoded = indexes.iter().map(Index::encode);
    encoded.fold(0, |state, index| crc32c::crc32c_append(state, &index))
}

fn timeline_op(op: Op, timeline: TimelineId) -> Op {
    Op {
        timeline: Some(timeline),
        ..op
    }
}

fn refused(why: String) -> Error {
    Error::Refused { why }
}
