//! The section that says which keys are sparse.

use crate::base::{DecodeError, KeyRange, KeySpace, SparseKeys};
use crate::format::take::Take;

const KIND_SPARSE: u8 = 0;
const KIND_NOT_INHERITED: u8 = 1;

/// Encodes the section; there is none without such keys.
pub(super) fn encode(keys: &SparseKeys) -> Vec<u8> {
    let mut out = Vec::new();
    let kinds = [
        (KIND_SPARSE, keys.sparse()),
        (KIND_NOT_INHERITED, keys.not_inherited()),
    ];
    for (kind, keys) in kinds {
        for range in keys.ranges() {
            out.push(kind);
            out.extend_from_slice(&range.start.to_bytes());
            out.extend_from_slice(&range.end.to_bytes());
        }
    }
    out
}

/// Reads the section.
///
/// # Errors
/// If any byte is not what was written.
pub(super) fn take(take: &mut Take<'_>) -> Result<SparseKeys, DecodeError> {
    let (mut sparse, mut not_inherited) = (Vec::new(), Vec::new());
    loop {
        let start = take.offset();
        let kind = take.take_u8("sparse kind")?;
        let keys: KeyRange = take.take_keys("sparse keys")?;
        let ranges = match kind {
            KIND_SPARSE if not_inherited.is_empty() => &mut sparse,
            KIND_NOT_INHERITED => &mut not_inherited,
            _ => {
                let problem =
                    format!("expected {KIND_SPARSE}, then {KIND_NOT_INHERITED}, found {kind}");
                return Err(DecodeError::malformed("sparse kind", start, problem));
            }
        };
        let last = ranges.last().map(|last: &KeyRange| last.end);
        if last.is_some_and(|last| keys.start <= last) {
            let problem = format!("expected a range behind the last, found {keys}");
            return Err(DecodeError::malformed("sparse keys", start, problem));
        }
        ranges.push(keys);
        // A section without a range is not written.
        if take.rest().is_empty() {
            let [sparse, not_inherited] = [sparse, not_inherited].map(KeySpace::from_disjoint);
            return Ok(SparseKeys::new(sparse, not_inherited));
        }
    }
}
