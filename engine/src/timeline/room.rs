//! Writing an index on a full disk.

use std::io::ErrorKind;

use crate::base::{Error, Result};
use crate::format::Index;
use crate::io::{Job, Op};
use crate::store::Store;

/// Saves an index. If the disk is full, and the job is one that frees space or has to come before
/// one, the store makes room, and it is tried once more.
pub(super) async fn save_with_room<S: Store>(
    store: &S,
    op: Op,
    index: &Index,
    attempts: impl Fn() -> u32,
) -> Result<()> {
    let saved = store.save_index(op, index, attempts()).await;
    match saved {
        Err(Error::Io(failure)) if failure.source.kind() == ErrorKind::StorageFull => {
            let may_take = matches!(op.job, Job::Open | Job::Delete | Job::Gc);
            match may_take && store.make_room(op).await {
                true => store.save_index(op, index, attempts()).await,
                false => Err(Error::Io(failure)),
            }
        }
        saved => saved,
    }
}
