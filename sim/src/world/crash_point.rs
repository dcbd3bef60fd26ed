//! What a crash at a call leaves to the next life. It is a value, so that one run can try the crash
//! at each of its calls.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use palimpsest::base::TimelineId;

use super::injector::FaultInjector;
use super::policy::SchedulePolicy;
use super::{State, World};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::faults::{CallSite, Crash};
use crate::label::TimelineLabel;
use crate::plan::Plan;

/// Called before each call that no fault hits, with the state and the call.
pub type Watch = Box<dyn FnMut(&State, &CallSite) + Send>;

/// What a crash at this point leaves: the disk, and what is left of schedule, rules and chance.
#[derive(Clone)]
pub struct CrashPoint {
    pub(super) disk: Disk,
    pub(super) policy: SchedulePolicy,
    pub(super) injector: FaultInjector,
    pub(super) labels: BTreeMap<TimelineId, TimelineLabel>,
    pub(super) dice: Dice,
    pub(super) life: u32,
    pub(super) clock_offset: i64,
    /// The virtual time of the lives before it.
    pub(super) elapsed: Duration,
}

impl CrashPoint {
    /// The disk, before the crash has its effect on it.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Hashes all that the future depends on but the elapsed time: after equal hashes runs go on
    /// alike.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        self.disk.stir_into(hasher);
        self.policy.stir_into(hasher);
        self.injector.stir_into(hasher);
        self.labels.hash(hasher);
        self.clock_offset.hash(hasher);
        self.dice.stir_into(hasher);
    }

    /// The world of the next life, after `crash` has had its effect on the disk.
    pub fn after(&self, plan: &Plan, crash: Crash) -> Arc<World> {
        let world = World::from_crash_point(plan, self.clone());
        world.survive(crash);
        world
    }
}

impl World {
    /// Calls `watch` from now on before each call that no fault hits.
    pub fn watch(&self, watch: Watch) {
        self.state().watch = Some(watch);
    }

    /// Turns the disk into what `crash` leaves of it: the next life finds that.
    pub fn survive(&self, crash: Crash) {
        let mut state = self.state();
        let journal = state.journal.take();
        let before = journal.as_ref().map(|_| state.disk.clone());
        match crash {
            Crash::Kill => state.disk.close_all(),
            Crash::Power(survival) => {
                let (disk, effects) = state.disk.crash_counted(survival);
                state.disk = disk;
                for (effect, count) in effects {
                    *state.counts.effects.entry(effect).or_insert(0) += count;
                }
            }
        }
        if let (Some(mut journal), Some(before)) = (journal, before) {
            journal.crashed(crash, &before, &state.disk);
            state.journal = Some(journal);
        }
    }
}

impl State {
    /// The virtual time of this world's lives and of those before it.
    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed_before + madsim::time::TimeHandle::current().elapsed()
    }

    /// What a crash here would leave, before it has its effect on the disk.
    pub fn crash_point(&self) -> CrashPoint {
        CrashPoint {
            disk: self.disk.clone(),
            policy: self.scheduler.policy().clone(),
            injector: self.injector.clone(),
            labels: self.labels.clone(),
            dice: self.dice.clone(),
            life: self.life,
            clock_offset: self.clock_offset,
            elapsed: self.elapsed(),
        }
    }

    /// Shows a call to the watch, if there is one.
    pub(super) fn show(&mut self, site: &CallSite) {
        if let Some(mut watch) = self.watch.take() {
            watch(self, site);
            self.watch = Some(watch);
        }
    }
}
