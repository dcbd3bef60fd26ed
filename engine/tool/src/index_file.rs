//! The index of a timeline, read from its file.

use std::path::Path;

use palimpsest::format::Index;

use crate::bytes::{Bytes, DiskFile};
use crate::exit::CommandError;

/// The longest index, in bytes: the engine's limit.
const INDEX_LEN_MAX: u64 = 1 << 30;

/// Reads the bytes of an index.
///
/// # Errors
/// `Input` if the file cannot be read, `Damaged` if it is longer than any index.
pub fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    let of_path = |error| CommandError::of_path(path, &error);
    let mut file = DiskFile::open(path).map_err(of_path)?;
    let len = file.byte_len();
    if INDEX_LEN_MAX < len {
        let what = format!("{len} bytes are more than any index has");
        let text = format!("{}: {what}", path.display());
        return Err(CommandError::Damaged(text));
    }
    let mut bytes = vec![0; len as usize];
    file.read(0, &mut bytes).map_err(of_path)?;
    Ok(bytes)
}

/// Decodes the bytes of an index.
///
/// # Errors
/// `Damaged` if it is not what was written, or of a format that this release does not know.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<Index, CommandError> {
    Index::decode(bytes).map_err(|error| CommandError::of_fault(path, &error.into()))
}
