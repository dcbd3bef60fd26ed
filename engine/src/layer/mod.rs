//! Floor 3, left: what stands here. Layers in memory and in files, and the map of them.

mod batch;
mod delta;
mod ephemeral;
mod file;
mod file_writer;
mod gathered;
mod map;
mod memory;
#[cfg(test)]
mod tests;

pub use batch::Batch;
pub use delta::{DeltaIter, DeltaLayer, DeltaPlan, DeltaRecord, DeltaWriter};
pub use gathered::Gathered;
pub use map::LayerMap;
pub use memory::MemoryLayer;
