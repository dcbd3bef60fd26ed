//! Timelines are created, branched and deleted.
//!
//! 1. A creation or branch is in doubt from its call on. An acknowledgement settles it; an error, a
//!    cancel or a crash does not: the next open shows what came of it.
//! 2. A call that failed or was cancelled is retried. If the retry is refused, the timeline is
//!    there by the earlier call, or the index of a deleted one is: all is opened again, to see
//!    which.
//! 3. A refusal which says that the timeline was deleted is final: no crash brings it back.
//! 4. A branch at or above the last record waits for the batch in flight on its ancestor, which may
//!    reach that LSN. One below it does not wait. Either closes the ancestor's last LSN, as a
//!    freeze does.
//! 5. A branch is retried after a collection of its ancestor: what a branch in doubt may read must
//!    stay.
//! 6. A timeline is shut down before its deletion, and is in doubt from then on. One that has
//!    children can neither be shut down nor deleted.
//! 7. A deletion that failed or was cancelled is retried once, after a collection of its ancestor;
//!    then everything is opened again.
//! 8. What is given up is tried once and stays in doubt, until a later line or the next open of the
//!    engine shows what came of it. A timeline in doubt can be opened, created or deleted again.
//! 9. At most one line creates or deletes timelines of a label at a time. One that runs beside
//!    others cannot open everything again: it sets `needs_restart`, and the driver's own line does
//!    it.

use palimpsest::Error;
use palimpsest::base::Lsn;
use palimpsest::io::Job;

use super::Driver;
use super::life::{Ended, heal_late, tries};
use crate::checkers::branches::{self, Branch};
use crate::checkers::durable::Acknowledged;
use crate::checkers::{Depth, racing};
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws;
use crate::oracle::{self, Existence, Expected, Start};
use crate::paths::index_path;
use crate::plan::{Effort, How};
use crate::verdict::Verdict;

impl Driver {
    pub(super) async fn create(
        &self,
        (label, start): (TimelineLabel, Lsn),
        effort: Effort,
        how: How,
    ) -> Result<(), Verdict> {
        self.world.name_timeline(keys::timeline(label), label);
        for attempt in 0..tries(effort) {
            let start = (label, start);
            if self.try_create(start, (effort, how), attempt).await? {
                return Ok(());
            }
        }
        self.give_up(effort, "create")
    }

    /// Tries once to create a timeline. Returns whether its existence is known.
    async fn try_create(
        &self,
        (label, start): (TimelineLabel, Lsn),
        (effort, how): (Effort, How),
        attempt: u32,
    ) -> Result<bool, Verdict> {
        let begun = Start {
            lsn: start,
            ancestor: None,
        };
        let before = self.with_expected(label, |expected| expected.begin_creation(begun));
        let call_how = if attempt == 0 { how } else { How::Wait };
        let id = keys::timeline(label);
        let asked = format!("create {} at {start}", label);
        heal_late(&self.world, attempt);
        let guard = self.judge.begin(Some(label));
        let engine = self.engine();
        let call = engine.create_timeline(id, start);
        match self.call_of((Job::Create, call_how), [label], call).await? {
            Some(Ok(_)) if before == Existence::Exists => {
                Err(Verdict::wrong(asked, "it exists", "it was created"))
            }
            Some(Ok(timeline)) => {
                self.with_expected(label, |expected| expected.created(start));
                self.judge.timeline_created(label);
                self.check_durable(label, &Acknowledged::Made(None))?;
                self.add_created(label, timeline);
                Ok(true)
            }
            Some(Err(Error::Refused { why }))
                if before == Existence::Absent
                    && !self.judge.may_have_leftovers()
                    && !self.show(|sight, _| branches::are_leftovers(sight, label, &why)) =>
            {
                let expected = "it is created, it never was before";
                Err(Verdict::wrong(asked, expected, why))
            }
            Some(Err(Error::Refused { why })) => {
                // It exists: by an acknowledged creation, or by one in doubt.
                drop(engine);
                self.with_expected(label, |expected| expected.refused_creation(&begun));
                if self.look(|sight, _| branches::refused(sight, label, &why))? {
                    self.restart_for(effort, how).await?;
                }
                Ok(true)
            }
            Some(Err(error)) => {
                // The engine's directory is synced as well, which belongs to no timeline.
                guard.check_with(&asked, &error, &[None])?;
                self.expect_unmade(label, before);
                // A retry does not help where the device made a file wrong.
                Ok(self.judge.is_rot(&error))
            }
            None => Ok(false),
        }
    }

