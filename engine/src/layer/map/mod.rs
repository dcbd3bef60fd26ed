//! What covers what: which layer a read visits next, and what the jobs ask of the layers together.
//!
//! 1. `LayerMap` is what a timeline shows: its layers in memory, and above all that order.
//! 2. `History` is its part in files: three trees, by kind, that are shared between versions.
//! 3. `LayerTree` finds the layers over a key or a rectangle without looking at the others.
//! 4. `sweep` walks once over such layers in the order of their keys.
//! 5. `select` is the one rule by which a delta, an image and a layer in memory compete for a read.

mod history;
mod layer_map;
mod select;
mod sweep;
#[cfg(test)]
mod tests;
mod tree;

pub use history::{Found, History};
pub use layer_map::{FileLayer, Layer, LayerId, LayerMap};
