//! Files that the device has made wrong, and the errors that name them.

use std::ops::Range;
use std::path::Path;

use palimpsest::Error;
use palimpsest::base::{DecodeError, TimelineId};

use super::Judge;
use crate::faults::{Fault, StepKind};
use crate::paths::{INDEX, ROOT, index_path};

/// How many bytes one checksum covers.
const BLOCK_LEN: u64 = palimpsest::format::BLOCK_LEN as u64;

impl Judge {
    /// Whether an error names a file that the device returned wrong, at a place where it did.
    pub fn is_rot(&self, error: &Error) -> bool {
        self.rot_of(error).is_some()
    }

    /// Whether an error of an operation names a file that the device returned wrong, at a place
    /// where it did. Counts it as reported.
    pub fn is_reported_rot(&self, error: &Error) -> bool {
        let rot = self.rot_of(error);
        if let Some(Some(fault)) = rot {
            self.report_wrong(fault);
        }
        rot.is_some()
    }

    /// Whether an error names an index.
    pub fn is_of_index(&self, error: &Error) -> bool {
        let (Error::Corrupt { file, .. } | Error::Unsupported { file, .. }) = error else {
            return false;
        };
        Path::new(file).ends_with(INDEX)
    }

    /// The fault at the place that an error names, if there is one; `Some(None)` if a power loss
    /// took the file.
    fn rot_of(&self, error: &Error) -> Option<Option<Fault>> {
        let (Error::Corrupt { file, cause } | Error::Unsupported { file, cause }) = error else {
            return None;
        };
        let path = Path::new(ROOT).join(file);
        let mut wrong = self.world.state().disk.wrongs(&path)?;
        if let DecodeError::Malformed { offset, .. } = cause
            && !path.ends_with(INDEX)
        {
            let block = offset / BLOCK_LEN;
            let blocks =
                |range: &Range<u64>| range.start / BLOCK_LEN..range.end.div_ceil(BLOCK_LEN);
            wrong.retain(|(range, _)| blocks(range).contains(&block));
            return wrong.first().map(|(_, fault)| Some(*fault));
        }
        Some(wrong.first().map(|(_, fault)| *fault))
    }

    /// Whether a power loss took a timeline's index.
    pub fn has_lost_index(&self, timeline: TimelineId) -> bool {
        self.world.state().disk.has_lost(&index_path(timeline))
    }

    /// Whether a power loss took a timeline's index, or the device returns it wrong.
    pub fn has_bad_index(&self, timeline: TimelineId) -> bool {
        self.world
            .state()
            .disk
            .wrongs(&index_path(timeline))
            .is_some()
    }

    /// Whether a timeline's index is there, and the device returns it wrong.
    pub fn has_wrong_index(&self, timeline: TimelineId) -> bool {
        self.world.state().disk.is_wrong(&index_path(timeline))
    }

    /// Counts a fault as met by the running task's operation, which reports it. Another one may
    /// have read the bytes.
    fn report_wrong(&self, fault: Fault) {
        if let Some((task, op)) = self.world.running_op() {
            let class = fault.class(StepKind::Read);
            self.record().pending_faults.add_once(task, class, op);
        }
    }
}
