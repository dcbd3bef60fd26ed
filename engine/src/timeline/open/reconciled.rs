//! An index as an open would find it, without an open.

use super::{Listing, check_owner, plan};
use crate::base::{Result, TimelineId};
use crate::format::Index;
use crate::io::Entry;
use crate::timeline::Options;

/// The index of a timeline as an open would find it, with the generation that it has; `None` if the
/// timeline does not exist or is deleted.
///
/// # Errors
/// `Corrupt` if a layer or the index is missing, or a layer is not as long as the index says.
/// `Refused` if the timeline is another tenant's or shard's.
pub(crate) fn reconciled(
    (timeline, index): (TimelineId, Option<Index>),
    entries: &[Entry],
    options: &Options,
) -> Result<Option<Index>> {
    let listing = Listing::new(entries);
    let Some(index) = index else {
        return match listing.has_layers() {
            true => Err(listing.no_timeline(timeline)),
            false => Ok(None),
        };
    };
    check_owner(&index, options)?;
    if index.is_deleted {
        return Ok(None);
    }
    let planned = plan(&index, &listing)?;
    Ok(Some(Index {
        generation: index.generation,
        ..planned.index
    }))
}
