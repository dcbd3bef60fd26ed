//! The time that a command takes.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run and tells the time to a person"
)]

use std::time::Instant;

/// Measures the time since its start.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// The time since the start, in seconds.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
