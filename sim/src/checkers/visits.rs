//! Checks that reads look into few layers.
//!
//! * Verified: where all has just been given images, a read at the end of a timeline looks into at
//!   most two layers, for each key of the plan.
//! * Not verified: keys that can have no image, since their records have no base or do not fit
//!   their page. Nor a read that names a file that the device has made wrong. No law bounds yet
//!   what a read costs while jobs are behind.
//!
//! * Verified too: no read visits more layers than the timeline's figures say of its key.
//!
//! It has no state.

use std::pin::pin;

use palimpsest::base::{Key, Lsn};

use super::{Answers, Finding, Sight};
use crate::keys;
use crate::label::TimelineLabel;
use crate::model::{self, Answer};
use crate::verdict::Verdict;

/// How many layers a read looks into at most, where all has images.
const VISITS_MAX: usize = 2;

/// Checks how many layers reads of an open timeline look into, after all was given images.
///
/// # Errors
/// The broken law, with the read.
pub fn check(sight: &Sight, answers: &mut Answers, label: TimelineLabel) -> Result<(), Finding> {
    let lsn = sight.open[&label].last_record_lsn();
    for key in keys::all(sight.knobs) {
        let answer = sight.expectations[&label].history.answer(key, lsn);
        if matches!(answer, Answer::NoBase | Answer::NoRedo) {
            // It can have no image.
            continue;
        }
        if answer == Answer::Absent && model::is_sparse(key) {
            // Where all sparse keys are absent, there is no image.
            continue;
        }
        let checked = check_one(sight, answers, label, (key, lsn));
        checked.map_err(|verdict| Finding::from(verdict).at(label, key, lsn))?;
    }
    Ok(())
}

fn check_one(
    sight: &Sight,
    answers: &mut Answers,
    label: TimelineLabel,
    (key, lsn): (Key, Lsn),
) -> Result<(), Verdict> {
    let asked = || format!("visits of {key} at {lsn}");
    let visits = answers.at_once(sight, pin!(sight.open[&label].visits(key, lsn)));
    let visits = match visits {
        Err(error) if sight.judge.is_rot(&error) => return Ok(()),
        Err(error) => return Err(Verdict::wrong(asked(), "its layers", error.to_string())),
        Ok(visits) => visits,
    };
    check_depth(sight, label, (key, visits.len()))?;
    if visits.len() <= VISITS_MAX {
        return Ok(());
    }
    let law = format!(
        "where all have images, {} are at most {VISITS_MAX}",
        asked()
    );
    let names: Vec<String> = visits.iter().map(ToString::to_string).collect();
    Err(Verdict::law(law, names.join(", ")))
}

/// Checks the depth that the figures of the timeline say of a key.
fn check_depth(
    sight: &Sight,
    label: TimelineLabel,
    (key, visit_count): (Key, usize),
) -> Result<(), Verdict> {
    let depths = sight.open[&label].stats().read_depths;
    let said = depths.iter().find(|(keys, _)| keys.contains(key));
    let said = said.map_or(0, |(_, depth)| *depth);
    if visit_count <= said {
        return Ok(());
    }
    let law = "a read visits at most as many layers as the figures say of its key";
    let found = format!("timeline {label}: {visit_count} for {key}, and {said} were said");
    Err(Verdict::law(law, found))
}
