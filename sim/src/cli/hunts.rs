//! One search after another, for what each of several weak devices lacks.

use std::path::Path;

use super::args::HuntArgs;
use super::console;
use super::exit::CommandError;
use super::plan_file;
use super::signals::Signals;
use crate::weakness::{Found, Search, Weakness, hunt};

/// What is searched for.
pub struct Quarry {
    /// What is done, as it is told while it goes on.
    pub deed: String,
    /// The name of the file that a plan is written to.
    pub name: String,
    /// The device.
    pub weakness: Weakness,
}

/// Searches for each that `quarry` makes of `items`, until a signal comes; writes the plans that
/// were found to the folder of `args`, if one was named.
///
/// # Errors
/// `Input` if a plan cannot be written.
pub fn hunt_each<T>(
    items: impl IntoIterator<Item = T>,
    quarry: impl Fn(&T) -> Quarry,
    (args, signals): (&HuntArgs, &Signals),
) -> Result<Vec<(T, Search)>, CommandError> {
    let is_interrupted = || signals.interrupted().is_some();
    let limits = args.limits(&is_interrupted);
    let mut searches = Vec::new();
    for item in items {
        let Quarry {
            deed,
            name,
            weakness,
        } = quarry(&item);
        console::complain(&deed);
        let found = hunt(&weakness, limits);
        if is_interrupted() {
            break;
        }
        if let (Search::Found(caught), Some(folder)) = (&found, &args.out) {
            write_plan(caught, &folder.join(format!("{name}.plan")))?;
        }
        searches.push((item, found));
    }
    Ok(searches)
}

/// # Errors
/// `Input` if it cannot be written.
fn write_plan(caught: &Found, path: &Path) -> Result<(), CommandError> {
    let comment = format!(
        "Signature: {}\n{}",
        caught.verdict.signature(),
        caught.verdict
    );
    plan_file::write(path, &caught.plan, &comment)
}
