//! The layer map: which layer a read visits next, and what the jobs ask of the layers together.
//!
//! 1. `LayerMap` is all layers of a timeline, and the order in which a read visits memory and
//!    files.
//! 2. `History` is the file layers: three trees, by kind, whose nodes versions share.
//! 3. `LayerTree` finds the layers over a key or a rectangle of keys and LSNs without a full walk.
//! 4. `sweep` has algorithms that walk once over such layers in the order of their keys.
//! 5. `select` is the one rule by which a delta, an image and a layer in memory compete for a read.

mod history;
mod layer_map;
mod select;
mod sweep;
#[cfg(test)]
mod tests;
mod tree;
mod visibility;

pub use history::{Found, History};
pub use layer_map::{FileLayer, Layer, LayerId, LayerMap};
pub use visibility::Visibility;
