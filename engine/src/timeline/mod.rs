//! Floor 4: what a timeline does, one file for each verb.

mod ages;
mod branch;
mod compact;
mod family;
mod flush;
mod gc;
mod handle;
mod hold;
mod house;
mod image;
mod ingest;
mod job;
mod keep;
mod open;
mod options;
mod read;
mod shared;
mod shutdown;
#[cfg(test)]
mod tests;
mod turn;

pub use compact::{CompactPlan, plan as plan_compaction};
pub use flush::{FlushPlan, plan as plan_flush};
pub use gc::{Collected, GcPlan, plan as plan_gc};
pub use handle::Timeline;
pub use image::{ImagePlan, plan as plan_images};
pub use ingest::Writer;
pub use job::{Mode, Progress};
pub use options::Options;
pub use read::{KeyValue, Scan, Visit};

pub(crate) use family::Family;
pub(crate) use open::Opener;
pub(crate) use turn::Turn;