    /// Branches off `ancestor`, at an offset from its last record. One that runs beside others is
    /// below it, so that no batch can reach its LSN meanwhile.
    pub(super) async fn branch(
        &self,
        (label, ancestor): (TimelineLabel, TimelineLabel),
        offset: i64,
        (effort, how): (Effort, How),
    ) -> Result<(), Verdict> {
        self.world.name_timeline(keys::timeline(label), label);
        for attempt in 0..tries(effort) {
            if 0 < attempt {
                self.users
                    .until(|| !self.judge.is_shutting_down(ancestor))
                    .await;
                self.collect_below(ancestor).await?;
            }
            let existence = self.with_expected(ancestor, |expected| expected.existence);
            if existence == Existence::Absent {
                return self.branch_off_nothing(label, ancestor).await;
            }
            if 0 <= offset && how != How::Beside {
                // A batch in flight may stand at the LSN, or below it.
                self.join_put(ancestor).await?;
            }
            let is_in_flight = self.handles().puts.contains_key(&ancestor);
            if 0 <= offset && is_in_flight {
                // It was begun behind the branch, and is the driver's to wait for.
                return Ok(());
            }
            // A batch that is not in flight stays in doubt.
            let is_unsettled =
                !is_in_flight && self.with_expected(ancestor, |expected| expected.is_in_doubt());
            if self.timeline(ancestor).is_none() || is_unsettled {
                return Ok(());
            }
            let branch = Branch {
                label,
                ancestor,
                lsn: self.with_expected(ancestor, |expected| keys::shifted(expected.last, offset)),
            };
            if self.try_branch(branch, (effort, how), attempt).await? {
                return Ok(());
            }
        }
        self.give_up(effort, "branch")
    }

    /// Tries once to create a branch. Returns whether its outcome is known.
    async fn try_branch(
        &self,
        branch: Branch,
        (effort, how): (Effort, How),
        attempt: u32,
    ) -> Result<bool, Verdict> {
        let Branch {
            label,
            ancestor,
            lsn,
        } = branch;
        let call_how = if attempt == 0 { how } else { How::Wait };
        let start = Start {
            lsn,
            ancestor: Some(ancestor),
        };
        let before = self.with_expected(label, |expected| expected.begin_creation(start));
        heal_late(&self.world, attempt);
        let guard = self.judge.begin(Some(label));
        let guard = guard.on(&oracle::below(&self.session().expectations, label));
        let using = self.users.enter(ancestor);
        let view = self.look(|sight, _| racing::view(sight, (ancestor, lsn), |_| ()))?;
        self.with_expected(ancestor, |expected| expected.begin_close());
        let (id, on) = (keys::timeline(label), keys::timeline(ancestor));
        let engine = self.engine();
        let call = engine.branch_timeline(id, on, lsn);
        let line = oracle::below(&self.session().expectations, ancestor);
        let line = line.into_iter().chain([label, ancestor]);
        let result = self.call_of((Job::Branch, call_how), line, call).await?;
        drop(engine);
        let is_done = matches!(result, Some(Ok(_)));
        self.with_expected(ancestor, |expected| {
            expected.end_close(is_done.then_some(lsn))
        });
        let end = self.look(|sight, _| racing::view(sight, (ancestor, lsn), |_| ()))?;
        let allowed = view.until(end);
        // What follows may wait for a shutdown that waits for this.
        drop(using);
        match result {
            Some(Ok(timeline)) => {
                self.judge.timeline_created(label);
                self.show(|sight, _| branch.check_made(sight, (before, &allowed)))?;
                self.look(|sight, _| branch.acknowledged(sight, &timeline))?;
                self.check_durable(label, &Acknowledged::Made(Some((ancestor, lsn))))?;
                self.add_created(label, timeline);
                self.session().tally.did(match how {
                    How::Beside => "branch beside others",
                    How::Wait | How::DropAt(_) => "branch",
                });
                Ok(true)
            }
            Some(Err(error)) if is_refusal(&error) => {
                self.look(|sight, _| branch.check_refused(sight, (before, &allowed), &error))?;
                self.with_expected(label, |expected| expected.refused_creation(&start));
                self.branch_refused(branch, (effort, how), (before, &error))
                    .await
            }
            Some(Err(error)) => {
                let others = [None, Some(ancestor)];
                guard.check_with(&branch.asked(), &error, &others)?;
                self.expect_unmade(label, before);
                self.branch_failed(ancestor, (effort, how), &error).await
            }
            None => {
                // Its directory stays, until a retry or the next open of the engine.
                self.handles().has_given_up = true;
                Ok(false)
            }
        }
    }

