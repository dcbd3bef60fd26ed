//! One layer's file.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use palimpsest::base::LayerName;
use palimpsest::format::BLOCK_LEN;

use super::report::Report;
use crate::bytes::{Bytes, DiskFile};
use crate::fault::Fault;
use crate::layer::{Entries, Entry, LayerReader};

/// Reads a layer's file whole, and reports its faults. Returns the checksum of its section; `None`
/// if it has none, or if it is no layer's file.
pub(super) fn verify_layer(
    report: &mut Report<'_>,
    path: &Path,
    name: LayerName,
) -> io::Result<Option<Opened>> {
    report.file_count += 1;
    let opened = DiskFile::open(path).map_err(|error| Fault::Device { offset: 0, error });
    let mut reader = match opened.and_then(LayerReader::open) {
        Ok(reader) => reader,
        Err(fault) => {
            report.fault(path, &fault)?;
            return Ok(None);
        }
    };
    let found = reader.summary().name();
    if found != name {
        let text = format!("summary at offset 0: expected {name}, found {found}");
        report.wrong(path, &text)?;
    }
    let opened = Opened {
        len: reader.file_len(),
        checksum: reader.section_checksum(),
        tenant: reader.summary().tenant(),
    };
    report.unverified_count += u64::from(opened.checksum.is_none());
    let mut check = Check {
        report,
        path,
        bad_blocks: BTreeSet::new(),
        leaf_entries: Some(0),
    };
    check.blocks(&mut reader)?;
    check.nodes(&mut reader)?;
    check.entries(&mut reader, found)?;
    Ok(Some(opened))
}

/// What an index says of a layer too.
pub(super) struct Opened {
    pub(super) len: u64,
    pub(super) checksum: Option<u32>,
    pub(super) tenant: palimpsest::TenantId,
}

struct Check<'a, 'b> {
    report: &'a mut Report<'b>,
    path: &'a Path,
    /// The blocks whose fault was reported.
    bad_blocks: BTreeSet<u64>,
    /// The entries of all leaves; unknown if a node cannot be read.
    leaf_entries: Option<u64>,
}

impl Check<'_, '_> {
    /// Reports a fault, unless it stands in a block with a fault that was reported.
    fn fault(&mut self, fault: &Fault) -> io::Result<()> {
        let block = fault.offset().map(|offset| offset / BLOCK_LEN as u64);
        if block.is_some_and(|block| self.bad_blocks.contains(&block)) {
            return Ok(());
        }
        self.report.fault(self.path, fault)
    }

    fn blocks<B: Bytes>(&mut self, reader: &mut LayerReader<B>) -> io::Result<()> {
        for block_index in 0..reader.block_count() {
            if let Err(fault) = reader.block(block_index) {
                self.fault(&fault)?;
                self.bad_blocks.insert(u64::from(block_index));
            }
            self.report.read(BLOCK_LEN as u64);
        }
        let blocks_len = u64::from(reader.block_count()) * BLOCK_LEN as u64;
        self.report.read(reader.file_len() - blocks_len);
        Ok(())
    }

    fn nodes<B: Bytes>(&mut self, reader: &mut LayerReader<B>) -> io::Result<()> {
        let start_block = reader.index_start() / BLOCK_LEN as u64;
        for block in 0..reader.node_count() {
            match reader.node(block) {
                Ok(node) if node.level == 0 => {
                    let count = node.count as u64;
                    self.leaf_entries = self.leaf_entries.map(|sum| sum + count);
                }
                Ok(_) => {}
                Err(fault) => {
                    self.fault(&fault)?;
                    self.bad_blocks.insert(start_block + u64::from(block));
                    self.leaf_entries = None;
                }
            }
        }
        Ok(())
    }

    fn entries<B: Bytes>(
        &mut self,
        reader: &mut LayerReader<B>,
        name: LayerName,
    ) -> io::Result<()> {
        let mut entries = Entries::new(reader.summary());
        let mut entry_count = 0;
        loop {
            match entries.next(reader) {
                Ok(None) => break,
                Ok(Some(entry)) => {
                    entry_count += 1;
                    self.entry(reader, &entry, name)?;
                }
                Err(fault) => return self.fault(&fault),
            }
        }
        match self.leaf_entries {
            Some(expected) if expected != entry_count => {
                let problem = format!("expected {expected} entries, found {entry_count}");
                let fault = Fault::malformed("leaves", reader.index_start(), problem);
                self.fault(&fault)
            }
            _ => Ok(()),
        }
    }

    fn entry<B: Bytes>(
        &mut self,
        reader: &mut LayerReader<B>,
        entry: &Entry,
        name: LayerName,
    ) -> io::Result<()> {
        let Entry { key, lsn, .. } = *entry;
        let is_inside = name.keys().contains(key) && (name.is_image() || name.lsns().contains(lsn));
        if !is_inside {
            let problem = format!("key {key} at LSN {lsn} is outside of the layer");
            self.fault(&Fault::malformed("entry", reader.index_start(), problem))?;
        }
        let first = entry.offset / BLOCK_LEN as u64;
        let last = entry.end.saturating_sub(1).max(entry.offset) / BLOCK_LEN as u64;
        if self.bad_blocks.range(first..=last).next().is_some() {
            return Ok(());
        }
        match check_value(reader, entry) {
            Ok(()) => Ok(()),
            Err(fault) => self.fault(&fault),
        }
    }
}

/// Reads the value of an entry to its last byte.
fn check_value<B: Bytes>(reader: &mut LayerReader<B>, entry: &Entry) -> Result<(), Fault> {
    let header = reader.header(entry)?;
    let stored = reader.stored(entry, &header)?;
    let content = reader.content(entry, &header, stored)?;
    if entry.will_init.is_some() {
        entry.decode(&content)?;
    }
    Ok(())
}
