//! Blobs: strings of bytes with their length in front, at any offset of a file.
//!
//! ```text
//! offset  size  field
//!      0     1  0lllllll            length below 128, not compressed
//!      1     l  payload
//!
//!      0     4  ffffllll …          flags in the top 4 bits, then 28 bits of length
//!      4     l  payload             0x8: as it is, 128 bytes or more; 0x9: a zstd frame
//! ```
//!
//! The length is that of the stored bytes. A frame is written by zstd's streaming encoder: it tells
//! neither the length of its content nor a checksum. It stands only for 128 bytes or more and only
//! if it is shorter than these, and it may itself be shorter than 128 bytes.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;

use zstd::zstd_safe::{self, CCtx, CParameter, DCtx};

use super::take::Take;
use crate::base::DecodeError;

/// The longest payload that a blob can hold.
///
/// # Units
/// Bytes.
pub const BLOB_LEN_MAX: usize = 0x0FFF_FFFF;

/// The longest header: as many bytes are enough to decode any.
///
/// # Units
/// Bytes.
pub const BLOB_HEADER_LEN_MAX: usize = 4;

/// The shortest payload with a header of four bytes, and the shortest that compression is tried on,
/// in bytes.
const LONG_LEN_MIN: usize = 128;
const FLAGS_MASK: u32 = 0xF000_0000;
const FLAGS_PLAIN: u32 = 0x8000_0000;
const FLAGS_ZSTD: u32 = 0x9000_0000;

/// The result of zstd if the output buffer is too small. Its error code for that, 70, is stable.
const NO_ROOM: usize = 70_usize.wrapping_neg();

const _: () = assert!(BLOB_LEN_MAX as u32 == !FLAGS_MASK);

/// The compression of payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Uncompressed.
    None,
    /// As a zstd frame, if that is shorter.
    Zstd {
        /// zstd's own scale: 1 is fast, 19 is small.
        level: i32,
    },
}

/// The header of a blob, which stands in front of its stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobHeader {
    /// The length of the header itself: 1 or 4 bytes.
    pub header_len: usize,
    /// The length of the stored bytes behind it, at most `BLOB_LEN_MAX`.
    pub stored_len: usize,
    /// Whether the stored bytes are a zstd frame.
    pub is_compressed: bool,
}

/// A payload of more than `BLOB_LEN_MAX` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobTooLarge {
    /// The length of the payload in bytes.
    pub len: usize,
}

impl BlobHeader {
    /// The header of `stored_len` bytes.
    fn new(stored_len: usize, is_compressed: bool) -> BlobHeader {
        assert!(stored_len <= BLOB_LEN_MAX);
        let is_short = stored_len < LONG_LEN_MIN && !is_compressed;
        BlobHeader {
            header_len: if is_short { 1 } else { BLOB_HEADER_LEN_MAX },
            stored_len,
            is_compressed,
        }
    }

    /// The length of header and stored bytes.
    pub fn blob_len(&self) -> usize {
        self.header_len + self.stored_len
    }

    /// Reads the header that `bytes` start with.
    ///
    /// # Errors
    /// If the header is cut, or if no writer makes such a header: unknown flags, or a short payload
    /// with a long header.
    pub fn decode(bytes: &[u8]) -> Result<BlobHeader, DecodeError> {
        const WHAT: &str = "blob header";
        let mut take = Take::new(bytes);
        let first = take.take_u8(WHAT)?;
        if usize::from(first) < LONG_LEN_MIN {
            return Ok(BlobHeader::new(usize::from(first), false));
        }
        let word = Take::new(bytes).take_u32(WHAT)?;
        let malformed = |expected| {
            let problem = format!("expected {expected}, found {word:#010x}");
            Err(DecodeError::malformed(WHAT, 0, problem))
        };
        let Ok(stored_len) = usize::try_from(word & !FLAGS_MASK) else {
            return malformed("a length that fits the address space");
        };
        match word & FLAGS_MASK {
            FLAGS_PLAIN if LONG_LEN_MIN <= stored_len => Ok(BlobHeader::new(stored_len, false)),
            FLAGS_PLAIN => malformed("a length of 128 or more"),
            FLAGS_ZSTD => Ok(BlobHeader::new(stored_len, true)),
            _ => malformed("flags 0x8 or 0x9"),
        }
    }

    /// Appends the header to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        assert!(*self == BlobHeader::new(self.stored_len, self.is_compressed));
        let len = u32::try_from(self.stored_len).expect("BLOB_LEN_MAX has 28 bits");
        match (self.header_len, self.is_compressed) {
            (1, _) => out.push(self.stored_len as u8),
            (_, false) => out.extend_from_slice(&(FLAGS_PLAIN | len).to_be_bytes()),
            (_, true) => out.extend_from_slice(&(FLAGS_ZSTD | len).to_be_bytes()),
        }
    }
}

/// Encodes blobs, one after another, with one zstd context for all of them.
pub struct BlobEncoder {
    compression: Compression,
    /// The zstd context; `None` until the first payload is long enough to be compressed.
    context: Option<CCtx<'static>>,
}

/// Decodes blobs, one after another, with one zstd context for all of them.
#[derive(Default)]
pub struct BlobDecoder {
    /// The zstd context; `None` until the first frame.
    context: Option<DCtx<'static>>,
}

impl BlobEncoder {
    /// An encoder that stores payloads by `compression`.
    pub fn new(compression: Compression) -> BlobEncoder {
        BlobEncoder {
            compression,
            context: None,
        }
    }