    /// Notes a branch that was refused: it is not there, or it was before.
    async fn branch_refused(
        &self,
        branch: Branch,
        (effort, how): (Effort, How),
        (before, error): (Existence, &Error),
    ) -> Result<bool, Verdict> {
        let label = branch.label;
        let is_below = self.show(|sight, _| branch.is_below_the_ancestor(sight));
        if let Error::Refused { why } = error
            && !is_below
        {
            if self.look(|sight, _| branches::refused(sight, label, why))? {
                self.restart_for(effort, how).await?;
            }
        } else if before == Existence::Absent {
            self.with_expected(label, |expected| *expected = Expected::absent());
        }
        Ok(true)
    }

    /// Opens everything again where a branch is in doubt after a failed sync. Returns whether what
    /// came of it is known, or will be.
    async fn branch_failed(
        &self,
        ancestor: TimelineLabel,
        (effort, how): (Effort, How),
        error: &Error,
    ) -> Result<bool, Verdict> {
        if effort == Effort::Once || !matches!(error, Error::Latched(_)) {
            return Ok(self.judge.is_rot(error));
        }
        self.collect_below(ancestor).await?;
        self.restart_for(effort, how).await?;
        Ok(how == How::Beside)
    }

    /// Expects a timeline that was not there, and whose creation failed, to be absent if neither
    /// its index nor a layer is in place on the disk: then no crash makes it, and it retains
    /// nothing. Where there are layers, an index was lost.
    fn expect_unmade(&self, label: TimelineLabel, before: Existence) {
        let timeline = keys::timeline(label);
        let is_bare = {
            let disk = &mut self.world.state().disk;
            let has_index = disk.bytes(&index_path(timeline)).is_ok();
            !has_index && laws::layer_files(disk, timeline).is_empty()
        };
        if before == Existence::Absent && is_bare {
            self.with_expected(label, Expected::end_creation);
        }
    }

    /// Collects on an ancestor, whose history a branch in doubt may need: it must stay.
    async fn collect_below(&self, ancestor: TimelineLabel) -> Result<(), Verdict> {
        let _using = self.users.enter(ancestor);
        self.gc(ancestor, How::Wait).await
    }

    /// Opens everything again for a line, unless that gives up. A line that runs beside others asks
    /// the driver to do it.
    async fn restart_for(&self, effort: Effort, how: How) -> Result<(), Verdict> {
        match (effort, how) {
            (Effort::Once, _) => self.give_up(effort, "learn what came of it"),
            (Effort::UntilDone, How::Beside) => {
                self.handles().needs_restart = true;
                Ok(())
            }
            (Effort::UntilDone, How::Wait | How::DropAt(_)) => self.restart().await,
        }
    }

    /// Opens a timeline that an earlier line has left closed, if it may be there and its ancestors
    /// are open.
    pub(super) async fn open(
        &self,
        label: TimelineLabel,
        effort: Effort,
        how: How,
    ) -> Result<(), Verdict> {
        self.world.name_timeline(keys::timeline(label), label);
        let is_open = |label: TimelineLabel| self.timeline(label).is_some();
        let is_changing = self.handles().changing.contains(&label);
        let below = oracle::below(&self.session().expectations, label);
        if is_open(label) || is_changing || !below.into_iter().all(is_open) {
            return Ok(());
        }
        match self.with_expected(label, |expected| expected.existence) {
            Existence::Absent => self.open_nothing(label, how).await,
            Existence::InDoubt | Existence::Exists => {
                let Some(timeline) = self.open_timeline(label, effort, how).await? else {
                    return Ok(());
                };
                self.recovered(label, timeline)?;
                self.session().tally.did("open what was closed");
                self.check_points(label, Depth::Sample)?;
                self.explain(label)
            }
        }
    }

