//! Shows the engine to the checkers: after operations, and at the end.

use super::Driver;
use super::driver::Checkers;
use crate::checkers::{Depth, Response, Sight, batches, cutoff, heard, leases, listed, tiers};
use crate::dice::mix;
use crate::label::TimelineLabel;
use crate::oracle::{self, FinalAnswer, FinalAnswers};
use crate::verdict::Verdict;

impl Driver {
    /// Compares what the engine has told its listener with what it shows.
    fn check_heard(&self) -> Result<(), Verdict> {
        let heard = self.handles().heard.clone();
        self.look(|sight, _| heard::look(sight, &heard))
    }

    /// Checks the laws, the order of the LSNs, and as many points as the knob `look` says, after an
    /// operation: more on the timeline that it touched than on the others.
    pub(super) fn look_around(
        &self,
        line: u64,
        touched: Option<TimelineLabel>,
    ) -> Result<(), Verdict> {
        self.look(|sight, _| cutoff::look(sight))?;
        self.look(|sight, _| leases::look(sight))?;
        self.look(|sight, _| tiers::look(sight))?;
        self.look(|sight, checkers| checkers.backlog.check(sight))?;
        self.check_heard()?;
        let draw = mix(self.plan.knobs.seed ^ mix(line));
        for label in self.labels() {
            let Some(timeline) = self.timeline(label) else {
                continue;
            };
            timeline.check_laws();
            let durable = timeline.disk_consistent_lsn();
            self.with_expected(label, |expected| expected.acknowledge(durable))?;
            let is_touched = touched.is_none_or(|touched| touched == label);
            self.look(|sight, checkers| {
                let answers = &mut checkers.answers;
                answers.check_after(sight, label, (draw, is_touched))
            })?;
        }
        Ok(())
    }

    /// Checks what the engine lists, if it is open.
    pub(super) fn check_listed(&self) -> Result<(), Verdict> {
        let Some(engine) = self.handles().engine.clone() else {
            return Ok(());
        };
        self.look(|sight, checkers| listed::check(sight, &mut checkers.answers, &engine))
    }

    /// Checks the points at which something changes, if the timeline is open.
    pub(super) fn check_points(&self, label: TimelineLabel, depth: Depth) -> Result<(), Verdict> {
        if self.timeline(label).is_none() {
            return Ok(());
        }
        self.look(|sight, _| cutoff::look(sight))?;
        self.look(|sight, _| leases::look(sight))?;
        self.look(|sight, _| tiers::look(sight))?;
        self.check_heard()?;
        self.look(|sight, checkers| checkers.answers.check_points(sight, label, depth))
    }

    /// Settles whether the batch in doubt is there.
    pub(super) fn settle(&self, label: TimelineLabel) -> Result<(), Verdict> {
        self.look(|sight, checkers| batches::settle(sight, &mut checkers.answers, label))
    }

    /// Compares every layer on the raw disk with the model.
    pub(super) fn explain(&self, label: TimelineLabel) -> Result<(), Verdict> {
        self.look(|sight, _| cutoff::look(sight))?;
        self.look(|sight, checkers| checkers.layers.explain(sight, label))
    }

    /// Records the present answers at every point of the history, where runs are to be compared.
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

/// The present answers of the open timelines at every point of their histories.
fn answers_now(sight: &mut Sight, checkers: &mut Checkers) -> FinalAnswers {
    let mut found = FinalAnswers::new();
    for label in oracle::ancestors_first(sight.expectations) {
        let Some(timeline) = sight.open.get(&label) else {
            continue;
        };
        let history = &sight.expectations[&label].history;
        for (key, lsn) in history.points() {
            let response = checkers.answers.peek(sight, timeline, key, lsn);
            if let Response::Answer(answer) = response {
                let past = history.past(key, lsn);
                found.insert((label, key, lsn), FinalAnswer { answer, past });
            }
        }
    }
    found
}
