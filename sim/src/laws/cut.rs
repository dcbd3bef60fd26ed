//! Checks how long the layers are into which a compaction has cut its records.

use palimpsest::base::{LayerName, TimelineId};

use super::index;
use super::known::{Content, Known};
use crate::disk::Disk;
use crate::verdict::Verdict;

impl Known {
    /// Checks that a delta layer with records of several keys holds at most `len_max` bytes of
    /// them, for each layer of the index but those of `before`.
    ///
    /// # Errors
    /// The broken law.
    pub fn check_cut(
        &mut self,
        disk: &mut Disk,
        timeline: TimelineId,
        (before, len_max): (&[LayerName], u64),
    ) -> Result<(), Verdict> {
        let index = index(disk, timeline)?;
        for layer in self.look(disk, timeline, &index.layers)? {
            let name = layer.entry.name;
            let Content::Delta(records) = &*layer.content else {
                continue;
            };
            let is_of_one_key = records.iter().all(|(at, _)| at.key == records[0].0.key);
            if is_of_one_key || before.contains(&name) {
                continue;
            }
            let len: u64 = records.iter().map(|(_, record)| record.len() as u64).sum();
            if len_max < len {
                let law = format!("a compaction puts at most {len_max} bytes of several keys");
                let law = format!("{law} into one layer");
                return Err(Verdict::law(law, format!("{len} bytes in {name}")));
            }
        }
        Ok(())
    }
}
