//! What of a timeline's maintenance fails: since when, why, and when it is tried again.

use std::collections::BTreeMap;

use super::Timeline;
use super::failures::Failing;
use crate::base::IoFailure;
use crate::io::Job;
use crate::store::Store;

/// What of a timeline's maintenance fails.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The jobs whose last run by maintenance has failed, each with its failures in a row.
    pub failing: BTreeMap<Job, Failing>,
    /// The failed sync that has latched the timeline: nothing is written until it is opened again.
    pub latched: Option<IoFailure>,
    /// The number of failed runs since the timeline was opened, of all jobs of maintenance.
    pub failure_count: u64,
}

impl Health {
    /// Whether nothing fails.
    pub fn is_good(&self) -> bool {
        self.failing.is_empty() && self.latched.is_none()
    }
}

impl<S: Store> Timeline<S> {
    /// What of the timeline's maintenance fails now, since when, why, and when it is tried again.
    ///
    /// It is about the background tasks of `maintenance_period`: the error of a call is its
    /// result alone.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// for (job, failing) in timeline.health().failing {
    ///     println!("{job:?} has failed {} times: {}", failing.count, failing.last.error);
    /// }
    /// assert!(timeline.health().is_good());
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn health(&self) -> Health {
        let latched = self.shared.state().failure().cloned();
        let (failing, failure_count) = self.shared.upkeep.failures().all();
        Health {
            failing,
            latched,
            failure_count,
        }
    }
}
