//! The kinds of faults, a row each: the variant with what it carries, and all that is to be said of
//! it. Where it acts is the only other place that must name it, and the drawer, if it is drawn.

use std::io;
use std::time::Duration;

use palimpsest::io::Part;

use super::StepKind::{
    self, Create, Len, List, Open, Pass, Read, Remove, Rename, Replace, Sync, SyncDir, Write,
};
use super::{Crash, FaultClass};

/// What is to be said of a kind of fault.
pub(crate) struct FaultRow {
    /// The word for it in a plan's text.
    pub name: &'static str,
    /// What stands behind the word.
    pub text: Text,
    /// What its events are known by in a digest.
    pub number: u64,
    /// To which calls it can happen, of those that there are of a part.
    happens_to: fn(StepKind, Part) -> bool,
    /// Which devices do this.
    shown_by: ShownBy,
    /// As what it is counted, where it happens at such a step.
    class: fn(Fault, StepKind) -> FaultClass,
    /// The error that the call fails with, if that is what the fault is.
    error: Option<fn() -> io::Error>,
    /// What may stand in its place: EIO is the plainest error, and a lost write the plainest of
    /// what is wrong.
    plainer: fn(Fault) -> Vec<Fault>,
}

/// How a fault is written behind its word, and read.
pub(crate) enum Text {
    /// Nothing is.
    Word(Fault),
    /// A colon and a number, from `least` on.
    Number {
        /// Of what it is one, where all faults are told.
        unit: &'static str,
        /// What it is called where it is wrong.
        what: &'static str,
        /// The least that may be said.
        least: u32,
        /// The fault with this number.
        make: fn(u32) -> Fault,
    },
    /// A colon and a duration.
    Time(fn(Duration) -> Fault),
    /// A space and how the process ends.
    Crash,
}

/// Which devices do something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ShownBy {
    /// Any.
    Any,
    /// One that may be wrong.
    Wrong,
    /// None that promises anything: a lie.
    None,
}

/// What a fault carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    /// Nothing.
    Nothing,
    /// A number.
    Number(u32),
    /// A duration.
    Time(Duration),
    /// How the process ends.
    Crash(Crash),
}

/// How long a call takes where nothing depends on it.
const WAIT: Duration = Duration::from_secs(1);

/// What Linux calls an I/O error; the standard library has no kind for it.
const EIO: i32 = 5;

/// Declares [`Fault`] and its rows.
macro_rules! faults {
    ($(
        $(#[$meta:meta])*
        $fault:ident $(($amount:ident: $kind:ident))? => $row:expr;
    )*) => {
        /// What happens to a call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$meta])* $fault $(($kind))?,)*
        }

        impl Fault {
            /// The row of each kind, in the order of the variants.
            pub(crate) const ROWS: [&'static FaultRow; [$(stringify!($fault)),*].len()] =
                [$(const { &$row }),*];

            /// What is to be said of its kind.
            pub(crate) fn row(self) -> &'static FaultRow {
                match self {
                    $(Fault::$fault { .. } => const { &$row },)*
                }
            }

            /// What it carries.
            pub(crate) fn amount(self) -> Amount {
                match self {
                    $(Fault::$fault $(($amount))? => amount!($($amount: $kind)?),)*
                }
            }
        }
    };
}

/// An [`Amount`] of a type.
macro_rules! amount {
    () => {
        Amount::Nothing
    };
    ($amount:ident: u32) => {
        Amount::Number($amount)
    };
    ($amount:ident: Duration) => {
        Amount::Time($amount)
    };
    ($amount:ident: Crash) => {
        Amount::Crash($amount)
    };
}

