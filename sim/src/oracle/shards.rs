//! The directories of a history that was split: each shard with what is expected of it.

use palimpsest::base::ShardIdentity;

use super::Expectations;

/// The shards of a history besides the one that is open.
#[derive(Clone, Debug, Default)]
pub struct Shards {
    /// The shard that is open, if a split has made it.
    pub open: Option<ShardIdentity>,
    /// The others, each closed, in the order in which the plan comes to them.
    pub closed: Vec<ClosedShard>,
    /// The directories that were split: they must be refused.
    pub split: Vec<SplitRoot>,
}

/// A shard that is not open.
#[derive(Clone, Debug)]
pub struct ClosedShard {
    /// The shard.
    pub identity: ShardIdentity,
    /// Its directory.
    pub dir: String,
    /// What is expected of its timelines.
    pub expectations: Expectations,
}

/// A directory that was split.
#[derive(Clone, Debug)]
pub struct SplitRoot {
    /// The shard that it was.
    pub identity: ShardIdentity,
    /// Where it is now.
    pub dir: String,
}

impl Shards {
    /// Notes that the open shard was split: the plan goes on with child number `keep`. Each child
    /// has all that was expected of the parent; of which keys it answers for is its shard's.
    pub fn split(
        &mut self,
        (parent, dir): (ShardIdentity, String),
        children: &[(ShardIdentity, String)],
        keep: usize,
        expectations: &Expectations,
    ) {
        self.split.push(SplitRoot {
            identity: parent,
            dir,
        });
        for (at, (identity, dir)) in children.iter().enumerate() {
            match at == keep {
                true => self.open = Some(*identity),
                false => self.closed.push(ClosedShard {
                    identity: *identity,
                    dir: dir.clone(),
                    expectations: expectations.clone(),
                }),
            }
        }
    }
}
