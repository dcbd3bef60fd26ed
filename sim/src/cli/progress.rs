//! Shows progress: a bar on a terminal, otherwise a line every few seconds.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run and tells the time to a person"
)]

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console;
use super::fleet::Fleet;
use crate::report::Summary;
use crate::text::counted;
use crate::text::grouped;

/// The number of steps of a full bar.
const BAR_STEPS: u64 = 1000;

/// The time between two lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows the progress of a run.
pub struct ProgressLine {
    started: Instant,
    time: Option<Duration>,
    plan_count: Option<u64>,
    job_count: u64,
    bar: ProgressBar,
    /// When the last line was written.
    shown: Option<Instant>,
}

impl ProgressLine {
    /// Starts with an empty bar.
    pub fn new(work: &Fleet, started: Instant, job_count: u64) -> ProgressLine {
        let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}");
        let style = style.expect("the template is a constant, and tried by every run");
        let target = ProgressDrawTarget::stderr();
        let bar = ProgressBar::with_draw_target(Some(BAR_STEPS), target).with_style(style);
        ProgressLine {
            started,
            time: work.time,
            plan_count: work.seeds.end.map(|end| end - work.seeds.start),
            job_count,
            bar,
            shown: None,
        }
    }

    /// Updates the bar, or prints a line if the last one is long enough ago.
    pub fn show(&mut self, summary: &Summary) {
        let elapsed = self.started.elapsed();
        if !self.bar.is_hidden() {
            self.bar.set_position(self.position(summary, elapsed));
            self.bar.set_message(self.line(summary, elapsed));
        } else if self
            .shown
            .is_none_or(|shown| LINE_INTERVAL <= shown.elapsed())
        {
            self.shown = Some(Instant::now());
            console::complain(&self.line(summary, elapsed));
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// The position of the bar: the larger of the shares of plans and of time.
    fn position(&self, summary: &Summary, elapsed: Duration) -> u64 {
        let plans = self
            .plan_count
            .map_or(0.0, |count| summary.plan_count as f64 / count as f64);
        let time = self
            .time
            .map_or(0.0, |time| elapsed.as_secs_f64() / time.as_secs_f64());
        let share = plans.max(time).min(1.0);
        (share * BAR_STEPS as f64) as u64
    }

    fn line(&self, summary: &Summary, elapsed: Duration) -> String {
        let rate = summary.rate(elapsed, self.job_count);
        let seconds = elapsed.as_secs();
        let of_time = self
            .time
            .map_or(String::new(), |time| format!(" of {time:?}"));
        let of_plans = self
            .plan_count
            .map_or(String::new(), |count| format!(" of {count}"));
        format!(
            "{seconds} s{of_time}: {}{of_plans}, {rate:.0}/s per core, {} crashes",
            counted(summary.plan_count, "plan"),
            grouped(summary.tally.crashes),
        )
    }
}
