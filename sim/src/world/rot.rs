//! Bytes that the device has made wrong, and reads of them.

use std::io;

use palimpsest::io::Op;

use super::State;
use crate::disk::NodeId;
use crate::faults::{Fault, StepKind};

impl State {
    /// Reads, and records which faults had made the bytes wrong before.
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
        self.deliver_wrong(faults, (op, StepKind::Read));
        Ok(count)
    }

    /// Makes a byte rot, if it is durable and the device may be wrong.
    pub(super) fn rot(
        &mut self,
        node: NodeId,
        offset: u64,
        (op, step): (Op, StepKind),
    ) -> io::Result<()> {
        if self.disk.rot(node, offset)? {
            self.deliver(Fault::Rot(0), (op, step), None);
        }
        Ok(())
    }
}
