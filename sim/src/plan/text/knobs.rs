//! The section of the knobs: one a line, in the order of the table.

use super::lines::PlanLines;
use super::{PlanError, PlanPlace};
use crate::plan::knobs::{KNOBS, Knob, Knobs};
use crate::text::{Problem, Words};

/// Reads the knobs: each at most once, in the order of the table. One that is missing has the value
/// at which it does least.
pub(super) fn read_knobs(lines: &mut PlanLines<'_>) -> Result<Knobs, PlanError> {
    let mut knobs = Knobs::plain();
    let mut left = KNOBS.as_slice();
    while let Some((number, line)) = lines.next_item() {
        let read = read_knob(line, &mut left, &mut knobs);
        read.map_err(|problem| PlanPlace::Line(number).of(problem))?;
    }
    Ok(knobs)
}

/// Reads a line, which must be that of one of the knobs that are left; those behind it are left
/// then.
fn read_knob(line: &str, left: &mut &[Knob], knobs: &mut Knobs) -> Result<(), Problem> {
    let names: Vec<&str> = left.iter().map(|knob| knob.name).collect();
    let remedy = match names.is_empty() {
        true => "write `ops` behind the last knob".to_string(),
        false => format!("write one of {} here", names.join(" ")),
    };
    let mut words = Words::new(line);
    let word = words.expect("knob", &remedy)?;
    let Some(index) = names.iter().position(|name| *name == word) else {
        return Err(Problem::new("knob", word, remedy));
    };
    let knob = &left[index];
    *left = &left[index + 1..];
    (knob.value)(knobs).read(&mut words, knob.name)?;
    (knob.limit)(knob.name, knobs)?;
    words.end()
}
