//! What a checker is given, and what it returns.

use std::collections::BTreeMap;
use std::sync::Arc;

use palimpsest::Timeline;
use palimpsest::base::{Key, Lsn};
use palimpsest::io::Io;

use crate::judge::Judge;
use crate::label::TimelineLabel;
use crate::oracle::{Expectations, Expected, Horizon};
use crate::plan::Knobs;
use crate::verdict::Verdict;
use crate::world::{SimIo, World};

/// What a checker is given: the engine from outside, and what is known of it.
pub struct Sight<'a> {
    /// The world, with its disk.
    pub world: &'a Arc<World>,
    /// The errors that faults so far allow.
    pub judge: &'a Judge,
    /// The plan's sizes and thresholds.
    pub knobs: &'a Knobs,
    /// The timelines that are open.
    pub open: BTreeMap<TimelineLabel, Timeline<SimIo>>,
    /// The expected state of each timeline.
    pub expectations: &'a mut Expectations,
}

impl Sight<'_> {
    /// The expected state of a timeline.
    pub fn expected(&mut self, label: TimelineLabel) -> &mut Expected {
        self.expectations
            .entry(label)
            .or_insert_with(Expected::absent)
    }

    /// How far a collection that starts now may go.
    pub fn horizon(&self) -> Horizon {
        Horizon {
            distance: self.knobs.gc_distance,
            age: self.knobs.gc_age,
            now: SimIo::new(self.world).now(),
        }
    }
}

/// What a checker has found wrong.
#[derive(Debug)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// The read that showed it, if one did.
    pub read: Option<(TimelineLabel, Key, Lsn)>,
}

impl Finding {
    /// The finding, with the read that showed it.
    #[must_use]
    pub fn at(self, label: TimelineLabel, key: Key, lsn: Lsn) -> Finding {
        Finding {
            read: Some((label, key, lsn)),
            ..self
        }
    }
}

impl From<Verdict> for Finding {
    fn from(verdict: Verdict) -> Finding {
        Finding {
            verdict,
            read: None,
        }
    }
}
