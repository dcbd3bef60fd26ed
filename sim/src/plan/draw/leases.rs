//! Leases: history that stays readable below the cutoff for a while.

use std::time::Duration;

use super::author::Author;
use super::times::draw_duration;
use crate::dice::Chance;
use crate::plan::{How, Mode, PlanOp, PolicyPlan};

/// A length that no drawn wait outlasts.
const LONG: Duration = Duration::from_hours(3);

impl<C: Chance> Author<'_, C> {
    fn lease(&mut self, how: How, timeline: usize, (offset, length): (i64, Duration)) {
        let timeline = self.timelines[timeline].label;
        let op = PlanOp::Lease {
            timeline,
            offset,
            length,
        };
        self.push(how, op);
    }

    /// Keeps more or less history from now on, or as much as the engine's options say; collects
    /// before or behind that, and crashes at times.
    pub(super) fn keep_other(&mut self, timeline: usize) {
        if self.chance.one_in(3) {
            self.gc(How::Beside, timeline);
        }
        let distance = match self.chance.below(4) {
            0 => None,
            1 => Some(0),
            _ => Some(self.chance.between(1, 60)),
        };
        let age = match self.chance.below(6) {
            0 => Some(draw_duration(self.chance)),
            1..3 => Some(Duration::ZERO),
            _ => None,
        };
        let how = match self.chance.one_in(5) {
            true => How::DropAt(self.chance.between(1, 8) as u32),
            false => How::Wait,
        };
        let policy = PolicyPlan { distance, age };
        let label = self.timelines[timeline].label;
        let op = PlanOp::Policy {
            timeline: label,
            policy,
        };
        self.push(how, op);
        match self.chance.below(6) {
            0 => self.crash(),
            1 => self.push(How::Wait, PlanOp::Restart),
            _ => {}
        }
        if self.chance.one_in(2) {
            self.stack(timeline, 1);
        }
        let how = self.how();
        self.gc(how, timeline);
    }

    /// Leases an LSN that is old, or that of the last record.
    pub(super) fn lease_once(&mut self, how: How, timeline: usize) {
        let offset = match self.chance.one_in(3) {
            true => 0,
            false => self.old_offset(timeline),
        };
        let length = self.length();
        let how = self.how_to_read(how);
        self.lease(how, timeline, (offset, length));
    }

    /// Leases an LSN, takes its history away as far as it may go, and reads there: at once, behind
    /// a crash, or when the lease is over.
    pub(super) fn lease_under_gc(&mut self, timeline: usize) {
        let offset = match self.chance.one_in(2) {
            true => self.put_under_image(timeline),
            false => self.old_offset(timeline),
        };
        let length = self.length();
        let how = self.how();
        self.lease(how, timeline, (offset, length));
        if self.chance.one_in(3) {
            self.images(How::Wait, timeline, Mode::Forced);
        }
        let how = self.how();
        self.gc(how, timeline);
        match self.chance.below(6) {
            0 => self.crash(),
            1 => self.restart(),
            2 => self.wait_for(length + Duration::from_secs(1)),
            3 => self.lease(How::Wait, timeline, (offset, length)),
            _ => {}
        }
        let how = self.how();
        self.read_at(how, timeline, offset);
        if self.chance.one_in(2) {
            self.gc(How::Wait, timeline);
            self.read_at(How::Wait, timeline, offset);
        }
    }

    fn length(&mut self) -> Duration {
        match self.chance.one_in(3) {
            true => draw_duration(self.chance),
            false => LONG,
        }
    }
}
