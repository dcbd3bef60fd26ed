//! The timelines that are open, and who may open, make, end or delete which.
//!
//! A call locks the timelines that it changes, all at once, and asks for no more while it holds
//! them: so calls cannot deadlock, and one waits for nothing that other timelines do.
//!
//! * To create, shut down or delete a timeline is to lock that one.
//! * To open one is to lock it and those of its ancestors that are not open.
//! * To branch is to lock the new one and those of the ancestor's line that are not open.
//!
//! An ancestor that is open may be shut down meanwhile. Then the call begins again, and locks the
//! whole line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Timeline;
use super::branch_tree::BranchTree;
use super::open::Opener;
use crate::base::{Error, Result, TimelineId};
use crate::format::Index;
use crate::store::Store;
use crate::sync::{Event, Mutex, MutexGuard};

/// The timelines that are open, and the locks of all.
pub(crate) struct Catalog<S: Store> {
    branch_tree: Arc<BranchTree>,
    open: Mutex<BTreeMap<TimelineId, Timeline<S>>>,
    locked: Mutex<BTreeSet<TimelineId>>,
    released: Event,
}

/// The right to open, make, end and delete some timelines, which is released when this is dropped.
pub(crate) struct CatalogGuard<'a, S: Store> {
    catalog: &'a Catalog<S>,
    timelines: BTreeSet<TimelineId>,
}

/// What a timeline is opened for.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Which timelines of a line an open locks.
#[derive(Clone, Copy)]
pub(crate) enum Scope {
    /// Those that are not open, up to the first that is.
    Closed,
    /// All of them: none is being shut down meanwhile.
    Line,
}

/// How an attempt to open a timeline ended.
enum Attempt<S: Store> {
    Opened(Timeline<S>),
    /// This ancestor is to be locked as well.
    Lacks(TimelineId),
}

impl<S: Store> Catalog<S> {
    /// A catalog without an open timeline.
    pub(crate) fn new(branch_tree: Arc<BranchTree>) -> Catalog<S> {
        Catalog {
            branch_tree,
            open: Mutex::default(),
            locked: Mutex::default(),
            released: Event::new(),
        }
    }

    /// The timelines that are open.
    pub(crate) fn open_timelines(&self) -> MutexGuard<'_, BTreeMap<TimelineId, Timeline<S>>> {
        self.open.lock().expect("nothing panics while it is held")
    }

    /// Keeps a timeline that was opened, and tells of it.
    pub(crate) fn add_open(&self, timeline: &Timeline<S>) {
        let id = timeline.id();
        self.open_timelines().insert(id, timeline.clone());
        timeline.tell_opened();
    }

    /// Locks one timeline.
    pub(crate) async fn lock(&self, timeline: TimelineId) -> CatalogGuard<'_, S> {
        self.lock_all(&BTreeSet::from([timeline])).await
    }

    async fn lock_all(&self, timelines: &BTreeSet<TimelineId>) -> CatalogGuard<'_, S> {
        loop {
            if let Some(guard) = self.try_lock_all(timelines) {
                return guard;
            }
            let listener = self.released.listen();
            // They may have been released between the attempt and `listen`: without a second
            // attempt that wake-up is lost.
            if let Some(guard) = self.try_lock_all(timelines) {
                return guard;
            }
            listener.await;
        }
    }

    fn try_lock_all(&self, timelines: &BTreeSet<TimelineId>) -> Option<CatalogGuard<'_, S>> {
        let mut locked = self.locked();
        if timelines.iter().any(|timeline| locked.contains(timeline)) {
            return None;
        }
        locked.extend(timelines);
        Some(CatalogGuard {
            catalog: self,
            timelines: timelines.clone(),
        })
    }

    fn locked(&self) -> MutexGuard<'_, BTreeSet<TimelineId>> {
        self.locked.lock().expect("nothing panics while it is held")
    }

    /// Opens a timeline and those of its ancestors that are not open, or finds it open. Locks
    /// `changed`, which is the timeline itself or the branch to be made, and what `scope` says.
    ///
    /// # Errors
    /// Those of an open. `Closed` if an ancestor is being shut down.
    pub(crate) async fn open(
        &self,
        opener: &Opener<'_, S>,
        (timeline, access): (TimelineId, Access),
        (scope, changed): (Scope, TimelineId),
    ) -> Result<(Timeline<S>, CatalogGuard<'_, S>)> {
        let mut timelines = self.line(timeline, scope);
        timelines.insert(changed);
        loop {
            let guard = self.lock_all(&timelines).await;
            match self.open_line(opener, (timeline, access), &guard).await? {
                Attempt::Opened(opened) => return Ok((opened, guard)),
                Attempt::Lacks(ancestor) => _ = timelines.insert(ancestor),
            }
        }
    }

    /// Those of a timeline and its ancestors that `scope` has, as far as they are known.
    fn line(&self, timeline: TimelineId, scope: Scope) -> BTreeSet<TimelineId> {
        let mut line = BTreeSet::new();
        let mut next = Some(timeline);
        while let Some(timeline) = next {
            let is_open = || self.open_timelines().contains_key(&timeline);
            if matches!(scope, Scope::Closed) && is_open() || !line.insert(timeline) {
                break;
            }
            next = self.branch_tree.parent(timeline);
        }
        line
    }

    /// Opens a timeline and, before it, those of its ancestors that are not open, the lowest first.
    async fn open_line(
        &self,
        opener: &Opener<'_, S>,
        (timeline, access): (TimelineId, Access),
        guard: &CatalogGuard<'_, S>,
    ) -> Result<Attempt<S>> {
        let mut indexes: Vec<Index> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = Some(timeline);
        let mut parent = None;
        while let Some(timeline) = next {
            parent = self.open_timelines().get(&timeline).cloned();
            if parent.is_some() {
                break;
            }
            if !seen.insert(timeline) {
                let why = format!("timeline {timeline} stands on itself");
                return Err(Error::Refused { why });
            }
            if !guard.timelines.contains(&timeline) {
                return Ok(Attempt::Lacks(timeline));
            }
            let index = opener.load(timeline).await?;
            next = index.ancestor.map(|ancestor| ancestor.timeline);
            indexes.push(index);
        }
        while let Some(index) = indexes.pop() {
            let opened = match access {
                Access::Read => opener.open_to_read(index, parent).await?,
                Access::Write => opener.open(index, parent).await?,
            };
            self.add_open(&opened);
            parent = Some(opened);
        }
        let opened = parent.expect("the line ends with the timeline itself");
        match access {
            Access::Write if opened.is_read_only() => {
                let why = format!(
                    "timeline {timeline} is open to be read alone: shut it down, and open it again"
                );
                Err(Error::Refused { why })
            }
            _ => Ok(Attempt::Opened(opened)),
        }
    }
}

impl<S: Store> Drop for CatalogGuard<'_, S> {
    fn drop(&mut self) {
        let mut locked = self.catalog.locked();
        for timeline in &self.timelines {
            let was_locked = locked.remove(timeline);
            assert!(was_locked, "one call holds a timeline, and lets it go once");
        }
        drop(locked);
        self.catalog.released.notify(usize::MAX);
    }
}
