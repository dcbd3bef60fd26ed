//! Events as counters and histograms of `metrics`.

use std::time::Duration;

use metrics::{counter, histogram};

use crate::timeline::{Event, JobStats, Listener};

/// Counters and histograms over all timelines, in whichever recorder the program has installed.
///
/// # Shape
/// | name | kind | labels |
/// |---|---|---|
/// | `palimpsest_jobs_begun_total` | counter | `job` |
/// | `palimpsest_jobs_ended_total` | counter | `job`, `outcome`: done, failed, dropped |
/// | `palimpsest_job_seconds` | histogram | `job`, `phase`: begin, build, publish |
/// | `palimpsest_job_layers_total`, `palimpsest_job_bytes_total` | counters | `job`, `kind` |
/// | `palimpsest_timelines_opened_total`, `_closed_total`, `_latched_total` | counters | |
/// | `palimpsest_cutoff_moves_total` | counter | |
/// | `palimpsest_writer_delays_total`, `palimpsest_writer_stalls_total` | counters | |
/// | `palimpsest_writer_delay_seconds` | histogram | |
///
/// The `kind` of layers is read, written, removed or discarded.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use palimpsest::{Options, observe::MetricsListener};
///
/// let listener = Arc::new(MetricsListener);
/// let options = Options { listener: Some(listener), ..Options::default() };
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsListener;

impl Listener for MetricsListener {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::JobBegun { op } => {
                counter!("palimpsest_jobs_begun_total", "job" => op.job.name()).increment(1);
            }
            Event::JobEnded { op, stats, outcome } => {
                let (job, outcome) = (op.job.name(), outcome.name());
                let ended = counter!(
                    "palimpsest_jobs_ended_total", "job" => job, "outcome" => outcome
                );
                ended.increment(1);
                if let Some(stats) = stats {
                    count(job, stats);
                }
            }
            Event::TimelineOpened { .. } => {
                counter!("palimpsest_timelines_opened_total").increment(1);
            }
            Event::TimelineClosed { .. } => {
                counter!("palimpsest_timelines_closed_total").increment(1);
            }
            Event::TimelineLatched { .. } => {
                counter!("palimpsest_timelines_latched_total").increment(1);
            }
            Event::CutoffMoved { .. } => counter!("palimpsest_cutoff_moves_total").increment(1),
            Event::WriterDelayed { delay, .. } => {
                counter!("palimpsest_writer_delays_total").increment(1);
                histogram!("palimpsest_writer_delay_seconds").record(delay.as_secs_f64());
            }
            Event::WriterStalled { .. } => counter!("palimpsest_writer_stalls_total").increment(1),
            Event::WriterResumed { .. } => {}
        }
    }
}

fn count(job: &'static str, stats: &JobStats) {
    let phases: [(&'static str, Duration); 3] = [
        ("begin", stats.time_to_begin),
        ("build", stats.time_to_build),
        ("publish", stats.time_to_publish),
    ];
    for (phase, time) in phases {
        let seconds = histogram!("palimpsest_job_seconds", "job" => job, "phase" => phase);
        seconds.record(time.as_secs_f64());
    }
    for (kind, layers) in [
        ("read", stats.layers_read),
        ("written", stats.layers_written),
        ("removed", stats.layers_removed),
        ("discarded", stats.layers_discarded),
    ] {
        let layer_count = counter!("palimpsest_job_layers_total", "job" => job, "kind" => kind);
        layer_count.increment(layers.count);
        let byte_count = counter!("palimpsest_job_bytes_total", "job" => job, "kind" => kind);
        byte_count.increment(layers.len);
    }
}
