//! A device that is wrong: where it may be, and which errors that excuses.

use std::ops::Range;
use std::path::Path;

use palimpsest::Error;
use palimpsest::base::{DecodeError, TimelineId};

use super::Judge;
use crate::faults::{Fault, StepKind};
use crate::paths::{INDEX, ROOT, index_path};

/// What a checksum covers, in bytes.
const BLOCK_LEN: u64 = palimpsest::format::BLOCK_LEN as u64;

impl Judge {
    /// Whether an error names a file that the device gave back wrong, at a place where it did.
    pub fn is_rot(&self, error: &Error) -> bool {
        self.rot_of(error).is_some()
    }

    /// Whether an operation of the plan's ends with an error that names a file that the device gave
    /// back wrong, at a place where it did: then that is counted.
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

    /// What was done to the place that an error names; nothing in particular, if a power loss took
    /// the file.
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

    /// Whether a timeline's index is gone by a power loss, or the device gives it back wrong.
    pub fn has_bad_index(&self, timeline: TimelineId) -> bool {
        self.world
            .state()
            .disk
            .wrongs(&index_path(timeline))
            .is_some()
    }

    /// Whether a timeline's index is there, and the device gives it back wrong.
    pub fn has_wrong_index(&self, timeline: TimelineId) -> bool {
        self.world.state().disk.is_wrong(&index_path(timeline))
    }

    /// The running task's operation has come to what is wrong, and says so. It may have been told
    /// by what another one read.
    fn report_wrong(&self, fault: Fault) {
        if let Some((task, op)) = self.world.running_op() {
            let class = fault.class(StepKind::Read);
            self.record().pending_faults.add_once(task, class, op);
        }
    }
}
