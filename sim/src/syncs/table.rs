//! What came of leaving each sync out.

use std::fmt;

use super::{Site, Waivers};
use crate::lack::Hunted;
use crate::text::{grouped, markdown};

/// What came of leaving one out.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which.
    pub site: Site,
    /// How often it was made while addresses were collected.
    pub call_count: u64,
    /// What came of it.
    pub hunted: Hunted,
}

impl Row {
    fn is_caught(&self) -> bool {
        matches!(self.hunted, Hunted::Caught(_))
    }
}

/// All of them, as a table of Markdown, which a terminal shows as well.
pub struct Table<'a> {
    /// What came of each.
    pub rows: &'a [Row],
    /// Why some stay that nothing misses.
    pub waivers: &'a Waivers,
    /// Whether all syncs were tried: then a waiver of none of them is stale.
    pub scope: Scope,
}

/// Which syncs were tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All that there are.
    All,
    /// Some.
    Some,
}

impl Table<'_> {
    /// Syncs that nothing missed, and that no waiver keeps.
    pub fn survivors(&self) -> impl Iterator<Item = &Row> {
        let is_kept = |row: &Row| self.waivers.reason(&row.site.to_string()).is_some();
        let is_survivor = move |row: &&Row| !row.is_caught() && !is_kept(row);
        self.rows.iter().filter(is_survivor)
    }

    /// Waivers of syncs that were missed, or that there are none of.
    pub fn stale(&self) -> Vec<String> {
        let is_stale = |address: &&str| {
            let row = self
                .rows
                .iter()
                .find(|row| row.site.to_string() == *address);
            row.map_or(self.scope == Scope::All, Row::is_caught)
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

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| self.cells(row)).collect();
        write!(f, "{}", markdown(&HEADS, &rows))
    }
}

impl Table<'_> {
    fn cells(&self, row: &Row) -> Vec<String> {
        let address = row.site.to_string();
        let [by, verdict, ops, rules] = match &row.hunted {
            Hunted::Caught(caught) => [
                caught.by.to_string(),
                caught.verdict.signature(),
                caught.plan.ops.len().to_string(),
                caught.plan.faults.len().to_string(),
            ],
            Hunted::Missed(missed) => {
                let reason = self.waivers.reason(&address).unwrap_or("**survives**");
                let nothing = format!("nothing: {missed}");
                [nothing, reason.to_string(), String::new(), String::new()]
            }
        };
        let seconds = format!("{:.1}", row.hunted.elapsed().as_secs_f64());
        let (sync, calls) = (format!("`{address}`"), grouped(row.call_count));
        vec![sync, calls, by, verdict, ops, rules, seconds]
    }
}
