//! The figures of a timeline in one line.

use std::collections::BTreeMap;

use palimpsest::io::Job;
use palimpsest::{JobRuns, KeepReason, TimelineStats};

use crate::layer::short;
use crate::words::range;

/// `depths all 2`: the layers that a read may visit, for each range of keys.
pub fn depths(stats: &TimelineStats) -> String {
    let depths = stats.read_depths.iter();
    let depths = depths.map(|(keys, depth)| format!(" {} {depth}", range(*keys)));
    format!("depths{}", depths.collect::<String>())
}

/// `compact: read 2, wrote 1, removed 2, visited 3, kept 2, discarded 1, produced 0`, of the last
/// run of each job.
pub fn counted(runs: &BTreeMap<Job, JobRuns>) -> String {
    let jobs = runs.iter().map(|(job, runs)| {
        let last = runs.last;
        format!(
            "{}: read {}, wrote {}, removed {}, visited {}, kept {}, discarded {}, produced {}",
            job.name(),
            last.layers_read.count,
            last.layers_written.count,
            last.layers_removed.count,
            last.visited.count,
            last.kept.count,
            last.discarded.count,
            last.produced.count,
        )
    });
    match runs.is_empty() {
        true => "nothing".to_owned(),
        false => jobs.collect::<Vec<String>>().join(" | "),
    }
}

/// `forecast 30: takes [11..21] keeps [all@30 (read)]`.
pub fn forecast(stats: &TimelineStats) -> String {
    let forecast = &stats.collection;
    let taken: Vec<String> = forecast.taken.iter().map(|name| short(*name)).collect();
    let kept = forecast.kept.iter().map(|(name, reason)| {
        let why = match reason {
            KeepReason::AboveCutoff => "above".to_owned(),
            KeepReason::ReadAtCutoff => "read".to_owned(),
            KeepReason::Retained(lsn) => format!("retained {}", lsn.0),
        };
        format!("{} ({why})", short(*name))
    });
    let kept: Vec<String> = kept.collect();
    let (cutoff, taken, kept) = (forecast.cutoff.0, taken.join(" "), kept.join(" "));
    format!("forecast {cutoff}: takes [{taken}] keeps [{kept}]")
}
