//! A run as somebody sees it who stands beside it: what the timelines were made of at the last good
//! moment and at the first bad one, what the wrong read looked into, and what every call did.
//!
//! Looking changes nothing that the plan decides: a run that is watched comes to the same verdict.

mod contents;
mod reading;
mod scene;

pub use reading::{Reading, VisitView};
pub use scene::{LayerKind, LayerView, Moment, Scene, Source, TimelineView};

pub(crate) use contents::{contents, told};
pub(crate) use scene::{of_disk, of_engine};

/// What is kept of a run while it goes on.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    /// The last moment at which all was right.
    pub good: Option<Scene>,
    /// The moment of the verdict.
    pub bad: Option<Scene>,
    /// The read that went wrong.
    pub reading: Option<Reading>,
}
