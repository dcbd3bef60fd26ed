//! How much a job or a scan handles before it lets other tasks run.

use super::Io;

/// Bytes, with [`RECORD_LEN`] more for each record: some milliseconds of work.
const HANDLED_LEN_MAX: u64 = 512 << 10;

/// What a record costs beside its value. Bytes.
const RECORD_LEN: u64 = 64;

/// Counts what was handled since the last yield.
#[derive(Default)]
pub(crate) struct Pace {
    handled_len: u64,
}

impl Pace {
    /// Counts records of `len` bytes together, and yields once there are enough.
    pub(crate) async fn handled<I: Io>(&mut self, io: &I, (count, len): (usize, u64)) {
        self.handled_len += count as u64 * RECORD_LEN + len;
        if HANDLED_LEN_MAX <= self.handled_len {
            self.handled_len = 0;
            io.yield_now().await;
        }
    }
}
