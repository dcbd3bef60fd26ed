//! Checks that the worst crash does not take back what was acknowledged.
//!
//! * Verified: after each acknowledged flush, lease, strategy, compaction, image creation,
//!   collection, creation, branch, deletion and shutdown a power loss is tried on a copy of the
//!   disk, once such
//!   that nothing unsynced is left and once such that anything may be. The index must be there and
//!   say what was acknowledged, and each file that it names must be whole. A job that ran alone has
//!   saved the very layers that are in the map.
//! * Not verified: the layers of a job beside others, which may have replaced them already; and
//!   anything on a device that loses what was synced; and anything while choices of an earlier
//!   power loss are open, as in an enumeration of its cases; and an index that another job was just
//!   replacing, if the device left neither name of that rename: DEVICE.md says what is owed then.
//!
//! It has no state.

use palimpsest::base::{Lsn, Time};
use palimpsest::format::Index;
use palimpsest::{Policy, Strategy, Timeline};

use super::Sight;
use crate::disk::Disk;
use crate::faults::Survival;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws;
use crate::paths::{index_path, timeline_dir};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// What was acknowledged of a timeline.
pub enum Acknowledged<'a> {
    /// All records up to an LSN are durable.
    Flushed(Lsn),
    /// History below an LSN is given up.
    Collected(Lsn),
    /// A job that changes layers is done, while nothing else ran.
    Reshaped(&'a Timeline<SimIo>),
    /// The timeline is there, on this ancestor if it is a branch.
    Made(Option<(TimelineLabel, Lsn)>),
    /// An LSN is leased until a time.
    Leased(Lsn, Time),
    /// The timeline compacts by this strategy.
    Told(Strategy),
    /// The timeline has this policy.
    Given(Policy),
    /// The timeline is gone.
    Deleted,
}

/// Checks what was acknowledged of a timeline just now.
///
/// # Errors
/// The broken law, if a power loss takes it back.
pub fn check(sight: &Sight, label: TimelineLabel, what: &Acknowledged) -> Result<(), Verdict> {
    if !sight.world.keeps_its_word() {
        return Ok(());
    }
    let (live, step) = {
        let state = sight.world.state();
        (state.disk.clone(), state.counts.steps)
    };
    // The choices of an earlier power loss are made when the engine looks, and not before.
    if 0.0 < live.log2_of_images() {
        return Ok(());
    }
    for survival in [Survival::Nothing, Survival::Draw(step)] {
        let mut left = live.crash(survival);
        check_left(&mut left, &mut live.clone(), label, what)?;
    }
    Ok(())
}

fn check_left(
    left: &mut Disk,
    live: &mut Disk,
    label: TimelineLabel,
    what: &Acknowledged,
) -> Result<(), Verdict> {
    let id = keys::timeline(label);
    if let Acknowledged::Deleted = what {
        let is_there = laws::index(left, id).is_ok_and(|index| !index.is_deleted);
        return match is_there {
            true => Err(taken_back(label, "its deletion", "its index is there")),
            false => Ok(()),
        };
    }
    if left.has_lost(&index_path(id)) {
        return Ok(());
    }
    let index = laws::index(left, id);
    let index = index.map_err(|verdict| match verdict {
        Verdict::BrokenLaw { found, .. } => taken_back(label, "its index", &found),
        other => other,
    })?;
    check_files(left, live, &index)?;
    match what {
        Acknowledged::Flushed(lsn) if index.disk_consistent_lsn < *lsn => Err(taken_back(
            label,
            &format!("what was flushed up to {lsn}"),
            &format!("it is flushed up to {}", index.disk_consistent_lsn),
        )),
        Acknowledged::Collected(lsn) if index.gc_cutoff < *lsn => Err(taken_back(
            label,
            &format!("its cutoff {lsn}"),
            &format!("its cutoff is {}", index.gc_cutoff),
        )),
        Acknowledged::Leased(lsn, until) if index.leases.get(lsn).is_none_or(|at| at < until) => {
            let leases = format!("{:?}", index.leases);
            Err(taken_back(label, &format!("the lease of {lsn}"), &leases))
        }
        Acknowledged::Made(on) => {
            let expected = on.map(|(on, at)| (keys::timeline(on), at));
            let found = index
                .ancestor
                .map(|ancestor| (ancestor.timeline, ancestor.lsn));
            match found == expected && !index.is_deleted {
                true => Ok(()),
                false => Err(taken_back(label, "its creation", &format!("{found:?}"))),
            }
        }
        Acknowledged::Told(strategy) if index.strategy != *strategy => {
            let found = index.strategy.to_string();
            Err(taken_back(
                label,
                &format!("its strategy, {strategy}"),
                &found,
            ))
        }
        Acknowledged::Given(policy) if index.policy != *policy => Err(taken_back(
            label,
            &format!("its policy, {policy}"),
            &index.policy.to_string(),
        )),
        Acknowledged::Reshaped(timeline) => laws::check_saved(left, timeline),
        Acknowledged::Given(_)
        | Acknowledged::Flushed(_)
        | Acknowledged::Collected(_)
        | Acknowledged::Leased(..)
        | Acknowledged::Told(_)
        | Acknowledged::Deleted => Ok(()),
    }
}

/// Checks that each file that the index names is as long as it says, and has the bytes that it has
/// while the power is on.
fn check_files(left: &mut Disk, live: &mut Disk, index: &Index) -> Result<(), Verdict> {
    let dir = timeline_dir(index.timeline);
    for layer in &index.layers {
        let name = laws::file_name(layer).to_string();
        let path = dir.join(&name);
        let kept = left.bytes(&path);
        let is_whole = match (&kept, live.bytes(&path)) {
            (Ok(kept), Ok(live)) => kept.len() as u64 == layer.len && *kept == live,
            // A job beside this one has replaced the layer, and its own index is not durable yet.
            (Ok(kept), Err(_)) => kept.len() as u64 == layer.len,
            (Err(_), _) => false,
        };
        if !is_whole {
            let law = "a power loss leaves every file whole that the index names";
            let found = kept.map_or_else(|error| error.to_string(), |kept| kept.len().to_string());
            return Err(Verdict::law(law, format!("{name}: {found}")));
        }
    }
    Ok(())
}

fn taken_back(label: TimelineLabel, what: &str, found: &str) -> Verdict {
    let law = format!("a power loss does not take back what was acknowledged of {label}: {what}");
    Verdict::law(law, found.to_owned())
}
