//! Measuring work: wall time, CPU time, memory.

use std::fs;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The time that a piece of work took.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    pub wall: Duration,
    /// The CPU time of all threads of this process, with the kernel's part.
    pub cpu: Duration,
}

impl Spent {
    pub fn ms(self) -> f64 {
        self.wall.as_secs_f64() * 1000.0
    }

    /// The rate for `len` bytes, in MB per second.
    pub fn rate(self, len: u64) -> f64 {
        megabytes(len) / self.wall.as_secs_f64()
    }

    /// The rate for `len` bytes, in MB per CPU second.
    pub fn cpu_rate(self, len: u64) -> f64 {
        megabytes(len) / self.cpu.as_secs_f64()
    }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

pub fn spend<T>(work: impl FnOnce() -> T) -> (T, Spent) {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let done = work();
    let spent = Spent {
        cpu: cpu_time() - cpu,
        wall: wall.elapsed(),
    };
    (done, spent)
}

/// The time of one of `count` equal steps, in nanoseconds.
pub fn ns_each(count: usize, work: impl FnOnce()) -> f64 {
    let ((), spent) = spend(work);
    spent.wall.as_secs_f64() * 1e9 / count as f64
}

pub fn megabytes(len: u64) -> f64 {
    len as f64 / 1e6
}

/// Returns the memory of this process, in bytes, and resets its peak.
pub fn restart_memory_peak() -> u64 {
    fs::write("/proc/self/clear_refs", "5").expect("Linux has had it since 4.0");
    status("VmRSS:")
}

/// The peak of memory since [`restart_memory_peak`], in bytes.
pub fn memory_peak() -> u64 {
    status("VmHWM:")
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let count = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let count: u64 = count
        .and_then(|count| count.parse().ok())
        .expect("a line of it");
    count * 1024
}
