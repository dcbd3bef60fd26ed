//! Runs a capsule again on the present build.

use std::fmt;

use super::{Capsule, Origin, Which};
use crate::divergence::run_twice;
use crate::plan::{Plan, PlanError};
use crate::run::Outcome;
use crate::verdict::Verdict;

impl Capsule {
    /// Parses one of the capsule's two plans.
    ///
    /// # Errors
    /// `PlanError` if this build cannot run it. The capsule's checksum holds, so another release
    /// made it.
    pub fn plan(&self, which: Which) -> Result<Plan, PlanError> {
        let lines = match which {
            Which::Shrunk => &self.shrunk_plan,
            Which::Full => &self.full_plan,
        };
        lines.join("\n").parse()
    }
}

/// The outcome of a capsule on this build.
#[derive(Clone, Debug)]
pub enum Replayed {
    /// The plan fails with the capsule's signature.
    Same(Box<Replay>),
    /// The plan fails with another signature.
    Another(Box<Replay>),
    /// Neither the shrunk plan nor the full one fails.
    Fixed(Box<Replay>),
    /// This build cannot run the capsule's plan.
    DoesNotFit(PlanError),
}

/// The plan that decided, and the outcome of its run.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The kind of plan: the shrunk one or the full one.
    pub which: Which,
    /// The plan.
    pub plan: Plan,
    /// The outcome of its run.
    pub outcome: Outcome,
}

/// The exit code of a capsule that does not fit this build.
const DOES_NOT_FIT: u8 = 6;

/// Runs the shrunk plan, and the full one if the shrunk one passes: a small change of timing can
/// hide the bug from the short plan and not from the long one.
pub fn replay(capsule: &Capsule) -> Replayed {
    let shrunk = match capsule.plan(Which::Shrunk) {
        Ok(plan) => plan,
        Err(error) => return Replayed::DoesNotFit(error),
    };
    let replay = run_again(Which::Shrunk, shrunk);
    if replay.outcome.verdict.is_some() {
        return judged(capsule, replay);
    }
    match capsule.plan(Which::Full) {
        Ok(full) if full != replay.plan => {
            let other = run_again(Which::Full, full);
            match other.outcome.verdict {
                Some(_) => judged(capsule, other),
                None => Replayed::Fixed(Box::new(replay)),
            }
        }
        _ => Replayed::Fixed(Box::new(replay)),
    }
}

fn run_again(which: Which, plan: Plan) -> Replay {
    let outcome = run_twice(&plan);
    Replay {
        which,
        plan,
        outcome,
    }
}

fn judged(capsule: &Capsule, replay: Replay) -> Replayed {
    let signature = replay.outcome.verdict.as_ref().map(Verdict::signature);
    let replay = Box::new(replay);
    match signature {
        Some(found) if found == capsule.signature => Replayed::Same(replay),
        Some(_) => Replayed::Another(replay),
        None => Replayed::Fixed(replay),
    }
}

impl Replayed {
    /// The outcome's name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Replayed::Same(_) => "same failure",
            Replayed::Another(_) => "another failure",
            Replayed::Fixed(_) => "fixed",
            Replayed::DoesNotFit(_) => "does not fit this build",
        }
    }

    /// The run that decided, if there was one.
    pub fn replay(&self) -> Option<&Replay> {
        match self {
            Replayed::Same(replay) | Replayed::Another(replay) | Replayed::Fixed(replay) => {
                Some(replay)
            }
            Replayed::DoesNotFit(_) => None,
        }
    }

    /// The exit code of a command with this outcome.
    pub fn exit_code(&self) -> u8 {
        let verdict = self.replay().map(|replay| &replay.outcome.verdict);
        match verdict {
            Some(Some(verdict)) => verdict.exit_code(),
            Some(None) => 0,
            None => DOES_NOT_FIT,
        }
    }

    /// A report that compares the outcome with the capsule.
    pub fn told<'a>(&'a self, capsule: &'a Capsule) -> impl fmt::Display + 'a {
        Told {
            replayed: self,
            capsule,
        }
    }
}

/// The report of one replayed capsule.
struct Told<'a> {
    replayed: &'a Replayed,
    capsule: &'a Capsule,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { replayed, capsule } = self;
        writeln!(f, "{}", replayed.name())?;
        let (lock, present) = (capsule.origin.lock, Origin::present().lock);
        if lock != present {
            writeln!(
                f,
                "  the dependencies are others: Cargo.lock {lock:016x}, now {present:016x}"
            )?;
        }
        let replay = match replayed {
            Replayed::DoesNotFit(error) => {
                writeln!(f, "  it was made by revision {}", capsule.origin.revision)?;
                writeln!(f, "  its plan cannot be run here: {error}")?;
                let remedy = "build that revision, or bring the plan in it up to date by hand";
                return writeln!(f, "  {remedy}");
            }
            Replayed::Same(replay) | Replayed::Another(replay) | Replayed::Fixed(replay) => replay,
        };
        writeln!(f, "  the capsule has  {}", capsule.signature)?;
        let found = replay.outcome.verdict.as_ref().map(Verdict::signature);
        let found = found.unwrap_or_else(|| "no failure".to_string());
        writeln!(f, "  this build has   {found}")?;
        let expected = match replay.which {
            Which::Shrunk => capsule.shrunk_digest,
            Which::Full => {
                writeln!(f, "  the shrunk plan is right, the full one is not")?;
                capsule.full_digest
            }
        };
        let found = replay.outcome.digest;
        match found == expected {
            true => writeln!(
                f,
                "  the run is the same, step by step: digest {found:016x}"
            ),
            false => writeln!(
                f,
                "  the run is another: digest {expected:016x}, now {found:016x}"
            ),
        }
    }
}
