//! Splitting the engine's directory, and going from one shard to another.
//!
//! 1. One directory is open at a time, and it stands at one place: what a split leaves there, and
//!    what the plan goes on with, change places while no engine has either open, as a user moves
//!    directories. So every address and every law is about the shard that is open.
//! 2. A split that was cut off is in doubt. If it is made `once`, the parent is opened first: if
//!    that works, the split has not happened, and the parent must be whole. Else, and if the parent
//!    is refused, the split is made again until it is done.
//! 3. Each child has all that was expected of its parent. The others are closed, and stay as they
//!    are until the plan, or its end, comes to them.

use std::path::Path;
use std::path::PathBuf;

use palimpsest::base::ShardIdentity;
use palimpsest::{Engine, Error, Split};

use super::Driver;
use super::driver::TRIES_MAX;
use super::life::{heal_late, stuck_on, tries};
use super::options::options;
use super::splitting::Splitting;
use crate::checkers::{Depth, recovery};
use crate::oracle::{ClosedShard, Shards};
use crate::paths::ROOT;
use crate::plan::{Effort, How, OtherShard, SplitPlan, Taking};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// A history is not split into more shards than this.
const SHARD_COUNT_MAX: u8 = 16;

/// What came of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Called {
    /// It is split.
    Done,
    /// It is not known, or nothing: it may be called again.
    Undone,
    /// A file of the parent is wrong.
    Hopeless,
}

impl Driver {
    /// Shuts the engine down, splits its directory, and opens one of the children; the parent
    /// again, if that was given up.
    pub(super) async fn split(&self, into: SplitPlan, how: How) -> Result<(), Verdict> {
        self.join().await?;
        let parent = ShardIdentity::from(self.next_knobs().shard);
        let stripe = u32::from(into.stripe);
        let children = parent.children(into.child_count.into(), stripe);
        let Some(children) = children
            .ok()
            .filter(|all| all[0].count() <= SHARD_COUNT_MAX)
        else {
            return Ok(());
        };
        let ends = self.shut_down().await?;
        self.world.settle_down().await?;
        let children = children.into_iter().map(|child| (child, dir_of(child)));
        let splitting = Splitting {
            into,
            parent,
            children: children.collect(),
        };
        self.session().splitting = Some(splitting.clone());
        for attempt in 0..tries(into.effort) {
            heal_late(&self.world, attempt);
            let how = if attempt == 0 { how } else { How::Wait };
            if self.call_split(&splitting, how).await? != Called::Undone {
                break;
            }
        }
        self.open_and_check(Depth::Sample, How::Wait).await?;
        self.look(|sight, _| recovery::check_shut_down(sight, &ends))
    }

    /// Settles a split in doubt, before the engine is opened.
    pub(super) async fn settle_split(&self) -> Result<(), Verdict> {
        let splitting = self.session().splitting.clone();
        let Some(splitting) = splitting else {
            return Ok(());
        };
        if splitting.into.effort == Effort::Once && !self.is_split(&splitting).await? {
            self.session().splitting = None;
            self.session().tally.did("splits undone");
            return Ok(());
        }
        for attempt in 0..TRIES_MAX {
            heal_late(&self.world, attempt);
            if self.call_split(&splitting, How::Wait).await? != Called::Undone {
                return Ok(());
            }
        }
        Err(stuck_on("split"))
    }

    /// Calls the split once, and goes on with a child if it is done.
    async fn call_split(&self, splitting: &Splitting, how: How) -> Result<Called, Verdict> {
        let labels = self.labels();
        let others: Vec<_> = labels.iter().copied().map(Some).collect();
        let guard = self.judge.begin(None).with_layers();
        let dirs = splitting.children.iter().map(|(_, dir)| PathBuf::from(dir));
        let into = Split {
            children: dirs.collect(),
            stripe: splitting.into.stripe.into(),
        };
        self.world.state().has_links = splitting.into.taking == Taking::Linking;
        let options = options(&self.next_knobs());
        let call = Engine::split(SimIo::new(&self.world), Path::new(ROOT), &into, &options);
        let Some(done) = self.call(how, call).await else {
            self.world.settle_down().await?;
            return Ok(Called::Undone);
        };
        match done {
            Ok(shards) => {
                let expected = splitting.children.iter().map(|(child, _)| *child);
                let expected: Vec<ShardIdentity> = expected.collect();
                if shards != expected {
                    let (expected, found) = (format!("{expected:?}"), format!("{shards:?}"));
                    return Err(Verdict::wrong("split", expected, found));
                }
                self.session().tally.did("splits");
                self.go_on_with_child(splitting);
                Ok(Called::Done)
            }
            // Removals of the engine before it still lock the directory.
            Err(Error::Busy { .. }) if self.world.has_drops() => {
                self.world.settle_down().await?;
                Ok(Called::Undone)
            }
            Err(error) => {
                guard.check_with("split", &error, &others)?;
                self.world.settle_down().await?;
                if !self.judge.is_rot(&error) {
                    return Ok(Called::Undone);
                }
                // What is wrong in the parent stays so; it goes on as it is.
                self.session().splitting = None;
                Ok(Called::Hopeless)
            }
        }
    }

