//! What a plan comes by, as far as its operations tell: a rule elsewhere would never fire.

use palimpsest::io::Job;

use crate::plan::{Knobs, Line, Maintenance, PlanOp};

/// Lives that a plan may have of which nothing is known.
const LIFE_COUNT: u64 = 4;

/// Which jobs a plan does, and in how many lives.
pub struct Reach {
    /// Nothing, if nothing is known: then it may be any.
    jobs: Option<Vec<Job>>,
    life_count: u64,
    /// Whether batches wait where too many L0s do.
    has_stall: bool,
}

impl Reach {
    /// Of a plan of which nothing is known yet.
    pub const UNKNOWN: Reach = Reach {
        jobs: None,
        life_count: LIFE_COUNT,
        has_stall: true,
    };

    /// Of a plan with these operations.
    pub fn of(ops: &[Line], knobs: &Knobs) -> Reach {
        let mut jobs = vec![Job::Open, Job::Create, Job::Put, Job::Freeze, Job::Flush];
        jobs.extend(ops.iter().filter_map(|line| line.op.row().job));
        if knobs.maintenance != Maintenance::Off {
            jobs.extend([Job::Keep, Job::Compact, Job::Image, Job::Gc]);
        }
        let leaves_files = |job: &Job| matches!(job, Job::Compact | Job::Image | Job::Gc);
        if jobs.iter().any(leaves_files) {
            jobs.push(Job::Drop);
        }
        let crashes = ops
            .iter()
            .filter(|line| matches!(line.op, PlanOp::Crash(_)));
        Reach {
            jobs: Some(jobs),
            life_count: crashes.count() as u64 + 1,
            has_stall: knobs.maintenance.l0_stall_count().is_some(),
        }
    }

    /// Whether the plan does such a job.
    pub fn has(&self, job: Job) -> bool {
        self.jobs.as_ref().is_none_or(|jobs| jobs.contains(&job))
    }

    /// Whether batches wait where too many L0s do.
    pub fn has_stall(&self) -> bool {
        self.has_stall
    }

    /// How many lives it has, at least.
    pub fn life_count(&self) -> u64 {
        self.life_count
    }
}
