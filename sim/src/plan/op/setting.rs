//! The operand of `set`: an option of the engine, and its next value.

use std::fmt;

use super::operand::Operand;
use super::tally::LimitTally;
use crate::dice::{Chance, Lent};
use crate::plan::draw::swarm::Swarm;
use crate::plan::knobs::{KNOBS, Knob, Knobs};
use crate::text::{Problem, Words};

/// A knob that is an option of the engine, and the value that it has from the next opening on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The knob's index in the table.
    index: usize,
    /// The value's text.
    value: String,
}

impl Setting {
    /// The setting of a knob to the value that it has in `knobs`.
    fn of(index: usize, knobs: &Knobs) -> Setting {
        let mut knobs = knobs.clone();
        let value = (KNOBS[index].value)(&mut knobs).written();
        Setting { index, value }
    }

    /// Draws an option and a value for it.
    pub(in crate::plan) fn draw(chance: &mut impl Chance, swarm: &Swarm, knobs: &Knobs) -> Setting {
        let options: Vec<usize> = options().map(|(index, _)| index).collect();
        let index = *chance.pick(&options);
        let mut other = knobs.clone();
        (KNOBS[index].draw)(&mut other, swarm, &mut Lent(chance));
        Setting::of(index, &other)
    }

    /// The setting of the same knob to the value that it has in `knobs`.
    #[must_use]
    pub fn as_in(&self, knobs: &Knobs) -> Setting {
        Setting::of(self.index, knobs)
    }

    /// Sets the knob.
    pub fn apply(&self, knobs: &mut Knobs) {
        let knob = &KNOBS[self.index];
        let mut words = Words::new(&self.value);
        let read = (knob.value)(knobs).read(&mut words, knob.name);
        read.expect("the text was written by a value of this knob");
    }
}

/// The knobs that are options of the engine, with their indexes in the table.
fn options() -> impl Iterator<Item = (usize, &'static Knob)> {
    KNOBS.iter().enumerate().filter(|(_, knob)| knob.is_option)
}

impl Operand for Setting {
    fn read(words: &mut Words<'_>) -> Result<Setting, Problem> {
        let names: Vec<&str> = options().map(|(_, knob)| knob.name).collect();
        let remedy = format!("write one of {}, and its value", names.join(" "));
        let word = words.expect("option", &remedy)?;
        let Some((index, knob)) = options().find(|(_, knob)| knob.name == word) else {
            return Err(Problem::new("option", word, remedy));
        };
        let mut knobs = Knobs::plain();
        (knob.value)(&mut knobs).read(words, knob.name)?;
        Ok(Setting::of(index, &knobs))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {} {}", KNOBS[self.index].name, self.value)
    }

    fn check(&self, tally: &mut LimitTally) -> Result<(), Problem> {
        tally.set(self)
    }

    fn plainer(&self) -> Vec<Setting> {
        let plain = Setting::of(self.index, &Knobs::plain());
        match plain == *self {
            true => Vec::new(),
            false => vec![plain],
        }
    }
}