    /// Whether the parent of a split in doubt is refused. Else it is whole, and no child shows a
    /// timeline: it is refused, or was not begun.
    async fn is_split(&self, splitting: &Splitting) -> Result<bool, Verdict> {
        if self.count_listed((ROOT, splitting.parent)).await?.is_none() {
            return Ok(true);
        }
        for (child, dir) in &splitting.children {
            let is_there = self.world.state().disk.list(Path::new(dir)).is_ok();
            if !is_there {
                continue;
            }
            let listed = self.count_listed((dir, *child)).await?;
            if let Some(count) = listed.filter(|count| 0 < *count) {
                let asked = format!("open {dir}, which a split has not finished");
                let found = format!("it has {count} timelines");
                return Err(Verdict::wrong(asked, "a refusal", found));
            }
        }
        Ok(false)
    }

    /// Opens the engine of a directory, counts its timelines and drops it; `None` if it is refused.
    async fn count_listed(
        &self,
        (dir, shard): (&str, ShardIdentity),
    ) -> Result<Option<usize>, Verdict> {
        let mut knobs = self.next_knobs();
        knobs.shard = shard.into();
        for attempt in 0..TRIES_MAX {
            heal_late(&self.world, attempt);
            let guard = self.judge.begin(None);
            let io = SimIo::new(&self.world);
            let opened = Engine::open(io, Path::new(dir), options(&knobs)).await;
            let listed = match opened {
                Ok(engine) => engine.timelines().await,
                Err(error) => Err(error),
            };
            self.world.settle_down().await?;
            match listed {
                Ok(listed) => return Ok(Some(listed.len())),
                Err(Error::Refused { .. }) => return Ok(None),
                Err(Error::Busy { .. }) if self.world.has_drops() => {
                    self.world.settle_down().await?;
                }
                Err(error) => guard.check(&format!("open {dir}"), &error)?,
            }
        }
        Err(stuck_on("open a directory"))
    }

    /// Goes on with a child of a split that is done.
    fn go_on_with_child(&self, splitting: &Splitting) {
        let keep = usize::from(splitting.into.keep);
        let (mut state, mut session) = (self.world.state(), self.session());
        let session = &mut *session;
        let shards = &mut session.shards;
        let parent_dir = format!("/split-{}", shards.split.len());
        state.disk.move_dir(ROOT, &parent_dir);
        state.disk.move_dir(&splitting.children[keep].1, ROOT);
        let parent = (splitting.parent, parent_dir);
        for expected in session.expectations.values_mut() {
            expected.forget_start();
        }
        shards.split(parent, &splitting.children, keep, &session.expectations);
        session.splitting = None;
    }

    /// Shuts the engine down, and goes on with another shard, if there is one.
    pub(super) async fn switch(&self, other: OtherShard) -> Result<(), Verdict> {
        self.join().await?;
        if self.session().shards.closed.is_empty() {
            return Ok(());
        }
        self.shut_down().await?;
        self.world.settle_down().await?;
        self.go_on_with(other);
        self.session().tally.did("shards visited");
        self.open_and_check(Depth::Sample, How::Wait).await
    }

    fn go_on_with(&self, OtherShard(number): OtherShard) {
        let (mut state, mut session) = (self.world.state(), self.session());
        let session = &mut *session;
        let Shards { open, closed, .. } = &mut session.shards;
        let identity = open.expect("a split has made it");
        let other = closed.remove(usize::from(number) % closed.len());
        let dir = dir_of(identity);
        state.disk.move_dir(ROOT, &dir);
        state.disk.move_dir(&other.dir, ROOT);
        *open = Some(other.identity);
        let expectations = std::mem::replace(&mut session.expectations, other.expectations);
        closed.push(ClosedShard {
            identity,
            dir,
            expectations,
        });
    }

    /// Goes to every shard once and comes back, and checks that what was split is refused. There
    /// are no faults left.
    pub(super) async fn visit_all_shards(&self) -> Result<(), Verdict> {
        let shards = self.session().shards.clone();
        for root in &shards.split {
            let split = (root.dir.as_str(), root.identity);
            if self.count_listed(split).await?.is_some() {
                let asked = format!("open {}, which was split", root.dir);
                return Err(Verdict::wrong(asked, "a refusal", "it opens"));
            }
        }
        if shards.closed.is_empty() {
            return Ok(());
        }
        for _ in 0..=shards.closed.len() {
            self.switch(OtherShard(0)).await?;
        }
        Ok(())
    }
}

/// Where a shard stands while it is not open.
fn dir_of(shard: ShardIdentity) -> String {
    format!("{ROOT}{shard}")
}
