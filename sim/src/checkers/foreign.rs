//! Checks that a shard refuses what another one holds.
//!
//! * Verified: a read or a batch of a foreign key is refused, whatever else is true of it, and the
//!   refusal names the shard that holds the key.
//! * Not verified: which keys a shard holds: that is the engine's own pure function, which has
//!   tests of its own.

use palimpsest::base::{Key, ShardIdentity};
use palimpsest::{Error, Result};

use crate::verdict::Verdict;

/// Checks what a call on a foreign key returned.
///
/// # Errors
/// A wrong answer, if it is not the refusal that names the owner.
pub fn check<T: std::fmt::Debug>(
    shard: ShardIdentity,
    key: Key,
    asked: String,
    found: Result<T>,
) -> Result<(), Verdict> {
    let owner = shard.owner(key);
    match found {
        Err(Error::Foreign {
            key: named,
            shard: by,
            owner: found,
        }) if (named, by, found) == (key, shard, owner) => Ok(()),
        found => Err(Verdict::wrong(
            asked,
            format!("a refusal: shard {owner} holds {key}"),
            format!("{found:?}"),
        )),
    }
}
