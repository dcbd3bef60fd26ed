//! Which calls a plan reaches, as far as its operations tell: a rule for any other call would never
//! fire.

use palimpsest::io::Job;

use crate::plan::settings::with_settings;
use crate::plan::{Knobs, Line, Maintenance, PlanOp};

/// The number of lives assumed for a plan whose operations are not known.
const LIFE_COUNT: u64 = 4;

/// Which jobs a plan runs, and in how many lives.
pub struct Reach {
    /// The jobs; `None` if the operations are not known, and any job may run.
    jobs: Option<Vec<Job>>,
    life_count: u64,
}

/// Whether maintenance is on in some life.
fn has_maintenance(ops: &[Line], knobs: &Knobs) -> bool {
    let mut all = with_settings(ops, knobs);
    all.any(|knobs| knobs.maintenance != Maintenance::Off)
}

impl Reach {
    /// The reach of a plan whose operations are not known.
    pub const UNKNOWN: Reach = Reach {
        jobs: None,
        life_count: LIFE_COUNT,
    };

    /// The reach of a plan with these operations.
    pub fn of(ops: &[Line], knobs: &Knobs) -> Reach {
        let mut jobs = vec![Job::Open, Job::Create, Job::Put, Job::Freeze, Job::Flush];
        jobs.extend(ops.iter().filter_map(|line| line.op.row().job));
        if has_maintenance(ops, knobs) {
            jobs.extend([Job::Keep, Job::Compact, Job::Image, Job::Gc]);
        }
        let leaves_files = |job: &Job| {
            matches!(
                job,
                Job::Compact | Job::Image | Job::Gc | Job::GcCompact | Job::Shed
            )
        };
        if jobs.iter().any(leaves_files) {
            jobs.push(Job::Drop);
        }
        let crashes = ops
            .iter()
            .filter(|line| matches!(line.op, PlanOp::Crash(_)));
        Reach {
            jobs: Some(jobs),
            life_count: crashes.count() as u64 + 1,
        }
    }

    /// Whether the plan runs such a job.
    pub fn has(&self, job: Job) -> bool {
        self.jobs.as_ref().is_none_or(|jobs| jobs.contains(&job))
    }

    /// The number of lives of the plan, at least.
    pub fn life_count(&self) -> u64 {
        self.life_count
    }
}
