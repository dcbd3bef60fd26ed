//! Opening: from what the store's index says to a timeline that can be used.
//!
//! ```text
//!  list ─▶ load index ─▶ reconcile ─▶ next generation's index, durable ─▶ remove the rest
//! ```
//!
//! 1. The index alone says what the timeline is. A layer that it names must exist in its full
//!    length; a layer above `disk_consistent_lsn` is not part of the timeline.
//! 2. Nothing is removed before the reconciled index is durable: a crash anywhere leaves a timeline
//!    that opens to the same answers.
//! 3. Files with foreign names are left alone. A file that cannot be removed is left to the next
//!    open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Timeline;
use super::applied::times_at_open;
use super::branch_tree::BranchTree;
use super::memory_budget::MemoryBudget;
use super::opening::Opening;
use super::options::Options;
use super::pin::ParentPin;
use super::room::save_with_room;
use super::shared::Shared;
use crate::base::{
    DecodeError, Error, FileName, Generation, Lsn, Result, ShardIdentity, TimelineId,
};
use crate::format::{Ancestor, GcCompaction, Index, IndexLayer, IndexShard};
use crate::io::{Io, Job, Op};
use crate::layer::{BlockCache, Decoders, FileLayer, FileNames, History, LayerContext, LayerMap};
use crate::store::Store;

use listing::Listing;

pub(crate) use reconciled::reconciled;

/// The generation of a new timeline.
const FIRST: Generation = Generation(1);

/// Opens, creates and deletes timelines.
pub(crate) struct Opener<'a, S: Store> {
    pub(crate) store: &'a S,
    pub(crate) options: &'a Options,
    pub(crate) lock: &'a Arc<<S::Io as Io>::Lock>,
    pub(crate) cache: &'a Arc<BlockCache>,
    pub(crate) decoders: &'a Arc<Decoders>,
    pub(crate) branch_tree: &'a Arc<BranchTree>,
    pub(crate) memory: &'a Arc<MemoryBudget>,
}

/// A planned open.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OpenPlan {
    /// The reconciled index, which the open writes.
    index: Index,
    /// The files that this index does not name, in the order of their names.
    removals: Vec<FileName>,
}

