//! Syncs that nothing misses, and why they stay.

use std::collections::BTreeMap;

use crate::text::read_waivers;

/// The repository's.
const TEXT: &str = include_str!("../../syncs.txt");

/// Why syncs stay that nothing misses, by their address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncWaivers {
    reasons: BTreeMap<String, String>,
}

impl SyncWaivers {
    /// The repository's, `sim/syncs.txt`.
    ///
    /// # Errors
    /// As [`SyncWaivers::read`].
    pub fn of_the_repository() -> Result<SyncWaivers, String> {
        SyncWaivers::read(TEXT).map_err(|problem| format!("sim/syncs.txt: {problem}"))
    }

    /// Reads waivers, one a line: `ADDRESS: REASON`. Blank lines are skipped, and those that start
    /// with `#`.
    ///
    /// # Errors
    /// The first line that is none, and what would be right.
    pub fn read(text: &str) -> Result<SyncWaivers, String> {
        let mut reasons = BTreeMap::new();
        read_waivers(text, "write `ADDRESS: REASON`", |waiver| {
            let (address, reason) = (waiver.what.to_string(), waiver.reason.to_string());
            match reasons.insert(address, reason) {
                None => Ok(()),
                Some(_) => Err("waive each sync once".to_string()),
            }
        })?;
        Ok(SyncWaivers { reasons })
    }

    /// Why a sync stays.
    pub fn reason(&self, address: &str) -> Option<&str> {
        self.reasons.get(address).map(String::as_str)
    }

    /// The waived addresses.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.reasons.keys().map(String::as_str)
    }
}
