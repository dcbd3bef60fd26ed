//! `cargo sim life`: one long life, with its progress, its speed, and whether its memory grows.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of the run, whose thread has a clock of its own"
)]

use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use super::args::LifeArgs;
use super::console;
use super::exit::{CommandError, code};
use crate::life::{self, Extent};
use crate::text::{Align, Columns, grouped};
use crate::verdict::Verdict;

/// The stack of the life's thread, in bytes: as large as a main thread's.
const STACK_LEN: usize = 8 << 20;

/// The number of memory samples in a life.
const LOOK_COUNT: usize = 100;

/// One sample of this many is printed.
const PRINTED_ONE_IN: u64 = 5;

/// How much more memory than in the first half plus a quarter the second half may take, in bytes.
const GROWTH_MAX: u64 = 16 << 20;

/// Runs a life and returns the exit code.
///
/// # Errors
/// `Harness` if the output cannot be written.
pub fn live(args: &LifeArgs) -> Result<u8, CommandError> {
    let (count, seed) = (args.operations, args.seed);
    let operation_count = usize::try_from(count).expect("it is within its limit");
    let (sender, looks) = channel();
    let live = move || {
        life::live(operation_count, seed, move |index, extent| {
            if is_due(index, operation_count) {
                // The receiver lives until the life has ended.
                let _ = sender.send((index as u64, extent()));
            }
        })
    };
    let thread = std::thread::Builder::new().stack_size(STACK_LEN);
    let thread = thread.spawn(live);
    let thread = thread.map_err(|error| CommandError::Harness(format!("no thread: {error}")))?;
    let monitor = Monitor::of(&looks, count)?;
    let verdict = thread.join();
    let verdict =
        verdict.map_err(|_| CommandError::Harness("the life's thread died".to_string()))?;
    match verdict.or_else(|| monitor.growth()) {
        None => {
            console::print(&format!("\nall right: {} operations\n", grouped(count)))?;
            Ok(code::ALL_RIGHT)
        }
        Some(verdict) => {
            let again = format!("cargo sim life --operations {count} --seed {seed}");
            console::print(&format!("\n{verdict}\n\nlive it again with\n  {again}\n"))?;
            Ok(verdict.exit_code())
        }
    }
}

/// Whether a sample is taken after this operation: a hundred are, the last at the end.
fn is_due(index: usize, operation_count: usize) -> bool {
    let looks = |index: usize| index * LOOK_COUNT / operation_count;
    index != 0 && looks(index - 1) < looks(index)
}

/// The samples of a life.
struct Monitor {
    operation_count: u64,
    started: Instant,
    /// The highest resident memory of the first half and of the second, in bytes.
    peaks: [Option<u64>; 2],
}

impl Monitor {
    fn columns() -> Columns {
        Columns::new(&[
            ("", Align::Right, 5),
            ("operations", Align::Right, 0),
            ("operations/s", Align::Right, 0),
            ("layers", Align::Right, 0),
            ("model records", Align::Right, 0),
            ("disk bytes", Align::Right, 12),
            ("resident bytes", Align::Right, 0),
        ])
    }

    fn new(operation_count: u64) -> Monitor {
        Monitor {
            operation_count,
            started: Instant::now(),
            peaks: [None; 2],
        }
    }

    /// Receives, checks and prints samples until the life has ended.
    fn of(looks: &Receiver<(u64, Extent)>, operation_count: u64) -> Result<Monitor, CommandError> {
        let mut monitor = Monitor::new(operation_count);
        console::print(&Monitor::columns().head())?;
        for (at, (index, extent)) in (1..).zip(looks) {
            let resident = resident_len();
            monitor.note(index, resident);
            if at % PRINTED_ONE_IN == 0 {
                console::print(&monitor.row(index, extent, resident))?;
            }
        }
        Ok(monitor)
    }

    fn note(&mut self, index: u64, resident: Option<u64>) {
        let half = usize::from(self.operation_count / 2 < index);
        self.peaks[half] = self.peaks[half].max(resident);
    }

    fn row(&self, index: u64, extent: Extent, resident: Option<u64>) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = index as f64 / seconds.max(f64::MIN_POSITIVE);
        let cells = [
            format!("{} %", index * 100 / self.operation_count),
            grouped(index),
            grouped(rate as u64),
            grouped(extent.layer_count as u64),
            grouped(extent.record_count as u64),
            grouped(extent.disk_len),
            resident.map_or("unknown".to_string(), grouped),
        ];
        Monitor::columns().row(&cells)
    }

    /// The broken law, if memory has grown beyond its limit.
    fn growth(&self) -> Option<Verdict> {
        let (first, second) = self.peaks[0].zip(self.peaks[1])?;
        let limit = first + first / 4 + GROWTH_MAX;
        (limit < second).then(|| {
            let law = format!(
                "resident memory of the second half is at most {} bytes, after {} in the first",
                grouped(limit),
                grouped(first)
            );
            Verdict::law(law, format!("{} bytes", grouped(second)))
        })
    }
}

/// The resident memory of this process, in bytes; nothing if the system does not report it.
fn resident_len() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(first: u64, second: u64) -> Option<Verdict> {
        let mut monitor = Monitor::new(100);
        monitor.peaks = [Some(first), Some(second)];
        monitor.growth()
    }

    #[test]
    fn memory_may_grow_by_a_quarter_and_a_little() {
        assert_eq!(growth(100 << 20, 141 << 20), None);
        assert!(growth(100 << 20, 142 << 20).is_some());
        assert_eq!(growth(100 << 20, 10 << 20), None);
    }

    #[test]
    fn a_look_is_taken_at_every_hundredth() {
        for operation_count in [100, 1000, 1234] {
            let due = (0..=operation_count).filter(|index| is_due(*index, operation_count));
            let due: Vec<usize> = due.collect();
            assert_eq!(
                (due.len(), due.last()),
                (LOOK_COUNT, Some(&operation_count))
            );
        }
    }
}
