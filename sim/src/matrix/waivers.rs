//! Waivers: what a run need not reach, and why, as lines that a person can check one by one.

use palimpsest::io::Job;

use super::cells;
use crate::faults::{Cell, FaultClass, FaultOutcome};
use crate::probes::PROBES;
use crate::text::{self, named_enum, read_waivers};

named_enum! {
    /// The claim about a cell or a probe.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Claim {
        /// No run can reach it: if one does, the reason is wrong.
        Impossible = "impossible",
        /// A run may or may not reach it.
        Rare = "rare",
    }
}

/// The waived cells and probes, with the reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellWaivers {
    lines: Vec<CellWaiver>,
}

/// A waiver: one line of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CellWaiver {
    pub(super) text: String,
    pub(super) claim: Claim,
    what: Waived,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Waived {
    /// All cells of these classes, jobs and outcomes.
    Cells(Vec<FaultClass>, Vec<Job>, Vec<FaultOutcome>),
    /// The probe of this name.
    Probe(String),
}

/// The form of a line.
const LINE: &str = "write `impossible CLASS, JOB, OUTCOME: REASON`, or `rare …`, or `rare probe …`";

impl CellWaivers {
    /// Reads waivers, one a line: `impossible CLASS, JOB, OUTCOME: REASON`, with `*` for any and
    /// `|` between several, or `impossible probe NAME: REASON`; or `rare` in place of `impossible`.
    /// Blank lines are skipped, and those that start with `#`.
    ///
    /// # Errors
    /// Names the first line that is no waiver, and what would be right; or a cell with both claims.
    pub fn read(text: &str) -> Result<CellWaivers, String> {
        let lines = read_waivers(text, LINE, read_waiver)?;
        let waivers = CellWaivers { lines };
        match cells().find(|cell| waivers.contradicts_itself(*cell)) {
            None => Ok(waivers),
            Some((class, job, outcome)) => {
                let (class, job, outcome) = (class.name(), job.name(), outcome.name());
                Err(format!(
                    "{class}, {job}, {outcome} is called both impossible and rare"
                ))
            }
        }
    }

    /// The lines that waive a cell.
    pub(super) fn of_cell(&self, cell: Cell) -> impl Iterator<Item = &CellWaiver> {
        self.lines.iter().filter(move |line| line.what.covers(cell))
    }

    /// The lines that waive a probe.
    pub(super) fn of_probe(&self, name: &str) -> impl Iterator<Item = &CellWaiver> {
        let is_it = move |line: &&CellWaiver| matches!(&line.what, Waived::Probe(it) if it == name);
        self.lines.iter().filter(is_it)
    }

    fn contradicts_itself(&self, cell: Cell) -> bool {
        let mut claims = self.of_cell(cell).map(|line| line.claim);
        claims
            .next()
            .is_some_and(|first| claims.any(|claim| claim != first))
    }
}

impl Waived {
    fn covers(&self, (class, job, outcome): Cell) -> bool {
        match self {
            Waived::Cells(classes, jobs, outcomes) => {
                classes.contains(&class) && jobs.contains(&job) && outcomes.contains(&outcome)
            }
            Waived::Probe(_) => false,
        }
    }
}

fn read_waiver(text::Waiver { line, what, .. }: text::Waiver<'_>) -> Result<CellWaiver, String> {
    let (claim, what) = what.split_once(' ').ok_or(LINE)?;
    let claims = Claim::ALL.into_iter();
    let claim = claims.into_iter().find(|one| one.name() == claim);
    let claim = claim.ok_or(LINE)?;
    let text = line.to_string();
    if let Some(name) = what.strip_prefix("probe ") {
        if !PROBES.contains(&name) {
            return Err(format!("the engine has no probe `{name}`"));
        }
        let what = Waived::Probe(name.to_string());
        return Ok(CellWaiver { text, claim, what });
    }
    let parts: Vec<&str> = what.split(',').map(str::trim).collect();
    let [class, job, outcome] = parts[..] else {
        return Err("write a class, a job and an outcome, with commas between".to_string());
    };
    let what = Waived::Cells(
        read_names(class, FaultClass::SHOWN, FaultClass::name)?,
        read_names(job, &Job::ALL, Job::name)?,
        read_names(outcome, &FaultOutcome::ALL, FaultOutcome::name)?,
    );
    Ok(CellWaiver { text, claim, what })
}

fn read_names<T: Copy>(
    words: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Vec<T>, String> {
    if words == "*" {
        return Ok(all.to_vec());
    }
    let read = |word: &str| {
        let found = all.iter().copied().find(|one| name(*one) == word);
        let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
        found.ok_or_else(|| format!("`{word}` is none of {}", names.join(", ")))
    };
    words.split('|').map(str::trim).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiver_has_a_claim_and_a_reason_and_names_what_exists() {
        for text in [
            "EIO, gc, reported: x",
            "seldom EIO, gc, reported: x",
            "rare EIO, gc, reported",
            "rare EIO, gc: x",
            "rare EIO, sweep, *: x",
            "rare EIO|EO, gc, *: x",
            "rare EIO, gc, *: ",
            "rare probe of nothing: x",
        ] {
            assert!(CellWaivers::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn several_names_stand_for_each_of_them_and_a_star_for_all() {
        let waivers =
            CellWaivers::read("impossible EIO|short read, *, tolerated|crashed: x").unwrap();
        for (cell, expected) in [
            ((FaultClass::Eio, Job::Gc, FaultOutcome::Tolerated), 1),
            ((FaultClass::ShortRead, Job::Put, FaultOutcome::Crashed), 1),
            ((FaultClass::ShortWrite, Job::Put, FaultOutcome::Crashed), 0),
            ((FaultClass::Eio, Job::Gc, FaultOutcome::Reported), 0),
        ] {
            assert_eq!(waivers.of_cell(cell).count(), expected, "{cell:?}");
        }
    }

    #[test]
    fn a_cell_is_not_both_impossible_and_rare() {
        let text = "impossible EIO, *, tolerated: x\nrare EIO, gc, *: y";
        let problem = CellWaivers::read(text).unwrap_err();
        assert_eq!(
            problem,
            "EIO, gc, tolerated is called both impossible and rare"
        );
    }

    #[test]
    fn the_repositorys_waivers_can_be_read() {
        assert_eq!(
            CellWaivers::read(include_str!("../../waivers.txt")).err(),
            None
        );
    }
}
