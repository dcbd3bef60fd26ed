//! A split, from its call until its outcome is known.

use palimpsest::base::ShardIdentity;

use crate::plan::SplitPlan;

/// A split whose outcome is not known.
#[derive(Clone, Debug)]
pub struct Splitting {
    /// What was asked for.
    pub(super) into: SplitPlan,
    /// The shard that is split.
    pub(super) parent: ShardIdentity,
    /// The children, each with its directory.
    pub(super) children: Vec<(ShardIdentity, String)>,
}
