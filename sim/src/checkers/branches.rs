//! Whether timelines come about where they may: branches above all.
//!
//! * Verified: a branch is made if it never was before and its ancestor can be read at its point at
//!   some moment of the call, and is refused if not. One that is acknowledged stands at its point,
//!   and its ancestor is durable up to it.
//! * Not verified: what a branch answers: see [`Answers`](super::Answers). A refusal beside the
//!   shutdown of the ancestor, for the instance that refuses may be the next one, which has not
//!   what a failed sync lost, and a cutoff that was not looked at.
//!
//! It has no state.

use palimpsest::base::Lsn;
use palimpsest::{Error, Timeline};

use super::Sight;
use crate::label::TimelineLabel;
use crate::oracle::{Allowed, Existence};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// What a refusal says of a timeline whose index says that it was deleted.
const SAYS_DELETED: &str = "was deleted";

/// A branch that is asked for.
#[derive(Clone, Copy)]
pub struct Branch {
    /// Its name.
    pub label: TimelineLabel,
    /// What it is to stand on.
    pub ancestor: TimelineLabel,
    /// And where.
    pub lsn: Lsn,
}

impl Branch {
    /// The call, for a verdict.
    pub fn asked(&self) -> String {
        let Branch {
            label,
            ancestor,
            lsn,
        } = self;
        format!("branch {label} off {ancestor} at {lsn}")
    }

    /// It was made, and this was known of it before.
    ///
    /// # Errors
    /// A wrong answer, if it had to be refused.
    pub fn check_made(&self, before: Existence, allowed: &Allowed<()>) -> Result<(), Verdict> {
        let expected = match (before, allowed.answers.is_empty()) {
            (Existence::Exists, _) => "a refusal, it exists",
            (_, true) => "a refusal, the ancestor cannot be read there",
            (_, false) => return Ok(()),
        };
        Err(Verdict::wrong(self.asked(), expected, "it was created"))
    }

    /// It was refused, and this was known of it before.
    ///
    /// # Errors
    /// A wrong answer, if nothing speaks for the refusal.
    pub fn check_refused(
        &self,
        sight: &Sight,
        (before, allowed): (Existence, &Allowed<()>),
        error: &Error,
    ) -> Result<(), Verdict> {
        let judge = sight.judge;
        let is_ending = judge.is_ending(self.ancestor);
        let is_right = match error {
            // An instance that is opened again has not what a failed sync lost.
            Error::NotYet { .. } => allowed.not_yet || (is_ending && judge.is_lossy(self.ancestor)),
            // Nor was its cutoff looked at.
            Error::BelowCutoff { .. } => allowed.below || is_ending,
            _ => before != Existence::Absent || judge.may_have_crash_point(),
        };
        if is_right {
            return Ok(());
        }
        let expected = "it is created, it never was before, and the ancestor can be read there";
        Err(Verdict::wrong(self.asked(), expected, error.to_string()))
    }

    /// It was acknowledged: its ancestor is durable up to it, and it starts there. From now on it
    /// is known to be there.
    ///
    /// # Errors
    /// The broken law.
    pub fn acknowledged(
        &self,
        sight: &mut Sight,
        timeline: &Timeline<SimIo>,
    ) -> Result<(), Verdict> {
        let judge = sight.judge;
        // Beside the shutdown of a latched one, it may stand on an instance that is not known here.
        let is_another = judge.is_ending(self.ancestor) && judge.is_lossy(self.ancestor);
        let on = sight.open.get(&self.ancestor).filter(|_| !is_another);
        let durable = on.map(|on| on.disk_consistent_lsn());
        let lsn = self.lsn;
        if durable.is_some_and(|durable| durable < lsn) {
            let law = format!("a branch is acknowledged when its ancestor is durable up to {lsn}");
            return Err(Verdict::law(law, format!("{durable:?}")));
        }
        let ends = (timeline.last_record_lsn(), timeline.disk_consistent_lsn());
        if ends != (lsn, lsn) {
            let law = format!("a branch starts at its point, {lsn}");
            return Err(Verdict::law(law, format!("{ends:?}")));
        }
        let below = sight.expectations[&self.ancestor].clone();
        let at = (self.ancestor, lsn);
        sight.expected(self.label).branched(at, &below);
        Ok(())
    }
}

/// A creation was refused for the sake of what is there. Says whether all must be opened again to
/// see what that is.
///
/// # Errors
/// A wrong answer, if it is said to be deleted and is there.
pub fn refused(sight: &mut Sight, label: TimelineLabel, why: &str) -> Result<bool, Verdict> {
    let expected = sight.expected(label);
    if !why.contains(SAYS_DELETED) {
        return Ok(expected.existence == Existence::InDoubt);
    }
    if expected.existence == Existence::Exists {
        let asked = format!("create {label}");
        return Err(Verdict::wrong(asked, "it exists", why));
    }
    // From here on no crash may bring it back.
    expected.refused();
    Ok(true)
}
