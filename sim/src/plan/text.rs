//! A plan as text: a person can read, write and shorten it, and printing and parsing are inverse.
//!
//! One item a line. Blank lines are skipped, and so is what follows a word that starts with `#`;
//! words are separated by spaces or tabs. The four sections come in this order, each once, even if
//! empty, and the text ends with the schedule's `then`: a text that was cut off is no plan.
//!
//! ```text
//! plan      = "palimpsest plan 4"
//!             "knobs"    knob*         each knob at most once, in the order in which they stand
//!                                      here; one that is missing has the value at which it does
//!                                      least
//!             "ops"      line*
//!             "faults"   rule*
//!             "schedule" choices*  then
//!
//! knob      = "seed" N
//!           | "keys" N
//!           | "layout" ("dense" | "spread" | "edges")
//!           | "sparse" N
//!           | "freeze-len" N | "freeze-distance" N | "freeze-age" DURATION
//!           | "open-len" N | "reserve-len" N | "buffer-len" N
//!           | "l0-trigger" N | "l0-run-len" N | "strategy" STRATEGY | "tier-distance" N
//!           | "layer-len" N
//!           | "image-trigger" N | "sparse-trigger" N | "image-look" N | "image-age" DURATION
//!           | "image-preempt" N | "compression" ("none" | "zstd" [":" N])
//!           | "history-trigger" N | "history-len" N | "gc-compact-trigger" N
//!           | "gc-compact-growth" N | "gc-compact-len" N | "gc-distance" N | "gc-age" DURATION
//!           | "l0-delay-count" N | "l0-delay" DURATION | "cache-len" N | "open-files" N
//!           | "read-len" N
//!           | "housekeeping" ("off" | "every" DURATION "stall" N)
//!           | "tenant" N | "shard" ("all" | N"/"N "stripe" N) | "look" LOOK
//!           | "device" ("posix" | "ext4-ordered" | "rename-not-atomic" | "rots")
//!                                      what it promises: sim/DEVICE.md
//!
//! line      = ["&" | "drop" N] op      left running while the next ones start | cancelled as it
//!                                      pends for the Nth time | neither: waited for. A `branch`
//!                                      at the last record cannot be left running
//! op        = "create" LETTER N ["once"]         a timeline that starts at LSN N. One that fails
//!                                                is made again, but for `once`
//!           | "branch" LETTER LETTER OFFSET ["once"]     the child, its ancestor, and where on it
//!           | "delete" LETTER ["once"] | "open" LETTER ["once"]
//!           | "put" LETTER entry ("," entry)*
//!           | "freeze" LETTER | "flush" LETTER
//!           | ("compact" | "images") LETTER ["forced"] | "gc" LETTER
//!           | "strategy" LETTER STRATEGY | "lease" LETTER OFFSET DURATION
//!           | "policy" LETTER ["distance" N] ["age" DURATION]     what it keeps for itself
//!           | "gc-compact-all" LETTER ["forced"]
//!           | "shed" LETTER
//!           | "split" COUNT "stripe" BLOCKS "keep" NUMBER ["copying"] ["once"] | "switch" NUMBER
//!           | "gc-compact" LETTER [KEY COUNT] ["from" OFFSET] ["to" OFFSET] ["dry"]
//!           | "declare" LETTER KEY COUNT         COUNT keys from this one on; behind the last
//!                                                key comes the first
//!           | "get" LETTER KEY OFFSET
//!           | "get-many" LETTER KEY COUNT OFFSET
//!           | "scan" LETTER OFFSET
//!           | "hold" SLOT LETTER OFFSET | "next" SLOT | "let-go" SLOT     a scan that outlives its
//!                                                line, its next batch, and its end
//!           | "join" | "wait" DURATION | "clock" ("+" | "-") DURATION | "restart" | crash
//!           | "set" OPTION               a knob of the engine and its value, from the next opening
//!                                      of the engine on
//!           | "intrude"                  opens the engine as another tenant, who is refused
//!           | "shutdown" LETTER ["twice"] ["keeping"] | "let-go"   and opened again; the
//!                                                second drops the handles that the first keeps
//! crash     = "crash" ("kill" | "power" survival)
//! survival  = "all" | "none" | "draw:" N | "case:" N    0 is everything; a choice is made when
//!                                                it matters, by the remainder of N
//! entry     = "+" N KEY edit           N above the LSN before it
//! edit      = ("image" | "init" | "set" | "append" | "append-if") ":" LEN ":" HEX
//!           | "patch:" OFFSET ":" LEN ":" HEX
//!           | "clear"
//!
//! rule      = "at" address fault ["times" N] ["one-in" N]
//! fault     = "eio" | "enospc" | "erofs" | "eacces" | "emfile" | "enfile" | "enomem" | "revert"
//!           | "short:" N | crash
//!           | "slow:" DURATION | "stall" | "lie" | "tear"
//!           | "rot:" OFFSET | "astray:" SECTORS | "lost" | "stale"     on a device that rots
//! address   = life "/" "io#" N
//!           | life "/" scope "/" job ["#" N] "/" part ["#" N] "/" step ["#" N]
//! life      = "life" N | "life*"       a lone "*" is read as "life*"
//! scope     = LETTER | "engine" | "*"
//! job, part and step                   a name of `Job`, `Part` or `StepKind`, or "*"
//!
//! choices   = "choices" (N | N "*" COUNT)*     3*40 is forty times 3
//! then      = "then" ("in-order" | "newest-first" | "uniform" N | "by-rank" N | "pct" N COUNT
//!           | "starve" ("driver" | "line" N | "keep" | "drop") N
//!           | "to-completion" N)
//!
//! LETTER is a to z; KEY is k0, k1, …; SLOT is 1 to 9; DURATION is a number and s, ms, us or ns;
//! STRATEGY is l0-to-l1 or tiered;
//! OFFSET says which LSN, counted from the last record's: 0, -8 or +1.
//! ```
//!
//! A `wait` longer than 500 periods of maintenance ends after 500: later rounds find nothing to do.
//!
//! Each knob, operation and fault has its word in a row of its table: `knobs.rs`, `op.rs` and
//! `faults/fault.rs`. A test checks this grammar against them.
//!
//! A text that parses but cannot run (a key that is not there, a rule that fires 0 times) is
//! rejected with its line; the limits are in `limits.rs`.

