//! Each sync of the engine, left out.

use super::args::SyncsArgs;
use super::console;
use super::exit::{CommandError, code};
use super::fleet;
use super::plan_file;
use super::signals::Signals;
use crate::faults::Fault;
use crate::lack::{Caught, Hunted, Lack, Limits, hunt};
use crate::syncs::{Row, Scope, Site, Table, Waivers, collect};
use crate::text::counted;

/// So many seeds say where the engine syncs.
const COLLECTED_SEEDS: u64 = 1000;

/// Leaves out one sync after another, and returns the exit code.
///
/// # Errors
/// `Input` if there is no such sync or a plan cannot be written, `Harness` if the waivers cannot be
/// read or the output not be written.
pub fn syncs(args: &SyncsArgs) -> Result<u8, CommandError> {
    let signals = Signals::heed()?;
    let waivers = Waivers::of_the_repository().map_err(CommandError::Harness)?;
    let thread_count = args.hunt.jobs.unwrap_or_else(fleet::core_count);
    let is_over = || signals.interrupted().is_some();
    let limits = args.hunt.limits(&is_over);
    let sites = collect(0..COLLECTED_SEEDS, thread_count);
    if let Some(word) = args.only.iter().find(|word| {
        let mut addresses = sites.keys().map(Site::to_string);
        !addresses.any(|address| address.contains(*word))
    }) {
        let what = format!("no sync has `{word}` in its address; without a word all are told");
        return Err(CommandError::Input(what));
    }
    let meant = sites.iter().filter(|(site, _)| is_meant(site, &args.only));
    let mut rows = Vec::new();
    for (site, call_count) in meant {
        console::complain(&format!("leaving out {site}"));
        let row = leave_out(*site, *call_count, limits);
        if signals.interrupted().is_some() {
            break;
        }
        if let (Hunted::Caught(caught), Some(folder)) = (&row.hunted, &args.hunt.out) {
            write_plan(caught, &folder.join(format!("{}.plan", row.site.name())))?;
        }
        rows.push(row);
    }
    let scope = match args.only.is_empty() && signals.interrupted().is_none() {
        true => Scope::All,
        false => Scope::Some,
    };
    let table = Table {
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

/// Whether an address has one of these words in it, if there are any.
fn is_meant(site: &Site, only: &[String]) -> bool {
    let address = site.to_string();
    only.is_empty() || only.iter().any(|word| address.contains(word))
}

fn leave_out(site: Site, call_count: u64, limits: Limits<'_>) -> Row {
    let lack = Lack::at(site.address(), Fault::Lie);
    Row {
        site,
        call_count,
        hunted: hunt(&lack, limits),
    }
}

fn tell(table: &Table<'_>) -> Result<(), CommandError> {
    let syncs = counted(table.rows.len() as u64, "sync");
    let survivors = counted(table.survivors().count() as u64, "survivor");
    let stale = table.stale().into_iter();
    let stale = stale
        .map(|address| format!("waived, and missed all the same or made by nobody: {address}\n"));
    let stale: String = stale.collect();
    console::print(&format!("{table}\n{syncs}, {survivors}\n{stale}"))
}

/// Writes the plan of a counterexample.
///
/// # Errors
/// `Input` if it cannot be written.
pub fn write_plan(caught: &Caught, path: &std::path::Path) -> Result<(), CommandError> {
    let comment = format!(
        "Signature: {}\n{}",
        caught.verdict.signature(),
        caught.verdict
    );
    plan_file::write(path, &caught.plan, &comment)
}
