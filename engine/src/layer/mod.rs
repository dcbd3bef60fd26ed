//! Floor 3, left: what stands here. Layers in memory and in files, and the map of them.

mod batch;
mod cache;
mod context;
mod cut;
mod delta;
mod delta_writer;
mod ephemeral;
mod file;
mod file_blobs;
mod file_index;
mod file_names;
mod file_writer;
mod image;
mod image_writer;
mod map;
mod memory;
mod merge;
mod raw_record;
mod read_plan;
mod records;
mod root;
#[cfg(test)]
mod tests;

pub use batch::Batch;
pub use cache::BlockCache;
pub use context::LayerContext;
pub use cut::{CutPlan, Cutter, Piece, is_wide_gap};
pub use delta::DeltaLayer;
pub use delta_writer::{DeltaPlan, DeltaWriter};
pub use file_index::{BlobPlace, Located};
pub use file_names::FileNames;
pub use image::ImageLayer;
pub use image_writer::{ImagePlan, ImageWriter};
pub use map::{FileLayer, Found, History, Layer, LayerId, LayerMap};
pub use memory::MemoryLayer;
pub use merge::{Merge, Source};
pub use raw_record::{Placed, RawEntry, RawRecord, RecordKind};
pub use read_plan::{CHUNK_LEN, PlannedRead, StreamPlanner, plan_reads};
pub use records::{BatchLimits, DeltaEntries, DeltaIter, ImageIter};
