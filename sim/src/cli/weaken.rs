//! `cargo sim weaken`: takes away each guarantee of the device.

use super::args::WeakenArgs;
use super::console;
use super::exit::{CommandError, code};
use super::hunts::{Quarry, hunt_each};
use super::signals::Signals;
use crate::text::counted;
use crate::weaken::{GUARANTEES, Guarantee, WeakRow, WeakTable};
use crate::weakness::Search;

/// Takes away one guarantee after another, and returns the exit code.
///
/// # Errors
/// `Input` if no guarantee has such a name or a plan cannot be written, `Harness` if the output
/// cannot be written.
pub fn weaken(args: &WeakenArgs) -> Result<u8, CommandError> {
    let signals = Signals::heed()?;
    let quarry = |guarantee: &Guarantee| Quarry {
        deed: format!("taking away {}", guarantee.id),
        name: guarantee.id.to_string(),
        weakness: guarantee.weakness(),
    };
    let searches = hunt_each(choose(&args.ids)?, quarry, (&args.hunt, &signals))?;
    let rows = searches.into_iter();
    let rows = rows.map(|(guarantee, search)| WeakRow { guarantee, search });
    let rows: Vec<WeakRow> = rows.collect();
    let is_needed = |row: &&WeakRow| matches!(row.search, Search::Found(_));
    let needed = rows.iter().filter(is_needed).count();
    let guarantees = counted(rows.len() as u64, "guarantee");
    let table = WeakTable(&rows);
    console::print(&format!("{table}\n{guarantees}, {needed} needed\n"))?;
    Ok(signals.interrupted().unwrap_or(code::ALL_RIGHT))
}

fn choose(ids: &[String]) -> Result<Vec<Guarantee>, CommandError> {
    let is_known = |id: &&String| GUARANTEES.iter().any(|guarantee| guarantee.id == **id);
    if let Some(unknown) = ids.iter().find(|id| !is_known(id)) {
        let known = GUARANTEES.map(|guarantee| guarantee.id).join(" ");
        let problem = format!("no guarantee is called {unknown}; there are: {known}");
        return Err(CommandError::Input(problem));
    }
    let is_meant = |it: &Guarantee| ids.is_empty() || ids.iter().any(|id| id == it.id);
    Ok(GUARANTEES.into_iter().filter(is_meant).collect())
}
