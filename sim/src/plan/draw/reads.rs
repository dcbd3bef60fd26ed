//! Reads: of which keys, and above all at which LSN.

use super::author::Author;
use crate::dice::Chance;
use crate::plan::{How, PlanOp};

/// The history distance from which on no plan reaches the cutoff.
const DISTANCE_FAR: u64 = 1 << 20;

impl<C: Chance> Author<'_, C> {
    /// Reads a value.
    pub(super) fn get(&mut self, how: How, timeline: usize) {
        let offset = self.offset(timeline);
        self.get_at(how, timeline, offset);
    }

    /// Reads a value of an older LSN.
    pub(super) fn get_old(&mut self, how: How, timeline: usize) {
        let offset = self.old_offset(timeline);
        self.get_at(how, timeline, offset);
    }

    fn get_at(&mut self, how: How, timeline: usize, offset: i64) {
        let key = self.key();
        let timeline = self.timelines[timeline].label;
        self.push(
            how,
            PlanOp::Get {
                timeline,
                key,
                offset,
            },
        );
    }

    /// Reads several values.
    pub(super) fn get_many(&mut self, how: How, timeline: usize) {
        let offset = self.offset(timeline);
        self.get_many_at(how, timeline, offset);
    }

    fn get_many_at(&mut self, how: How, timeline: usize, offset: i64) {
        let first = self.key();
        let count = self.chance.between(1, self.key_count.into()) as u16;
        let timeline = self.timelines[timeline].label;
        self.push(
            how,
            PlanOp::GetMany {
                timeline,
                first,
                count,
                offset,
            },
        );
    }

    /// Reads all keys at the last LSN.
    pub(super) fn scan(&mut self, how: How, timeline: usize) {
        let offset = self.offset(timeline);
        self.scan_at(how, timeline, offset);
    }

    /// Reads all keys at an LSN.
    pub(super) fn scan_at(&mut self, how: How, timeline: usize, offset: i64) {
        let timeline = self.timelines[timeline].label;
        self.push(how, PlanOp::Scan { timeline, offset });
    }

    /// Reads at the last LSN, in one of three ways.
    pub(super) fn read(&mut self, how: How, timeline: usize) {
        match self.chance.below(4) {
            0 | 1 => self.get(how, timeline),
            2 => self.get_many(how, timeline),
            _ => self.scan(how, timeline),
        }
    }

    /// Reads at an older LSN, in one of three ways.
    pub(super) fn read_old(&mut self, how: How, timeline: usize) {
        let offset = self.old_offset(timeline);
        self.read_at(how, timeline, offset);
    }

    /// Reads at an LSN, in one of three ways.
    pub(super) fn read_at(&mut self, how: How, timeline: usize, offset: i64) {
        match self.chance.below(4) {
            0 | 1 => self.scan_at(how, timeline, offset),
            2 => self.get_many_at(how, timeline, offset),
            _ => self.get_at(how, timeline, offset),
        }
    }

    /// Draws the LSN of a read.
    pub(super) fn offset(&mut self, timeline: usize) -> i64 {
        match self.chance.below(16) {
            0..5 => 0,
            5..13 => self.old_offset(timeline),
            13 => -(1 << self.chance.between(5, 30)),
            14 => -(1 << 62),
            _ => 1,
        }
    }

    /// The offset of the LSN before the last `count` batches.
    pub(super) fn offset_before_last(&self, timeline: usize, count: usize) -> i64 {
        let remembered = &self.timelines[timeline];
        let point = remembered.points.iter().rev().nth(count);
        point.map_or(0, |point| remembered.offset_of(*point))
    }

    /// Draws an LSN at which values may differ from those of now: where a batch ended, where
    /// another timeline branched off, at the cutoff, and just below and above each.
    pub(super) fn old_offset(&mut self, timeline: usize) -> i64 {
        let remembered = &self.timelines[timeline];
        let gc_distance = self.gc_distance;
        match self.chance.below(8) {
            0 | 1 => -(self.chance.between(1, 20) as i64),
            2 | 3 if gc_distance < DISTANCE_FAR => {
                1 - self.chance.below(3) as i64 - gc_distance as i64
            }
            4 | 5 if !remembered.forks.is_empty() => {
                let fork = *self.chance.pick(&remembered.forks);
                self.near(timeline, fork)
            }
            _ if !remembered.points.is_empty() => {
                let point = *self.chance.pick(&remembered.points);
                self.near(timeline, point)
            }
            _ => 0,
        }
    }

    /// The offset of this LSN mostly, or of the one below or above it.
    fn near(&mut self, timeline: usize, lsn: u64) -> i64 {
        let offset = self.timelines[timeline].offset_of(lsn);
        match self.chance.below(6) {
            5 => offset + 1,
            4 => offset - 1,
            _ => offset,
        }
    }
}
