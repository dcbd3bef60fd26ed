//! The lines of a plan's text, and the sections that they stand in.

use std::fmt;

use super::problem::{PlanError, PlanPlace};
use crate::text::Problem;

/// The sections of a plan, in their order.
const SECTIONS: [&str; 4] = ["knobs", "ops", "faults", "schedule"];

/// The lines of a text that are not blank, without their comments.
pub(crate) struct PlanLines<'t> {
    rest: std::iter::Enumerate<std::str::Lines<'t>>,
    held: Option<(usize, &'t str)>,
    last: usize,
}

impl<'t> PlanLines<'t> {
    /// All lines of a text.
    pub fn new(text: &'t str) -> PlanLines<'t> {
        PlanLines {
            rest: text.lines().enumerate(),
            held: None,
            last: 1,
        }
    }

    /// The next line and its number, or `None` at the end.
    pub fn next_line(&mut self) -> Option<(usize, &'t str)> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        for (index, line) in self.rest.by_ref() {
            self.last = index + 1;
            let line = without_comment(line).trim_ascii();
            if !line.is_empty() {
                return Some((index + 1, line));
            }
        }
        None
    }

    /// The next line of this section, or `None` where it ends.
    pub fn next_item(&mut self) -> Option<(usize, &'t str)> {
        let (number, line) = self.next_line()?;
        if SECTIONS.contains(&line) {
            self.held = Some((number, line));
            return None;
        }
        Some((number, line))
    }

    /// Takes the line that opens a section.
    pub fn open_section(&mut self, name: &'static str) -> Result<(), PlanError> {
        let remedy = format!("write `{name}` on a line of its own, and its items under it");
        match self.next_line() {
            Some((_, line)) if line == name => Ok(()),
            Some((number, line)) => {
                Err(PlanPlace::Line(number).of(Problem::new("section", line, remedy)))
            }
            None => Err(self.cut_off("section", remedy)),
        }
    }

    /// The error for a text that ends before it should.
    pub fn cut_off(&self, what: &'static str, remedy: impl fmt::Display) -> PlanError {
        PlanPlace::Line(self.last).of(Problem::missing(what, remedy))
    }
}

/// The line up to its comment. Inside a word, as in `flush#1`, `#` starts none.
fn without_comment(line: &str) -> &str {
    let mut is_between_words = true;
    for (index, byte) in line.bytes().enumerate() {
        if byte == b'#' && is_between_words {
            return &line[..index];
        }
        is_between_words = byte.is_ascii_whitespace();
    }
    line
}
