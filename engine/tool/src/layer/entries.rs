//! The entries of a layer's index, in order.

use palimpsest::base::DecodeError;
use palimpsest::format::{BlobRef, Cursor, DeltaKey, Step};
use palimpsest::{Key, Lsn};

use super::reader::LayerReader;
use super::summary::Summary;
use crate::bytes::Bytes;
use crate::fault::Fault;

/// An entry of the index of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key of the value.
    pub key: Key,
    /// The LSN of the value.
    pub lsn: Lsn,
    /// Whether the index says that the value needs nothing below it; only in a delta.
    pub will_init: Option<bool>,
    /// Where the blob starts, in bytes from the start of the file.
    pub offset: u64,
    /// Where the next blob starts, or the index.
    pub end: u64,
}

/// Walks over the entries of a layer.
///
/// # Shape
/// Writers append blobs in the order of their keys. So a blob that does not stand in front of the
/// next one's is damage, and none can be longer than the distance to that one.
#[derive(Debug)]
pub struct Entries {
    cursor: Walk,
    /// The entry that comes next, or why there is none; `None` before the first.
    ahead: Option<Result<Option<Entry>, Fault>>,
}

#[derive(Debug)]
enum Walk {
    Delta(Cursor<{ DeltaKey::LEN }>),
    Image(Cursor<{ Key::LEN }>, Lsn),
}

impl Entries {
    /// A walk from the first entry on.
    pub fn new(summary: &Summary) -> Entries {
        let root = summary.index_blocks().1;
        let cursor = match summary {
            Summary::Delta(_) => {
                let all = [0; DeltaKey::LEN]..=[u8::MAX; DeltaKey::LEN];
                Walk::Delta(Cursor::forward(root, all))
            }
            Summary::Image(summary) => {
                let all = [0; Key::LEN]..=[u8::MAX; Key::LEN];
                Walk::Image(Cursor::forward(root, all), summary.lsn)
            }
        };
        Entries {
            cursor,
            ahead: None,
        }
    }

    /// The next entry; `None` after the last.
    ///
    /// # Errors
    /// If the index is damaged: then there is no further entry.
    pub fn next<B: Bytes>(&mut self, reader: &mut LayerReader<B>) -> Result<Option<Entry>, Fault> {
        let next = match self.ahead.take() {
            Some(ahead) => ahead?,
            None => self.advance(reader)?,
        };
        let Some(mut entry) = next else {
            self.ahead = Some(Ok(None));
            return Ok(None);
        };
        let ahead = self.advance(reader);
        if let Ok(Some(ahead)) = &ahead {
            entry.end = ahead.offset;
        }
        self.ahead = Some(ahead);
        Ok(Some(entry))
    }

    fn advance<B: Bytes>(&mut self, reader: &mut LayerReader<B>) -> Result<Option<Entry>, Fault> {
        let end = reader.index_start();
        match &mut self.cursor {
            Walk::Delta(cursor) => {
                let found = step(cursor, reader)?;
                Ok(found.map(|(key, value)| {
                    let (DeltaKey { key, lsn }, blob) =
                        (DeltaKey::from_bytes(key), BlobRef::from_value(value));
                    Entry {
                        key,
                        lsn,
                        will_init: Some(blob.will_init()),
                        offset: blob.offset(),
                        end,
                    }
                }))
            }
            Walk::Image(cursor, lsn) => {
                let lsn = *lsn;
                let found = step(cursor, reader)?;
                Ok(found.map(|(key, offset)| Entry {
                    key: Key::from_bytes(key),
                    lsn,
                    will_init: None,
                    offset,
                    end,
                }))
            }
        }
    }
}

/// The next key and value of a cursor, whose nodes come from the file.
fn step<B: Bytes, const L: usize>(
    cursor: &mut Cursor<L>,
    reader: &mut LayerReader<B>,
) -> Result<Option<([u8; L], u64)>, Fault> {
    let start = reader.index_start();
    let at_index = |error: DecodeError| Fault::from(error.at(start));
    loop {
        match cursor.next().map_err(at_index)? {
            Step::End => return Ok(None),
            Step::Entry(key, value) => return Ok(Some((key, value))),
            Step::Need(block) => {
                // The cursor asks for the root, and then for lower blocks only.
                let node = reader.node_of(block);
                if node.is_err() {
                    *cursor = Cursor::forward(0, [u8::MAX; L]..=[0; L]);
                }
                cursor.feed_node(block, node?).map_err(at_index)?;
            }
        }
    }
}
