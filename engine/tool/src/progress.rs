//! Progress: a bar on a terminal, otherwise a line every few seconds.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run and tells the time to a person"
)]

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The time between two lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, printed as MiB.
    Byte,
    /// Scripts.
    Script,
}

impl Unit {
    /// How much is done between two looks at the clock.
    fn look_interval(self) -> u64 {
        match self {
            Unit::Byte => 1 << 20,
            Unit::Script => 1,
        }
    }
}

/// Shows on stderr how much of a number of bytes or scripts is done.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    unit: Unit,
    verb: &'static str,
    total: u64,
    done: u64,
    /// How much was done when the bar or the clock was last looked at.
    looked: u64,
    started: Instant,
    shown: Instant,
}

impl Progress {
    /// Starts with nothing done; `verb` says what is done to the bytes: "verified".
    pub fn new(verb: &'static str, total: u64) -> Progress {
        Progress::of(Unit::Byte, verb, total)
    }

    /// Starts with nothing done of a number of units.
    pub fn of(unit: Unit, verb: &'static str, total: u64) -> Progress {
        let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}");
        let style = style.expect("the template is a constant, and tried by every run");
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let now = Instant::now();
        Progress {
            bar: bar.with_style(style),
            unit,
            verb,
            total,
            done: 0,
            looked: 0,
            started: now,
            shown: now,
        }
    }

    /// Counts what is done.
    pub fn add(&mut self, len: u64) {
        self.done += len;
        if self.done - self.looked < self.unit.look_interval() {
            return;
        }
        self.looked = self.done;
        if !self.bar.is_hidden() {
            self.bar.set_position(self.done.min(self.total));
            self.bar.set_message(self.line());
        } else if LINE_INTERVAL <= self.shown.elapsed() {
            self.shown = Instant::now();
            // An error is ignored: the exit code tells the outcome.
            let _ = writeln!(io::stderr().lock(), "{}", self.line());
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self) -> String {
        let (seconds, verb) = (self.started.elapsed().as_secs(), self.verb);
        match self.unit {
            Unit::Byte => {
                let (done, total) = (self.done >> 20, self.total >> 20);
                format!("{seconds} s: {done} of {total} MiB {verb}")
            }
            Unit::Script => {
                let (done, total) = (self.done, self.total);
                format!("{seconds} s: {done} of {total} scripts {verb}")
            }
        }
    }
}
