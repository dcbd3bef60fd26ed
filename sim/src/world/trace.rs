//! What happened, as a digest of everything and as text of the end, or of everything on demand.

use std::collections::VecDeque;
use std::fmt;
use std::io;

use super::gate::TaskId;
use crate::dice::mix;
use crate::faults::{CallSite, Fault};

/// How many events are kept when not all of them are wanted.
const EVENTS_KEPT: usize = 64;

/// One step of a run.
#[derive(Clone, Debug)]
pub enum Event {
    /// A task was woken and goes on.
    Woke {
        /// The life.
        life: u32,
        /// The task, by the order in which the life spawned it.
        task: u32,
    },
    /// A call was let through.
    Called {
        /// The task.
        task: u32,
        /// The call's address.
        site: CallSite,
        /// What happens to it.
        fault: Option<Fault>,
    },
    /// What became of the call before.
    Done(Result<u64, io::ErrorKind>),
    /// A word of the driver's.
    Note(String),
}

/// Everything that happened, in order.
#[derive(Default)]
pub struct Trace {
    digest: u64,
    events: VecDeque<Event>,
    keeps_all: bool,
}

impl Trace {
    /// From now on every event is kept.
    pub fn keep_all(&mut self) {
        self.keeps_all = true;
    }

    /// The digest of all events so far.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The kept events, as lines.
    pub fn lines(&self) -> Vec<String> {
        self.events.iter().map(Event::to_string).collect()
    }

    /// Notes a word of the driver's.
    pub fn note(&mut self, text: impl FnOnce() -> String) {
        let text = text();
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.stir(u64::from_le_bytes(word));
        }
        self.push(Event::Note(text));
    }

    pub(super) fn woke(&mut self, life: u32, task: TaskId) {
        self.stir(u64::from(life) << 32 | u64::from(task.0));
        self.push(Event::Woke { life, task: task.0 });
    }

    pub(super) fn called(&mut self, task: TaskId, site: &CallSite, fault: Option<Fault>) {
        self.stir(u64::from(site.life) << 32 | u64::from(site.io_index));
        self.stir(u64::from(task.0) << 32 | site.step as u64);
        self.stir(u64::from(site.op.job_index) << 32 | u64::from(site.op.part_index));
        self.stir((site.op.job as u64) << 32 | site.op.part as u64);
        self.stir(u64::from(site.letter.map_or(0, |letter| letter.0)));
        self.stir(fault.map_or(0, fault_word));
        self.push(Event::Called {
            task: task.0,
            site: *site,
            fault,
        });
    }

    /// Notes what became of a call: a count, or the kind of error.
    pub(super) fn done(&mut self, result: Result<u64, io::ErrorKind>) {
        self.stir(match result {
            Ok(count) => count,
            Err(kind) => kind as u64 ^ u64::MAX,
        });
        // The oracle's own reads pass no gate: their results would crowd out everything else.
        if matches!(self.events.back(), Some(Event::Called { .. })) {
            self.push(Event::Done(result));
        }
    }

    fn stir(&mut self, word: u64) {
        self.digest = mix(self.digest ^ word);
    }

    fn push(&mut self, event: Event) {
        if !self.keeps_all && EVENTS_KEPT <= self.events.len() {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

fn fault_word(fault: Fault) -> u64 {
    match fault {
        Fault::Eio => 1,
        Fault::Enospc => 2,
        Fault::Short(len) => 3 | u64::from(len) << 8,
        Fault::Crash(_) => 4,
        Fault::Lie => 5,
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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
            Event::Note(text) => write!(f, "-- {text}"),
        }
    }
}
