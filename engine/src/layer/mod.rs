//! Floor 3, left: what stands here. Layers in memory and in files, and the map of them.

mod batch;
mod cut;
mod delta;
mod delta_writer;
mod ephemeral;
mod file;
mod filter;
mod image;
mod image_writer;
mod map;
mod memory;
mod merge;
mod raw_record;
#[cfg(test)]
mod tests;

pub use batch::Batch;
pub use cut::{CutPlan, Cutter, Piece, is_wide_gap};
pub use delta::DeltaLayer;
pub use delta_writer::{DeltaPlan, DeltaWriter};
pub use file::{
    BatchLimits, BlobPlace, BlockCache, CHUNK_LEN, DeltaEntries, DeltaIter, FileNames, ImageIter,
    LayerContext, Located, PlannedRead, StreamPlanner, plan_reads,
};
pub use image::ImageLayer;
pub use image_writer::{ImagePlan, ImageWriter};
pub use map::{FileLayer, Found, History, Layer, LayerId, LayerMap};
pub use memory::MemoryLayer;
pub use merge::{Merge, Source};
pub use raw_record::{Placed, RawEntry, RawRecord, RecordKind};
