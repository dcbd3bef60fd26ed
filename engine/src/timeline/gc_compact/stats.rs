//! What a gc compaction counts.

use std::time::Duration;

use super::outputs::Made;
use crate::format::Value;
use crate::io::Io;
use crate::layer::Entry;
use crate::timeline::job_stats::{JobStats, Quantity};

/// What a gc compaction has read, kept, dropped and made, and how long its phases took.
///
/// # Shape
/// Every entry that was read was kept or dropped, and each deletion that an image stands for:
/// `kept + dropped = records + images + absent_count`, by number; a deletion has no length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcCompactStats {
    /// The delta layers that were read.
    pub deltas_read: Quantity,
    /// The image layers that were read.
    pub images_read: Quantity,
    /// The keys with history in the range.
    pub key_count: u64,
    /// The keys that were left as they were; [`GcCompacted`](super::GcCompacted) says which, and
    /// why.
    pub left_out_count: u64,
    /// The entries of delta layers that were read for the keys of the range.
    pub records: Quantity,
    /// The values of image layers that were read for the keys of the range.
    pub images: Quantity,
    /// The sparse keys that an image layer covers and lacks, counted for each image: each is a
    /// deletion at the image's LSN.
    pub absent_count: u64,
    /// The entries that stayed as they were.
    pub kept: Quantity,
    /// The entries that are gone, or that an image replaces.
    pub dropped: Quantity,
    /// The values that were rebuilt and written as images.
    pub made: Quantity,
    /// The records of other keys that were copied out of layers that were cut.
    pub copied: Quantity,
    /// The delta layers that were written.
    pub deltas_written: Quantity,
    /// The image layers that were written.
    pub images_written: Quantity,
    /// The layers that were written and not used, since the map has their like.
    pub discarded: Quantity,
    /// The time for the generation.
    pub time_to_begin: Duration,
    /// The time for reading and writing.
    pub time_to_build: Duration,
    /// The time for the map and its index.
    pub time_to_publish: Duration,
}

impl GcCompactStats {
    /// Adds what another job has counted.
    pub(super) fn add_all(&mut self, other: &GcCompactStats) {
        self.key_count += other.key_count;
        self.left_out_count += other.left_out_count;
        self.time_to_begin += other.time_to_begin;
        self.time_to_build += other.time_to_build;
        self.time_to_publish += other.time_to_publish;
        for (sum, more) in self
            .quantities()
            .into_iter()
            .zip(other.clone().quantities())
        {
            sum.add_all(*more);
        }
    }

    /// What of it every job counts. `swapped` has the layers of the map.
    pub(super) fn of_any_job(&self, swapped: JobStats) -> JobStats {
        let mut stats = JobStats {
            layers_discarded: self.discarded,
            discarded: self.dropped,
            produced: self.made,
            time_to_begin: self.time_to_begin,
            time_to_build: self.time_to_build,
            time_to_publish: self.time_to_publish,
            ..swapped
        };
        stats.layers_read.add_all(self.deltas_read);
        stats.layers_read.add_all(self.images_read);
        for part in [self.records, self.images, self.copied] {
            stats.visited.add_all(part);
        }
        stats.visited.count += self.absent_count;
        for part in [self.kept, self.copied] {
            stats.kept.add_all(part);
        }
        stats
    }

    fn quantities(&mut self) -> [&mut Quantity; 11] {
        [
            &mut self.deltas_read,
            &mut self.images_read,
            &mut self.records,
            &mut self.images,
            &mut self.kept,
            &mut self.dropped,
            &mut self.made,
            &mut self.copied,
            &mut self.deltas_written,
            &mut self.images_written,
            &mut self.discarded,
        ]
    }

    /// Counts the layers that were written.
    pub(super) fn count_written<I: Io>(&mut self, made: &Made<I>) {
        let deltas = made.deltas.iter().map(|delta| delta.entry().len);
        deltas.for_each(|len| self.deltas_written.add(len));
        let images = made.images.iter().map(|image| image.entry().len);
        images.for_each(|len| self.images_written.add(len));
    }

    /// Counts what stays of a key's history, and what does not. Both ascend by LSN.
    pub(super) fn compare<'a>(
        &mut self,
        history: &[Entry],
        stays: impl Iterator<Item = &'a Entry>,
    ) {
        let mut rest = history.iter().peekable();
        for entry in stays {
            while let Some((_, gone)) = rest.next_if(|before| before.0 < entry.0) {
                self.dropped.add(len_of(gone));
            }
            let counter = match rest.next_if(|at| *at == entry) {
                Some(_) => &mut self.kept,
                None => &mut self.made,
            };
            counter.add(len_of(&entry.1));
        }
        rest.for_each(|(_, gone)| self.dropped.add(len_of(gone)));
    }
}

/// The length of a value as it is counted: of an image its bytes alone, of a record all.
pub(super) fn len_of(value: &Value) -> u64 {
    let len = match value {
        Value::Image(image) => image.len(),
        Value::Record(_) => value.encoded_len(),
    };
    len as u64
}
