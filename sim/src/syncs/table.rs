//! The table of results of omitting each sync.

use std::fmt;

use super::{SyncSite, SyncWaivers};
use crate::text::{grouped, markdown};
use crate::weakness::Search;

/// The result of omitting one sync.
#[derive(Clone, Debug)]
pub struct SyncRow {
    /// The sync.
    pub site: SyncSite,
    /// The number of its calls while addresses were collected.
    pub call_count: u64,
    /// The result of the search for a plan that fails without it.
    pub search: Search,
}

impl SyncRow {
    fn is_caught(&self) -> bool {
        matches!(self.search, Search::Found(_))
    }
}

/// The results for all syncs, as a Markdown table, which a terminal shows as well.
pub struct SyncTable<'a> {
    /// The results, a row for each sync.
    pub rows: &'a [SyncRow],
    /// The reasons to keep syncs that no plan misses.
    pub waivers: &'a SyncWaivers,
    /// Whether all syncs were tried: a waiver for none of them is then stale.
    pub scope: SyncScope,
}

/// Which syncs were tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncScope {
    /// All that there are.
    All,
    /// Some.
    Some,
}

impl SyncTable<'_> {
    /// Syncs that no plan missed and no waiver keeps.
    pub fn survivors(&self) -> impl Iterator<Item = &SyncRow> {
        let is_kept = |row: &SyncRow| self.waivers.reason(&row.site.to_string()).is_some();
        let is_survivor = move |row: &&SyncRow| !row.is_caught() && !is_kept(row);
        self.rows.iter().filter(is_survivor)
    }

    /// Waivers of syncs that were missed, or that the engine does not make.
    pub fn stale(&self) -> Vec<String> {
        let is_stale = |address: &&str| {
            let row = self
                .rows
                .iter()
                .find(|row| row.site.to_string() == *address);
            row.map_or(self.scope == SyncScope::All, SyncRow::is_caught)
        };
        let stale = self.waivers.addresses().filter(is_stale);
        stale.map(String::from).collect()
    }
}

/// The heads of the columns.
const HEADS: [&str; 7] = [
    "sync",
    "calls",
    "missed by",
    "verdict",
    "operations",
    "rules",
    "s",
];

impl fmt::Display for SyncTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| self.cells(row)).collect();
        write!(f, "{}", markdown(&HEADS, &rows))
    }
}

impl SyncTable<'_> {
    fn cells(&self, row: &SyncRow) -> Vec<String> {
        let address = row.site.to_string();
        let [by, verdict, ops, rules] = match &row.search {
            Search::Found(caught) => [
                caught.by.to_string(),
                caught.verdict.signature(),
                caught.plan.ops.len().to_string(),
                caught.plan.faults.len().to_string(),
            ],
            Search::NotFound(missed) => {
                let reason = self.waivers.reason(&address).unwrap_or("**survives**");
                let nothing = format!("nothing: {missed}");
                [nothing, reason.to_string(), String::new(), String::new()]
            }
        };
        let seconds = format!("{:.1}", row.search.elapsed().as_secs_f64());
        let (sync, calls) = (format!("`{address}`"), grouped(row.call_count));
        vec![sync, calls, by, verdict, ops, rules, seconds]
    }
}
