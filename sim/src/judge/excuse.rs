//! Whether an error that a call of the engine has returned is excused.

use palimpsest::Error;

use super::Judge;
use crate::faults::FaultOutcome;
use crate::label::Letter;
use crate::verdict::Verdict;

/// Holds a refusal against the faults that were delivered to the very operation, or to a sync.
pub struct Excuse {
    judge: Judge,
    letter: Option<Letter>,
    was_latched: bool,
    /// How many calls of the running task had been refused.
    refused_before: usize,
    /// Of timelines whose shutdown may end it: how many shutdowns had begun or ended.
    endings_before: Vec<(Letter, u32)>,
    /// Whether it may come to what is wrong in a layer.
    reads_layers: bool,
}

impl Judge {
    /// A call begins, on this timeline or on none, in the running task.
    pub fn begin(&self, letter: Option<Letter>) -> Excuse {
        // Whatever came before it ended right, or has said so.
        self.end_operation(FaultOutcome::Tolerated);
        Excuse {
            judge: self.clone(),
            letter,
            was_latched: letter.is_some_and(|letter| self.is_latched(letter)),
            refused_before: self.refusals().len(),
            endings_before: letter
                .map(|letter| (letter, self.ending_count(letter)))
                .into_iter()
                .collect(),
            reads_layers: false,
        }
    }
}

impl Excuse {
    /// Says that the call reads layers: one that is wrong excuses it, and no other call.
    pub fn with_layers(mut self) -> Excuse {
        self.reads_layers = true;
        self
    }

    /// Says that the shutdown of one of these may end the call as well.
    pub fn on(mut self, below: &[Letter]) -> Excuse {
        let below = below
            .iter()
            .map(|below| (*below, self.judge.ending_count(*below)));
        self.endings_before.extend(below);
        self
    }

    /// Whether one of the timelines was being shut down at some moment since.
    fn met_an_ending(&self) -> bool {
        let met = |(letter, before): &(Letter, u32)| {
            !before.is_multiple_of(2) || *before < self.judge.ending_count(*letter)
        };
        self.endings_before.iter().any(met)
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
        others: &[Option<Letter>],
    ) -> Result<(), Verdict> {
        let judge = &self.judge;
        let refusals = judge.refusals();
        let refusals = &refusals[self.refused_before..];
        let mut letters = others.iter().chain([&self.letter]);
        let is_excused = match error {
            Error::Io(failure) => {
                let kind = failure.source.kind();
                let mut refusals = refusals.iter();
                refusals.any(|refusal| refusal.kind == kind && !refusal.is_of_sync)
            }
            Error::Latched(_) => {
                refusals.iter().any(|refusal| refusal.is_of_sync)
                    || letters.any(|letter| judge.has_failed_sync(*letter))
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
