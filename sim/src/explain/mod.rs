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
mod escape;
mod lanes;
mod lines;
mod map;
mod maps;
mod names;
mod page;
mod rows;
mod scale;
mod story;
#[cfg(test)]
mod tests;
mod walk;

pub use escape::escape;
pub use names::Names;
pub use page::{PageSubject, page};
pub use scale::Scale;
pub use story::{CallView, Story, StoryPart, StoryStep, TaskView, What, watch};
