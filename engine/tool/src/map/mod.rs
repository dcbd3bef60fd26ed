//! Maps of layers as pictures: keys from left to right, LSNs from bottom to top.
//!
//! The program's `draw` and the simulator's `explain` both draw by this. It knows plain values
//! alone: no file, no timeline, no plan.
//!
//! 1. `scale` spaces values evenly: keys and LSNs leap, so only their order can be drawn.
//! 2. `axes` has the places of the keys and LSNs that a timeline's maps share.
//! 3. `picture` draws one map as SVG, for a page with `STYLE` or as a file of its own.

mod axes;
mod escape;
mod kind;
mod picture;
mod scale;

pub use axes::Axes;
pub use escape::escape;
pub use kind::LayerKind;
pub use picture::{Change, Map, MapLayer, Mark, STYLE, Walk, WalkStep, put};
pub use scale::Scale;
