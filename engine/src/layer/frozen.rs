//! Streaming the records of a frozen layer in the order of keys, within a bounded number of bytes.
//!
//! ```text
//!  values, in the order in which they came:  b a c a b c a b
//!  all of them fit      ─▶ one read of all, records taken from it in order
//!  they do not          ─▶ a pass for the lowest keys that fit, then for the next …
//!                          a pass reads only where it has values, in reads of bounded length
//! ```
//!
//! A record has its value's place and length, and its number, by which it can be streamed again.

use super::file::plan_reads;
use super::memory::{MemoryLayer, MemoryRecord};
use crate::base::Result;
use crate::io::{Io, Op};

/// One read of a pass is at most this long, or one value. Bytes.
const READ_LEN_MAX: u64 = 1 << 20;

/// What a record costs a pass beside its value. Bytes.
const RECORD_LEN: u64 = 64;

/// The values of as many records are touched together.
const TOUCHED_TOGETHER: usize = 32;

/// Where all values are held, a pass has this many records.
const WHOLE_PASS_COUNT: usize = 1 << 14;

/// Streams the records of a frozen layer, each with its value.
pub(crate) struct FrozenStream<'a, I: Io> {
    layer: &'a MemoryLayer<I>,
    op: Op,
    /// The values of one pass have this length together, or there is one value. Bytes.
    len_max: u64,
    /// The numbers of the records to stream, in order.
    numbers: Vec<u32>,
    /// How many of them were taken into passes.
    taken_count: usize,
    /// The records of the pass, each behind the index of its value in `values`.
    pass: Vec<(usize, MemoryRecord)>,
    /// How many records of the pass were streamed.
    streamed_count: usize,
    values: Vec<u8>,
    /// Whether `values` are all values of the layer, in the order in which they came.
    is_whole: bool,
}

impl<I: Io> MemoryLayer<I> {
    /// All records of a frozen layer in the order of keys, then LSNs. Their values are held in
    /// memory up to `len_max` bytes at a time, or one value.
    pub(crate) fn stream(&self, op: Op, len_max: u64) -> FrozenStream<'_, I> {
        let numbers = self.sorted_numbers();
        assert!(
            numbers.len() == self.entry_count(),
            "a frozen layer takes no record"
        );
        FrozenStream {
            layer: self,
            op,
            len_max,
            numbers,
            taken_count: 0,
            pass: Vec::new(),
            streamed_count: 0,
            values: Vec::new(),
            is_whole: false,
        }
    }
}

impl<I: Io> FrozenStream<'_, I> {
    /// The next record and its value, as it was put; `None` at the end.
    ///
    /// # Errors
    /// `Io` if the values cannot be read.
    pub(crate) async fn next(&mut self) -> Result<Option<(&MemoryRecord, &[u8])>> {
        if self.streamed_count == self.pass.len() {
            self.begin_pass().await?;
        }
        if self.streamed_count.is_multiple_of(TOUCHED_TOGETHER) {
            self.touch_next();
        }
        let Some((start, record)) = self.pass.get(self.streamed_count) else {
            return Ok(None);
        };
        self.streamed_count += 1;
        Ok(Some((
            record,
            &self.values[*start..start + record.len as usize],
        )))
    }

    /// Has the values of the next records come into the processor's cache together: in the order of
    /// keys each is elsewhere in memory, and one miss after another would be waited for.
    fn touch_next(&self) {
        let next = self.pass[self.streamed_count..]
            .iter()
            .take(TOUCHED_TOGETHER);
        let ends = next.flat_map(|(start, record)| {
            let last = (start + record.len as usize).saturating_sub(1);
            [*start, last]
        });
        let bytes = ends.filter_map(|index| self.values.get(index));
        std::hint::black_box(bytes.fold(0, |all, byte| all | byte));
    }

    /// The number of the record that was streamed last.
    pub(crate) fn number(&self) -> u32 {
        let behind = self.pass.len() - self.streamed_count;
        self.numbers[self.taken_count - behind - 1]
    }

    /// A stream of the records with these numbers, which ascend as this one's do.
    pub(crate) fn again(self, numbers: Vec<u32>) -> Self {
        FrozenStream {
            numbers,
            taken_count: 0,
            pass: Vec::new(),
            streamed_count: 0,
            ..self
        }
    }

    /// Takes the next records into a pass, and reads their values.
    async fn begin_pass(&mut self) -> Result<()> {
        self.streamed_count = 0;
        self.pass.clear();
        if self.taken_count == self.numbers.len() {
            return Ok(());
        }
        if self.layer.byte_len() <= self.len_max {
            self.read_whole().await?;
            let index = |position| usize::try_from(position).expect("it is in memory");
            for record in self.records_behind(self.taken_count) {
                self.pass.push((index(record.position), record));
            }
        } else {
            // It is streamed only once it was read: an error leaves the stream where it was.
            let pass = self.take_pass();
            self.read_pass(&pass).await?;
            self.pass = pass;
        }
        self.taken_count += self.pass.len();
        Ok(())
    }

    /// Some records behind the first `taken_count`.
    fn records_behind(&self, taken_count: usize) -> Vec<MemoryRecord> {
        let rest = &self.numbers[taken_count..];
        self.layer
            .records(&rest[..rest.len().min(WHOLE_PASS_COUNT)])
    }

    /// Takes as many records as have room: one at least.
    fn take_pass(&self) -> Vec<(usize, MemoryRecord)> {
        let mut pass = Vec::new();
        let (mut start, mut cost) = (0, 0);
        while self.taken_count + pass.len() < self.numbers.len() {
            for record in self.records_behind(self.taken_count + pass.len()) {
                cost += RECORD_LEN + u64::from(record.len);
                if self.len_max < cost && !pass.is_empty() {
                    return pass;
                }
                let len = record.len as usize;
                pass.push((start, record));
                start += len;
            }
        }
        pass
    }

    async fn read_whole(&mut self) -> Result<()> {
        if !self.is_whole {
            let len = usize::try_from(self.layer.byte_len()).expect("it fits");
            self.values = self.layer.span(self.op, 0, len).await?;
            self.is_whole = true;
        }
        Ok(())
    }

    /// Reads the values of the pass, which stand behind each other in its order.
    async fn read_pass(&mut self, pass: &[(usize, MemoryRecord)]) -> Result<()> {
        let mut order: Vec<usize> = (0..pass.len()).collect();
        order.sort_unstable_by_key(|&index| pass[index].1.position);
        let span = |&index: &usize| {
            let record = &pass[index].1;
            (record.position, record.position + u64::from(record.len))
        };
        let spans: Vec<(u64, u64)> = order.iter().map(span).collect();
        let (start, last) = pass.last().expect("a pass has a record");
        self.values.clear();
        self.values.resize(start + last.len as usize, 0);
        for read in plan_reads(&spans, READ_LEN_MAX) {
            let (from, to) = (spans[read.blobs.start].0, spans[read.blobs.end - 1].1);
            let len = usize::try_from(to - from).expect("it was appended from memory");
            let bytes = self.layer.span(self.op, from, len).await?;
            for index in read.blobs {
                let (start, record) = &pass[order[index]];
                let at = usize::try_from(record.position - from).expect("it is in memory");
                let len = record.len as usize;
                self.values[*start..start + len].copy_from_slice(&bytes[at..at + len]);
            }
        }
        Ok(())
    }
}