    /// Appends `payload` to `out` as a blob.
    ///
    /// # Shape
    /// An empty payload is the one byte 00.
    /// # Errors
    /// If the payload is longer than `BLOB_LEN_MAX`; `out` is unchanged.
    pub fn encode(&mut self, out: &mut Vec<u8>, payload: &[u8]) -> Result<(), BlobTooLarge> {
        if BLOB_LEN_MAX < payload.len() {
            return Err(BlobTooLarge { len: payload.len() });
        }
        let frame = match self.compression {
            Compression::Zstd { level } if LONG_LEN_MIN <= payload.len() => {
                let context = self.context.get_or_insert_with(|| compressor(level));
                compress(payload, context)
            }
            _ => None,
        };
        let stored = frame.as_deref().unwrap_or(payload);
        BlobHeader::new(stored.len(), frame.is_some()).encode(out);
        out.extend_from_slice(stored);
        Ok(())
    }
}

impl BlobDecoder {
    /// Decodes the payload of a blob from its header and its stored bytes.
    ///
    /// # Errors
    /// If `stored` is not what the header says, or if the payload is longer than `len_max` bytes,
    /// which is also what this allocates for it at most.
    pub fn decode<'a>(
        &mut self,
        header: &BlobHeader,
        stored: &'a [u8],
        len_max: usize,
    ) -> Result<Cow<'a, [u8]>, DecodeError> {
        if stored.len() != header.stored_len {
            let (expected, found) = (header.stored_len, stored.len());
            return malformed(format!("expected {expected} bytes, found {found}"));
        }
        if header.is_compressed {
            let context = self.context.get_or_insert_with(DCtx::create);
            return decompress(stored, len_max, context).map(Cow::Owned);
        }
        if len_max < stored.len() {
            let found = stored.len();
            return malformed(format!("expected {len_max} bytes at most, found {found}"));
        }
        Ok(Cow::Borrowed(stored))
    }
}

/// Appends one `payload` to `out` as a blob; compressed, if that makes it shorter.
///
/// # Errors
/// If the payload is longer than a blob can be; `out` is unchanged.
pub fn encode_blob(
    out: &mut Vec<u8>,
    payload: &[u8],
    compression: Compression,
) -> Result<(), BlobTooLarge> {
    BlobEncoder::new(compression).encode(out, payload)
}

/// Decodes the payload of one blob from its header and its stored bytes.
///
/// # Errors
/// If `stored` is not what the header says, or if the payload is longer than `len_max` bytes, which
/// is also what this allocates for it at most.
pub fn decode_blob<'a>(
    header: &BlobHeader,
    stored: &'a [u8],
    len_max: usize,
) -> Result<Cow<'a, [u8]>, DecodeError> {
    BlobDecoder::default().decode(header, stored, len_max)
}

fn compressor(level: i32) -> CCtx<'static> {
    let mut context = CCtx::create();
    let set = context.set_parameter(CParameter::CompressionLevel(level));
    set.expect("zstd brings any level into its bounds");
    context
}

/// Compresses `payload` into a frame; `None` if the frame is not shorter.
fn compress(payload: &[u8], context: &mut CCtx<'static>) -> Option<Vec<u8>> {
    // Writing everything before the end keeps the length of the content out of the frame.
    const WHY: &str = "memory takes any number of bytes";
    let out = Vec::with_capacity(payload.len());
    let mut encoder = zstd::Encoder::with_context(out, context);
    encoder.write_all(payload).expect(WHY);
    let frame = encoder.finish().expect(WHY);
    (frame.len() < payload.len()).then_some(frame)
}

/// Decompresses a frame.
///
/// It decodes in one call, which needs no memory but the output: a streaming decoder would also
/// allocate the window that the frame asks for. The frame has no content length, so this tries a
/// likely length and then larger ones.
fn decompress(
    frame: &[u8],
    len_max: usize,
    context: &mut DCtx<'static>,
) -> Result<Vec<u8>, DecodeError> {
    const LEN_LIKELY_MIN: usize = 16 * 1024;
    match zstd_safe::find_frame_compressed_size(frame) {
        Ok(len) if len == frame.len() => {}
        Ok(len) => return malformed(format!("{} bytes behind the frame", frame.len() - len)),
        Err(code) => return malformed(zstd_safe::get_error_name(code).to_owned()),
    }
    // No frame of this format says how long its content is.
    let mut capacity = frame.len().saturating_mul(4).max(LEN_LIKELY_MIN);
    loop {
        capacity = capacity.min(len_max);
        let mut content = Vec::with_capacity(capacity);
        match context.decompress(&mut content, frame) {
            Ok(_) => {
                if LEN_LIKELY_MIN < capacity {
                    content.shrink_to_fit();
                }
                return check_content(content, frame.len(), len_max);
            }
            Err(NO_ROOM) if capacity < len_max => capacity = capacity.saturating_mul(8),
            Err(code) => {
                let why = zstd_safe::get_error_name(code);
                return malformed(format!("{why}, with room for {capacity} bytes"));
            }
        }
    }
}

/// Checks the invariant that the writer asserts before it keeps a frame.
fn check_content(
    content: Vec<u8>,
    frame_len: usize,
    len_max: usize,
) -> Result<Vec<u8>, DecodeError> {
    let len = content.len();
    if len_max < len {
        return malformed(format!("expected {len_max} bytes at most, found {len}"));
    }
    if len < LONG_LEN_MIN || len <= frame_len {
        return malformed(format!("a frame of {frame_len} bytes for {len} bytes"));
    }
    Ok(content)
}

fn malformed<T>(problem: String) -> Result<T, DecodeError> {
    Err(DecodeError::malformed("blob", 0, problem))
}

impl fmt::Display for BlobTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.len;
        write!(f, "a value of {len} bytes: {BLOB_LEN_MAX} is the limit")
    }
}

impl std::error::Error for BlobTooLarge {}

#[cfg(test)]
mod tests;
