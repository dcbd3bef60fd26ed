//! Checks that timelines are created where they may be: branches above all.
//!
//! * Verified: a branch is created if it never was before and its ancestor can be read at its point
//!   at some moment of the call, and refused if not, or if that is below the ancestor's own point.
//!   An acknowledged branch stands at its point, and its ancestor is durable up to it.
//! * Not verified: what a branch answers (see [`Answers`](super::Answers)). Nor a refusal during
//!   the shutdown of the ancestor: the next instance may refuse, which lacks what a failed sync
//!   lost, and its cutoff was not looked at.
//!
//! It has no state.

use palimpsest::base::Lsn;
use palimpsest::{Error, Timeline};

use super::Sight;
use crate::label::TimelineLabel;
use crate::oracle::{Allowed, Existence};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// Part of the refusal of a timeline whose index says that it was deleted.
const SAYS_DELETED: &str = "was deleted";
/// Part of the refusal of a timeline that is not there.
const SAYS_NONE: &str = "there is no timeline";

/// A branch to be created.
#[derive(Clone, Copy)]
pub struct Branch {
    /// Its label.
    pub label: TimelineLabel,
    /// Its ancestor.
    pub ancestor: TimelineLabel,
    /// Its LSN on the ancestor.
    pub lsn: Lsn,
}

impl Branch {
    /// The call, as text for a verdict.
    pub fn asked(&self) -> String {
        let Branch {
            label,
            ancestor,
            lsn,
        } = self;
        format!("branch {label} off {ancestor} at {lsn}")
    }

    /// Whether the point is below that at which the ancestor itself begins.
    pub fn is_below_the_ancestor(&self, sight: &Sight) -> bool {
        let ancestor = sight.expectations.get(&self.ancestor);
        let start = ancestor.and_then(|ancestor| ancestor.start);
        start.is_some_and(|start| self.lsn < start)
    }

    /// Checks a creation that succeeded, given what was known before.
    ///
    /// # Errors
    /// A wrong answer, if it had to be refused.
    pub fn check_made(
        &self,
        sight: &Sight,
        (before, allowed): (Existence, &Allowed<()>),
    ) -> Result<(), Verdict> {
        let expected = match (before, allowed.answers.is_empty()) {
            (Existence::Exists, _) => "a refusal, it exists",
            (_, true) => "a refusal, the ancestor cannot be read there",
            // Where a root begins, its layers tell, and below the cutoff they may be gone.
            (_, false) if self.is_below_the_ancestor(sight) && !allowed.below => {
                "a refusal, it is below the start of the ancestor"
            }
            (_, false) => return Ok(()),
        };
        Err(Verdict::wrong(self.asked(), expected, "it was created"))
    }

    /// Checks a creation that was refused, given what was known before.
    ///
    /// # Errors
    /// A wrong answer, if it had to succeed.
    pub fn check_refused(
        &self,
        sight: &Sight,
        (before, allowed): (Existence, &Allowed<()>),
        error: &Error,
    ) -> Result<(), Verdict> {
        let judge = sight.judge;
        let is_shutting_down = judge.is_shutting_down(self.ancestor);
        let is_right = match error {
            // The next instance lacks what a failed sync lost.
            Error::NotYet { .. } => {
                allowed.not_yet || (is_shutting_down && judge.is_lossy(self.ancestor))
            }
            // The cutoff of the next instance was not looked at.
            Error::BelowCutoff { .. } => allowed.below || is_shutting_down,
            Error::Refused { why } if are_leftovers(sight, self.label, why) => true,
            Error::Refused { .. } if self.is_below_the_ancestor(sight) => true,
            _ => before != Existence::Absent || judge.may_have_leftovers(),
        };
        if is_right {
            return Ok(());
        }
        let expected = "it is created, it never was before, and the ancestor can be read there";
        Err(Verdict::wrong(self.asked(), expected, error.to_string()))
    }

    /// Checks an acknowledged branch: its ancestor is durable up to it, and it starts there. From
    /// now on it is known to exist.
    ///
    /// # Errors
    /// The broken law.
    pub fn acknowledged(
        &self,
        sight: &mut Sight,
        timeline: &Timeline<SimIo>,
    ) -> Result<(), Verdict> {
        let judge = sight.judge;
        // During the shutdown of a latched ancestor, it may stand on an instance that is not known
        // here.
        let is_another = judge.is_shutting_down(self.ancestor) && judge.is_lossy(self.ancestor);
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

/// Whether a refusal says that there is no such timeline.
pub fn says_none(why: &str) -> bool {
    why.contains(SAYS_NONE)
}

/// Whether the refusal of a creation names what is left of a deletion that was refused as well.
pub fn are_leftovers(sight: &Sight, label: TimelineLabel, why: &str) -> bool {
    let expected = sight.expectations.get(&label);
    expected.is_some_and(|expected| expected.may_have_files) && why.contains(SAYS_DELETED)
}

/// Handles the refusal of a creation because the timeline exists or was deleted. Returns whether
/// all must be opened again to learn which.
///
/// # Errors
/// A wrong answer, if the refusal says that an existing timeline was deleted.
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
