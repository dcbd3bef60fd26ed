//! Floor 4: what a timeline does, one file for each verb.

mod flush;
mod handle;
mod ingest;
mod open;
mod options;
mod read;
mod shared;
mod shutdown;
#[cfg(test)]
mod tests;
mod turn;

pub use flush::{FlushPlan, plan as plan_flush};
pub use handle::Timeline;
pub use ingest::Writer;
pub use open::OpenPlan;
pub use options::Options;

pub(crate) use open::Opener;
pub(crate) use turn::Turn;
