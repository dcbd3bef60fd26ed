//! The reserve: space that is held for the day on which the disk is full.
//!
//! An open, a collection and a deletion write an index before they can free anything. On a full
//! disk they give the reserve's file back to the file system and try once more. What frees space
//! fills it again.

use std::path::PathBuf;

use super::Store;
use super::dir::DirStore;
use crate::base::FileName;
use crate::io::{File, Io, Op, Part};
use crate::sync::atomic::{AtomicBool, Ordering};

/// How much of the reserve is written by one call, in bytes.
const WRITE_LEN: usize = 64 << 10;

/// The reserve of a store.
#[derive(Default)]
pub(super) struct Reserve {
    /// Its length in bytes; 0 for none.
    len: u64,
    is_there: AtomicBool,
}

impl Reserve {
    pub(super) fn new(len: u64) -> Reserve {
        Reserve {
            len,
            is_there: AtomicBool::new(false),
        }
    }
}

impl<I: Io> DirStore<I> {
    fn reserve_path(&self) -> PathBuf {
        self.root().join(FileName::Reserve.to_string())
    }

    /// Makes the reserve's file as long as it is to be. If there is no space, or the device
    /// refuses, there is no reserve.
    pub(super) async fn fill_reserve(&self, op: Op) {
        let op = op.on(Part::Index, 3);
        let len = self.reserve().len;
        if len == 0 || self.reserve().is_there.load(Ordering::Relaxed) {
            return;
        }
        let path = self.reserve_path();
        if let Ok(file) = self.io().open(op, &path).await {
            if file.len(op).await.is_ok_and(|found| found == len) {
                self.reserve().is_there.store(true, Ordering::Relaxed);
                return;
            }
            let _ = self.io().remove(op, &path).await;
        }
        let is_there = self.write_reserve(op, len).await.is_ok();
        self.reserve().is_there.store(is_there, Ordering::Relaxed);
        if !is_there {
            // What was written is space that others need.
            let _ = self.io().remove(op, &path).await;
        }
    }

    /// Removes the reserve's file if there is to be none.
    pub(crate) async fn remove_unwanted_reserve(&self, op: Op) {
        if self.reserve().len == 0 {
            let _ = self.io().remove(op, &self.reserve_path()).await;
        }
    }

    async fn write_reserve(&self, op: Op, len: u64) -> std::io::Result<()> {
        let file = self.io().create(op, &self.reserve_path()).await?;
        let zeros = vec![0; WRITE_LEN];
        let mut at = 0;
        while at < len {
            let count = (len - at).min(WRITE_LEN as u64);
            let count = usize::try_from(count).expect("it is below the limit");
            file.write_all_at(op, at, &zeros[..count]).await?;
            at += count as u64;
        }
        // It is not synced: a crash may take it, and the next open makes it anew.
        Ok(())
    }

    /// Gives the reserve back to the file system; returns whether there was one.
    pub(super) async fn give_reserve(&self, op: Op) -> bool {
        let op = op.on(Part::Index, 3);
        if !self.reserve().is_there.swap(false, Ordering::Relaxed) {
            return false;
        }
        self.io().probe("a full disk gets its reserve back");
        self.io().remove(op, &self.reserve_path()).await.is_ok()
    }
}