impl<S: Store> Opener<'_, S> {
    /// Loads the index of a timeline that exists, is not deleted and is this shard's, and adds the
    /// timeline to the branch tree.
    pub(crate) async fn load(&self, timeline: TimelineId) -> Result<Index> {
        let op = Op::new(Some(timeline), Job::Open, 1);
        let index = match self.store.load_index(op, timeline).await? {
            Some(index) if !index.is_deleted => index,
            Some(index) => {
                self.check_owner(&index)?;
                return Err(self.refuse_deleted(op, &index).await);
            }
            None => return Err(self.why_absent(op, timeline).await?),
        };
        self.check_owner(&index)?;
        self.check_sparse_keys(&index)?;
        self.branch_tree.add(timeline, index.ancestor);
        Ok(index)
    }

    /// Opens a timeline by its index, on top of its ancestor, which is open.
    pub(crate) async fn open(
        &self,
        index: Index,
        parent: Option<Timeline<S>>,
    ) -> Result<Timeline<S>> {
        let timeline = index.timeline;
        let op = Op::new(Some(timeline), Job::Open, 1);
        let parent = pinned(parent, timeline)?;
        let entries = self.store.list(op, timeline).await?;
        let listing = Listing::new(&entries.unwrap_or_default());
        let mut plan = plan(&index, &listing)?;
        plan.index.times = times_at_open(self.options, &plan.index, self.store.io().now())?;
        if listing.has_index_temp(plan.index.generation) {
            let io = self.store.io();
            io.probe("an open finds the index that an open before it did not finish");
        }
        save_with_room(self.store, op, &plan.index, || self.attempt()).await?;
        // A crash may have interrupted the creation after the index and before this.
        self.store.acknowledge(op, timeline).await?;
        for name in &plan.removals {
            if matches!(name, FileName::Layer { .. }) {
                self.store
                    .io()
                    .probe("an open removes a layer that no index names");
            }
            // A file that stays is removed by the next open.
            let _ = self.store.remove(op, timeline, &name.to_string()).await;
        }
        Ok(self.start(plan.index, parent))
    }

    /// Creates a timeline whose first record stands above `start`.
    pub(crate) async fn create(&self, timeline: TimelineId, start: Lsn) -> Result<Timeline<S>> {
        let op = Op::new(Some(timeline), Job::Create, 1);
        check_start(start)?;
        self.ensure_absent(op, timeline).await?;
        let index = self.first_index(timeline, None, start)?;
        self.begin(op, index, None).await
    }

    /// Creates a branch of another timeline. It is in the branch tree while it is being created, so
    /// that no gc collects what it will need; it stays there if the creation is in doubt.
    ///
    /// # Errors
    /// `NotYet` or `BelowCutoff` if the parent cannot be read at the LSN, `Closed` if it is being
    /// shut down.
    pub(crate) async fn branch(
        &self,
        timeline: TimelineId,
        parent: &Timeline<S>,
        lsn: Lsn,
    ) -> Result<Timeline<S>> {
        let op = Op::new(Some(timeline), Job::Branch, 1);
        self.ensure_absent(op, timeline).await?;
        check_start(lsn)?;
        parent.check_branch_point(lsn)?;
        let pin = parent.shared.pin(timeline)?;
        let ancestor = Ancestor {
            timeline: parent.id(),
            lsn,
        };
        let claim = self.branch_tree.claim(timeline, ancestor);
        self.store.io().interleave(op).await;
        parent.make_branchable(op, lsn).await?;
        // From here on the branch may be on the disk, even if this fails or is cancelled.
        claim.keep();
        assert!(
            lsn <= parent.disk_consistent_lsn(),
            "a branch point is durable"
        );
        let index = self.first_index(timeline, Some(ancestor), lsn)?;
        let begun = self.begin(op, index, Some((parent.clone(), pin))).await;
        if begun.is_err() {
            self.release_unmade(op, timeline).await;
        }
        begun
    }

    /// Releases the point of a branch whose creation failed, if no index of it is in place: then
    /// no crash brings one back. Else the branch stays in doubt, and its point retained.
    async fn release_unmade(&self, op: Op, timeline: TimelineId) {
        if let Ok(None) = self.store.load_index(op, timeline).await {
            let io = self.store.io();
            io.probe("a branch that failed releases its point");
            self.branch_tree.remove(timeline);
            if let Ok(listing) = self.list(op, timeline).await {
                self.clear(op, timeline, &listing).await;
            }
        }
    }

    /// Removes what a creation left. What cannot be removed now, the next open finds again.
    async fn clear(&self, op: Op, timeline: TimelineId, listing: &Listing) {
        if self.remove_all(op, timeline, listing).await.is_ok() {
            let _ = self.store.delete(op, timeline).await;
        }
    }

    /// Refuses if the timeline exists; removes the files of a creation that was interrupted.
    async fn ensure_absent(&self, op: Op, timeline: TimelineId) -> Result<()> {
        match self.store.load_index(op, timeline).await? {
            Some(index) if index.is_deleted => {
                self.check_owner(&index)?;
                Err(self.refuse_deleted(op, &index).await)
            }
            Some(_) => {
                let why = format!("timeline {timeline} exists");
                Err(Error::Refused { why })
            }
            None => self.clear_unfinished(op, timeline).await,
        }
    }

    /// The error for a timeline that is deleted. It makes the deletion durable first: an
    /// interrupted deletion may not be synced yet, and a power loss would bring the timeline back.
    async fn refuse_deleted(&self, op: Op, index: &Index) -> Error {
        let timeline = index.timeline;
        match self.store.confirm_index(op, timeline).await {
            Ok(()) => {
                self.branch_tree.retire(timeline, index.generation);
                let why = deleted(timeline);
                Error::Refused { why }
            }
            Err(error) => error,
        }
    }

    /// A random number for a scratch name. A counter would not do: an engine that was closed in
    /// this process may still have removals in flight, which must not hit a new file of the same
    /// name.
    fn attempt(&self) -> u32 {
        (self.store.io().random() >> 32) as u32
    }

    fn first_index(
        &self,
        timeline: TimelineId,
        ancestor: Option<Ancestor>,
        start: Lsn,
    ) -> Result<Index> {
        let last = self.branch_tree.last_generation(timeline);
        Ok(Index {
            tenant: self.options.tenant,
            timeline,
            generation: last.map_or(Ok(FIRST), next_generation)?,
            ancestor,
            disk_consistent_lsn: start,
            gc_cutoff: Lsn::ZERO,
            is_deleted: false,
            layers: Vec::new(),
            kept: None,
            times: Vec::new(),
            leases: BTreeMap::new(),
            gc_compaction: GcCompaction::default(),
            shard: IndexShard {
                identity: self.options.shard,
                origins: Vec::new(),
            },
            sparse_keys: self.options.sparse_keys.clone(),
            strategy: self.options.strategy,
            policy: Default::default(),
        })
    }

    async fn begin(
        &self,
        op: Op,
        index: Index,
        parent: Option<(Timeline<S>, ParentPin)>,
    ) -> Result<Timeline<S>> {
        assert!(
            index.layers.is_empty(),
            "a new timeline has no history of its own"
        );
        assert!(FIRST <= index.generation);
        let timeline = index.timeline;
        self.store.create(op, timeline).await?;
        self.store.save_index(op, &index, self.attempt()).await?;
        self.store.acknowledge(op, timeline).await?;
        self.branch_tree.add(timeline, index.ancestor);
        Ok(self.start(index, parent))
    }

    /// Deletes a timeline: durably marked in its index first, so that a crash cannot bring half of
    /// it back.
    pub(crate) async fn delete(&self, timeline: TimelineId) -> Result<()> {
        let op = Op::new(Some(timeline), Job::Delete, 1);
        let Some(mut index) = self.store.load_index(op, timeline).await? else {
            return Err(self.why_absent(op, timeline).await?);
        };
        self.check_owner(&index)?;
        if index.is_deleted {
            // An interrupted deletion has marked it, and may not have synced the mark.
            self.store.confirm_index(op, timeline).await?;
        } else {
            index.is_deleted = true;
            index.generation = next_generation(index.generation)?;
            save_with_room(self.store, op, &index, || self.attempt()).await?;
        }
        // Only now: before the deletion was durable, a crash could have brought the timeline back.
        self.branch_tree.retire(timeline, index.generation);
        self.store.delete(op, timeline).await
    }

    /// Recovers one timeline at the engine's open: adds it to the branch tree, or completes a
    /// deletion, or removes a creation that was never acknowledged. What cannot be read or removed
    /// is left as it is: the timeline's own open returns the error.
    pub(crate) async fn recover(&self, timeline: TimelineId) {
        let op = Op::new(Some(timeline), Job::Delete, 1);
        let look = Op::new(Some(timeline), Job::Open, 1);
        match self.store.load_index(look, timeline).await {
            // It is for its own tenant or shard to complete; until then it needs what it needed.
            Ok(Some(index)) if index.is_deleted && !self.is_ours(&index) => {
                self.branch_tree.add_leaving(timeline, index.ancestor);
            }
            Ok(Some(index)) if index.is_deleted => {
                self.store
                    .io()
                    .probe("an open ends a deletion that a crash interrupted");
                // Until the mark is durable, a crash can bring the whole timeline back.
                match self.store.confirm_index(op, timeline).await {
                    Ok(()) => _ = self.store.delete(op, timeline).await,
                    Err(_) => self.branch_tree.add_leaving(timeline, index.ancestor),
                }
            }
            Ok(Some(index)) => self.branch_tree.add(timeline, index.ancestor),
            Ok(None) => match self.store.list(op, timeline).await {
                Ok(Some(entries)) if !Listing::new(&entries).has_layers() => {
                    self.clear(op, timeline, &Listing::new(&entries)).await;
                }
                // Its index was lost, or may have been, or it is behind a link that leads nowhere.
                _ => self.branch_tree.add_unknown(timeline),
            },
            Err(_) => self.branch_tree.add_unknown(timeline),
        }
    }

    /// Whether a list names the timeline: it can be opened, or was and has lost something. Not so a
    /// creation without an index, nor a deletion that has begun.
    pub(crate) async fn is_listed(&self, timeline: TimelineId) -> Result<bool> {
        let op = Op::new(Some(timeline), Job::Open, 1);
        match self.store.load_index(op, timeline).await {
            Ok(Some(index)) => Ok(!index.is_deleted),
            Ok(None) => match self.store.list(op, timeline).await? {
                Some(entries) => Ok(Listing::new(&entries).has_layers()),
                None => Ok(true),
            },
            Err(Error::Io(failure)) => Err(Error::Io(failure)),
            Err(_) => Ok(true),
        }
    }

    async fn list(&self, op: Op, timeline: TimelineId) -> Result<Listing> {
        let entries = self.store.list(op, timeline).await?;
        Ok(Listing::new(&entries.unwrap_or_default()))
    }

    /// Why a timeline without an index cannot be used. Where there are no layers either, nothing
    /// can bring it back, and it retains nothing on any other timeline.
    async fn why_absent(&self, op: Op, timeline: TimelineId) -> Result<Error> {
        let entries = self.store.list(op, timeline).await?;
        if entries.is_none() && self.branch_tree.is_unknown(timeline) {
            let why = self.store.why_lost(op, timeline).await?;
            if let Some(why) = why {
                let error = DecodeError::malformed("directory", 0, why);
                return Ok(error.of_file(timeline.to_string()));
            }
        }
        let listing = Listing::new(&entries.unwrap_or_default());
        if !listing.has_layers() {
            self.branch_tree.remove(timeline);
        }
        Ok(listing.no_timeline(timeline))
    }

    /// Removes the files of a creation that did not get to write its index.
    ///
    /// # Errors
    /// `Corrupt` if there are layers: then an index was lost.
    async fn clear_unfinished(&self, op: Op, timeline: TimelineId) -> Result<()> {
        let listing = self.list(op, timeline).await?;
        match listing.has_layers() {
            true => Err(listing.no_timeline(timeline)),
            false => self.remove_all(op, timeline, &listing).await,
        }
    }

    async fn remove_all(&self, op: Op, timeline: TimelineId, listing: &Listing) -> Result<()> {
        for (name, _) in &listing.files {
            self.store
                .io()
                .probe("a creation that did not come to its index is cleared away");
            self.store.remove(op, timeline, &name.to_string()).await?;
        }
        Ok(())
    }

    fn is_ours(&self, index: &Index) -> bool {
        check_owner(index, self.options).is_ok()
    }

    fn check_owner(&self, index: &Index) -> Result<()> {
        check_owner(index, self.options)
    }

    /// With other sparse keys, absence would mean something else than when it was written.
    fn check_sparse_keys(&self, index: &Index) -> Result<()> {
        if index.sparse_keys == self.options.sparse_keys {
            return Ok(());
        }
        let why = format!(
            "timeline {} was created with other sparse keys: open the engine with the sparse_keys \
             of then, {:?}",
            index.timeline, index.sparse_keys
        );
        Err(Error::Refused { why })
    }

    fn start(&self, index: Index, parent: Option<(Timeline<S>, ParentPin)>) -> Timeline<S> {
        let timeline = self.shared(index, parent);
        timeline.start_maintenance();
        timeline
    }

    fn shared(&self, index: Index, parent: Option<(Timeline<S>, ParentPin)>) -> Timeline<S> {
        let context = LayerContext {
            io: self.store.io().clone(),
            dir: self.store.dir(index.timeline).into(),
            tenant: index.tenant,
            timeline: index.timeline,
            generation: index.generation,
            cache: self.cache.clone(),
            decoders: self.decoders.clone(),
            open_files: self.store.open_files().clone(),
            names: Arc::new(FileNames::behind(self.lock.clone())),
        };
        let layers = index.layers.iter();
        let layers = layers.map(|entry| FileLayer::new(&context, *entry));
        let shared = Shared::new(Opening {
            map: LayerMap::new(layers.collect()),
            index,
            context,
            store: self.store.clone(),
            parent: parent.map(|(parent, pin)| (parent.shared, pin)),
            branch_tree: self.branch_tree.clone(),
            memory: self.memory.clone(),
            options: self.options.clone(),
        });
        Timeline {
            shared: Arc::new(shared),
        }
    }
}

