//! Whether an instance that was shut down is at rest, and the next one has what it had.
//!
//! * Verified: behind the shutdown of a timeline, beside others, no job of it makes a call; if it
//!   was closed in good order, its next instance ends at or above its last record; and a handle of
//!   it that was kept says that it is closed.
//! * Not verified: calls where the engine maintains itself, for the branch of a timeline may have
//!   opened it again, and then these are the next instance's. Nor the end of one that a failed sync
//!   had latched: it may have lost what was not durable.
//!
//! Its state is how many calls the jobs of the instance had made when it was closed.

use palimpsest::io::Job;
use palimpsest::{Error, Timeline};

use super::{Answers, Sight};
use crate::keys;
use crate::label::TimelineLabel;
use crate::plan::Maintenance;
use crate::verdict::Verdict;
use crate::world::{SimIo, World};

/// The jobs that shape the layers of a timeline.
const SHAPING: [Job; 3] = [Job::Compact, Job::Image, Job::Gc];

/// An instance that was shut down.
pub struct Closed {
    label: TimelineLabel,
    call_count: u32,
}

impl Closed {
    /// A timeline was shut down just now.
    pub fn begin(world: &World, label: TimelineLabel) -> Closed {
        Closed {
            label,
            call_count: calls(world, label),
        }
    }

    /// The last one who worked on it has left, and it was not opened again.
    ///
    /// # Errors
    /// The broken law, if one of its jobs has made a call since.
    pub fn check_quiet(&self, sight: &Sight) -> Result<(), Verdict> {
        let late = calls(sight.world, self.label) - self.call_count;
        if late == 0 || sight.knobs.maintenance != Maintenance::Off {
            return Ok(());
        }
        let law = "behind a shutdown no job of the timeline makes a call";
        Err(Verdict::law(law, format!("{late} calls")))
    }
}

fn calls(world: &World, label: TimelineLabel) -> u32 {
    world.call_count(keys::timeline(label), &SHAPING)
}

/// A handle that was kept of an instance that was shut down says so.
///
/// # Errors
/// A wrong answer, if it says anything else.
pub fn check_handle(
    sight: &Sight,
    answers: &mut Answers,
    (label, handle): (TimelineLabel, &Timeline<SimIo>),
) -> Result<(), Verdict> {
    let response = answers.at_start(sight, handle);
    if matches!(response, Err(Error::Closed)) {
        return Ok(());
    }
    let asked = format!("get of {label} after its shutdown");
    Err(Verdict::wrong(
        asked,
        "it is closed",
        format!("{response:?}"),
    ))
}
