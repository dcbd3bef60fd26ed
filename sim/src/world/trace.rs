//! The trace of a run: a digest of all events, and those of them that are to be kept.

use std::collections::VecDeque;
use std::fmt;
use std::hash::Hasher;
use std::io;
use std::path::Path;
use std::sync::Arc;

use palimpsest::base::Lsn;
use rustc_hash::FxHasher;

use super::digests::Digests;
use super::ids::{TaskId, TaskName};
use crate::dice::mix;
use crate::faults::{Amount, CallSite, Fault};
use crate::plan::Line;

/// How many events are kept where only the last ones are wanted.
const EVENTS_KEPT: usize = 64;

/// How many events are kept before an event, and how many after it.
pub const EVENTS_AROUND: u64 = 24;

/// Which events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The last steps.
    Tail,
    /// Every step.
    Everything,
    /// The events around the one with this index, from 0.
    Around(u64),
}

/// An event of a run.
#[derive(Clone, Debug)]
pub enum Event {
    /// A task was started.
    Started {
        /// The task, by the order in which the life spawned it.
        task: u32,
        /// What it runs.
        name: TaskName,
    },
    /// A task was woken and goes on.
    Woke {
        /// The life.
        life: u32,
        /// The task.
        task: u32,
    },
    /// A call ran.
    Called {
        /// The task.
        task: u32,
        /// The call's address.
        site: CallSite,
        /// The fault that hits it.
        fault: Option<Fault>,
    },
    /// The result of the call before.
    Done(Result<u64, io::ErrorKind>),
    /// A line of the plan begins.
    Line(u32, Arc<Line>),
    /// A timeline was opened, and is durable up to this LSN.
    Recovered(Lsn),
}

/// All events, in order.
pub struct Trace {
    digests: Digests,
    /// The kept events.
    events: VecDeque<Event>,
    keep: Keep,
    is_behind_call: bool,
    /// A hash of the names and bytes of the present call.
    content: u64,
}

impl Default for Trace {
    fn default() -> Trace {
        Trace {
            digests: Digests::default(),
            events: VecDeque::new(),
            keep: Keep::Tail,
            is_behind_call: false,
            content: 0,
        }
    }
}

impl Trace {
    /// Sets which events are kept from now on.
    pub fn keep(&mut self, keep: Keep) {
        self.keep = keep;
    }

    /// The digests of all events so far.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    /// The kept events, as lines.
    pub fn lines(&self) -> Vec<String> {
        let events = self.events.iter();
        events.map(Event::to_string).collect()
    }

    /// Notes that a line of the plan begins.
    pub fn line(&mut self, number: u32, line: &Arc<Line>) {
        let hash = Hash::of(1).word(number.into());
        self.push(hash, || Event::Line(number, line.clone()));
    }

    /// The kept events.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }

    /// Notes a timeline that was opened, with its durable LSN.
    pub fn recovered(&mut self, durable: Lsn) {
        self.push(Hash::of(2).word(durable.0), || Event::Recovered(durable));
    }

    pub(super) fn started(&mut self, task: TaskId, name: TaskName) {
        let name_word = match name {
            TaskName::Driver => 0,
            TaskName::Line(line) => u64::from(line) << 1 | 1,
            TaskName::Engine(op) => (op.job as u64) << 32 | u64::from(op.job_index) << 1,
        };
        let hash = Hash::of(3).word(task.0.into()).word(name_word);
        let task = task.0;
        self.push(hash, || Event::Started { task, name });
    }

    pub(super) fn woke(&mut self, life: u32, task: TaskId) {
        let hash = Hash::of(4).word(u64::from(life) << 32 | u64::from(task.0));
        self.push(hash, || Event::Woke { life, task: task.0 });
    }

    pub(super) fn called(&mut self, task: TaskId, site: &CallSite, fault: Option<Fault>) {
        let (op, label) = (site.op, site.label);
        let kinds = (op.job as u64) << 16 | (op.part as u64) << 8 | site.step as u64;
        let hash = Hash::of(5)
            .word(u64::from(site.life) << 32 | u64::from(site.io_index))
            .word(u64::from(task.0) << 32 | kinds)
            .word(u64::from(op.job_index) << 32 | u64::from(op.part_index))
            .word(u64::from(label.map_or(0, |label| label.0)));
        let hash = match fault {
            Some(fault) => hash.word(fault_word(fault)),
            None => hash,
        };
        let (task, site) = (task.0, *site);
        self.push(hash, || Event::Called { task, site, fault });
        self.is_behind_call = true;
    }

    /// Notes the result of a call: a count, or the kind of error.
    pub(super) fn done(&mut self, result: Result<u64, io::ErrorKind>) {
        let hash = Hash::of(6).word(match result {
            Ok(count) => count,
            Err(kind) => kind as u64 ^ u64::MAX,
        });
        let hash = hash.word(std::mem::take(&mut self.content));
        // The oracle's own reads bypass the scheduler: their results would crowd out all other
        // events.
        if self.is_behind_call || matches!(self.keep, Keep::Around(_)) {
            self.push(hash, || Event::Done(result));
        } else {
            self.digests.push(hash.0);
        }
    }

    /// Adds a path of the present call to its hash: calls on other files are other events.
    pub(super) fn path(&mut self, path: &Path) {
        self.bytes(path.as_os_str().as_encoded_bytes());
    }

    /// Adds the bytes that the present call writes to its hash. What a read returns follows from
    /// them, from the faults and from the choices of power losses.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let mut hasher = FxHasher::default();
        hasher.write(bytes);
        self.content = mix(self.content ^ hasher.finish());
    }

    fn push(&mut self, hash: Hash, event: impl FnOnce() -> Event) {
        let index = self.digests.event_count();
        self.digests.push(hash.0);
        self.is_behind_call = false;
        let is_kept = match self.keep {
            Keep::Tail | Keep::Everything => true,
            Keep::Around(at) => index.abs_diff(at) <= EVENTS_AROUND,
        };
        if !is_kept {
            return;
        }
        if self.keep == Keep::Tail && EVENTS_KEPT <= self.events.len() {
            self.events.pop_front();
        }
        self.events.push_back(event());
    }
}

/// The hash of an event, word by word.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    /// The hash of an event of this kind.
    fn of(kind: u64) -> Hash {
        Hash(kind)
    }

    fn word(self, word: u64) -> Hash {
        Hash(mix(self.0 ^ word))
    }
}

fn fault_word(fault: Fault) -> u64 {
    let amount = match fault.amount() {
        Amount::Nothing | Amount::Crash(_) => 0,
        Amount::Number(number) => number.into(),
        Amount::Time(time) => time.as_nanos() as u64,
    };
    fault.row().number | amount << 8
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Started { task, name } => write!(f, "-- t{task} is {name}"),
            Event::Line(number, line) => write!(f, "-- line {number}: {line}"),
            Event::Woke { life, task } => write!(f, "         t{task} wakes (life {life})"),
            Event::Called { task, site, fault } => {
                write!(f, "io {:>5} t{task} {}", site.io_index, site.address())?;
                match fault {
                    Some(fault) => write!(f, "  <- {fault}"),
                    None => Ok(()),
                }
            }
            Event::Done(Ok(count)) => write!(f, "           = {count}"),
            Event::Done(Err(kind)) => write!(f, "           = {kind}"),
            Event::Recovered(durable) => write!(f, "-- recovered up to {durable}"),
        }
    }
}
