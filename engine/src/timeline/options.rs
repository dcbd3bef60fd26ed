//! What a user may choose.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::base::TenantId;
use crate::format::{Edits, Redo};

/// How an engine works. Each field says what it is by default.
#[derive(Clone)]
pub struct Options {
    /// Whose files these are; it stands in each of them. Zeros.
    pub tenant: TenantId,
    /// The open layer is frozen before it would hold so many bytes. 256 MiB.
    pub freeze_len_max: u64,
    /// The open layer is frozen before it would cover such a distance of LSNs. 256 Mi.
    pub freeze_distance_max: u64,
    /// The open layer is frozen by the first batch that finds it older than this. 10 minutes.
    pub freeze_age_max: Duration,
    /// How many bytes of the open layer are gathered before they are written to its file. 64 KiB.
    pub buffer_len: usize,
    /// Makes a value of records. The built-in [`Edits`].
    pub redo: Arc<dyn Redo>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            tenant: TenantId::default(),
            freeze_len_max: 256 << 20,
            freeze_distance_max: 256 << 20,
            freeze_age_max: Duration::from_secs(600),
            buffer_len: 64 << 10,
            redo: Arc::new(Edits),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("tenant", &self.tenant)
            .field("freeze_len_max", &self.freeze_len_max)
            .field("freeze_distance_max", &self.freeze_distance_max)
            .field("freeze_age_max", &self.freeze_age_max)
            .field("buffer_len", &self.buffer_len)
            .finish_non_exhaustive()
    }
}
