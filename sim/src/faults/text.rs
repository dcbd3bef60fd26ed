//! Rules, addresses and crashes as text. The grammar is at the head of `plan/text.rs`.

use std::fmt;

use palimpsest::io::{Job, Part};

use super::{Address, Counted, Fault, Rule, Scope, StepKind, Survival};
use crate::faults::Crash;
use crate::label::Letter;
use crate::text::{Problem, Words, Written, duration, named, number};

/// How an address looks.
const ADDRESS: &str = "write LIFE/io#N or LIFE/SCOPE/JOB/PART/STEP, as life2/a/flush#1/index/sync";
/// The words that a fault can start with.
const FAULTS: &str = "write one of eio enospc erofs eacces revert slow:DURATION stall short:BYTES \
                      rot:OFFSET astray:SECTORS lost stale lie tear crash";

/// Reads a rule; its limits are checked apart.
pub(crate) fn read_rule(line: &str) -> Result<Rule, Problem> {
    let mut words = Words::new(line);
    let at = words.expect("rule", "write `at`, an address and a fault")?;
    if at != "at" {
        return Err(Problem::new("rule", at, "start it with `at`"));
    }
    let address = read_address(words.expect("address", ADDRESS)?)?;
    let fault = read_fault(&mut words)?;
    let mut times = None;
    let mut one_in = None;
    while let Some(word) = words.next_word() {
        let slot = match word {
            "times" => &mut times,
            "one-in" => &mut one_in,
            other => return Err(Problem::new("word", other, "write `times N` or `one-in N`")),
        };
        if slot.is_some() {
            return Err(Problem::new("word", word, "say it once"));
        }
        *slot = Some(words.number("count")?);
    }
    Ok(Rule {
        address,
        fault,
        times: times.unwrap_or(1),
        one_in: one_in.unwrap_or(1),
    })
}

fn read_address(word: &str) -> Result<Address, Problem> {
    let mut parts = word.split('/');
    let mut next = || {
        let part = parts.next();
        part.ok_or_else(|| Problem::new("address", word, ADDRESS))
    };
    let life = read_life(next()?)?;
    let scope = next()?;
    let address = match scope.strip_prefix("io#") {
        Some(index) => Address::Nth {
            life,
            index: number(index, "ordinal")?,
        },
        None => Address::Call {
            life,
            scope: read_scope(scope)?,
            job: read_counted(next()?, "job", &Job::ALL, Job::name)?,
            part: read_counted(next()?, "part", &Part::ALL, Part::name)?,
            step: read_counted(next()?, "step", &StepKind::ALL, StepKind::name)?,
        },
    };
    match parts.next() {
        Some(_) => Err(Problem::new("address", word, ADDRESS)),
        None => Ok(address),
    }
}

fn read_life(part: &str) -> Result<Option<u32>, Problem> {
    if part == "*" || part == "life*" {
        return Ok(None);
    }
    match part.strip_prefix("life") {
        Some(ordinal) => number(ordinal, "life").map(Some),
        None => Err(Problem::new("life", part, "write life1, life2, … or life*")),
    }
}

fn read_scope(part: &str) -> Result<Scope, Problem> {
    match part {
        "*" => Ok(Scope::Any),
        "engine" => Ok(Scope::Engine),
        letter => Letter::read(letter)
            .map(Scope::Timeline)
            .map_err(|_| Problem::new("scope", part, "write a letter, `engine` or `*`")),
    }
}

fn read_counted<T: Copy>(
    part: &str,
    what: &'static str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Counted<T>, Problem> {
    let (kind, index) = match part.split_once('#') {
        Some((kind, index)) => (kind, Some(number(index, "ordinal")?)),
        None => (part, None),
    };
    let kind = match kind {
        "*" => None,
        kind => Some(named(kind, what, all, name)?),
    };
    Ok(Counted { kind, index })
}

