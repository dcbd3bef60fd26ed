//! Checks that recovery finds what must be there.
//!
//! * Verified: an opened timeline ends at `disk_consistent_lsn`; its ancestor is the one that was
//!   asked for; a branch in doubt that is found has an ancestor that is durable up to its point;
//!   its cutoff and its end are between what was acknowledged and what may have been written. A
//!   timeline that was shut down in good order ends where it ended.
//! * Not verified: the values. The answers show them, and are compared once all timelines are open,
//!   since what may be read on one depends on its children.
//!
//! It has no state: recovery pulls a timeline's [`Expected`] back to what was found.

use palimpsest::base::Lsn;
use palimpsest::{Policy, Timeline};

use super::{Sight, tiers};
use crate::keys;
use crate::label::TimelineLabel;
use crate::oracle::{self, Existence, Expected};
use crate::plan::Maintenance;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// Checks a timeline that was opened, and pulls its expected state back to what it says is durable.
///
/// # Errors
/// The broken law.
pub fn recovered(
    sight: &mut Sight,
    label: TimelineLabel,
    timeline: &Timeline<SimIo>,
) -> Result<(), Verdict> {
    let durable = timeline.disk_consistent_lsn();
    let last = timeline.last_record_lsn();
    if durable != last {
        let law = "an opened timeline ends at disk_consistent_lsn";
        return Err(Verdict::law(law, format!("{durable} and {last}")));
    }
    find_ancestor(sight, label, timeline)?;
    tiers::recovered(sight, label, timeline)?;
    let (cutoff, horizon) = (timeline.gc_cutoff(), sight.horizon());
    let has_maintenance = sight.knobs.maintenance != Maintenance::Off;
    let expected = sight.expected(label);
    let known = expected.cutoff.durable();
    expected.recover_cutoff(cutoff, &horizon)?;
    recover_policy(expected, label, timeline.policy())?;
    if has_maintenance {
        // The open of a branch may have opened it earlier, and its maintenance have published this.
        expected.cutoff.is_durable_up_to(known);
    }
    expected.recover(durable)
}

/// Compares the policy of a timeline that was opened with what was acknowledged. One that was made
/// by a creation in doubt has none.
fn recover_policy(
    expected: &mut Expected,
    label: TimelineLabel,
    found: Policy,
) -> Result<(), Verdict> {
    if expected.existence != Existence::Exists || !expected.starts.is_empty() {
        expected.policy.begin(Policy::default());
    }
    let recovered = expected.policy.recover(found);
    recovered.map_err(|law| Verdict::law(law, format!("timeline {label}: {found}")))
}

/// Checks that a timeline's ancestor is the one that was asked for. A branch in doubt that is there
/// has its ancestor's history, which must be durable.
fn find_ancestor(
    sight: &mut Sight,
    label: TimelineLabel,
    timeline: &Timeline<SimIo>,
) -> Result<(), Verdict> {
    let found = timeline.ancestor();
    let expected = &sight.expectations[&label];
    let is_it = |(on, lsn): (TimelineLabel, Lsn)| {
        found.is_some_and(|found| (found.timeline, found.lsn) == (keys::timeline(on), lsn))
    };
    let starts = expected.starts.iter();
    let mut branches = starts.filter_map(|start| Some((start.ancestor?, start.lsn)));
    if expected.ancestor.is_none()
        && let Some((on, lsn)) = branches.find(|branch| is_it(*branch))
    {
        let below = sight.expectations.get(&on);
        let below = below.map_or_else(|| Ok(Expected::absent()), |below| below.seen_from(lsn))?;
        if below.existence != Existence::Exists || below.acknowledged < lsn {
            let law = format!("a branch that is found has an ancestor that reaches {lsn}");
            let found = format!("{:?} up to {}", below.existence, below.acknowledged);
            return Err(Verdict::law(law, found));
        }
        let expected = expected.clone().found_branch((on, lsn), &below);
        sight.expectations.insert(label, expected);
        return Ok(());
    }
    // What was deleted may have been created anew, on nothing.
    let mut starts = expected.starts.iter();
    let is_made_anew = found.is_none()
        && expected.existence == Existence::InDoubt
        && starts.any(|start| start.ancestor.is_none());
    let is_right = expected.ancestor.map_or(found.is_none(), is_it);
    if is_right || is_made_anew {
        return Ok(());
    }
    let asked_for = expected.ancestor;
    let law = format!("a timeline stands on what was asked for: {asked_for:?}");
    Err(Verdict::law(law, format!("{found:?}")))
}

/// Whether an ancestor of a timeline is gone, because a power loss took its index.
pub fn stands_on_what_is_lost(sight: &Sight, label: TimelineLabel) -> bool {
    let mut below = oracle::all_below(sight.expectations, label).into_iter();
    below.any(|label| sight.judge.has_lost_index(keys::timeline(label)))
}

/// Checks the ends of timelines that were shut down in good order and opened again.
///
/// # Errors
/// A wrong answer, if one that is there ends elsewhere.
pub fn check_shut_down(sight: &mut Sight, ends: &[(TimelineLabel, Lsn)]) -> Result<(), Verdict> {
    for &(label, last) in ends {
        let expected = sight.expected(label);
        if expected.existence == Existence::Exists && expected.last != last {
            return Err(ends_elsewhere(label, last, expected.last));
        }
    }
    Ok(())
}

/// Checks the end of a timeline that was shut down in good order while others went on, and opened
/// again.
///
/// # Errors
/// A wrong answer, if it ends below that.
pub fn check_shut_down_beside(
    sight: &mut Sight,
    label: TimelineLabel,
    last: Lsn,
) -> Result<(), Verdict> {
    let found = sight.expected(label).last;
    if last <= found {
        return Ok(());
    }
    Err(ends_elsewhere(label, last, found))
}

fn ends_elsewhere(label: TimelineLabel, last: Lsn, found: Lsn) -> Verdict {
    let asked = format!("open timeline {label} after a shutdown");
    Verdict::wrong(asked, format!("it ends at {last}"), found.to_string())
}
