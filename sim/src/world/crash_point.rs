//! What a life leaves to the next, at any of its calls: so that many crashes can be tried from one
//! run.

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

/// Looks on before each call that no fault meets.
pub type Watch = Box<dyn FnMut(&State, &CallSite) + Send>;

/// What a life leaves.
#[derive(Clone)]
pub struct CrashPoint {
    pub(super) disk: Disk,
    pub(super) policy: SchedulePolicy,
    pub(super) injector: FaultInjector,
    pub(super) labels: BTreeMap<TimelineId, TimelineLabel>,
    pub(super) dice: Dice,
    pub(super) life: u32,
    pub(super) clock_offset: i64,
    /// For how long the worlds before it went on.
    pub(super) elapsed: Duration,
}

impl CrashPoint {
    /// The disk, before what ends the life happens to it.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The same number for two after which everything goes on alike, but for how late it is.
    pub fn fingerprint(&self, hasher: &mut impl Hasher) {
        self.disk.stir_into(hasher);
        self.policy.stir_into(hasher);
        self.injector.stir_into(hasher);
        self.labels.hash(hasher);
        self.clock_offset.hash(hasher);
        self.dice.stir_into(hasher);
    }

    /// The world after a crash that leaves this.
    pub fn after(&self, plan: &Plan, crash: Crash) -> Arc<World> {
        let world = World::from_crash_point(plan, self.clone());
        world.survive(crash);
        world
    }
}

impl World {
    /// From now on, somebody looks on.
    pub fn watch(&self, watch: Watch) {
        self.state().watch = Some(watch);
    }

    /// What a crash leaves is what the next life finds.
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
    /// For how long the lives of this world and those before it went on.
    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed_before + madsim::time::TimeHandle::current().elapsed()
    }

    /// What the life would leave if it ended here.
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

    /// Shows a call to whoever looks on.
    pub(super) fn show(&mut self, site: &CallSite) {
        if let Some(mut watch) = self.watch.take() {
            watch(self, site);
            self.watch = Some(watch);
        }
    }
}
