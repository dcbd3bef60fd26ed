//! Bytes that a device has made wrong: they rot, and are read.

use std::io;

use palimpsest::io::Op;

use super::State;
use crate::disk::NodeId;
use crate::faults::{Fault, StepKind};

impl State {
    /// Reads, and tells what of that the device had made wrong before.
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

    /// Lets a byte rot, if it is durable and the device may.
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
