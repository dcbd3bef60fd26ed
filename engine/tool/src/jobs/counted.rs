//! What the jobs of a command have counted.

use std::collections::BTreeMap;
use std::io::{self, Write};

use palimpsest::io::Job;
use palimpsest::{JobRuns, JobStats, Quantity};
use serde_json::{Map, Value as Json, json};

/// Prints a line for each job.
pub(super) fn print(runs: &BTreeMap<Job, JobRuns>, out: &mut dyn Write) -> io::Result<()> {
    for (job, runs) in runs {
        let total = runs.total;
        let (read, written) = (total.layers_read, total.layers_written);
        writeln!(
            out,
            "{:<24} {} runs",
            format!("job {}", job.name()),
            total.run_count
        )?;
        writeln!(out, "    layers read          {read}")?;
        writeln!(out, "    layers written       {written}")?;
        writeln!(out, "    layers removed       {}", total.layers_removed)?;
        writeln!(out, "    entries visited      {}", total.visited)?;
        writeln!(out, "    entries kept         {}", total.kept)?;
        writeln!(out, "    entries discarded    {}", total.discarded)?;
        writeln!(out, "    images produced      {}", total.produced)?;
    }
    Ok(())
}

/// The sums of all runs, by the name of the job.
pub(super) fn json_of(runs: &BTreeMap<Job, JobRuns>) -> Json {
    let jobs = runs.iter();
    let jobs = jobs.map(|(job, runs)| (job.name().replace('-', "_"), of_one(&runs.total)));
    Json::Object(jobs.collect::<Map<String, Json>>())
}

fn of_one(stats: &JobStats) -> Json {
    let quantity = |quantity: Quantity| json!({"count": quantity.count, "len": quantity.len});
    json!({
        "runs": stats.run_count,
        "layers_read": quantity(stats.layers_read),
        "layers_written": quantity(stats.layers_written),
        "layers_removed": quantity(stats.layers_removed),
        "layers_discarded": quantity(stats.layers_discarded),
        "visited": quantity(stats.visited),
        "kept": quantity(stats.kept),
        "discarded": quantity(stats.discarded),
        "produced": quantity(stats.produced),
        "seconds_to_begin": stats.time_to_begin.as_secs_f64(),
        "seconds_to_build": stats.time_to_build.as_secs_f64(),
        "seconds_to_publish": stats.time_to_publish.as_secs_f64(),
    })
}
