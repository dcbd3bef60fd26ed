//! The section `shard` of an index: the part of the keys that the timeline's root holds.

use crate::base::{DecodeError, Generation, ShardIdentity};
use crate::format::take::Take;

/// The part of the keys that a timeline's root holds, and which of its layers are older than that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexShard {
    /// The part of the keys.
    pub identity: ShardIdentity,
    /// The splits that came before, the oldest first: their generations ascend strictly. None for a
    /// history that is not sharded.
    pub origins: Vec<ShardOrigin>,
}

/// A split: layers up to a generation were written by a shard of another count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardOrigin {
    /// The last generation before the split.
    pub through: Generation,
    /// The number of shards before the split; 0 if the history was not sharded.
    pub count: u8,
}

impl IndexShard {
    /// Whether a layer of a generation was written before the last split, and may have foreign
    /// keys.
    pub fn is_inherited(&self, generation: Generation) -> bool {
        let last = self.origins.last();
        last.is_some_and(|origin| generation <= origin.through)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        assert!(!self.identity.is_unsharded());
        assert!(self.origins.is_sorted_by(|a, b| a.through < b.through));
        let mut out = vec![self.identity.number(), self.identity.count()];
        out.extend_from_slice(&self.identity.stripe().to_be_bytes());
        for origin in &self.origins {
            out.extend_from_slice(&origin.through.0.to_be_bytes());
            out.push(origin.count);
        }
        out
    }

    pub(super) fn take(take: &mut Take<'_>) -> Result<IndexShard, DecodeError> {
        let start = take.offset();
        let (number, count) = (take.take_u8("shard number")?, take.take_u8("shard count")?);
        let stripe = take.take_u32("shard stripe")?;
        let identity = ShardIdentity::new(number, count, stripe)
            .map_err(|error| DecodeError::malformed("shard", start, error.to_string()))?;
        let mut origins: Vec<ShardOrigin> = Vec::new();
        while !take.rest().is_empty() {
            let start = take.offset();
            let through = take.take_u32("shard origin").map(Generation)?;
            let count = take.take_u8("shard origin count")?;
            if let Some(last) = origins.last()
                && through <= last.through
            {
                let problem = format!("expected one above {}, found {through}", last.through);
                return Err(DecodeError::malformed("shard origin", start, problem));
            }
            origins.push(ShardOrigin { through, count });
        }
        Ok(IndexShard { identity, origins })
    }
}
