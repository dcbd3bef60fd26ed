//! Waivers: syncs that no plan misses, and the reasons to keep them.

use std::collections::BTreeMap;

use crate::text::read_waivers;

/// The text of `sim/syncs.txt`.
const TEXT: &str = include_str!("../../syncs.txt");

/// The reasons to keep syncs that no plan misses, by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncWaivers {
    reasons: BTreeMap<String, String>,
}

impl SyncWaivers {
    /// Reads the waivers of the repository, `sim/syncs.txt`.
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
    /// Names the first line that is no waiver, and what would be right.
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

    /// The reason to keep the sync at this address, if it is waived.
    pub fn reason(&self, address: &str) -> Option<&str> {
        self.reasons.get(address).map(String::as_str)
    }

    /// The waived addresses.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.reasons.keys().map(String::as_str)
    }
}