/// The parent of a branch that is being opened, with what keeps it open.
fn pinned<S: Store>(
    parent: Option<Timeline<S>>,
    branch: TimelineId,
) -> Result<Option<(Timeline<S>, ParentPin)>> {
    let pin = |parent: Timeline<S>| {
        let pin = parent.shared.pin(branch)?;
        Ok((parent, pin))
    };
    parent.map(pin).transpose()
}

/// Refuses a timeline that could have no record: these stand above its start and below the end.
fn check_start(start: Lsn) -> Result<()> {
    match start.0 < Lsn::MAX.0 - 1 {
        true => Ok(()),
        false => Err(Error::Refused {
            why: format!("no record can stand above {start}"),
        }),
    }
}

/// Refuses a timeline of another tenant, or of another shard than the options name.
fn check_owner(index: &Index, options: &Options) -> Result<()> {
    let timeline = index.timeline;
    let (found, ours) = (index.tenant, options.tenant);
    if found != ours {
        let why = format!("timeline {timeline} is tenant {found}'s, not {ours}'s");
        return Err(Error::Refused { why });
    }
    if index.shard.identity == options.shard {
        return Ok(());
    }
    let of = |shard: &ShardIdentity| match shard.is_unsharded() {
        true => "all keys".to_owned(),
        false => format!("shard {shard}, stripe {}", shard.stripe()),
    };
    let (found, ours) = (of(&index.shard.identity), of(&options.shard));
    let why = format!("timeline {timeline} holds {found}, and the options name {ours}");
    Err(Error::Refused { why })
}

