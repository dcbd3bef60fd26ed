//! What runs have not tried, and what they reached although a waiver calls it impossible.

use std::fmt;

use super::{CellWaivers, Claim, apart, cells};
use crate::disk::CrashEffect;
use crate::faults::{Cell, FaultClass};
use crate::probes::PROBES;
use crate::report::Summary;

/// The differences between what was tried and what should have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// The cells that are empty and not waived.
    pub empty: Vec<Cell>,
    /// The probes that were not reached and are not waived.
    pub unreached: Vec<&'static str>,
    /// The classes of faults that are not delivered to calls, and that no run injected.
    pub undelivered: Vec<FaultClass>,
    /// The effects that no power loss had.
    pub unleft: Vec<CrashEffect>,
    /// What was reached, and the waiver that calls it impossible.
    pub refuted: Vec<(String, String)>,
}

impl Gaps {
    /// The gaps that the runs of a summary leave.
    pub fn of(summary: &Summary, waivers: &CellWaivers) -> Gaps {
        let mut gaps = Gaps::default();
        for cell in cells() {
            match summary.cells.contains_key(&cell) {
                true => gaps.refute(waivers.of_cell(cell), || name(cell)),
                false if waivers.of_cell(cell).next().is_none() => gaps.empty.push(cell),
                false => {}
            }
        }
        let undelivered = apart().filter(|class| !summary.faults.contains_key(class));
        gaps.undelivered = undelivered.collect();
        let unleft = CrashEffect::ALL.into_iter();
        let unleft = unleft.filter(|effect| !summary.effects.contains_key(effect));
        gaps.unleft = unleft.collect();
        for name in PROBES {
            match summary.probes.contains_key(name) {
                true => gaps.refute(waivers.of_probe(name), || name.to_string()),
                false if waivers.of_probe(name).next().is_none() => gaps.unreached.push(name),
                false => {}
            }
        }
        gaps
    }

    fn refute<'a>(
        &mut self,
        lines: impl Iterator<Item = &'a super::waivers::CellWaiver>,
        what: impl Fn() -> String,
    ) {
        let wrong = lines.filter(|line| line.claim == Claim::Impossible);
        self.refuted
            .extend(wrong.map(|line| (what(), line.text.clone())));
    }

    /// Whether there is any gap.
    pub fn is_open(&self) -> bool {
        !self.empty.is_empty()
            || !self.unreached.is_empty()
            || !self.undelivered.is_empty()
            || !self.unleft.is_empty()
            || !self.refuted.is_empty()
    }
}

fn name((class, job, outcome): Cell) -> String {
    format!("{}, {}, {}", class.name(), job.name(), outcome.name())
}

impl fmt::Display for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for cell in &self.empty {
            writeln!(f, "never delivered: {}", name(*cell))?;
        }
        for class in &self.undelivered {
            writeln!(f, "never delivered: {}", class.name())?;
        }
        for effect in &self.unleft {
            writeln!(f, "never left by a power loss: {}", effect.name())?;
        }
        for name in &self.unreached {
            writeln!(f, "never reached: {name}")?;
        }
        for (what, line) in &self.refuted {
            writeln!(
                f,
                "reached although waived as impossible: {what}, by {line}"
            )?;
        }
        match self.is_open() {
            true => Ok(()),
            false => writeln!(f, "no gaps"),
        }
    }
}

#[cfg(test)]
mod tests {
    use palimpsest::io::Job;

    use super::*;
    use crate::faults::FaultOutcome;

    const CELL: Cell = (FaultClass::Eio, Job::Gc, FaultOutcome::Reported);
    const PROBE: &str = PROBES[0];

    /// The gaps of the cell and the probe, after runs that reached both or neither.
    fn gaps(waivers: &str, is_reached: fn(u64) -> bool) -> Gaps {
        let counts = [1].into_iter().filter(|count| is_reached(*count));
        let summary = Summary {
            cells: counts.clone().map(|count| (CELL, count)).collect(),
            probes: counts.map(|count| (PROBE, count)).collect(),
            ..Summary::default()
        };
        Gaps::of(&summary, &CellWaivers::read(waivers).unwrap())
    }

    fn both(claim: &str) -> String {
        format!("{claim} EIO, gc, *: why\n{claim} probe {PROBE}: why")
    }

    #[test]
    fn what_was_not_tried_is_a_gap_unless_it_is_waived() {
        for (waivers, is_gap) in [
            (String::new(), true),
            (both("rare"), false),
            (both("impossible"), false),
        ] {
            let gaps = gaps(&waivers, |_| false);
            assert_eq!(gaps.empty.contains(&CELL), is_gap, "{waivers}");
            assert_eq!(gaps.unreached.contains(&PROBE), is_gap, "{waivers}");
            assert!(gaps.refuted.is_empty(), "{waivers}");
        }
    }

    #[test]
    fn a_cell_that_was_reached_refutes_only_a_claim_of_impossible() {
        for (waivers, refuted) in [
            (String::new(), 0),
            (both("rare"), 0),
            (both("impossible"), 2),
        ] {
            let gaps = gaps(&waivers, |_| true);
            assert_eq!(gaps.refuted.len(), refuted, "{waivers}");
            assert!(!gaps.empty.contains(&CELL), "{waivers}");
            assert!(!gaps.unreached.contains(&PROBE), "{waivers}");
        }
    }

    #[test]
    fn what_meets_no_call_must_come_all_the_same() {
        let mut summary = Summary::default();
        summary.faults.insert(FaultClass::ClockJump, 1);
        let gaps = Gaps::of(&summary, &CellWaivers::read("").unwrap());
        assert_eq!(gaps.undelivered, [FaultClass::Shutdown]);
    }

    #[test]
    fn what_no_power_loss_has_left_is_a_gap() {
        let mut summary = Summary::default();
        let effects = CrashEffect::ALL.into_iter().skip(1);
        summary.effects.extend(effects.map(|effect| (effect, 1)));
        let gaps = Gaps::of(&summary, &CellWaivers::read("").unwrap());
        assert_eq!(gaps.unleft, [CrashEffect::ALL[0]]);
        let said = gaps.to_string();
        assert!(
            said.contains("never left by a power loss: write lost"),
            "{said}"
        );
    }

    #[test]
    fn a_wrong_waiver_is_as_bad_as_a_gap() {
        let refuted = vec![("a".to_string(), "b".to_string())];
        let gaps = Gaps {
            refuted,
            ..Gaps::default()
        };
        assert!(gaps.is_open());
        assert!(!Gaps::default().is_open());
    }
}
