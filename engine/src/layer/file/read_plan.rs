//! Planning reads: which blobs of a file are read together, in few reads of bounded length.
//!
//! A read starts and ends at chunks of 512 bytes, because the device does so in any case. There are
//! two planners, for two kinds of callers:
//!
//! * [`plan_reads`] knows which blobs are wanted. Bytes between them are wasted, so a chunk without
//!   a wanted byte separates two reads.
//! * [`StreamPlanner`] gets one blob after another from a caller that wants all of them.

use std::ops::Range;

/// The alignment of a read's start and end, in bytes.
pub const CHUNK_LEN: u64 = 512;

/// One read, and the blobs in it.
///
/// # Shape
/// Aligned to chunks. It is empty if its one blob is empty and starts a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRead {
    /// The offset of its first byte in the file.
    pub start: u64,
    /// The offset of its end, exclusive.
    pub end: u64,
    /// The blobs in it, by their index in the order of the plan.
    pub blobs: Range<usize>,
}

/// Plans the reads of `blobs`, each from its offset to its exclusive end.
///
/// # Shape
/// Every blob lies in exactly one read, in order. A read is longer than `len_max` only if its one
/// blob, aligned to chunks, is. The caller leaves out blobs that are not wanted.
/// # Panics
/// If a blob ends before it starts, or starts before the one before it ends.
pub fn plan_reads(blobs: &[(u64, u64)], len_max: u64) -> Vec<PlannedRead> {
    assert!(blobs.is_sorted_by(|low, high| low.1 <= high.0));
    let mut reads: Vec<PlannedRead> = Vec::new();
    for (index, &(offset, end)) in blobs.iter().enumerate() {
        let alone = PlannedRead::of_blob(index, offset, end);
        match reads.last_mut() {
            Some(read) if read.touches(&alone) && alone.end - read.start <= len_max => {
                read.extend(&alone);
            }
            _ => reads.push(alone),
        }
    }
    reads
}

impl PlannedRead {
    /// A read of one blob.
    fn of_blob(index: usize, offset: u64, end: u64) -> PlannedRead {
        assert!(offset <= end);
        let widened_end = end.checked_next_multiple_of(CHUNK_LEN);
        PlannedRead {
            start: offset - offset % CHUNK_LEN,
            end: widened_end.expect("no file is that long"),
            blobs: index..index + 1,
        }
    }

    fn len(&self) -> u64 {
        self.end - self.start
    }

    /// Whether `next` starts in the last chunk of this read, or in the chunk after it.
    fn touches(&self, next: &PlannedRead) -> bool {
        next.start <= self.end
    }

    /// Extends this read to the end of `next`.
    fn extend(&mut self, next: &PlannedRead) {
        assert!(self.blobs.end == next.blobs.start);
        assert!(self.start <= next.start);
        assert!(self.end <= next.end);
        self.end = next.end;
        self.blobs.end = next.blobs.end;
    }
}

/// Plans reads for a stream of blobs that are all wanted.
///
/// # Shape
/// The blob that reaches the target length or the target count closes a read. Gaps do not separate
/// reads.
#[derive(Debug)]
pub struct StreamPlanner {
    len_target: u64,
    count_max: usize,
    /// The end of the last blob, in bytes from the start of the file.
    end: u64,
    blob_count: usize,
    read: Option<PlannedRead>,
}

impl StreamPlanner {
    /// A planner that closes a read once it has `len_target` bytes, or `count_max` blobs.
    ///
    /// # Panics
    /// If `count_max` is 0.
    pub fn new(len_target: u64, count_max: usize) -> StreamPlanner {
        assert!(0 < count_max);
        StreamPlanner {
            len_target,
            count_max,
            end: 0,
            blob_count: 0,
            read: None,
        }
    }

    /// Adds the next blob, and returns the read that it closes, which includes it.
    ///
    /// # Panics
    /// If the blob ends before it starts, or starts before the one before it ends.
    pub fn push(&mut self, offset: u64, end: u64) -> Option<PlannedRead> {
        assert!(self.end <= offset);
        let alone = PlannedRead::of_blob(self.blob_count, offset, end);
        self.end = end;
        self.blob_count += 1;
        let read = match self.read.take() {
            Some(mut read) => {
                read.extend(&alone);
                read
            }
            None => alone,
        };
        if self.len_target <= read.len() || self.count_max <= read.blobs.len() {
            return Some(read);
        }
        self.read = Some(read);
        None
    }

    /// Closes and returns the last read, if it has a blob. The planner can be used again.
    pub fn finish(&mut self) -> Option<PlannedRead> {
        self.read.take()
    }
}

#[cfg(test)]
mod tests;
