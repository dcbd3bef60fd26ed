//! Setting the strategy of a timeline's compactions.

use palimpsest::Strategy;

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
}
