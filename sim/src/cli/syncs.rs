//! `cargo sim syncs`: leaves out each sync of the engine.

use super::args::SyncsArgs;
use super::console;
use super::exit::{CommandError, code};
use super::fleet;
use super::hunts::{Quarry, hunt_each};
use super::signals::Signals;
use crate::faults::Fault;
use crate::syncs::{SyncRow, SyncScope, SyncSite, SyncTable, SyncWaivers, collect};
use crate::text::counted;
use crate::weakness::{Search, Weakness};

/// The number of seeds whose runs are searched for syncs.
const COLLECTED_SEEDS: u64 = 1000;

/// Leaves out one sync after another, and returns the exit code.
///
/// # Errors
/// `Input` if no address contains a given word or a plan cannot be written, `Harness` if the
/// waivers do not parse or the output cannot be written.
pub fn syncs(args: &SyncsArgs) -> Result<u8, CommandError> {
    let signals = Signals::heed()?;
    let waivers = SyncWaivers::of_the_repository().map_err(CommandError::Harness)?;
    let thread_count = args.hunt.jobs.unwrap_or_else(fleet::core_count);
    let sites = collect(0..COLLECTED_SEEDS, thread_count);
    if let Some(word) = args.only.iter().find(|word| {
        let mut addresses = sites.keys().map(SyncSite::to_string);
        !addresses.any(|address| address.contains(*word))
    }) {
        let what = format!("no sync has `{word}` in its address; without a word all are tried");
        return Err(CommandError::Input(what));
    }
    let meant = sites.iter().filter(|(site, _)| is_meant(site, &args.only));
    let quarry = |(site, _): &(&SyncSite, &u64)| Quarry {
        deed: format!("leaving out {site}"),
        name: site.name(),
        weakness: Weakness::at(site.address(), Fault::Lie),
    };
    let searches = hunt_each(meant, quarry, (&args.hunt, &signals))?;
    let row = |((site, call_count), search): ((&SyncSite, &u64), Search)| SyncRow {
        site: *site,
        call_count: *call_count,
        search,
    };
    let rows: Vec<SyncRow> = searches.into_iter().map(row).collect();
    let scope = match args.only.is_empty() && signals.interrupted().is_none() {
        true => SyncScope::All,
        false => SyncScope::Some,
    };
    let table = SyncTable {
        rows: &rows,
        waivers: &waivers,
        scope,
    };
    tell(&table)?;
    let wrong_count = table.survivors().count() + table.stale().len();
    Ok(match (wrong_count, signals.interrupted()) {
        (_, Some(code)) => code,
        (0, None) => code::ALL_RIGHT,
        (_, None) => code::SURVIVED,
    })
}

/// Whether a sync's address contains one of the given words, or no words were given.
fn is_meant(site: &SyncSite, only: &[String]) -> bool {
    let address = site.to_string();
    only.is_empty() || only.iter().any(|word| address.contains(word))
}

fn tell(table: &SyncTable<'_>) -> Result<(), CommandError> {
    let syncs = counted(table.rows.len() as u64, "sync");
    let survivors = counted(table.survivors().count() as u64, "survivor");
    let stale = table.stale().into_iter();
    let stale = stale.map(|address| format!("waived, but missed or never called: {address}\n"));
    let stale: String = stale.collect();
    console::print(&format!("{table}\n{syncs}, {survivors}\n{stale}"))
}
