//! The section of an index that says which options the timeline has for itself.

use crate::base::{DecodeError, Policy};
use crate::format::take::Take;

/// Encodes the fields that are set.
pub(super) fn encode(policy: &Policy) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, value) in policy.numbers() {
        out.push(number);
        out.extend_from_slice(&value.to_be_bytes());
    }
    out
}

/// Reads the fields that are set; those of a later release have no effect.
///
/// # Errors
/// If any byte is not what was written.
pub(super) fn take(take: &mut Take<'_>) -> Result<Policy, DecodeError> {
    let (mut policy, mut last) = (Policy::default(), 0);
    loop {
        let start = take.offset();
        let number = take.take_u8("field of a policy")?;
        if number <= last {
            let problem = format!("expected one above {last}, found {number}");
            return Err(DecodeError::malformed("field of a policy", start, problem));
        }
        last = number;
        policy.set(number, take.take_u64("value of a policy")?);
        // A section without a field is not written.
        if take.rest().is_empty() {
            return Ok(policy);
        }
    }
}
