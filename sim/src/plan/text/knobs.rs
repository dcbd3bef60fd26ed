//! The section of the knobs: one a line, in the order of the table.

use super::lines::PlanLines;
use super::{PlanError, PlanPlace};
use crate::plan::knobs::{KNOBS, Knob, Knobs};
use crate::text::{Problem, Words};

/// Reads the knobs.
pub(super) fn read_knobs(lines: &mut PlanLines<'_>) -> Result<Knobs, PlanError> {
    let mut knobs = Knobs::plain();
    for knob in &KNOBS {
        read_knob(lines, knob, &mut knobs)?;
    }
    Ok(knobs)
}

/// Reads the next line, which must be this knob's.
fn read_knob(lines: &mut PlanLines<'_>, knob: &Knob, knobs: &mut Knobs) -> Result<(), PlanError> {
    let name = knob.name;
    let remedy = format!("write `{name}` and its value here");
    let Some((number, line)) = lines.next_item() else {
        return Err(lines.cut_off("knob", remedy));
    };
    let read = || {
        let mut words = Words::new(line);
        let word = words.expect("knob", &remedy)?;
        if word != name {
            return Err(Problem::new("knob", word, remedy));
        }
        (knob.value)(knobs).read(&mut words, name)?;
        (knob.limit)(name, knobs)?;
        words.end()
    };
    read().map_err(|problem: Problem| PlanPlace::Line(number).of(problem))
}
