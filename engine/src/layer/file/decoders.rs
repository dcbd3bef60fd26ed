//! The decoders of blobs that the reads of an engine take turns with.

use crate::format::BlobDecoder;
use crate::sync::{Mutex, PoisonError};

/// As many decoders are kept: more than there are cores on most machines. Each has a zstd context
/// of some 160 KB once it has met a compressed blob.
const KEPT_COUNT_MAX: usize = 32;

/// Decoders that no read uses just now. A new zstd context costs more than most reads.
#[derive(Default)]
pub(crate) struct Decoders {
    free: Mutex<Vec<BlobDecoder>>,
}

impl Decoders {
    /// Lends a decoder to `work`.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut BlobDecoder) -> T) -> T {
        // A decoder with which a panic unwound is not given back.
        let mut decoder = self.free().pop().unwrap_or_default();
        let done = work(&mut decoder);
        let mut free = self.free();
        if free.len() < KEPT_COUNT_MAX {
            free.push(decoder);
        }
        done
    }

    fn free(&self) -> crate::sync::MutexGuard<'_, Vec<BlobDecoder>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
