//! A layer's file: how it is written, named, opened and read.
//!
//! 1. `names` and `context` say where a file is, and which names are in use.
//! 2. `writer` writes one: blobs, index, checksums, block 0. `indexed_writer` adds the index to it,
//!    for layers of either kind.
//! 3. `layer_file` opens one and reads verified spans; `root` decodes block 0, `index` finds
//!    values, `blobs` reads them in few reads, which `read_plan` plans, and `cache` keeps index
//!    nodes.
//! 4. `records` streams all that a file holds, in the order of its index.

mod blobs;
mod cache;
mod context;
mod decoders;
mod index;
mod indexed_writer;
mod layer_file;
mod names;
mod read_plan;
mod records;
mod root;
mod writer;

pub use context::LayerContext;
pub use records::{BatchLimits, DeltaIter, ImageIter};

pub(crate) use cache::BlockCache;
pub(crate) use decoders::Decoders;
pub(crate) use index::{BlobPlace, Located, below};
pub(crate) use indexed_writer::IndexedWriter;
pub(crate) use layer_file::LayerFile;
pub(crate) use names::FileNames;
pub(crate) use read_plan::plan_reads;
pub(crate) use records::{DeltaEntries, FileEntries};
pub(crate) use writer::FILE_LEN_MAX;