/// Plans an open: compares the index with the files in the directory.
///
/// # Errors
/// `Corrupt` if a layer is missing, or is not as long as the index says.
fn plan(index: &Index, listing: &Listing) -> Result<OpenPlan> {
    let lens = listing.layer_lens();
    let lsn = index.disk_consistent_lsn;
    let mut next = Index {
        generation: next_generation(index.generation)?,
        ..index.clone()
    };
    next.layers.retain(|layer| !layer.name.is_above(lsn));
    check_index(&next)?;
    for layer in &next.layers {
        let found = lens.get(&(layer.name, layer.generation)).copied();
        check_layer(index.timeline, layer, found)?;
    }
    let layers = next.layers.iter();
    let named: BTreeSet<_> = layers.map(|it| (it.name, it.generation)).collect();
    let is_named = |name: &FileName| match *name {
        FileName::Layer { name, generation } => named.contains(&(name, generation)),
        FileName::Index | FileName::Lock => true,
        // They belong to the directory above, and mean nothing here.
        FileName::SplitFrom { .. } | FileName::SplitInto { .. } | FileName::Reserve => true,
        FileName::LayerTemp { .. } | FileName::Ephemeral { .. } | FileName::IndexTemp { .. } => {
            false
        }
    };
    let files = listing.files.iter().map(|(name, _)| *name);
    let removals: Vec<FileName> = files.filter(|name| !is_named(name)).collect();
    assert!(index.generation < next.generation, "law 6");
    assert!(
        next.disk_consistent_lsn == lsn,
        "law 4: an open moves no LSN"
    );
    assert!(!removals.contains(&FileName::Index));
    Ok(OpenPlan {
        index: next,
        removals,
    })
}

