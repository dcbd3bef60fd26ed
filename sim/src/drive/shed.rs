//! Shedding what a split has left of other shards' keys.

use palimpsest::Progress;

use super::Driver;
use super::options::SHED_IMAGE_COUNT_MAX;
use crate::checkers::durable::Acknowledged;
use crate::checkers::{bounds, shed};
use crate::label::TimelineLabel;
use crate::plan::How;
use crate::verdict::Verdict;

impl Driver {
    pub(super) async fn shed(&self, label: TimelineLabel, how: How) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let guard = self.judge.begin(Some(label)).with_layers();
        let (before, count_max) = (bounds::images(&timeline), SHED_IMAGE_COUNT_MAX);
        match self.call(how, timeline.shed()).await {
            Some(Ok(shed)) => {
                if shed.progress == Progress::Done {
                    guard.check_done("shed")?;
                    self.session().tally.did("shed");
                }
                if self.is_alone(how) {
                    match shed.progress {
                        Progress::Idle => self.look(|sight, _| shed::check_idle(sight, label))?,
                        Progress::Done => {
                            bounds::check_shed(&timeline, &before, count_max)?;
                            self.check_durable(label, &Acknowledged::Reshaped(&timeline))?;
                        }
                        Progress::Preempted | Progress::Superseded => {
                            let law = "nothing takes the layers of a shed that runs alone";
                            return Err(Verdict::law(law, shed.progress.to_string()));
                        }
                    }
                }
                self.explain_if_still(label)
            }
            Some(Err(error)) => guard.check("shed", &error),
            None => Ok(()),
        }
    }
}
