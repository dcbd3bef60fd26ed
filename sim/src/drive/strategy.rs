//! Setting what a timeline decides for itself: the strategy of its compactions, and its policy.

use palimpsest::{Policy, Strategy};

use super::Driver;
use crate::checkers::durable::Acknowledged;
use crate::label::TimelineLabel;
use crate::plan::How;
use crate::verdict::Verdict;

impl Driver {
    /// Makes a timeline compact by another strategy. What is in doubt shows at the next opening.
    pub(super) async fn set_strategy(
        &self,
        label: TimelineLabel,
        strategy: Strategy,
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let guard = self.judge.begin(Some(label));
        self.with_expected(label, |expected| expected.strategy.begin(strategy));
        match self.call(how, timeline.set_strategy(strategy)).await {
            Some(Ok(())) => {
                guard.check_done("set the strategy")?;
                self.with_expected(label, |expected| expected.strategy.acknowledge(strategy));
                self.check_durable(label, &Acknowledged::Told(strategy))?;
                self.session().tally.did("set the strategy");
                Ok(())
            }
            Some(Err(error)) => guard.check("set the strategy", &error),
            None => Ok(()),
        }
    }

    /// Gives a timeline options of its own. What is in doubt shows at the next look, or opening.
    pub(super) async fn set_policy(
        &self,
        label: TimelineLabel,
        policy: Policy,
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let guard = self.judge.begin(Some(label));
        self.note_reach(label);
        self.with_expected(label, |expected| expected.policy.begin(policy));
        match self.call(how, timeline.set_policy(policy)).await {
            Some(Ok(())) => {
                guard.check_done("set the policy")?;
                // A collection may have gone by the one before, up to now.
                self.note_reach(label);
                self.with_expected(label, |expected| expected.policy.acknowledge(policy));
                self.check_durable(label, &Acknowledged::Given(policy))?;
                self.session().tally.did("set the policy");
                Ok(())
            }
            Some(Err(error)) => guard.check("set the policy", &error),
            None => Ok(()),
        }
    }

    /// Notes how far collections in flight may have come by now.
    fn note_reach(&self, label: TimelineLabel) {
        self.show(|sight, _| {
            let horizon = sight.horizon();
            let expected = sight.expected(label);
            let highest = expected.highest_cutoff(&horizon);
            expected.cutoff.may_reach(highest);
        });
    }
}
