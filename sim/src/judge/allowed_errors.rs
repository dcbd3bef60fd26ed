//! Which errors a call of the engine may return, given the faults that were delivered.

use palimpsest::Error;

use super::Judge;
use crate::faults::FaultOutcome;
use crate::label::TimelineLabel;
use crate::verdict::Verdict;

/// How often a call that opens a file is made again while too many are open: sim/DEVICE.md.
const OUT_OF_FILES_RETRIES: usize = 4;

/// The errors that one call may return: those of faults delivered to its own operation, of a failed
/// sync, of a shutdown, or of a file that the device made wrong.
pub struct AllowedErrors {
    judge: Judge,
    label: Option<TimelineLabel>,
    was_latched: bool,
    /// How many errors had been injected into calls of the running task before.
    injected_before: usize,
    /// Timelines whose shutdown may end the call, each with how many shutdowns had begun or ended.
    shutdowns_before: Vec<(TimelineLabel, u32)>,
    /// Whether the call reads layers, so that a wrong one may fail it.
    reads_layers: bool,
}

impl Judge {
    /// Begins a call of the running task on this timeline, or on none.
    pub fn begin(&self, label: Option<TimelineLabel>) -> AllowedErrors {
        // The operation before has ended without an error, or has reported its error.
        self.end_operation(FaultOutcome::Tolerated);
        AllowedErrors {
            judge: self.clone(),
            label,
            was_latched: label.is_some_and(|label| self.is_latched(label)),
            injected_before: self.injected_errors().len(),
            shutdowns_before: label
                .map(|label| (label, self.shutdown_count(label)))
                .into_iter()
                .collect(),
            reads_layers: false,
        }
    }
}

impl AllowedErrors {
    /// The call reads layers: it may fail on a wrong one.
    pub fn with_layers(mut self) -> AllowedErrors {
        self.reads_layers = true;
        self
    }

    /// The shutdown of one of these timelines may end the call as well.
    pub fn on(mut self, below: &[TimelineLabel]) -> AllowedErrors {
        let below = below
            .iter()
            .map(|below| (*below, self.judge.shutdown_count(*below)));
        self.shutdowns_before.extend(below);
        self
    }

    /// Whether one of the timelines was being shut down at some moment of the call.
    fn overlapped_a_shutdown(&self) -> bool {
        let overlaps = |(label, before): &(TimelineLabel, u32)| {
            !before.is_multiple_of(2) || *before < self.judge.shutdown_count(*label)
        };
        self.shutdowns_before.iter().any(overlaps)
    }

    /// Checks a write that succeeded.
    ///
    /// # Errors
    /// A broken law, if a failed sync had latched the timeline before the write began.
    pub fn check_done(&self, what: &str) -> Result<(), Verdict> {
        if !self.was_latched {
            return Ok(());
        }
        let law = "after a failed sync nothing is written until the timeline is opened again";
        Err(Verdict::law(law, format!("a {what} that is done")))
    }

    /// Checks an error that the call returned.
    ///
    /// # Errors
    /// A wrong answer, if the error is not allowed.
    pub fn check(&self, asked: &str, error: &Error) -> Result<(), Verdict> {
        self.check_with(asked, error, &[])
    }

    /// Checks an error of a call that works on other timelines as well, or on the engine's
    /// directory.
    ///
    /// # Errors
    /// A wrong answer, if the error is not allowed.
    pub fn check_with(
        &self,
        asked: &str,
        error: &Error,
        others: &[Option<TimelineLabel>],
    ) -> Result<(), Verdict> {
        let judge = &self.judge;
        let injected_errors = judge.injected_errors();
        let injected_errors = &injected_errors[self.injected_before..];
        let mut labels = others.iter().chain([&self.label]);
        let is_allowed = match error {
            Error::Io(failure) => {
                let kind = failure.source.kind();
                let of_kind = injected_errors.iter();
                let of_kind = of_kind.filter(|it| it.kind == kind && !it.is_of_sync);
                let refusals = of_kind.clone().filter(|it| it.is_out_of_files).count();
                refusals < of_kind.count() || OUT_OF_FILES_RETRIES < refusals
            }
            Error::Latched(_) => {
                injected_errors.iter().any(|injected| injected.is_of_sync)
                    || labels.any(|label| judge.has_failed_sync(*label))
            }
            Error::Closed => self.overlapped_a_shutdown(),
            _ => (self.reads_layers || judge.is_of_index(error)) && judge.is_reported_rot(error),
        };
        if is_allowed {
            judge.end_operation(FaultOutcome::Reported);
            return Ok(());
        }
        Err(Verdict::wrong(
            asked,
            "no error, for no fault of its kind came to it, and it names no file that is wrong",
            error.to_string(),
        ))
    }
}
