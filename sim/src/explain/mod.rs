//! A run as one page for any browser: it opens offline and asks for nothing from elsewhere.
//!
//! ```text
//!  plan ─watch▶ story ─┬─▶ maps    the layers at the last good moment and the first bad one
//!                      ├─▶ walk    the wrong read, and what is in the layers that it looks into
//!                      ├─▶ calls   what went to the device around a crash, and what survived
//!                      └─▶ lines   the plan beside its trace
//! ```
//!
//! Everything that comes from a run passes [`escape`] on its way into the page.

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
pub use page::{Subject, page};
pub use scale::Scale;
pub use story::{CallView, Part, Step, Story, TaskView, What, watch};
