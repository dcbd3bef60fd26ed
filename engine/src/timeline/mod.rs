//! Floor 4: what a timeline does, one file for each verb.

mod applied;
mod branch;
mod branch_tree;
mod catalog;
mod compact;
mod debts;
mod engine_stats;
mod events;
mod failures;
mod flush;
mod gc;
mod gc_compact;
mod handle;
mod health;
mod image;
mod imaged;
mod ingest;
mod initial;
mod job;
pub(crate) mod job_lock;
mod job_stats;
mod kept;
mod lease;
mod left_out;
mod maintain;
mod memory_budget;
mod open;
mod opening;
mod options;
mod pin;
mod policy;
mod presets;
mod read;
mod room;
mod running;
mod shared;
mod shed;
mod shutdown;
mod stats;
#[cfg(test)]
mod tests;
mod tier;
mod time_to_lsn;
mod upkeep;
mod visibility;

pub use branch::BRANCH_DEPTH_MAX;
pub use compact::{CompactPlan, plan as plan_compaction};
pub use debts::Debts;
pub use engine_stats::EngineStats;
pub use events::{Event, JobOutcome, Listener};
pub use failures::{Failing, Failure};
pub use flush::{FlushPlan, plan as plan_flush};
pub use gc::{Collected, GcPlan, plan as plan_gc};
pub use gc_compact::{
    Effect, GcCompactPlan, GcCompactStats, GcCompacted, HistoryRange, Limits as HistoryLimits,
    plan as plan_gc_compaction,
};
pub use handle::Timeline;
pub use health::Health;
pub use image::{ImagePlan, plan as plan_images};
pub use imaged::{Imaged, WhyLeftOut};
pub use ingest::Writer;
pub use job::{Mode, Progress};
pub use job_stats::{JobRuns, JobStats, Quantity};
pub use lease::Lease;
pub use options::Options;
pub use read::{KeyValue, Scan, Visit};
pub use shed::{Shed, ShedPlan, plan as plan_shed};
pub use stats::{Forecast, KeepReason, TimelineStats};
pub use tier::{TierAction, TierLimits, TierPlan, plan as plan_tier};

pub(crate) use branch_tree::BranchTree;
pub(crate) use catalog::{Access, Catalog, Scope};
pub(crate) use memory_budget::MemoryBudget;
pub(crate) use open::{Opener, reconciled};
