//! Rules, addresses and crashes as text. The grammar is at the head of `plan/text.rs`.

use std::fmt;

use palimpsest::io::{Job, Part};

use super::fault::{Amount, Text};
use super::{Address, Counted, Crash, Fault, Rule, Scope, StepKind, Survival};
use crate::label::TimelineLabel;
use crate::text::{Problem, Words, Written, duration, named, number};

/// The form of an address.
const ADDRESS: &str = "write LIFE/io#N or LIFE/SCOPE/JOB/PART/STEP, as life2/a/flush#1/index/sync";
/// Reads a rule; `check_rule` checks its limits.
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
        label => TimelineLabel::read(label)
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

/// Reads a fault.
pub(super) fn read_fault(words: &mut Words<'_>) -> Result<Fault, Problem> {
    let word = words.expect("fault", remedy())?;
    let (name, amount) = match word.split_once(':') {
        Some((name, amount)) => (name, Some(amount)),
        None => (word, None),
    };
    let row = Fault::ROWS.into_iter().find(|row| row.name == name);
    match (row.map(|row| &row.text), amount) {
        (Some(Text::Word(fault)), None) => Ok(*fault),
        (Some(Text::Number { what, make, .. }), Some(amount)) => number(amount, what).map(make),
        (Some(Text::Time(make)), Some(amount)) => duration(amount, "duration").map(make),
        (Some(Text::Crash), None) => read_crash(words).map(Fault::Crash),
        _ => Err(Problem::new("fault", word, remedy())),
    }
}

/// The words that a fault can start with.
fn remedy() -> String {
    let words = Fault::ROWS.map(|row| match row.text {
        Text::Word(_) | Text::Crash => row.name.to_string(),
        Text::Number { unit, .. } => format!("{}:{unit}", row.name),
        Text::Time(_) => format!("{}:DURATION", row.name),
    });
    format!("write one of {}", words.join(" "))
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
            Scope::Timeline(label) => write!(f, "{label}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.row().name)?;
        match self.amount() {
            Amount::Nothing => Ok(()),
            Amount::Number(number) => write!(f, ":{number}"),
            Amount::Time(time) => write!(f, ":{}", Written(time)),
            Amount::Crash(crash) => write!(f, " {crash}"),
        }
    }
}
