//! Observes a run: the layers of all timelines at the last good moment and at the first bad one,
//! and the layers that the wrong read visited.
//!
//! An observer changes nothing that the plan decides: an observed run has the same verdict.

mod contents;
mod reading;
mod scene;

pub use palimpsest_tool::map::LayerKind;
pub use reading::{Reading, VisitView};
pub use scene::{LayerView, Moment, Scene, SceneSource, TimelineView};

pub(crate) use contents::{contents, told};
pub(crate) use scene::{of_disk, of_engine};

/// The observations of a run.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    /// The last moment at which all checks passed.
    pub good: Option<Scene>,
    /// The moment of the verdict.
    pub bad: Option<Scene>,
    /// The read that went wrong.
    pub reading: Option<Reading>,
}
