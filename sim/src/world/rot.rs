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
        self.note_wrong(op, node, (offset, count))?;
        Ok(count)
    }

    /// Reads a file as its fault lets it.
    pub(super) fn read_with(
        &mut self,
        op: Op,
        (node, fault): (NodeId, Option<Fault>),
        (offset, buf): (u64, &mut [u8]),
    ) -> io::Result<usize> {
        match fault {
            Some(Fault::Stale) => {
                self.deliver(Fault::Stale, (op, StepKind::Read), None);
                self.disk.read_stale(node, offset, buf)
            }
            Some(Fault::Rot(at)) => {
                let len = self.disk.len(node)?.saturating_sub(offset);
                let len = len.min(buf.len() as u64).max(1);
                let at = offset + u64::from(at) % len;
                self.rot(node, at, (op, StepKind::Read))?;
                self.read(op, node, (offset, buf))
            }
            Some(Fault::Lie) => {
                let count = self.disk.read(node, offset, buf)?;
                let read = &mut buf[..count];
                if self.disk.forget_unsynced(node, offset, read)? {
                    self.deliver(Fault::Lie, (op, StepKind::Read), None);
                }
                Ok(count)
            }
            fault => {
                let len = shortened(fault, buf.len());
                let count = self.read(op, node, (offset, &mut buf[..len]))?;
                if len < buf.len() {
                    self.deliver(Fault::Short(0), (op, StepKind::Read), None);
                }
                Ok(count)
            }
        }
    }

    /// Appends up to `len` bytes of a file from `offset` on, as [`State::read`] reads them.
    pub(super) fn append(
        &mut self,
        op: Op,
        node: NodeId,
        (offset, len): (u64, usize),
        bytes: &mut Vec<u8>,
    ) -> io::Result<usize> {
        let count = self.disk.append(node, (offset, len), bytes)?;
        self.note_wrong(op, node, (offset, count))?;
        Ok(count)
    }

    fn note_wrong(
        &mut self,
        op: Op,
        node: NodeId,
        (offset, count): (u64, usize),
    ) -> io::Result<()> {
        if self.is_direct || !self.disk.device().may_be_wrong() {
            return Ok(());
        }
        let read = offset..offset + count as u64;
        let faults = self.disk.wrongs_in(node, &read)?;
        self.deliver_wrong(faults, (op, StepKind::Read));
        Ok(())
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

pub(super) fn shortened(fault: Option<Fault>, len: usize) -> usize {
    match fault {
        Some(Fault::Short(short)) => len.min(short as usize),
        _ => len,
    }
}
