//! What the engine answered at the end of a run, for those who compare runs.

use std::collections::BTreeMap;

use palimpsest::base::{Key, Lsn};

use crate::label::TimelineLabel;
use crate::model::{Answer, Change};

/// What was answered in the end, by timeline, key and LSN.
pub type FinalAnswers = BTreeMap<(TimelineLabel, Key, Lsn), FinalAnswer>;

/// An answer, and the changes that the run had made of the key by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalAnswer {
    /// What the engine said.
    pub answer: Answer,
    /// In the order of their LSNs, as far as they are remembered.
    pub past: Vec<(Lsn, Change)>,
}
