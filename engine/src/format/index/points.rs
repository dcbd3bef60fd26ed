//! The sections of an index that say what stays readable, and how old history is.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{DecodeError, Lsn, Time};
use crate::format::take::Take;

/// Encodes the points that collections have kept.
pub(super) fn encode_kept(kept: &BTreeSet<Lsn>) -> Vec<u8> {
    kept.iter().flat_map(|lsn| lsn.0.to_be_bytes()).collect()
}

/// Reads the points that collections have kept; there may be none.
///
/// # Errors
/// If any byte is not what was written.
pub(super) fn take_kept(take: &mut Take<'_>) -> Result<BTreeSet<Lsn>, DecodeError> {
    let mut kept = BTreeSet::new();
    while !take.rest().is_empty() {
        let start = take.offset();
        let lsn = take.take_lsn("kept LSN")?;
        if kept.last().is_some_and(|last| lsn <= *last) {
            let problem = format!("expected one above the last, found {lsn}");
            return Err(DecodeError::malformed("kept LSN", start, problem));
        }
        kept.insert(lsn);
    }
    Ok(kept)
}

/// Encodes when which LSN was the last record's.
pub(super) fn encode_times(times: &[(Time, Lsn)]) -> Vec<u8> {
    assert!(times.is_sorted_by_key(|(_, lsn)| *lsn));
    let bytes = |(time, lsn): &(Time, Lsn)| [time.0.to_be_bytes(), lsn.0.to_be_bytes()].concat();
    times.iter().flat_map(bytes).collect()
}

/// Reads when which LSN was the last record's. The clock may have stepped back; LSNs do not.
///
/// # Errors
/// If any byte is not what was written.
pub(super) fn take_times(take: &mut Take<'_>) -> Result<Vec<(Time, Lsn)>, DecodeError> {
    let mut times: Vec<(Time, Lsn)> = Vec::new();
    loop {
        let start = take.offset();
        let time = take.take_u64("time").map(Time)?;
        let lsn = take.take_lsn("LSN of a time")?;
        if times.last().is_some_and(|(_, last)| lsn < *last) {
            let problem = format!("expected one not below the last, found {lsn}");
            return Err(DecodeError::malformed("LSN of a time", start, problem));
        }
        times.push((time, lsn));
        // A section without a time is not written.
        if take.rest().is_empty() {
            return Ok(times);
        }
    }
}

/// Encodes the leases.
pub(super) fn encode_leases(leases: &BTreeMap<Lsn, Time>) -> Vec<u8> {
    let bytes = |(lsn, until): (&Lsn, &Time)| [lsn.0.to_be_bytes(), until.0.to_be_bytes()].concat();
    leases.iter().flat_map(bytes).collect()
}

/// Reads the leases.
///
/// # Errors
/// If any byte is not what was written.
pub(super) fn take_leases(take: &mut Take<'_>) -> Result<BTreeMap<Lsn, Time>, DecodeError> {
    let mut leases = BTreeMap::new();
    loop {
        let start = take.offset();
        let lsn = take.take_lsn("lease LSN")?;
        let valid_until = take.take_u64("lease valid until").map(Time)?;
        let last = leases.last_key_value().map(|(last, _)| *last);
        if last.is_some_and(|last| lsn <= last) {
            let problem = format!("expected one above the last, found {lsn}");
            return Err(DecodeError::malformed("lease", start, problem));
        }
        leases.insert(lsn, valid_until);
        // A section without a lease is not written.
        if take.rest().is_empty() {
            return Ok(leases);
        }
    }
}
