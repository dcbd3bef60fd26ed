//! Operations as text.

use std::fmt;

use crate::faults::read_crash;
use crate::label::Letter;
use crate::plan::{EditPlan, Entry, How, Jump, Kept, KeyIndex, Line, Mode, PlanOp, Shutdowns};
use crate::text::{Problem, Words, Written, duration, in_digits, number};

/// The words that an operation can start with.
const VERBS: &str = "write one of create branch delete put freeze flush compact images gc declare \
                     get get-many scan join wait clock shutdown let-go restart crash, behind `&` \
                     or `drop N` if you like";

/// Reads an operation and how it is started.
pub(super) fn read_line(line: &str) -> Result<Line, Problem> {
    let mut words = Words::new(line);
    let mut verb = words.expect("operation", VERBS)?;
    let how = match verb {
        "&" => How::Beside,
        "drop" => How::DropAt(words.number("drop")?),
        _ => How::Wait,
    };
    if how != How::Wait {
        verb = words.expect("operation", VERBS)?;
    }
    let op = read_op(verb, words)?;
    Ok(Line { how, op })
}

fn read_op(verb: &str, mut words: Words<'_>) -> Result<PlanOp, Problem> {
    let op = match verb {
        "put" => return read_put(words),
        "get" | "get-many" | "scan" => read_question(verb, &mut words)?,
        "freeze" | "flush" | "compact" | "images" | "gc" | "declare" => read_job(verb, &mut words)?,
        "create" => PlanOp::Create {
            timeline: read_letter(&mut words)?,
            start_lsn: words.number("start LSN")?,
        },
        "branch" => PlanOp::Branch {
            timeline: read_letter(&mut words)?,
            ancestor: read_letter(&mut words)?,
            offset: read_offset(&mut words)?,
        },
        "delete" => PlanOp::Delete {
            timeline: read_letter(&mut words)?,
        },
        "join" => PlanOp::Join,
        "wait" => PlanOp::Wait {
            duration: duration(words.expect("duration", "write it like 250ms")?, "duration")?,
        },
        "clock" => PlanOp::Clock(read_jump(&mut words)?),
        "shutdown" => read_shutdown(&mut words)?,
        "let-go" => PlanOp::LetGo,
        "restart" => PlanOp::Restart,
        "crash" => PlanOp::Crash(read_crash(&mut words)?),
        other => return Err(Problem::new("operation", other, VERBS)),
    };
    words.end()?;
    Ok(op)
}

/// Reads what is asked of a timeline and answered with values.
fn read_question(verb: &str, words: &mut Words<'_>) -> Result<PlanOp, Problem> {
    let timeline = read_letter(words)?;
    Ok(match verb {
        "get" => PlanOp::Get {
            timeline,
            key: read_key(words)?,
            offset: read_offset(words)?,
        },
        "get-many" => PlanOp::GetMany {
            timeline,
            first: read_key(words)?,
            count: words.number("count of keys")?,
            offset: read_offset(words)?,
        },
        _ => PlanOp::Scan {
            timeline,
            offset: read_offset(words)?,
        },
    })
}

/// Reads what a timeline is told to do with what it holds.
fn read_job(verb: &str, words: &mut Words<'_>) -> Result<PlanOp, Problem> {
    let timeline = read_letter(words)?;
    Ok(match verb {
        "freeze" => PlanOp::Freeze { timeline },
        "flush" => PlanOp::Flush { timeline },
        "compact" => PlanOp::Compact {
            timeline,
            mode: read_mode(words)?,
        },
        "images" => PlanOp::Images {
            timeline,
            mode: read_mode(words)?,
        },
        "gc" => PlanOp::Gc { timeline },
        _ => PlanOp::Declare {
            timeline,
            first: read_key(words)?,
            count: words.number("count of keys")?,
        },
    })
}

fn read_jump(words: &mut Words<'_>) -> Result<Jump, Problem> {
    const REMEDY: &str = "write it like +10800s or -250ms";
    let word = words.expect("jump", REMEDY)?;
    match (word.strip_prefix('+'), word.strip_prefix('-')) {
        (Some(forward), _) => duration(forward, "jump").map(Jump::Forward),
        (None, Some(back)) => duration(back, "jump").map(Jump::Back),
        (None, None) => Err(Problem::new("jump", word, REMEDY)),
    }
}

