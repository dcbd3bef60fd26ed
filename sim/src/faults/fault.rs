//! The kinds of faults, a row each: the variant with its operand, and everything else about it.
//! Only the disk or the world, where it acts, must name it as well, and the drawer if seeds are to
//! draw it.

use std::io;
use std::time::Duration;

use palimpsest::io::Part;

use super::StepKind::{
    self, Create, Len, List, Lock, Open, Pass, Read, Remove, Rename, Replace, Sync, SyncDir, Write,
};
use super::{Crash, FaultClass};

/// Everything about one kind of fault.
pub(crate) struct FaultRow {
    /// Its word in a plan's text.
    pub name: &'static str,
    /// What stands behind the word.
    pub text: Text,
    /// The number of its events in a digest.
    pub number: u64,
    /// Whether it can happen to such a call on such a file.
    happens_to: fn(StepKind, Part) -> bool,
    /// The devices that show it.
    shown_by: ShownBy,
    /// The class as which the report counts it at such a step.
    class: fn(Fault, StepKind) -> FaultClass,
    /// The error that the call fails with, if it fails.
    error: Option<fn() -> io::Error>,
    /// Faults that may replace it: EIO is the plainest error, and a lost write the plainest wrong
    /// result.
    plainer: fn(Fault) -> Vec<Fault>,
}

/// The text of a fault behind its word.
pub(crate) enum Text {
    /// Nothing.
    Word(Fault),
    /// A colon and a number, at least `least`.
    Number {
        /// The unit of the number, for the list of all faults.
        unit: &'static str,
        /// The name of the number in an error message.
        what: &'static str,
        /// The least number.
        least: u32,
        /// Makes the fault with this number.
        make: fn(u32) -> Fault,
    },
    /// A colon and a duration.
    Time(fn(Duration) -> Fault),
    /// A space and how the process ends.
    Crash,
}

/// The devices that show a fault.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ShownBy {
    /// Every device.
    Any,
    /// Devices that may be wrong.
    Wrong,
    /// No device that promises anything: a lie.
    None,
}

/// The operand of a fault.
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

/// The time of a slow call that the shrinker prefers.
const WAIT: Duration = Duration::from_secs(1);

/// The error number of an I/O error on Linux; the standard library has no kind for it.
const EIO: i32 = 5;
/// That of a process with too many open files.
const EMFILE: i32 = 24;
/// That of a system with too many open files.
const ENFILE: i32 = 23;

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

            /// The row of its kind.
            pub(crate) fn row(self) -> &'static FaultRow {
                match self {
                    $(Fault::$fault { .. } => const { &$row },)*
                }
            }

            /// Its operand.
            pub(crate) fn amount(self) -> Amount {
                match self {
                    $(Fault::$fault $(($amount))? => amount!($($amount: $kind)?),)*
                }
            }
        }
    };
}

/// Makes an [`Amount`] of an operand.
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
    /// The call fails with an I/O error: `eio`. A file's sync that fails drops the dirty pages:
    /// they can still be read, no later sync covers them, and a power loss takes them.
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

    /// The call fails for want of space: `enospc`.
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

    /// The call fails because the file system is read-only: `erofs`.
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

    /// The call fails because permission is denied: `eacces`.
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

    /// The call fails since the process has as many open files as it may have: `emfile`.
    Emfile => FaultRow {
        name: "emfile",
        text: Text::Word(Fault::Emfile),
        number: 16,
        happens_to: |step, _| matches!(step, Create | Open | List | Lock),
        shown_by: ShownBy::Any,
        class: |_, _| FaultClass::Emfile,
        error: Some(|| io::Error::from_raw_os_error(EMFILE)),
        plainer: |_| vec![Fault::Eio],
    };

    /// The call fails since the system has as many open files as it may have: `enfile`.
    Enfile => FaultRow {
        name: "enfile",
        text: Text::Word(Fault::Enfile),
        number: 17,
        happens_to: |step, _| matches!(step, Create | Open | List | Lock),
        shown_by: ShownBy::Any,
        class: |_, _| FaultClass::Enfile,
        error: Some(|| io::Error::from_raw_os_error(ENFILE)),
        plainer: |_| vec![Fault::Emfile],
    };

    /// The call fails since the system has no memory for it: `enomem`.
    Enomem => FaultRow {
        name: "enomem",
        text: Text::Word(Fault::Enomem),
        number: 18,
        happens_to: |step, _| !matches!(step, Pass | Len | Sync | SyncDir),
        shown_by: ShownBy::Any,
        class: |_, _| FaultClass::Enomem,
        error: Some(|| io::ErrorKind::OutOfMemory.into()),
        plainer: |_| vec![Fault::Eio],
    };

    /// A file's sync fails with an I/O error, and later reads return what was durable before:
    /// `revert`. Some file systems discard dirty pages where others keep them readable.
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

    /// The call takes this long, and other tasks run meanwhile: `slow:DURATION`.
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

    /// The call takes until every other task waits for the clock or for this call: `stall`.
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

    /// The call reads or writes at most this many bytes, from 1: `short:BYTES`.
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

    /// In the bytes that a read asks for, or that a sync has just made durable, a bit of the byte
    /// at this offset flips for good: `rot:OFFSET`.
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

    /// A write is acknowledged and lands this many sectors of 512 bytes further: `astray:SECTORS`.
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

    /// A write is acknowledged and changes only the file's length: `lost`.
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

    /// A read returns what was durable before the last sync: `stale`.
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

    /// A call is acknowledged and breaks a promise of the device: `lie`. A sync is not made; a
    /// creation or a rename takes a name that is taken; a list omits its last entry; a read returns
    /// no unsynced write; a removal takes the bytes from readers that have the file open. No device
    /// that promises anything does this. What the engine cannot survive, it needs; a simulator that
    /// does not notice a lie is blind.
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

    /// A rename consists of parts, each of which a power loss keeps or undoes by itself: `tear`. As
    /// with a lie, no error is allowed for it.
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

    /// The process ends before the call: `crash kill`, `crash power
    /// all|none|draw:SEED|case:NUMBER`.
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

/// A failed sync of a file or a directory has a class of its own, whatever its error.
fn error_at(step: StepKind, class: FaultClass) -> FaultClass {
    match step {
        Sync => FaultClass::FailedSync,
        SyncDir => FaultClass::FailedDirectorySync,
        _ => class,
    }
}

/// The I/O error that Linux returns.
pub(crate) fn eio() -> io::Error {
    io::Error::from_raw_os_error(EIO)
}

/// Whether files of this kind are synced: others stay in the page cache, which does not rot.
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

    /// The class as which the report counts it at such a step.
    pub(crate) fn class(self, step: StepKind) -> FaultClass {
        (self.row().class)(self, step)
    }

    /// The error that the call fails with, if it fails.
    pub(crate) fn error(self) -> Option<io::Error> {
        self.row().error.map(|error| error())
    }

    /// Faults that may replace it, each plainer by a measure of its own.
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
    const EACH: [&str; 18] = [
        "eio",
        "enospc",
        "erofs",
        "eacces",
        "emfile",
        "enfile",
        "enomem",
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
