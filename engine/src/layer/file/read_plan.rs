//! Which blobs of a file are read together: fewer, longer reads, and none too long.
//!
//! A read starts and ends at chunks of 512 bytes, because the device does so in any case. Two ways
//! to plan, for two kinds of callers:
//!
//! * [`plan_reads`] knows which blobs are wanted. What lies between two of them is wasted, so a
//!   chunk that holds nothing wanted parts two reads.
//! * [`StreamPlanner`] is told one blob after another by somebody who wants them all.

use std::ops::Range;

/// What a read starts and ends at a multiple of.
pub const CHUNK_LEN: u64 = 512;

/// One read, and the blobs that it brings.
///
/// # Shape
/// Widened to chunks. Without a byte if its one blob has none and stands at a chunk's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRead {
    /// Where it starts in the file.
    pub start: u64,
    /// Where it ends, exclusive.
    pub end: u64,
    /// Which blobs lie in it, by their number in the order of the plan.
    pub blobs: Range<usize>,
}

/// Plans the reads of `blobs`, each from its offset to its exclusive end.
///
/// # Shape
/// Every blob lies in exactly one read, in order. A read is longer than `len_max` only if its one
/// blob, widened, is. Blobs that nobody wants are left out by the caller.
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
    /// The read of one blob alone.
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

    /// Whether `next` starts in the last chunk of this read, or in the chunk behind.
    fn touches(&self, next: &PlannedRead) -> bool {
        next.start <= self.end
    }

    /// Makes one read of this and the `next`, with all that lies between.
    fn extend(&mut self, next: &PlannedRead) {
        assert!(self.blobs.end == next.blobs.start);
        assert!(self.start <= next.start);
        assert!(self.end <= next.end);
        self.end = next.end;
        self.blobs.end = next.blobs.end;
    }
}

/// Plans reads for blobs that come one by one and are all wanted.
///
/// # Shape
/// A read is closed by the blob that makes it long enough, or that is one of enough. No gap parts
/// two reads.
#[derive(Debug)]
pub struct StreamPlanner {
    len_target: u64,
    count_max: usize,
    /// The end of the last blob.
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

    /// Takes the next blob, and returns the read that it closes. It lies in that one itself.
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

    /// The read that no blob has closed. The planner may go on.
    pub fn finish(&mut self) -> Option<PlannedRead> {
        self.read.take()
    }
}

#[cfg(test)]
mod tests;
