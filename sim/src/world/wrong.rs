//! A device that is wrong: where it may be, and which errors that excuses.

use std::io;
use std::ops::Range;
use std::path::Path;

use palimpsest::Error;
use palimpsest::base::{DecodeError, TimelineId};
use palimpsest::io::Op;

use super::state::{State, World};
use crate::disk::NodeId;
use crate::faults::{Fault, FaultClass, StepKind};
use crate::paths::{INDEX, ROOT, index_path};
use crate::verdict::Verdict;

/// What a checksum covers, in bytes.
const BLOCK_LEN: u64 = palimpsest::format::BLOCK_LEN as u64;

impl World {
    /// Whether an error names a file that the device gave back wrong, at a place where it did.
    pub fn is_rot(&self, error: &Error) -> bool {
        self.rot_of(error).is_some()
    }

    /// The same, of an operation of the plan's that ends with the error: it is counted.
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
        let mut wrong = self.state().disk.wrongs(&path)?;
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

    /// Each rot of a layer that was read was told of.
    ///
    /// # Errors
    /// The broken law, with who has read it and ended all the same. A housekeeper tells nobody.
    pub fn check_reported(&self) -> Result<(), Verdict> {
        let unreported = self.state().met.unreported();
        unreported.map_or(Ok(()), |op| {
            let law = "whoever reads what rots in a layer says so";
            Err(Verdict::law(law, format!("{op} says nothing")))
        })
    }

    /// Whether a power loss took a timeline's index.
    pub fn has_lost_index(&self, timeline: TimelineId) -> bool {
        self.state().disk.has_lost(&index_path(timeline))
    }

    /// Whether a timeline's index is gone by a power loss, or the device gives it back wrong.
    pub fn has_bad_index(&self, timeline: TimelineId) -> bool {
        self.state().disk.wrongs(&index_path(timeline)).is_some()
    }

    /// Whether a timeline's index is there, and the device gives it back wrong.
    pub fn has_wrong_index(&self, timeline: TimelineId) -> bool {
        self.state().disk.is_wrong(&index_path(timeline))
    }

    /// The running task's operation has come to what is wrong, and says so. It may have been told
    /// by what another one read.
    fn report_wrong(&self, fault: Fault) {
        let mut state = self.state();
        if let Some((task, op)) = state.gate.running_op() {
            let class = FaultClass::of(fault, StepKind::Read);
            state.met.add_once(task, class, op);
        }
    }
}

impl State {
    /// Reads, and notes what of that the device had made wrong before.
    pub(super) fn read(
        &mut self,
        op: Op,
        node: NodeId,
        (offset, buf): (u64, &mut [u8]),
    ) -> io::Result<usize> {
        let count = self.disk.read(node, offset, buf)?;
        if self.is_direct || !self.disk.device().may_be_wrong() {
            return Ok(count);
        }
        let read = offset..offset + count as u64;
        let faults = self.disk.wrongs_in(node, &read)?;
        for fault in faults {
            let class = FaultClass::of(fault, StepKind::Read);
            if let Some(task) = self.gate.running() {
                self.met.add_once(task, class, op);
            }
        }
        Ok(count)
    }

    /// Lets a byte rot, if it is durable and the device may.
    pub(super) fn rot(
        &mut self,
        node: NodeId,
        offset: u64,
        (op, step): (Op, StepKind),
    ) -> io::Result<()> {
        if self.disk.rot(node, offset)? {
            self.go_wrong(Fault::Rot(0), op, step);
        }
        Ok(())
    }

    /// Notes that the device does what no device should.
    pub(super) fn go_wrong(&mut self, fault: Fault, op: Op, step: StepKind) {
        self.count_fault(fault, op, step);
        self.note_unread(op);
    }
}
