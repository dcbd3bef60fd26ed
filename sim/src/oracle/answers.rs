//! The engine's answers at the end of a run, with which runs are compared.

use std::collections::BTreeMap;

use palimpsest::base::{Key, Lsn};

use crate::label::TimelineLabel;
use crate::model::{Answer, Change};

/// The answers at the end, by timeline, key and LSN.
pub type FinalAnswers = BTreeMap<(TimelineLabel, Key, Lsn), FinalAnswer>;

/// An answer, and the changes of the key up to its LSN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalAnswer {
    /// The engine's answer.
    pub answer: Answer,
    /// The changes in the order of their LSNs, as far as they are kept.
    pub past: Vec<(Lsn, Change)>,
}
