//! The kinds of faults that a plan may have, a row each: its weight, how one is drawn, and at which
//! steps it is worth drawing.

use super::times::draw_duration;
use crate::dice::{Chance, Lent};
use crate::faults::StepKind::{
    self, Create, CreateDir, Len, List, Lock, Open, Read, Rename, Replace, Sync, SyncDir, Write,
};
use crate::faults::{Crash, Fault, Survival};

/// The ways in which a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashKind {
    /// The power fails and any part of the unsynced state is kept.
    PowerDraw,
    /// The power fails and nothing unsynced is kept.
    PowerNothing,
    /// The power fails and everything unsynced is kept.
    PowerAll,
    /// The process is killed.
    Kill,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A sync fails.
    Sync,
    /// Another call fails with an I/O error.
    Eio,
    /// A call fails for want of space.
    Enospc,
    /// A call fails: the file system is read-only, or permission is denied.
    Denied,
    /// A call fails: too many files are open.
    Files,
    /// A read or a write is short.
    Short,
    /// A call takes a certain time.
    Slow,
    /// A call takes until no other task can run.
    Stall,
    /// The process ends at a certain step of a job.
    CrashAtStep,
    /// The process ends at a call counted from its start.
    CrashAtCall,
    /// A read does not return what was written.
    Wrong,
}

/// Everything that drawing needs of a kind of fault.
struct Row {
    kind: FaultKind,
    /// Its weight among the other kinds.
    weight: u64,
    /// Draws a fault of this kind.
    draw: fn(&mut Lent<'_>) -> Fault,
    /// Whether the fault at such a step differs from one at another step.
    is_worth_it: fn(StepKind) -> bool,
}

const ROWS: [Row; 11] = [
    Row {
        kind: FaultKind::Sync,
        weight: 3,
        draw: |chance| match chance.one_in(4) {
            true => Fault::Revert,
            false => Fault::Eio,
        },
        is_worth_it: |step| matches!(step, Sync | SyncDir),
    },
    Row {
        kind: FaultKind::Eio,
        weight: 3,
        draw: |_| Fault::Eio,
        is_worth_it: |step| !matches!(step, Sync | SyncDir),
    },
    Row {
        kind: FaultKind::Enospc,
        weight: 2,
        draw: |_| Fault::Enospc,
        is_worth_it: |step| matches!(step, Write | Create | CreateDir | Rename | Replace),
    },
    Row {
        kind: FaultKind::Denied,
        weight: 2,
        draw: |chance| match chance.one_in(2) {
            true => Fault::Erofs,
            false => Fault::Eacces,
        },
        is_worth_it: |_| true,
    },
    Row {
        kind: FaultKind::Files,
        weight: 2,
        draw: |chance| *chance.pick(&[Fault::Enfile, Fault::Emfile, Fault::Enomem]),
        is_worth_it: |_| true,
    },
    Row {
        kind: FaultKind::Short,
        weight: 2,
        draw: |chance| Fault::Short(draw_short_len(chance)),
        is_worth_it: |_| true,
    },
    Row {
        kind: FaultKind::Slow,
        weight: 1,
        draw: |chance| Fault::Slow(draw_duration(chance)),
        is_worth_it: |_| true,
    },
    Row {
        kind: FaultKind::Stall,
        weight: 2,
        draw: |_| Fault::Stall,
        is_worth_it: |_| true,
    },
    Row {
        kind: FaultKind::CrashAtStep,
        weight: 3,
        draw: |chance| Fault::Crash(draw_power(chance)),
        // A crash before a call that changes nothing equals one before the next call that does.
        is_worth_it: |step| !matches!(step, Open | Len | List | Lock | Read),
    },
    Row {
        kind: FaultKind::CrashAtCall,
        weight: 3,
        draw: |chance| Fault::Crash(draw_power(chance)),
        is_worth_it: |_| true,
    },
    Row {
        kind: FaultKind::Wrong,
        weight: 8,
        draw: |chance| match chance.below(6) {
            0 => Fault::Lost,
            1 => Fault::Astray(chance.between(1, 20) as u32),
            2 => Fault::Stale,
            _ => Fault::Rot(draw_rot_offset(chance)),
        },
        is_worth_it: |_| true,
    },
];

const POWER: [(u64, CrashKind); 4] = [
    (6, CrashKind::PowerDraw),
    (3, CrashKind::PowerNothing),
    (1, CrashKind::PowerAll),
    (2, CrashKind::Kill),
];

impl FaultKind {
    /// The kinds that any device may show, each with its weight.
    pub fn of_any_device() -> impl Iterator<Item = (u64, FaultKind)> {
        let rows = ROWS.iter().filter(|row| row.kind != FaultKind::Wrong);
        rows.map(|row| (row.weight, row.kind))
    }

    /// Its weight, and the kind.
    pub fn weighted(self) -> (u64, FaultKind) {
        (self.row().weight, self)
    }

    /// Draws a fault of this kind.
    pub fn draw(self, chance: &mut impl Chance) -> Fault {
        (self.row().draw)(&mut Lent(chance))
    }

    /// Whether the fault at such a step differs from one at another step.
    pub fn is_worth_it(self, step: StepKind) -> bool {
        (self.row().is_worth_it)(step)
    }

    /// Whether this kind ends the process.
    pub fn is_crash(self) -> bool {
        matches!(self, FaultKind::CrashAtStep | FaultKind::CrashAtCall)
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

/// Draws a crash of this kind.
pub fn draw_crash(chance: &mut impl Chance, kind: CrashKind) -> Crash {
    match kind {
        CrashKind::Kill => Crash::Kill,
        CrashKind::PowerAll => Crash::Power(Survival::All),
        CrashKind::PowerNothing => Crash::Power(Survival::Nothing),
        CrashKind::PowerDraw => Crash::Power(Survival::Draw(chance.below(1000))),
    }
}

fn draw_short_len(chance: &mut impl Chance) -> u32 {
    let last = *chance.pick(&[8, 80, 600, 9000]);
    chance.between(1, last) as u32
}

/// Draws the offset of a rotten byte: in the head of a file, in its first blocks, or anywhere. The
/// file wraps it around its length.
pub fn draw_rot_offset(chance: &mut impl Chance) -> u32 {
    let last = *chance.pick(&[100, 9000, 30_000, 1 << 20]);
    chance.below(last) as u32
}

/// Draws how a process ends when a rule crashes it.
pub fn draw_power(chance: &mut impl Chance) -> Crash {
    let kind = chance.pick_weighted(&POWER);
    draw_crash(chance, kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_row() {
        for (index, row) in ROWS.iter().enumerate() {
            assert_eq!(row.kind as usize, index);
        }
        assert_eq!(ROWS.len(), FaultKind::Wrong as usize + 1);
    }
}