fn read_shutdown(words: &mut Words<'_>) -> Result<PlanOp, Problem> {
    let timeline = read_letter(words)?;
    let (mut shutdowns, mut kept) = (Shutdowns::One, Kept::Nothing);
    while let Some(word) = words.next_word() {
        match word {
            "twice" if shutdowns == Shutdowns::One => shutdowns = Shutdowns::Two,
            "keeping" if kept == Kept::Nothing => kept = Kept::Handles,
            other => {
                return Err(Problem::new(
                    "word",
                    other,
                    "write `twice` or `keeping`, once",
                ));
            }
        }
    }
    Ok(PlanOp::Shutdown {
        timeline,
        shutdowns,
        kept,
    })
}

fn read_mode(words: &mut Words<'_>) -> Result<Mode, Problem> {
    match words.next_word() {
        None => Ok(Mode::ByNeed),
        Some("forced") => Ok(Mode::Forced),
        Some(other) => Err(Problem::new("word", other, "write `forced`, or nothing")),
    }
}

fn read_put(mut words: Words<'_>) -> Result<PlanOp, Problem> {
    let timeline = read_letter(&mut words)?;
    let entries = words.rest().split(',').map(read_entry);
    Ok(PlanOp::Put {
        timeline,
        entries: entries.collect::<Result<Vec<Entry>, Problem>>()?,
    })
}

fn read_entry(entry: &str) -> Result<Entry, Problem> {
    let mut words = Words::new(entry);
    let remedy = "write it like +8 k0 image:100:7f";
    let step = words.expect("record", remedy)?;
    let lsn_step = step
        .strip_prefix('+')
        .and_then(|digits| in_digits(digits, 10))
        .ok_or_else(|| Problem::new("LSN step", step, "write `+` and a number"))?;
    let key = read_key(&mut words)?;
    let edit = read_edit(words.expect("edit", remedy)?)?;
    words.end()?;
    Ok(Entry {
        lsn_step,
        key,
        edit,
    })
}

/// Reads one letter; whether it is one from a to z is checked with the rest.
fn read_letter(words: &mut Words<'_>) -> Result<Letter, Problem> {
    let word = words.expect("timeline", "write a letter")?;
    Letter::read(word)
}

fn read_key(words: &mut Words<'_>) -> Result<KeyIndex, Problem> {
    let word = words.expect("key", "write k0, k1, …")?;
    let digits = word
        .strip_prefix('k')
        .ok_or_else(|| Problem::new("key", word, "write k0, k1, …"))?;
    number(digits, "key").map(KeyIndex)
}

fn read_offset(words: &mut Words<'_>) -> Result<i64, Problem> {
    let remedy = "write 0, -8 or +1: how far from the last record's";
    let word = words.expect("LSN", remedy)?;
    let has_sign = word.starts_with(['-', '+']);
    word.parse()
        .ok()
        .filter(|&offset: &i64| has_sign || offset == 0)
        .ok_or_else(|| Problem::new("LSN", word, remedy))
}

fn read_edit(word: &str) -> Result<EditPlan, Problem> {
    let mut parts = word.split(':');
    let kind = parts.next().unwrap_or_default();
    let mut next = |what| {
        let part = parts.next();
        part.ok_or_else(|| Problem::missing(what, "write KIND:LEN:SEED, or patch:OFFSET:LEN:SEED"))
    };
    let mut offset = 0;
    let mut len = 0;
    let mut seed = 0;
    if kind == "patch" {
        offset = number(next("offset")?, "offset")?;
    }
    if kind != "clear" {
        len = number(next("length")?, "length")?;
        seed = read_seed(next("seed")?)?;
    }
    let edit = match kind {
        "image" => EditPlan::Image { len, seed },
        "init" => EditPlan::Init { len, seed },
        "set" => EditPlan::Set { len, seed },
        "patch" => EditPlan::Patch { offset, len, seed },
        "append" => EditPlan::Append { len, seed },
        "append-if" => EditPlan::AppendIf { len, seed },
        "clear" => EditPlan::Clear,
        other => {
            let remedy = "write one of image init set patch append append-if clear";
            return Err(Problem::new("edit", other, remedy));
        }
    };
    match parts.next() {
        Some(part) => Err(Problem::new("part", part, "end the edit before it")),
        None => Ok(edit),
    }
}

