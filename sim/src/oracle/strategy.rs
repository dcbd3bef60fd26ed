//! By which strategy a timeline compacts, as far as that is known.

use palimpsest::Strategy;

/// The strategy of a timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownStrategy {
    /// The one that was acknowledged; `None` while a call that sets it is in doubt.
    acknowledged: Option<Strategy>,
    /// Whether a tiered compaction may have been.
    may_be_tiered: bool,
}

impl KnownStrategy {
    /// Begins a call that sets it.
    pub fn begin(&mut self, strategy: Strategy) {
        self.acknowledged = None;
        self.may_be_tiered |= strategy == Strategy::Tiered;
    }

    /// Notes that it was set, or that the timeline was created with it.
    pub fn acknowledge(&mut self, strategy: Strategy) {
        self.begin(strategy);
        self.acknowledged = Some(strategy);
    }

    /// Notes the strategy that a timeline has which was just opened.
    ///
    /// # Errors
    /// The law that is broken, if it is another one than was acknowledged.
    pub fn recover(&mut self, found: Strategy) -> Result<(), String> {
        self.see(found)?;
        self.acknowledge(found);
        Ok(())
    }

    /// Compares it with the one that the timeline has now.
    ///
    /// # Errors
    /// The law that is broken, if it is another one than was acknowledged.
    pub fn see(&mut self, found: Strategy) -> Result<(), String> {
        match self.acknowledged {
            Some(acknowledged) if acknowledged != found => Err(format!(
                "a timeline compacts as it was told: {acknowledged}"
            )),
            _ => Ok(()),
        }
    }

    /// Whether a tiered compaction may have been: what it merges may have layers between that a
    /// collection has taken, so it lacks records that it covers and no read needs.
    pub fn may_be_tiered(&self) -> bool {
        self.may_be_tiered
    }
}
