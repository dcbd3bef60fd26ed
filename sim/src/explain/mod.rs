//! A run as one HTML page, which opens offline and loads nothing.
//!
//! ```text
//!  plan ─watch▶ story ─┬─▶ maps    the layers at the last good moment and the first bad one
//!                      ├─▶ walk    the wrong read, and the contents of the layers that it visits
//!                      ├─▶ calls   the calls to the device around a crash, and what survived
//!                      └─▶ lines   the plan beside its trace
//! ```
//!
//! All text from a run passes through [`escape`] on its way into the page.

mod axes;
mod calls;
mod lanes;
mod lines;
mod maps;
mod names;
mod page;
mod rows;
mod story;
#[cfg(test)]
mod tests;
mod walk;

use palimpsest_tool::map::put;

pub use names::Names;
pub use page::{PageSubject, page};
pub use palimpsest_tool::map::escape;
pub use story::{CallView, Story, StoryPart, StoryStep, TaskView, What, watch};
