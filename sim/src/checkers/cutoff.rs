//! Checks that the cutoff is where collections may have moved it, and goes as far as is due.
//!
//! * Verified: at each look, the published cutoff is at or above the one seen before, at or below
//!   what a running collection may have made, and at or below `disk_consistent_lsn`. A cutoff that
//!   a collection returns as durable is published. What was published and not durable when a
//!   shutdown gave it up may be there or not until the timeline is open again. Where no other task
//!   is left, a collection goes as far as distance and age allow, and leaves no layer that no read
//!   needs.
//! * Not verified: that a collection goes as far while others run: it may have chosen before.
//!
//! Its state is the [`Cutoff`](oracle::Cutoff) of each timeline, with its numbered facts.

use std::time::Duration;

use palimpsest::Timeline;
use palimpsest::base::{LayerName, Lsn};
use palimpsest::timeline::Collected;

use super::Sight;
use crate::label::TimelineLabel;
use crate::laws;
use crate::oracle;
use crate::plan::{Knobs, Maintenance};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// Checks and records every published cutoff.
///
/// # Errors
/// A broken law, if a cutoff is where no collection can have moved it.
pub fn look(sight: &mut Sight) -> Result<(), Verdict> {
    let horizon = sight.horizon();
    for label in oracle::ancestors_first(sight.expectations) {
        let is_closed = !sight.open.contains_key(&label);
        let expected = sight.expected(label);
        let highest = expected.highest_cutoff(&horizon);
        match is_closed {
            true => expected.cutoff.hide(highest),
            false => expected.cutoff.may_reach(highest),
        }
    }
    for (label, timeline) in sight.open.clone() {
        let (found, durable) = (timeline.gc_cutoff(), timeline.disk_consistent_lsn());
        if durable < found {
            let law = format!("the cutoff is at or below disk_consistent_lsn, {durable}");
            return Err(Verdict::law(law, format!("{found}")));
        }
        let is_lost = sight.judge.is_shutting_down(label) && sight.judge.is_lossy(label);
        let cutoff = &mut sight.expected(label).cutoff;
        cutoff.see(found)?;
        // The open of a branch may have opened the next instance unseen, with the durable cutoff.
        if is_lost {
            cutoff.close();
        }
    }
    Ok(())
}

/// Checks a collection that succeeded: the cutoff that it returns as durable is published. Forgets
/// records that no read needs, where there are many.
///
/// # Errors
/// A wrong answer, if it is not published.
pub fn collected(
    sight: &mut Sight,
    label: TimelineLabel,
    (before, collected): (oracle::Cutoff, Collected),
) -> Result<(), Verdict> {
    let cutoff = &mut sight.expected(label).cutoff;
    cutoff.acknowledge(collected.cutoff);
    let (low, found, high) = (before.seen(), collected.cutoff, cutoff.seen());
    if found < low || high < found {
        let expected = format!("a cutoff from {low} to {high}, which is published");
        let got = format!("{found}");
        return Err(Verdict::wrong("collect garbage", expected, got));
    }
    let retained = oracle::retained(sight.expectations, label).all();
    sight.expected(label).forget(&retained);
    Ok(())
}

/// Checks a collection that ran alone and without faults: it has moved the cutoff from `before` as
/// far as it may, and left no layer that no read needs.
///
/// # Errors
/// The broken law.
pub fn check_moved(sight: &mut Sight, label: TimelineLabel, before: Lsn) -> Result<(), Verdict> {
    let timeline = &sight.open[&label];
    let due = before.max(by_distance(sight.knobs, timeline));
    let age = age(sight.knobs, timeline);
    let found = timeline.gc_cutoff();
    let durable = sight.expected(label).cutoff.durable();
    let is_right = match age {
        Duration::ZERO => found == due,
        _ => before <= found && found <= due,
    };
    if is_right && found == durable {
        // Maintenance may have made such a layer meanwhile.
        return match sight.knobs.maintenance {
            Maintenance::Off => check_needless(sight, label),
            Maintenance::On { .. } => Ok(()),
        };
    }
    let law = format!("a collection makes {due} the cutoff, durably");
    let found = format!("{found}, and {durable} is durable");
    Err(Verdict::law(law, found))
}

/// Checks that the cutoff is as far as distance allows, after all history is old enough and was
/// collected.
///
/// # Errors
/// The broken law.
pub fn check_aged(sight: &Sight) -> Result<(), Verdict> {
    for label in oracle::ancestors_first(sight.expectations) {
        let Some(timeline) = sight.open.get(&label) else {
            continue;
        };
        let (found, due) = (timeline.gc_cutoff(), by_distance(sight.knobs, timeline));
        if found < due {
            let law = format!("what is old enough is below the cutoff, {due}");
            return Err(Verdict::law(law, found.to_string()));
        }
        if sight.knobs.maintenance == Maintenance::Off {
            check_needless(sight, label)?;
        }
    }
    Ok(())
}

/// How far a collection may go, apart from the age of what it would take.
pub fn by_distance(knobs: &Knobs, timeline: &Timeline<SimIo>) -> Lsn {
    let last = timeline.last_record_lsn().0;
    let distance = timeline.policy().gc_distance;
    let kept_from = Lsn(last.saturating_sub(distance.unwrap_or(knobs.gc_distance)));
    kept_from.min(timeline.disk_consistent_lsn())
}

/// How old history has to be that a collection may take.
pub fn age(knobs: &Knobs, timeline: &Timeline<SimIo>) -> Duration {
    timeline.policy().gc_age.unwrap_or(knobs.gc_age)
}

/// Checks that a collection has left no layer of an open timeline that no read needs.
///
/// # Errors
/// The broken law, with such a layer.
pub fn check_needless(sight: &Sight, label: TimelineLabel) -> Result<(), Verdict> {
    let timeline = &sight.open[&label];
    let retained = oracle::retained(sight.expectations, label).all();
    let map = timeline.layers();
    let names: Vec<LayerName> = map.files().names().collect();
    laws::check_needless(&names, timeline.gc_cutoff(), &retained)
}