/// Refuses an index that decodes but describes no valid timeline.
fn check_index(index: &Index) -> Result<()> {
    let corrupt = |what, problem: String| {
        let error = DecodeError::malformed(what, 0, problem);
        Err(error.of_file(format!("{}/{}", index.timeline, FileName::Index)))
    };
    let lsn = index.disk_consistent_lsn;
    if lsn == Lsn::MAX || lsn < index.gc_cutoff {
        let problem = format!(
            "expected {} up to below the end, found {lsn}",
            index.gc_cutoff
        );
        return corrupt("disk consistent LSN", problem);
    }
    if index.ancestor.is_some_and(|ancestor| lsn < ancestor.lsn) {
        return corrupt(
            "disk consistent LSN",
            format!("{lsn} is below the branch's"),
        );
    }
    if let Some(origin) = index.shard.origins.last()
        && index.generation < origin.through
    {
        let (through, generation) = (origin.through, index.generation);
        let problem = format!("expected at most {generation}, found {through}");
        return corrupt("shard origin", problem);
    }
    let start = index.ancestor.map_or(Lsn::ZERO, |ancestor| ancestor.lsn);
    let mut leases = index.leases.keys();
    if let Some(leased) = leases.find(|leased| **leased < start || lsn < **leased) {
        let problem = format!("expected {start} up to {lsn}, found {leased}");
        return corrupt("lease", problem);
    }
    let layers = index.layers.iter().map(|layer| (layer.name, ()));
    match History::new().with(&[], layers.collect()).find_conflict() {
        Some((a, b)) => corrupt("layer", format!("{a} and {b} overlap")),
        None => Ok(()),
    }
}

fn check_layer(timeline: TimelineId, layer: &IndexLayer, found: Option<u64>) -> Result<()> {
    let problem = match found {
        Some(len) if len == layer.len => return Ok(()),
        Some(len) => format!("expected {} bytes, found {len}", layer.len),
        None => "the index names it, and it is not there".to_owned(),
    };
    let name = FileName::Layer {
        name: layer.name,
        generation: layer.generation,
    };
    Err(DecodeError::malformed("file", 0, problem).of_file(format!("{timeline}/{name}")))
}

fn next_generation(generation: Generation) -> Result<Generation> {
    generation.checked_next().ok_or_else(|| Error::Refused {
        why: "the timeline was opened 2^32 times, no generation is left".to_owned(),
    })
}

fn deleted(timeline: TimelineId) -> String {
    format!("timeline {timeline} was deleted, and its files are left: delete it again")
}

mod listing;
mod read_only;
mod reconciled;
#[cfg(test)]
mod tests;
