//! Whether an error that a call of the engine has returned is excused.

use palimpsest::Error;

use super::Judge;
use crate::faults::FaultOutcome;
use crate::label::TimelineLabel;
use crate::verdict::Verdict;

/// Holds a refusal against the faults that were delivered to the very operation, or to a sync.
pub struct AllowedErrors {
    judge: Judge,
    label: Option<TimelineLabel>,
    was_latched: bool,
    /// How many calls of the running task had been refused.
    refused_before: usize,
    /// Of timelines whose shutdown may end it: how many shutdowns had begun or ended.
    endings_before: Vec<(TimelineLabel, u32)>,
    /// Whether it may come to what is wrong in a layer.
    reads_layers: bool,
}

impl Judge {
    /// A call begins, on this timeline or on none, in the running task.
    pub fn begin(&self, label: Option<TimelineLabel>) -> AllowedErrors {
        // Whatever came before it ended right, or has said so.
        self.end_operation(FaultOutcome::Tolerated);
        AllowedErrors {
            judge: self.clone(),
            label,
            was_latched: label.is_some_and(|label| self.is_latched(label)),
            refused_before: self.injected_errors().len(),
            endings_before: label
                .map(|label| (label, self.ending_count(label)))
                .into_iter()
                .collect(),
            reads_layers: false,
        }
    }
}

impl AllowedErrors {
    /// Says that the call reads layers: one that is wrong excuses it, and no other call.
    pub fn with_layers(mut self) -> AllowedErrors {
        self.reads_layers = true;
        self
    }

    /// Says that the shutdown of one of these may end the call as well.
    pub fn on(mut self, below: &[TimelineLabel]) -> AllowedErrors {
        let below = below
            .iter()
            .map(|below| (*below, self.judge.ending_count(*below)));
        self.endings_before.extend(below);
        self
    }

    /// Whether one of the timelines was being shut down at some moment since.
    fn met_an_ending(&self) -> bool {
        let pending_faults = |(label, before): &(TimelineLabel, u32)| {
            !before.is_multiple_of(2) || *before < self.judge.ending_count(*label)
        };
        self.endings_before.iter().any(pending_faults)
    }

    /// A write was done.
    ///
    /// # Errors
    /// A broken law, if a failed sync had latched the timeline before it began.
    pub fn check_done(&self, what: &str) -> Result<(), Verdict> {
        if !self.was_latched {
            return Ok(());
        }
        let law = "after a failed sync nothing is written until the timeline is opened again";
        Err(Verdict::law(law, format!("a {what} that is done")))
    }

    /// The call has returned an error.
    ///
    /// # Errors
    /// A wrong answer, if nothing excuses the error.
    pub fn check(&self, asked: &str, error: &Error) -> Result<(), Verdict> {
        self.check_with(asked, error, &[])
    }

    /// The call has returned an error, and works on other timelines as well, or on the engine's
    /// directory.
    ///
    /// # Errors
    /// A wrong answer, if nothing excuses the error.
    pub fn check_with(
        &self,
        asked: &str,
        error: &Error,
        others: &[Option<TimelineLabel>],
    ) -> Result<(), Verdict> {
        let judge = &self.judge;
        let injected_errors = judge.injected_errors();
        let injected_errors = &injected_errors[self.refused_before..];
        let mut labels = others.iter().chain([&self.label]);
        let is_excused = match error {
            Error::Io(failure) => {
                let kind = failure.source.kind();
                let mut injected_errors = injected_errors.iter();
                injected_errors.any(|refusal| refusal.kind == kind && !refusal.is_of_sync)
            }
            Error::Latched(_) => {
                injected_errors.iter().any(|refusal| refusal.is_of_sync)
                    || labels.any(|label| judge.has_failed_sync(*label))
            }
            Error::Closed => self.met_an_ending(),
            _ => (self.reads_layers || judge.is_of_index(error)) && judge.is_reported_rot(error),
        };
        if is_excused {
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