faults! {
    /// It fails with an I/O error: `eio`. A file's sync that fails drops the dirty pages: they can
    /// still be read, no later sync covers them, and a power loss takes them.
    Eio => FaultRow {
        name: "eio",
        text: Text::Word(Fault::Eio),
        number: 1,
        happens_to: |step, _| step != Pass,
        shown_by: ShownBy::Any,
        class: |_, step| error_at(step, FaultClass::Eio),
        error: Some(eio),
        plainer: |_| Vec::new(),
    };

    /// It fails for want of space: `enospc`.
    Enospc => FaultRow {
        name: "enospc",
        text: Text::Word(Fault::Enospc),
        number: 2,
        happens_to: |step, _| step != Pass,
        shown_by: ShownBy::Any,
        class: |_, step| error_at(step, FaultClass::Enospc),
        error: Some(|| io::ErrorKind::StorageFull.into()),
        plainer: |_| vec![Fault::Eio],
    };

    /// It fails, for the file system takes no more changes: `erofs`.
    Erofs => FaultRow {
        name: "erofs",
        text: Text::Word(Fault::Erofs),
        number: 6,
        happens_to: |step, _| !matches!(step, Pass | Open | List | Len | Read | Sync | SyncDir),
        shown_by: ShownBy::Any,
        class: |_, step| error_at(step, FaultClass::Erofs),
        error: Some(|| io::ErrorKind::ReadOnlyFilesystem.into()),
        plainer: |_| vec![Fault::Eio],
    };

    /// It fails for want of a right to do it: `eacces`.
    Eacces => FaultRow {
        name: "eacces",
        text: Text::Word(Fault::Eacces),
        number: 7,
        happens_to: |step, _| !matches!(step, Pass | Len | Read | Write | Sync | SyncDir),
        shown_by: ShownBy::Any,
        class: |_, step| error_at(step, FaultClass::Eacces),
        error: Some(|| io::ErrorKind::PermissionDenied.into()),
        plainer: |_| vec![Fault::Eio],
    };

    /// A file's sync fails with an I/O error, and from then on reads find what was durable before:
    /// `revert`. Some file systems throw dirty pages away where others let them be read.
    Revert => FaultRow {
        name: "revert",
        text: Text::Word(Fault::Revert),
        number: 8,
        happens_to: |step, _| step == Sync,
        shown_by: ShownBy::Any,
        class: |_, _| FaultClass::RevertedSync,
        error: Some(eio),
        plainer: |_| vec![Fault::Eio],
    };

    /// It takes so long, and others go on meanwhile: `slow:DURATION`.
    Slow(time: Duration) => FaultRow {
        name: "slow",
        text: Text::Time(Fault::Slow),
        number: 9,
        happens_to: |_, _| true,
        shown_by: ShownBy::Any,
        class: |_, _| FaultClass::Slow,
        error: None,
        plainer: |fault| match fault {
            Fault::Slow(time) if WAIT < time => vec![Fault::Stall, Fault::Slow(WAIT)],
            _ => vec![Fault::Stall],
        },
    };

    /// It takes until everybody else waits for the clock, or for it: `stall`.
    Stall => FaultRow {
        name: "stall",
        text: Text::Word(Fault::Stall),
        number: 10,
        happens_to: |_, _| true,
        shown_by: ShownBy::Any,
        class: |_, _| FaultClass::Stall,
        error: None,
        plainer: |_| Vec::new(),
    };

    /// It reads or writes at most so many bytes, from 1: `short:BYTES`.
    Short(len: u32) => FaultRow {
        name: "short",
        text: Text::Number {
            unit: "BYTES",
            what: "length",
            least: 1,
            make: Fault::Short,
        },
        number: 3,
        happens_to: |step, _| matches!(step, Read | Write),
        shown_by: ShownBy::Any,
        class: |_, step| match step {
            Read => FaultClass::ShortRead,
            _ => FaultClass::ShortWrite,
        },
        error: None,
        plainer: |_| Vec::new(),
    };

    /// A bit of what a read asks for, or of what a sync has just made durable, turns over in the
    /// file, in the byte with this offset, and stays so: `rot:OFFSET`.
    Rot(offset: u32) => FaultRow {
        name: "rot",
        text: Text::Number {
            unit: "OFFSET",
            what: "offset",
            least: 0,
            make: Fault::Rot,
        },
        number: 11,
        happens_to: |step, part| is_stored(part) && matches!(step, Read | Sync),
        shown_by: ShownBy::Wrong,
        class: |_, _| FaultClass::Rot,
        error: None,
        plainer: |fault| match fault {
            Fault::Rot(offset) if 0 < offset => vec![Fault::Rot(0), Fault::Rot(offset / 2)],
            _ => Vec::new(),
        },
    };

    /// A write is acknowledged and lands so many sectors of 512 bytes further: `astray:SECTORS`.
    Astray(sectors: u32) => FaultRow {
        name: "astray",
        text: Text::Number {
            unit: "SECTORS",
            what: "sectors",
            least: 1,
            make: Fault::Astray,
        },
        number: 12,
        happens_to: |step, part| is_stored(part) && step == Write,
        shown_by: ShownBy::Wrong,
        class: |_, _| FaultClass::Astray,
        error: None,
        plainer: |fault| match fault {
            Fault::Astray(1) => vec![Fault::Lost],
            _ => vec![Fault::Lost, Fault::Astray(1)],
        },
    };

    /// A write is acknowledged and changes nothing but the file's length: `lost`.
    Lost => FaultRow {
        name: "lost",
        text: Text::Word(Fault::Lost),
        number: 13,
        happens_to: |step, part| is_stored(part) && step == Write,
        shown_by: ShownBy::Wrong,
        class: |_, _| FaultClass::Lost,
        error: None,
        plainer: |_| Vec::new(),
    };

    /// A read finds what was durable before the last sync: `stale`.
    Stale => FaultRow {
        name: "stale",
        text: Text::Word(Fault::Stale),
        number: 14,
        happens_to: |step, part| is_stored(part) && step == Read,
        shown_by: ShownBy::Wrong,
        class: |_, _| FaultClass::Stale,
        error: None,
        plainer: |_| Vec::new(),
    };

    /// A call is acknowledged, and what the device promises of it is not kept: `lie`. A sync is not
    /// made; a creation or a rename takes a name that is taken; a list leaves its last entry out; a
    /// read finds no write that no sync has covered; a removal takes the bytes from those who have
    /// the file open. No device that promises anything does this: what the engine cannot survive of
    /// it, it needs, and a simulator that does not notice is blind.
    Lie => FaultRow {
        name: "lie",
        text: Text::Word(Fault::Lie),
        number: 5,
        happens_to: |step, _| {
            matches!(step, Sync | SyncDir | Create | Rename | List | Read | Remove)
        },
        shown_by: ShownBy::None,
        class: |_, _| FaultClass::Lie,
        error: None,
        plainer: |_| Vec::new(),
    };

    /// A rename is made of parts, each of which a power loss keeps or undoes by itself: `tear`. No
    /// excuse comes of it, as with a lie.
    Tear => FaultRow {
        name: "tear",
        text: Text::Word(Fault::Tear),
        number: 15,
        happens_to: |step, _| matches!(step, Rename | Replace),
        shown_by: ShownBy::None,
        class: |_, _| FaultClass::Lie,
        error: None,
        plainer: |_| Vec::new(),
    };

    /// The process ends before it: `crash kill`, `crash power all|none|draw:SEED|case:NUMBER`.
    Crash(crash: Crash) => FaultRow {
        name: "crash",
        text: Text::Crash,
        number: 4,
        happens_to: |_, _| true,
        shown_by: ShownBy::Any,
        class: |fault, _| match fault {
            Fault::Crash(crash) => FaultClass::of_crash(crash),
            _ => FaultClass::PowerLoss,
        },
        error: None,
        plainer: |fault| match fault {
            Fault::Crash(crash) => {
                let plainer = crash.plainer().iter().copied();
                plainer.map(Fault::Crash).collect()
            }
            _ => Vec::new(),
        },
    };
}

