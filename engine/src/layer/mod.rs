//! Floor 3, left: local layers, in memory and in files, and the layer map.

mod batch;
mod cut;
mod delta;
mod delta_writer;
mod ephemeral;
mod file;
mod filter;
mod frozen;
mod image;
mod image_writer;
mod map;
mod memory;
mod merge;
mod raw_record;
mod retention;
#[cfg(test)]
mod tests;

pub use batch::Batch;
pub use delta::DeltaLayer;
pub use delta_writer::{DeltaFilePlan, DeltaWriter};
pub use file::{BatchLimits, DeltaIter, ImageIter, LayerContext};
pub use image::ImageLayer;
pub use map::{FileLayer, Found, History, Layer, LayerId, LayerMap, Visibility};
pub use memory::MemoryLayer;
pub use raw_record::{RawRecord, RecordKind};
pub use retention::{Below, Entry, RetainError, RetainRule, Retained, Trace, retain};

pub(crate) use cut::{CutPlan, Cutter, Fill, Piece, is_wide_gap};
pub(crate) use file::{BlockCache, Decoders, FILE_LEN_MAX, FileNames, Located};
pub(crate) use image_writer::{ImageFilePlan, ImageWriter};
pub(crate) use memory::MemoryRecord;
pub(crate) use merge::{Merge, Source};