mod knobs;
mod lines;
mod op;
mod problem;
mod tail;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use super::check::{check_line, check_rule, check_tail};
use super::limits::{CHOICE_COUNT_MAX, RULE_COUNT_MAX, within};
use super::op::LimitTally;
use super::{Plan, Schedule, Tail};
use crate::faults::read_rule;
use crate::text::{self, Problem, Words, number};
use knobs::read_knobs;
use op::read_line;
use tail::read_tail;

use lines::PlanLines;
pub use problem::PlanError;
pub(crate) use problem::PlanPlace;

/// The number of the format that this build reads and writes.
const FORMAT: u64 = 4;
/// The words before the number of the format.
const TITLE: &str = "palimpsest plan";
/// The most words of a printed line of choices.
const CHOICES_PER_LINE: usize = 24;
/// The shortest run of equal choices that is printed as one word.
const CHOICE_RUN_MIN: usize = 4;

impl FromStr for Plan {
    type Err = PlanError;

    /// Reads a plan that passes [`Plan::check`].
    ///
    /// # Errors
    /// `PlanError` names the first wrong line and what would be right.
    fn from_str(text: &str) -> Result<Plan, PlanError> {
        let mut lines = PlanLines::new(text);
        read_title(&mut lines)?;
        lines.open_section("knobs")?;
        let knobs = read_knobs(&mut lines)?;
        lines.open_section("ops")?;
        let mut tally = LimitTally::new(&knobs);
        let ops = read_items(&mut lines, |_, item| {
            let line = read_line(item)?;
            check_line(&line, &mut tally)?;
            Ok(line)
        })?;
        lines.open_section("faults")?;
        let faults = read_items(&mut lines, |count, item| {
            within("count of rules", count as u64, 0..=RULE_COUNT_MAX as u64)?;
            let rule = read_rule(item)?;
            check_rule(&rule, knobs.device)?;
            Ok(rule)
        })?;
        lines.open_section("schedule")?;
        let schedule = read_schedule(&mut lines)?;
        Ok(Plan {
            knobs,
            ops,
            faults,
            schedule,
        })
    }
}