/// A file's sync and a directory's are faults of their own, whichever error they fail with.
fn error_at(step: StepKind, class: FaultClass) -> FaultClass {
    match step {
        Sync => FaultClass::FailedSync,
        SyncDir => FaultClass::FailedDirectorySync,
        _ => class,
    }
}

/// An I/O error.
pub(crate) fn eio() -> io::Error {
    io::Error::from_raw_os_error(EIO)
}

/// What is never synced never leaves the page cache, and that is no device.
fn is_stored(part: Part) -> bool {
    matches!(part, Part::Delta | Part::Image | Part::Index)
}

impl Fault {
    /// Whether only a device that may be wrong does this.
    pub fn is_wrong(self) -> bool {
        self.row().shown_by == ShownBy::Wrong
    }

    /// Whether no device that promises anything does this.
    pub fn is_lie(self) -> bool {
        self.row().shown_by == ShownBy::None
    }

    /// Whether it can happen to such a call at all.
    pub fn can_happen(self, step: StepKind, part: Part) -> bool {
        step.is_of(part) && (self.row().happens_to)(step, part)
    }

    /// As what it is counted, where it happens at such a step.
    pub(crate) fn class(self, step: StepKind) -> FaultClass {
        (self.row().class)(self, step)
    }

    /// The error that the call fails with, if that is what the fault is.
    pub(crate) fn error(self) -> Option<io::Error> {
        self.row().error.map(|error| error())
    }

    /// What may stand in its place: each plainer by a measure of its own.
    pub(crate) fn plainer(self) -> Vec<Fault> {
        (self.row().plainer)(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::faults::text::read_fault;
    use crate::text::Words;

    /// Each fault once.
    const EACH: [&str; 15] = [
        "eio",
        "enospc",
        "erofs",
        "eacces",
        "revert",
        "slow:2s",
        "stall",
        "short:7",
        "rot:7",
        "astray:7",
        "lost",
        "stale",
        "lie",
        "tear",
        "crash power none",
    ];

    #[test]
    fn every_fault_has_one_row_and_prints_as_it_was_read() {
        assert_eq!(EACH.len(), Fault::ROWS.len());
        for (text, row) in EACH.into_iter().zip(Fault::ROWS) {
            let fault = read_fault(&mut Words::new(text)).unwrap();
            assert_eq!(
                (fault.to_string().as_str(), fault.row().name),
                (text, row.name)
            );
            let calls = StepKind::ALL
                .into_iter()
                .flat_map(|step| Part::ALL.map(|part| (step, part)));
            let mut calls = calls.filter(|(step, part)| fault.can_happen(*step, *part));
            assert!(calls.next().is_some(), "{text} happens to no call");
        }
    }

    #[test]
    fn no_two_faults_share_a_name_or_a_number() {
        let names: BTreeSet<&str> = Fault::ROWS.iter().map(|row| row.name).collect();
        let numbers: BTreeSet<u64> = Fault::ROWS.iter().map(|row| row.number).collect();
        assert_eq!((names.len(), numbers.len()), (EACH.len(), EACH.len()));
    }
}
