//! Ground floor: plain values. Nothing here blocks, does I/O or asks a clock.

mod error;
mod file_name;
mod generation;
mod hex;
mod id;
mod key;
mod key_space;
mod layer_name;
mod lsn;
mod policy;
mod shard;
mod sparse_keys;
mod strategy;
mod time;

pub use error::{DecodeError, Error, IoFailure, Result};
pub use file_name::FileName;
pub use generation::Generation;
pub use id::{ParseIdError, TenantId, TimelineId};
pub use key::{Key, KeyRange, ParseKeyError};
pub use key_space::KeySpace;
pub use layer_name::LayerName;
pub use lsn::{Lsn, LsnRange, ParseLsnError};
pub use policy::Policy;
pub(crate) use shard::block_count;
pub use shard::{ShardError, ShardIdentity};
pub use sparse_keys::SparseKeys;
pub use strategy::Strategy;
pub use time::Time;
