//! Syncs that nothing misses, and why they stay.

use std::collections::BTreeMap;

/// The repository's.
const TEXT: &str = include_str!("../../syncs.txt");

/// Why syncs stay that nothing misses, by their address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waivers {
    reasons: BTreeMap<String, String>,
}

impl Waivers {
    /// The repository's, `sim/syncs.txt`.
    ///
    /// # Errors
    /// As [`Waivers::read`].
    pub fn of_the_repository() -> Result<Waivers, String> {
        Waivers::read(TEXT).map_err(|problem| format!("sim/syncs.txt: {problem}"))
    }

    /// Reads waivers, one a line: `ADDRESS: REASON`. Blank lines are skipped, and those that start
    /// with `#`.
    ///
    /// # Errors
    /// The first line that is none, and what would be right.
    pub fn read(text: &str) -> Result<Waivers, String> {
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let mut reasons = BTreeMap::new();
        for (index, line) in lines {
            let refuse = |what: &str| format!("line {}: {what}", index + 1);
            let parts = line.split_once(": ");
            let (address, reason) = parts.ok_or_else(|| refuse("write `ADDRESS: REASON`"))?;
            let before = reasons.insert(address.to_string(), reason.trim().to_string());
            if before.is_some() {
                return Err(refuse("waive each sync once"));
            }
        }
        Ok(Waivers { reasons })
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
