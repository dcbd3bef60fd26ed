//! Reads the log that `run --workload` names, and keeps the plans that fail with it.

use std::path::Path;

use super::exit::CommandError;
use super::plan_file;
use crate::plan::{Plan, Workload};
use crate::report::Report;

/// The remedy in messages about a file that cannot be read.
const REMEDY: &str = "name a file with what `pg_waldump` printed";

/// Reads a log.
///
/// # Errors
/// `Input` if the file cannot be read, or a line of it is no record.
pub fn read(path: &Path) -> Result<Workload, CommandError> {
    let text = plan_file::read_text(path, REMEDY)?;
    Workload::read(&text).map_err(|error| plan_file::refuse(path, &error))
}

/// Writes the plan of each failure to a file in this folder, with its batches: the seed alone draws
/// another. The report then says how to replay the file.
///
/// # Errors
/// `Input` if a file cannot be written; the failure is then replayed as the report says otherwise.
pub fn keep_plans(
    report: &mut Report,
    workload: &Workload,
    folder: &Path,
) -> Result<(), CommandError> {
    for kind in &mut report.failures {
        let plan = Plan::draw_with(kind.seed, Some(workload));
        let path = folder.join(format!("seed-{}.full.plan", kind.seed));
        let comment = format!("seed {}: {}", kind.seed, kind.failure.verdict);
        plan_file::write(&path, &plan, &comment)?;
        let file = plan_file::quoted(path.as_os_str());
        kind.failure.replay = format!("cargo sim replay {file}");
    }
    Ok(())
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "a folder of the test's own, outside of any run"
)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::{Failure, FailureKind, Summary};
    use crate::run::{Keep, run};
    use crate::verdict::Verdict;

    const LOG: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../engine/tool/fixtures/pgbench.waldump"
    );

    #[test]
    fn a_plan_that_failed_is_kept_and_runs_without_its_log() {
        let workload = read(Path::new(LOG)).unwrap();
        let failure = Failure {
            verdict: Verdict::law("a law", "a fault"),
            trace: Vec::new(),
            replay: String::new(),
        };
        let mut report = Report {
            summary: Summary::default(),
            elapsed: Duration::ZERO,
            cpu_time: Duration::ZERO,
            job_count: 1,
            failures: vec![FailureKind {
                seed: 3,
                failure,
                count: 1,
            }],
            interrupted: None,
        };
        let folder = std::env::temp_dir().join(format!("palimpsest-kept-{}", std::process::id()));
        keep_plans(&mut report, &workload, &folder).unwrap();
        let replay = &report.failures[0].failure.replay;
        let file = replay.strip_prefix("cargo sim replay ").unwrap();
        let kept = plan_file::read_file(Path::new(file)).unwrap();
        let drawn = Plan::draw_with(3, Some(&workload));
        assert_eq!(kept, drawn);
        assert_eq!(
            run(&kept, Keep::Tail).digest,
            run(&drawn, Keep::Tail).digest
        );
        std::fs::remove_dir_all(folder).unwrap();
    }
}
