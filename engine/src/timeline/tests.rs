//! An invariant that breaks while a timeline is used, which can be tested only from inside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::{MemoryBudget, Opener, Options, Timeline};
use crate::base::{FileName, Lsn, TimelineId};
use crate::io::{Io, Job, Op, OsIo, block_on};
use crate::layer::BlockCache;
use crate::store::DirStore;

async fn create(root: &Path) -> Timeline<DirStore<OsIo>> {
    let io = OsIo::new();
    let lock = root.join(FileName::Lock.to_string());
    let lock = io.lock(Op::new(None, Job::Open, 1), &lock).await.unwrap();
    let opener = Opener {
        store: &DirStore::new(io, root),
        options: &Options::default(),
        lock: &Arc::new(lock),
        cache: &Arc::new(BlockCache::new(0)),
        decoders: &Arc::default(),
        branch_tree: &Arc::default(),
        memory: &Arc::new(MemoryBudget::new(u64::MAX, u64::MAX)),
    };
    opener
        .create(TimelineId([0x71; 16]), Lsn(10))
        .await
        .unwrap()
}

/// Regression: the writer's drop locked the state that the panic had poisoned, panicked as well
/// while the first panic unwound, and "panic in a destructor during cleanup" aborted the process.
/// Dropping the writer only clears one flag, which no invariant depends on.
#[test]
fn an_invariant_that_breaks_under_a_writer_is_one_panic_and_no_abort() {
    let root = tempfile::tempdir().expect("a directory");
    let timeline = block_on(create(root.path()));
    let broken = catch_unwind(AssertUnwindSafe(|| {
        let _writer = timeline.writer().unwrap();
        let _state = timeline.shared.state();
        panic!("a law is broken");
    }));
    assert!(broken.is_err());
    let asked_again = catch_unwind(AssertUnwindSafe(|| timeline.last_record_lsn()));
    assert!(
        asked_again.is_err(),
        "a state that broke an invariant is not used any more"
    );
}