    /// Opens a timeline that does not exist: it must be refused.
    async fn open_nothing(&self, label: TimelineLabel, how: How) -> Result<(), Verdict> {
        let guard = self.judge.begin(Some(label));
        let asked = format!("open {label}, which is not there");
        let engine = self.engine();
        let opening = engine.open_timeline(keys::timeline(label));
        match self.call(how, opening).await {
            None => Ok(()),
            Some(Err(Error::Refused { .. })) => {
                self.judge.index_was_read(label);
                Ok(())
            }
            Some(Err(error)) => guard.check_with(&asked, &error, &[None]),
            Some(Ok(_)) => Err(Verdict::wrong(asked, "a refusal", "it was opened")),
        }
    }

    /// Branches off an ancestor that does not exist: it must be refused.
    async fn branch_off_nothing(
        &self,
        label: TimelineLabel,
        ancestor: TimelineLabel,
    ) -> Result<(), Verdict> {
        // A creation of the ancestor that was left running may come first, or not.
        let is_in_flight = self.handles().changing.contains(&ancestor);
        let is_in_doubt =
            self.with_expected(label, |expected| expected.existence) == Existence::InDoubt;
        if is_in_flight || is_in_doubt {
            return Ok(());
        }
        let guard = self.judge.begin(Some(label));
        let (id, on) = (keys::timeline(label), keys::timeline(ancestor));
        let asked = format!("branch off {}, which is not there", ancestor);
        match self.engine().branch_timeline(id, on, Lsn::ZERO).await {
            Err(Error::Refused { .. }) => Ok(()),
            Err(error) => {
                let others = [None, Some(ancestor)];
                guard.check_with(&asked, &error, &others)
            }
            Ok(_) => Err(Verdict::wrong(asked, "a refusal", "it was created")),
        }
    }

    /// Shuts down a timeline that is to be deleted, and returns what is known of it; `None` if it
    /// is not to be deleted. If it has children, both calls are checked to fail, here and with no
    /// other line running.
    pub(super) async fn prepare_deletion(
        &self,
        label: TimelineLabel,
        how: How,
    ) -> Result<Option<Existence>, Verdict> {
        self.join().await?;
        if self.timeline(label).is_none() {
            return Ok(self.look_for_leftovers(label));
        }
        // What a crash leaves of it is then the whole timeline, or nothing.
        if self.with_expected(label, |expected| expected.is_in_doubt()) {
            self.restart().await?;
        }
        if self.timeline(label).is_none() {
            return Ok(None);
        }
        let children = oracle::children(&self.session().expectations, label);
        if !children.is_empty() {
            self.delete_under_children(label, how).await?;
            return Ok(None);
        }
        if !self.shut_one_down(label).await? {
            self.restart().await?;
            return Ok(None);
        }
        self.with_expected(label, |expected| expected.existence = Existence::InDoubt);
        Ok(Some(Existence::Exists))
    }

    /// What is known of a timeline that is not open, if it is in doubt or may have files; `None` if
    /// there is nothing to delete.
    fn look_for_leftovers(&self, label: TimelineLabel) -> Option<Existence> {
        let is_needed = !oracle::children(&self.session().expectations, label).is_empty();
        self.with_expected(label, |expected| {
            let is_doubtful = expected.existence == Existence::InDoubt || expected.may_have_files;
            let can_be_read = !expected.is_unread && !is_needed;
            (is_doubtful && can_be_read).then_some(expected.existence)
        })
    }