fn read_title(lines: &mut PlanLines<'_>) -> Result<(), PlanError> {
    let remedy = format!("start with `{TITLE} {FORMAT}`");
    let Some((number, line)) = lines.next_line() else {
        return Err(lines.cut_off("title", remedy));
    };
    let read = || {
        let Some(format) = line.strip_prefix(TITLE) else {
            return Err(Problem::new("title", line, remedy));
        };
        match text::number::<u64>(format.trim_ascii(), "plan format")? {
            FORMAT => Ok(()),
            other => {
                let reads = format!("this build reads {FORMAT}");
                Err(Problem::new("plan format", other, reads))
            }
        }
    };
    read().map_err(|problem: Problem| PlanPlace::Line(number).of(problem))
}

/// Reads the lines of a section; `read` gets the ordinal of the item, from 1, and its line.
fn read_items<T>(
    lines: &mut PlanLines<'_>,
    mut read: impl FnMut(usize, &str) -> Result<T, Problem>,
) -> Result<Vec<T>, PlanError> {
    let mut items = Vec::new();
    while let Some((number, line)) = lines.next_item() {
        let item = read(items.len() + 1, line);
        items.push(item.map_err(|problem| PlanPlace::Line(number).of(problem))?);
    }
    Ok(items)
}

fn read_schedule(lines: &mut PlanLines<'_>) -> Result<Schedule, PlanError> {
    let mut choices = Vec::new();
    while let Some((number, line)) = lines.next_line() {
        let tail = read_schedule_line(line, &mut choices);
        let Some(tail) = tail.map_err(|problem| PlanPlace::Line(number).of(problem))? else {
            continue;
        };
        if let Some((number, line)) = lines.next_line() {
            let problem = Problem::new("line", line, "end the text with the schedule's `then`");
            return Err(PlanPlace::Line(number).of(problem));
        }
        return Ok(Schedule { choices, tail });
    }
    let remedy = "end with `then in-order`, `then uniform SEED` or the like";
    Err(lines.cut_off("`then`", remedy))
}

/// Reads one line of a schedule: more choices, or the tail.
fn read_schedule_line(line: &str, choices: &mut Vec<u8>) -> Result<Option<Tail>, Problem> {
    let mut words = Words::new(line);
    match words.next_word() {
        Some("choices") => {
            while let Some(word) = words.next_word() {
                read_choices(word, choices)?;
            }
            Ok(None)
        }
        Some("then") => {
            let tail = read_tail(words)?;
            check_tail(tail)?;
            Ok(Some(tail))
        }
        other => Err(Problem::new(
            "schedule",
            other.unwrap_or_default(),
            "write `choices` or `then`",
        )),
    }
}

/// Reads one choice, or a run of equal ones: `3*40`.
fn read_choices(word: &str, choices: &mut Vec<u8>) -> Result<(), Problem> {
    let (choice, count) = match word.split_once('*') {
        Some((choice, count)) => (choice, number::<u64>(count, "count of choices")?),
        None => (word, 1),
    };
    let choice: u8 = number(choice, "choice")?;
    let room = (CHOICE_COUNT_MAX - choices.len()) as u64;
    within("count of choices", count, 1..=room)?;
    choices.extend(std::iter::repeat_n(choice, count as usize));
    Ok(())
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{TITLE} {FORMAT}")?;
        write!(f, "{}", self.knobs)?;
        writeln!(f, "ops")?;
        for line in &self.ops {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "faults")?;
        for rule in &self.faults {
            writeln!(f, "  {rule}")?;
        }
        write!(f, "{}", self.schedule)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "schedule")?;
        let words: Vec<String> = self
            .choices
            .chunk_by(|left, right| left == right)
            .flat_map(choice_words)
            .collect();
        for words in words.chunks(CHOICES_PER_LINE) {
            writeln!(f, "  choices {}", words.join(" "))?;
        }
        writeln!(f, "  then {}", self.tail)
    }
}

/// The words for a run of equal choices.
fn choice_words(run: &[u8]) -> Vec<String> {
    if run.len() < CHOICE_RUN_MIN {
        return run.iter().map(u8::to_string).collect();
    }
    vec![format!("{}*{}", run[0], run.len())]
}
