//! Handles that a plan keeps of timelines that it has shut down.

use palimpsest::{Scan, Timeline, Writer};

use crate::world::SimIo;

/// The handles kept of an instance that was shut down.
pub(super) struct HeldInstance {
    pub(super) timeline: Timeline<SimIo>,
    pub(super) _scan: Option<Scan<SimIo>>,
    pub(super) _writer: Option<Writer<SimIo>>,
}