    /// Deletes a timeline that is shut down and in doubt. If that failed or was cancelled, it is
    /// retried once after a collection of its ancestor; then everything is opened again, which
    /// shows its outcome.
    pub(super) async fn delete(
        &self,
        (label, before): (TimelineLabel, Existence),
        effort: Effort,
        how: How,
    ) -> Result<(), Verdict> {
        if self.try_delete((label, before), how, false).await? {
            return Ok(());
        }
        if effort == Effort::Once {
            return self.give_up(effort, "delete");
        }
        let ancestor = self.with_expected(label, |expected| expected.ancestor);
        if let Some((ancestor, _)) = ancestor {
            self.collect_below(ancestor).await?;
        }
        let again = match how {
            How::DropAt(_) => How::Wait,
            how => how,
        };
        if self.try_delete((label, before), again, true).await? {
            return Ok(());
        }
        self.restart_for(effort, how).await
    }

    /// Tries once to delete a timeline. Returns whether it is gone.
    async fn try_delete(
        &self,
        (label, before): (TimelineLabel, Existence),
        how: How,
        is_again: bool,
    ) -> Result<bool, Verdict> {
        let guard = self.judge.begin(Some(label));
        let (id, engine) = (keys::timeline(label), self.engine());
        let call = engine.delete_timeline(id);
        match self.call_of((Job::Delete, how), [label], call).await? {
            Some(Ok(())) => {
                self.judge.index_was_read(label);
                self.check_durable(label, &Acknowledged::Deleted)?;
                self.with_expected(label, |expected| *expected = Expected::absent());
                self.session().tally.did(match how {
                    How::Beside => "delete beside others",
                    How::Wait | How::DropAt(_) => "delete",
                });
                let left = engine.timelines().await.unwrap_or_default();
                if left.contains(&id) {
                    let law = "a timeline that was deleted is listed no more";
                    return Err(Verdict::law(law, format!("{left:?}")));
                }
                Ok(true)
            }
            Some(Err(Error::Refused { why }))
                if before != Existence::Exists && branches::says_none(&why) =>
            {
                self.judge.index_was_read(label);
                self.with_expected(label, Expected::refused);
                Ok(true)
            }
            Some(Err(error)) => {
                let may_say_so = match error {
                    Error::Busy { .. } => self.judge.has_unread_index(),
                    // The call before it may have removed its directory.
                    Error::Refused { .. } => {
                        is_again || oracle::may_be_needed(&self.session().expectations, label)
                    }
                    _ => false,
                };
                if !may_say_so {
                    guard.check("delete", &error)?;
                }
                Ok(false)
            }
            None => Ok(false),
        }
    }

    /// Checks that a timeline with children can neither be shut down nor deleted.
    async fn delete_under_children(&self, label: TimelineLabel, how: How) -> Result<(), Verdict> {
        let id = keys::timeline(label);
        let children = oracle::children(&self.session().expectations, label);
        // A child whose index is wrong is not open.
        if children.iter().any(|child| self.timeline(*child).is_some()) {
            let ended = self.engine().shutdown_timeline(id).await;
            if !matches!(ended, Err(Error::Busy { .. })) {
                let asked = "shut down a timeline under an open child";
                return Err(Verdict::wrong(asked, "it is busy", format!("{ended:?}")));
            }
        }
        let mut labels = self.labels();
        labels.reverse();
        for other in labels {
            if self.timeline(other).is_some() && !self.shut_one_down(other).await? {
                return self.restart().await;
            }
        }
        let guard = self.judge.begin(Some(label));
        let engine = self.engine();
        let deleted = self.call(how, engine.delete_timeline(id)).await;
        drop(engine);
        match deleted {
            None | Some(Err(Error::Refused { .. })) => {}
            Some(Err(Error::Busy { .. })) if self.judge.has_unread_index() => {}
            Some(Err(error)) => guard.check_with("delete", &error, &[None])?,
            Some(Ok(())) => {
                let asked = format!("delete {label}, which others need");
                return Err(Verdict::wrong(asked, "a refusal", "it was deleted"));
            }
        }
        self.restart().await
    }

    /// Shuts one timeline down. Returns false if a fault left it open or latched.
    async fn shut_one_down(&self, label: TimelineLabel) -> Result<bool, Verdict> {
        self.handles().writers.remove(&label);
        let ended = self.shut_down_one(label, &[]).await?;
        if !matches!(ended, Ended::Open) {
            self.handles().timelines.remove(&label);
        }
        Ok(matches!(ended, Ended::Clean(_)))
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::Refused { .. } | Error::NotYet { .. } | Error::BelowCutoff { .. }
    )
}
