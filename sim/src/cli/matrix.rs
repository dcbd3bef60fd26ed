//! Prints what runs have tried, and what they have not.

use super::console;
use super::exit::CommandError;
use super::exit::code;
use crate::matrix::{CellWaivers, Gaps, MatrixTable};
use crate::report::Summary;

/// The text of the repository's waivers.
const WAIVERS: &str = include_str!("../../waivers.txt");

/// Prints which fault was delivered to which job.
///
/// # Errors
/// `Harness` if the output cannot be written.
pub fn print_table(summary: &Summary) -> Result<(), CommandError> {
    console::print(&MatrixTable(&summary.cells).to_string())
}

/// Prints the gaps, and returns the exit code.
///
/// # Errors
/// `Harness` if the waivers do not parse, or the output cannot be written.
pub fn judge(summary: &Summary) -> Result<u8, CommandError> {
    let waivers = CellWaivers::read(WAIVERS);
    let waivers =
        waivers.map_err(|problem| CommandError::Harness(format!("sim/waivers.txt: {problem}")))?;
    let gaps = Gaps::of(summary, &waivers);
    console::print(&format!("\n{gaps}"))?;
    Ok(match gaps.is_open() {
        true => code::SURVIVED,
        false => code::ALL_RIGHT,
    })
}