fn read_seed(word: &str) -> Result<u64, Problem> {
    in_digits(word, 16).ok_or_else(|| Problem::new("seed", word, "write hexadecimal digits"))
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.how {
            How::Wait => {}
            How::Beside => write!(f, "& ")?,
            How::DropAt(count) => write!(f, "drop {count} ")?,
        }
        write!(f, "{}", self.op)
    }
}

impl fmt::Display for PlanOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanOp::Create {
                timeline,
                start_lsn,
            } => write!(f, "create {timeline} {start_lsn}"),
            PlanOp::Branch {
                timeline,
                ancestor,
                offset,
            } => write!(f, "branch {timeline} {ancestor} {}", Signed(*offset)),
            PlanOp::Delete { timeline } => write!(f, "delete {timeline}"),
            PlanOp::Put { timeline, entries } => write_put(f, *timeline, entries),
            PlanOp::Freeze { timeline } => write!(f, "freeze {timeline}"),
            PlanOp::Flush { timeline } => write!(f, "flush {timeline}"),
            PlanOp::Get {
                timeline,
                key,
                offset,
            } => write!(f, "get {timeline} {key} {}", Signed(*offset)),
            PlanOp::GetMany {
                timeline,
                first,
                count,
                offset,
            } => write!(f, "get-many {timeline} {first} {count} {}", Signed(*offset)),
            PlanOp::Scan { timeline, offset } => write!(f, "scan {timeline} {}", Signed(*offset)),
            PlanOp::Compact { timeline, mode } => write!(f, "compact {timeline}{mode}"),
            PlanOp::Images { timeline, mode } => write!(f, "images {timeline}{mode}"),
            PlanOp::Gc { timeline } => write!(f, "gc {timeline}"),
            PlanOp::Declare {
                timeline,
                first,
                count,
            } => write!(f, "declare {timeline} {first} {count}"),
            PlanOp::Join => write!(f, "join"),
            PlanOp::Wait { duration } => write!(f, "wait {}", Written(*duration)),
            PlanOp::Clock(Jump::Forward(duration)) => write!(f, "clock +{}", Written(*duration)),
            PlanOp::Clock(Jump::Back(duration)) => write!(f, "clock -{}", Written(*duration)),
            PlanOp::Shutdown {
                timeline,
                shutdowns,
                kept,
            } => write!(f, "shutdown {timeline}{shutdowns}{kept}"),
            PlanOp::LetGo => write!(f, "let-go"),
            PlanOp::Restart => write!(f, "restart"),
            PlanOp::Crash(crash) => write!(f, "{crash}"),
        }
    }
}

fn write_put(f: &mut fmt::Formatter<'_>, timeline: Letter, entries: &[Entry]) -> fmt::Result {
    write!(f, "put {timeline}")?;
    for (index, entry) in entries.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(f, "{comma} {entry}")?;
    }
    Ok(())
}

/// An offset as it is written: with its sign, unless it is 0.
struct Signed(i64);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1.. => write!(f, "+{}", self.0),
            ..=0 => write!(f, "{}", self.0),
        }
    }
}

/// What stands behind the job that it is for.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::ByNeed => Ok(()),
            Mode::Forced => write!(f, " forced"),
        }
    }
}

/// What stands behind the timeline.
impl fmt::Display for Shutdowns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shutdowns::One => Ok(()),
            Shutdowns::Two => write!(f, " twice"),
        }
    }
}

/// What stands behind that.
impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kept::Nothing => Ok(()),
            Kept::Handles => write!(f, " keeping"),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{} {} {}", self.lsn_step, self.key, self.edit)
    }
}

impl fmt::Display for EditPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EditPlan::Image { len, seed } => write!(f, "image:{len}:{seed:x}"),
            EditPlan::Init { len, seed } => write!(f, "init:{len}:{seed:x}"),
            EditPlan::Set { len, seed } => write!(f, "set:{len}:{seed:x}"),
            EditPlan::Patch { offset, len, seed } => write!(f, "patch:{offset}:{len}:{seed:x}"),
            EditPlan::Append { len, seed } => write!(f, "append:{len}:{seed:x}"),
            EditPlan::AppendIf { len, seed } => write!(f, "append-if:{len}:{seed:x}"),
            EditPlan::Clear => write!(f, "clear"),
        }
    }
}

impl fmt::Display for KeyIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}
