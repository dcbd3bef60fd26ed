//! Writing a delta layer.

use super::delta::DeltaLayer;
use super::file::{IndexedWriter, LayerContext};
use crate::base::{Key, KeyRange, LayerName, Lsn, LsnRange, Result};
use crate::format::{BlobRef, Compression, DeltaKey, encode_blob};
use crate::io::{Io, Op};

/// The parameters of a new delta layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaFilePlan {
    /// The keys that it will cover.
    pub keys: KeyRange,
    /// The LSNs that it will cover.
    pub lsns: LsnRange,
    /// A number that is unique in the generation, as part of the file's scratch name.
    pub attempt: u32,
}

/// Writes a delta layer. No reader sees it before it is finished, and dropping the writer removes
/// the file.
pub struct DeltaWriter<I: Io> {
    plan: DeltaFilePlan,
    file: IndexedWriter<I, { DeltaKey::LEN }>,
}

impl DeltaFilePlan {
    fn layer_name(&self) -> LayerName {
        LayerName::Delta {
            keys: self.keys,
            lsns: self.lsns,
        }
    }
}

impl<I: Io> DeltaWriter<I> {
    /// Creates the file, under a scratch name.
    ///
    /// # Errors
    /// `Io` if the device refuses.
    pub async fn create(
        context: &LayerContext<I>,
        op: Op,
        plan: DeltaFilePlan,
    ) -> Result<DeltaWriter<I>> {
        let file = IndexedWriter::create(context, op, (plan.layer_name(), plan.attempt)).await?;
        Ok(DeltaWriter { plan, file })
    }

    /// The length of all values so far, as they are stored, in bytes.
    pub fn blobs_len(&self) -> u64 {
        self.file.blobs_len()
    }

    /// Skips `len` bytes, which stay a hole in the file.
    #[cfg(test)]
    pub(super) fn skip_to(&mut self, offset: u64) {
        self.file.skip_to(offset);
    }

    /// Adds a serialised record; keys, then LSNs, ascend.
    ///
    /// # Errors
    /// `Io` if the device refuses, `Refused` if the file would become too long.
    pub async fn push(
        &mut self,
        (key, lsn): (Key, Lsn),
        value: &[u8],
        will_init: bool,
    ) -> Result<()> {
        assert!(self.plan.lsns.contains(lsn));
        let blob = BlobRef::new(self.file.offset(), will_init);
        encode_blob(self.file.buffer(), value, Compression::None)
            .expect("a batch refuses what is longer than a blob");
        let entry = DeltaKey { key, lsn }.to_bytes();
        self.file.index(key, (entry, blob.to_value())).await
    }

    /// Ends the file and gives it its lasting name. The bytes are durable; the name is durable when
    /// the directory is synced. If the layer is dropped before it is kept, it removes its file.
    ///
    /// # Errors
    /// `Latched` if the file's sync fails, `Io` if the device refuses.
    pub async fn finish(self) -> Result<DeltaLayer<I>> {
        let keys_end = self.plan.keys.end;
        self.finish_before(keys_end).await
    }

    /// Ends the file as a layer of the planned keys before `keys_end`; see [`DeltaWriter::finish`].
    ///
    /// # Errors
    /// Those of [`DeltaWriter::finish`].
    pub async fn finish_before(self, keys_end: Key) -> Result<DeltaLayer<I>> {
        Ok(DeltaLayer::of_file(self.file.finish(keys_end).await?))
    }
}
