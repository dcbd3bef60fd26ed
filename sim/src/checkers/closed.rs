//! Checks that an instance that was shut down makes no call, and that the next one has its records.
//!
//! * Verified: after the shutdown of a timeline, while others go on, no job of it makes a call; if
//!   it was closed in good order, its next instance ends at or above its last record; and a handle
//!   of it that was kept returns that it is closed.
//! * Not verified: calls where maintenance is on, since an open of a branch may have opened it
//!   again, and then they are the next instance's. Nor the end of a latched one, which may have
//!   lost what was not durable.
//!
//! Its state is the number of calls that the jobs of the instance had made when it was closed.

use palimpsest::io::Job;
use palimpsest::{Error, Timeline};

use super::{Answers, Sight};
use crate::keys;
use crate::label::TimelineLabel;
use crate::plan::Maintenance;
use crate::verdict::Verdict;
use crate::world::{SimIo, World};

/// The jobs that change the layers of a timeline.
const SHAPING: [Job; 5] = [Job::Compact, Job::Image, Job::Gc, Job::GcCompact, Job::Shed];

/// An instance that was shut down.
pub struct Closed {
    label: TimelineLabel,
    call_count: u32,
}

impl Closed {
    /// Notes the calls of a timeline that was shut down just now.
    pub fn begin(world: &World, label: TimelineLabel) -> Closed {
        Closed {
            label,
            call_count: calls(world, label),
        }
    }

    /// Checks that no job of the instance has made a call since, after its last user left and
    /// before it is opened again.
    ///
    /// # Errors
    /// The broken law, if a job has made one.
    pub fn check_quiet(&self, sight: &Sight) -> Result<(), Verdict> {
        let late = calls(sight.world, self.label) - self.call_count;
        if late == 0 || sight.knobs.maintenance != Maintenance::Off {
            return Ok(());
        }
        let law = "after a shutdown no job of the timeline makes a call";
        Err(Verdict::law(law, format!("{late} calls")))
    }
}

fn calls(world: &World, label: TimelineLabel) -> u32 {
    world.call_count(keys::timeline(label), &SHAPING)
}

/// Checks that a handle kept of an instance that was shut down returns `Closed`.
///
/// # Errors
/// A wrong answer, if it returns anything else.
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
