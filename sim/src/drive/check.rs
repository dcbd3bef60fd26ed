//! Looking around: the checkers are shown the engine after operations, and at the end.

use super::Driver;
use super::driver::Checkers;
use crate::checkers::{Depth, Said, Sight, batches, cutoff};
use crate::dice::mix;
use crate::label::Letter;
use crate::oracle::{self, Answered, Answers};
use crate::verdict::Verdict;

impl Driver {
    /// After each operation: the laws, the order of the LSNs, and as many points as the plan's
    /// `look` says; of the timeline that it touched more than of the others.
    pub(super) fn look_around(&self, line: u64, touched: Option<Letter>) -> Result<(), Verdict> {
        self.look(|sight, _| cutoff::look(sight))?;
        let draw = mix(self.plan.knobs.seed ^ mix(line));
        for letter in self.letters() {
            let Some(timeline) = self.timeline(letter) else {
                continue;
            };
            timeline.check_laws();
            let durable = timeline.disk_consistent_lsn();
            self.truth(letter, |truth| truth.acknowledge(durable))?;
            let is_touched = touched.is_none_or(|touched| touched == letter);
            self.look(|sight, checkers| {
                let answers = &mut checkers.answers;
                answers.check_after(sight, letter, (draw, is_touched))
            })?;
        }
        Ok(())
    }

    /// Asks for the points at which something changes, if the timeline is open.
    pub(super) fn check_points(&self, letter: Letter, depth: Depth) -> Result<(), Verdict> {
        if self.timeline(letter).is_none() {
            return Ok(());
        }
        self.look(|sight, _| cutoff::look(sight))?;
        self.look(|sight, checkers| checkers.answers.check_points(sight, letter, depth))
    }

    /// Finds out whether the batch in doubt is there.
    pub(super) fn settle(&self, letter: Letter) -> Result<(), Verdict> {
        self.look(|sight, checkers| batches::settle(sight, &mut checkers.answers, letter))
    }

    /// Holds every layer on the raw disk against the model.
    pub(super) fn explain(&self, letter: Letter) -> Result<(), Verdict> {
        self.look(|sight, _| cutoff::look(sight))?;
        self.look(|sight, checkers| checkers.layers.explain(sight, letter))
    }

    /// For whoever wants to compare it: what every point of the history is answered now.
    pub(super) fn note_answers(&self) {
        if self.session().ended.is_none() {
            return;
        }
        let mut found = self.show(answers_now);
        if let Some(ended) = &mut self.session().ended {
            ended.answers.append(&mut found);
        }
    }
}

/// What the open timelines answer at every point of their histories.
fn answers_now(sight: &mut Sight, checkers: &mut Checkers) -> Answers {
    let mut found = Answers::new();
    for letter in oracle::ancestors_first(sight.truths) {
        let Some(timeline) = sight.open.get(&letter) else {
            continue;
        };
        let history = &sight.truths[&letter].history;
        for (key, lsn) in history.points() {
            let said = checkers.answers.peek(sight, timeline, key, lsn);
            if let Said::Answer(answer) = said {
                let past = history.past(key, lsn);
                found.insert((letter, key, lsn), Answered { answer, past });
            }
        }
    }
    found
}
