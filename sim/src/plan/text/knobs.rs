//! Knobs as text.

use std::fmt;

use super::lines::Lines;
use super::{Place, PlanError};
use crate::faults::Device;
use crate::plan::check::{
    check_duration, check_key_count, check_period, check_stall, check_threshold,
};
use crate::plan::{Compression, Housekeeping, Knobs, Layout, Look};
use crate::text::{Problem, Words, Written, duration, named, number};

/// How housekeeping is written.
const HOUSEKEEPING: &str = "write `off`, or `every 250ms stall 0`";

/// Reads the knobs, each on its line and in their order.
pub(super) fn read_knobs(lines: &mut Lines<'_>) -> Result<Knobs, PlanError> {
    let layout = |word: &str, what| named(word, what, &Layout::ALL, Layout::name);
    let compression = |word: &str, what| named(word, what, &Compression::ALL, Compression::name);
    let mut knobs = Knobs {
        seed: read_knob(lines, "seed", number, no_limit)?,
        key_count: read_knob(lines, "keys", number, check_key_count)?,
        layout: read_knob(lines, "layout", layout, no_limit)?,
        freeze_len_max: read_knob(lines, "freeze-len", number, check_threshold)?,
        freeze_distance_max: read_knob(lines, "freeze-distance", number, check_threshold)?,
        freeze_age_max: read_knob(lines, "freeze-age", duration, check_duration)?,
        buffer_len: read_knob(lines, "buffer-len", number, check_threshold)?,
        l0_count_trigger: read_knob(lines, "l0-trigger", number, check_threshold)?,
        l0_run_len_max: read_knob(lines, "l0-run-len", number, check_threshold)?,
        layer_len_target: read_knob(lines, "layer-len", number, check_threshold)?,
        image_delta_count_trigger: read_knob(lines, "image-trigger", number, check_threshold)?,
        image_preempt_l0_count: read_knob(lines, "image-preempt", number, check_threshold)?,
        compression: read_knob(lines, "compression", compression, no_limit)?,
        gc_distance: read_knob(lines, "gc-distance", number, no_limit)?,
        gc_age: read_knob(lines, "gc-age", duration, check_duration)?,
        l0_delay_count: read_knob(lines, "l0-delay-count", number, check_threshold)?,
        block_cache_len: read_knob(lines, "cache-len", number, no_limit)?,
        read_len_max: read_knob(lines, "read-len", number, check_threshold)?,
        housekeeping: Housekeeping::Off,
        look: Look::Sample,
        device: Device::Posix,
    };
    let trigger = knobs.l0_count_trigger;
    knobs.housekeeping = read_line(lines, "housekeeping", |words| {
        read_housekeeping(words, trigger)
    })?;
    let look = |word: &str, what| named(word, what, &Look::ALL, Look::name);
    knobs.look = read_knob(lines, "look", look, no_limit)?;
    let device = |word: &str, what| named(word, what, &Device::ALL, Device::name);
    knobs.device = read_knob(lines, "device", device, no_limit)?;
    Ok(knobs)
}

fn no_limit<T>(_: &'static str, _: T) -> Result<(), Problem> {
    Ok(())
}

/// Reads the knob that comes next, which must be the one of this name and has one word.
fn read_knob<T: Copy>(
    lines: &mut Lines<'_>,
    name: &'static str,
    read: impl Fn(&str, &'static str) -> Result<T, Problem>,
    check: impl Fn(&'static str, T) -> Result<(), Problem>,
) -> Result<T, PlanError> {
    read_line(lines, name, |words| {
        let value = read(words.expect(name, "write its value behind it")?, name)?;
        check(name, value)?;
        Ok(value)
    })
}

/// Reads the knob that comes next, which must be the one of this name; `read` reads what stands
/// behind it.
fn read_line<T>(
    lines: &mut Lines<'_>,
    name: &'static str,
    read: impl Fn(&mut Words<'_>) -> Result<T, Problem>,
) -> Result<T, PlanError> {
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
        let value = read(&mut words)?;
        words.end()?;
        Ok(value)
    };
    read().map_err(|problem: Problem| Place::Line(number).of(problem))
}

fn read_housekeeping(words: &mut Words<'_>, trigger: u64) -> Result<Housekeeping, Problem> {
    match words.expect("housekeeping", HOUSEKEEPING)? {
        "off" => return Ok(Housekeeping::Off),
        "every" => {}
        other => return Err(Problem::new("housekeeping", other, HOUSEKEEPING)),
    }
    let period = duration(words.expect("period", HOUSEKEEPING)?, "period")?;
    check_period(period)?;
    let word = words.expect("housekeeping", HOUSEKEEPING)?;
    if word != "stall" {
        return Err(Problem::new("housekeeping", word, HOUSEKEEPING));
    }
    let l0_stall_count = words.number("stall")?;
    check_stall(l0_stall_count, trigger)?;
    Ok(Housekeeping::On {
        period,
        l0_stall_count,
    })
}

impl fmt::Display for Knobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "knobs")?;
        writeln!(f, "  seed {}", self.seed)?;
        writeln!(f, "  keys {}", self.key_count)?;
        writeln!(f, "  layout {}", self.layout.name())?;
        writeln!(f, "  freeze-len {}", self.freeze_len_max)?;
        writeln!(f, "  freeze-distance {}", self.freeze_distance_max)?;
        writeln!(f, "  freeze-age {}", Written(self.freeze_age_max))?;
        writeln!(f, "  buffer-len {}", self.buffer_len)?;
        writeln!(f, "  l0-trigger {}", self.l0_count_trigger)?;
        writeln!(f, "  l0-run-len {}", self.l0_run_len_max)?;
        writeln!(f, "  layer-len {}", self.layer_len_target)?;
        writeln!(f, "  image-trigger {}", self.image_delta_count_trigger)?;
        writeln!(f, "  image-preempt {}", self.image_preempt_l0_count)?;
        writeln!(f, "  compression {}", self.compression.name())?;
        writeln!(f, "  gc-distance {}", self.gc_distance)?;
        writeln!(f, "  gc-age {}", Written(self.gc_age))?;
        writeln!(f, "  l0-delay-count {}", self.l0_delay_count)?;
        writeln!(f, "  cache-len {}", self.block_cache_len)?;
        writeln!(f, "  read-len {}", self.read_len_max)?;
        writeln!(f, "  housekeeping {}", self.housekeeping)?;
        writeln!(f, "  look {}", self.look.name())?;
        writeln!(f, "  device {}", self.device.name())
    }
}

impl fmt::Display for Housekeeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Housekeeping::Off => write!(f, "off"),
            Housekeeping::On {
                period,
                l0_stall_count,
            } => write!(f, "every {} stall {l0_stall_count}", Written(*period)),
        }
    }
}

impl Look {
    /// All of them.
    pub const ALL: [Look; 3] = [Look::Nothing, Look::Sample, Look::All];

    /// The word for it in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Look::Nothing => "nothing",
            Look::Sample => "sample",
            Look::All => "all",
        }
    }
}

impl Layout {
    /// Every layout.
    pub const ALL: [Layout; 3] = [Layout::Dense, Layout::Spread, Layout::Edges];

    /// The word for it in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Dense => "dense",
            Layout::Spread => "spread",
            Layout::Edges => "edges",
        }
    }
}

impl Compression {
    /// Every kind.
    pub const ALL: [Compression; 2] = [Compression::None, Compression::Zstd];

    /// The word for it in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Zstd => "zstd",
        }
    }
}
