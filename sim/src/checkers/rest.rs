//! Checks that a timeline that has nothing to do rests, and goes on resting.
//!
//! * Verified: where each job has said that nothing is due, it says so again, and makes no call to
//!   find that out. One more delta somewhere makes nothing due, if fewer deltas than that trigger
//!   the job.
//! * Not verified: calls where maintenance is on, since its jobs are not told from those that the
//!   check calls. Nor a timeline with a file that the device has made wrong: what cannot be read
//!   stays undone.
//!
//! Its state is the number of calls that the jobs had made when they had said so.

use palimpsest::io::Job;
use palimpsest::timeline::Progress;

use super::Sight;
use crate::keys;
use crate::label::TimelineLabel;
use crate::plan::Maintenance;
use crate::verdict::Verdict;

/// The jobs that look for something to do.
const JOBS: [Job; 6] = [
    Job::Flush,
    Job::Compact,
    Job::Image,
    Job::Gc,
    Job::GcCompact,
    Job::Shed,
];

/// The calls that jobs of the timelines have made in this life.
pub fn call_count(sight: &Sight, labels: impl IntoIterator<Item = TimelineLabel>) -> u32 {
    let count = |label| sight.world.call_count(keys::timeline(label), &JOBS);
    labels.into_iter().map(count).sum()
}

/// A timeline whose jobs have said that nothing is due.
pub struct Rest {
    label: TimelineLabel,
    call_count: u32,
}

impl Rest {
    /// Begins after each job has said so.
    pub fn begin(sight: &Sight, label: TimelineLabel) -> Rest {
        Rest {
            label,
            call_count: call_count(sight, [label]),
        }
    }

    /// Checks that no job has made a call since.
    ///
    /// # Errors
    /// The broken law, if one has.
    pub fn check_quiet(&self, sight: &Sight) -> Result<(), Verdict> {
        let later = call_count(sight, [self.label]).saturating_sub(self.call_count);
        if later == 0 || sight.knobs.maintenance != Maintenance::Off {
            return Ok(());
        }
        let law = "a job for which nothing is due makes no call";
        Err(Verdict::law(
            law,
            format!("timeline {}: {later}", self.label),
        ))
    }
}

/// Checks what a job says for which nothing is due.
///
/// # Errors
/// The broken law, if it found something to do; a wrong answer, if it failed.
pub fn check_idle(
    (label, what): (TimelineLabel, &str),
    progress: palimpsest::Result<Progress>,
) -> Result<(), Verdict> {
    match progress {
        Ok(Progress::Idle) => Ok(()),
        Ok(found) => {
            let law = format!("where nothing is due, there is nothing {what}");
            Err(Verdict::law(law, format!("timeline {label}: {found:?}")))
        }
        Err(error) => {
            let asked = format!("find nothing {what}, with no fault left");
            Err(Verdict::wrong(asked, "it is idle", error.to_string()))
        }
    }
}
