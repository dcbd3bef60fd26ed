//! Each guarantee of a device, taken away.

use super::args::WeakenArgs;
use super::console;
use super::exit::{CommandError, code};
use super::signals::Signals;
use super::syncs::write_plan;
use crate::lack::{Hunted, hunt};
use crate::text::counted;
use crate::weaken::{GUARANTEES, Guarantee, Row, Table};

/// Takes away one guarantee after another, and returns the exit code.
///
/// # Errors
/// `Input` if there is no such guarantee or a plan cannot be written, `Harness` if the output
/// cannot be written.
pub fn weaken(args: &WeakenArgs) -> Result<u8, CommandError> {
    let signals = Signals::heed()?;
    let is_over = || signals.interrupted().is_some();
    let limits = args.hunt.limits(&is_over);
    let mut rows = Vec::new();
    for guarantee in choose(&args.ids)? {
        console::complain(&format!("taking away {}", guarantee.id));
        let hunted = hunt(&guarantee.lack(), limits);
        if signals.interrupted().is_some() {
            break;
        }
        if let (Hunted::Caught(caught), Some(folder)) = (&hunted, &args.hunt.out) {
            write_plan(caught, &folder.join(format!("{}.plan", guarantee.id)))?;
        }
        rows.push(Row { guarantee, hunted });
    }
    let is_needed = |row: &&Row| matches!(row.hunted, Hunted::Caught(_));
    let needed = rows.iter().filter(is_needed).count();
    let guarantees = counted(rows.len() as u64, "guarantee");
    let table = Table(&rows);
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