fn read_fault(words: &mut Words<'_>) -> Result<Fault, Problem> {
    match words.expect("fault", FAULTS)? {
        "eio" => Ok(Fault::Eio),
        "enospc" => Ok(Fault::Enospc),
        "erofs" => Ok(Fault::Erofs),
        "eacces" => Ok(Fault::Eacces),
        "revert" => Ok(Fault::Revert),
        "stall" => Ok(Fault::Stall),
        "lost" => Ok(Fault::Lost),
        "stale" => Ok(Fault::Stale),
        "lie" => Ok(Fault::Lie),
        "tear" => Ok(Fault::Tear),
        "crash" => read_crash(words).map(Fault::Crash),
        word => match word.split_once(':') {
            Some(("short", len)) => number(len, "length").map(Fault::Short),
            Some(("slow", time)) => duration(time, "duration").map(Fault::Slow),
            Some(("rot", offset)) => number(offset, "offset").map(Fault::Rot),
            Some(("astray", sectors)) => number(sectors, "sectors").map(Fault::Astray),
            _ => Err(Problem::new("fault", word, FAULTS)),
        },
    }
}

/// Reads what stands behind `crash`.
pub(crate) fn read_crash(words: &mut Words<'_>) -> Result<Crash, Problem> {
    match words.expect("crash", "write `kill`, or `power` and what it keeps")? {
        "kill" => Ok(Crash::Kill),
        "power" => {
            let remedy = "write one of all none draw:SEED case:NUMBER";
            read_survival(words.expect("survival", remedy)?, remedy).map(Crash::Power)
        }
        other => Err(Problem::new("crash", other, "write `kill` or `power`")),
    }
}

fn read_survival(word: &str, remedy: &str) -> Result<Survival, Problem> {
    match word {
        "all" => Ok(Survival::All),
        "none" => Ok(Survival::Nothing),
        _ => match word.split_once(':') {
            Some(("draw", seed)) => number(seed, "seed").map(Survival::Draw),
            Some(("case", case)) => number(case, "case").map(Survival::Case),
            _ => Err(Problem::new("survival", word, remedy)),
        },
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {} {}", self.address, self.fault)?;
        if self.times != 1 {
            write!(f, " times {}", self.times)?;
        }
        if self.one_in != 1 {
            write!(f, " one-in {}", self.one_in)?;
        }
        Ok(())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Address::Nth { life, .. } | Address::Call { life, .. }) = self;
        match life {
            Some(ordinal) => write!(f, "life{ordinal}/")?,
            None => write!(f, "life*/")?,
        }
        match *self {
            Address::Nth { index, .. } => write!(f, "io#{index}"),
            Address::Call {
                scope,
                job,
                part,
                step,
                ..
            } => {
                write!(f, "{scope}/")?;
                write_counted(f, job, Job::name)?;
                write!(f, "/")?;
                write_counted(f, part, Part::name)?;
                write!(f, "/")?;
                write_counted(f, step, StepKind::name)
            }
        }
    }
}

fn write_counted<T>(
    f: &mut fmt::Formatter<'_>,
    counted: Counted<T>,
    name: impl Fn(T) -> &'static str,
) -> fmt::Result {
    write!(f, "{}", counted.kind.map_or("*", name))?;
    match counted.index {
        Some(index) => write!(f, "#{index}"),
        None => Ok(()),
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Any => write!(f, "*"),
            Scope::Engine => write!(f, "engine"),
            Scope::Timeline(letter) => write!(f, "{letter}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Eio => write!(f, "eio"),
            Fault::Enospc => write!(f, "enospc"),
            Fault::Erofs => write!(f, "erofs"),
            Fault::Eacces => write!(f, "eacces"),
            Fault::Revert => write!(f, "revert"),
            Fault::Slow(time) => write!(f, "slow:{}", Written(*time)),
            Fault::Stall => write!(f, "stall"),
            Fault::Rot(offset) => write!(f, "rot:{offset}"),
            Fault::Astray(sectors) => write!(f, "astray:{sectors}"),
            Fault::Lost => write!(f, "lost"),
            Fault::Stale => write!(f, "stale"),
            Fault::Lie => write!(f, "lie"),
            Fault::Tear => write!(f, "tear"),
            Fault::Short(len) => write!(f, "short:{len}"),
            Fault::Crash(crash) => write!(f, "{crash}"),
        }
    }
}
