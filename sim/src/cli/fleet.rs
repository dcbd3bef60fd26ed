//! Runs many plans on many threads.
//!
//! ```text
//!            ┌─▶ worker ─┐
//!  queue ────┼─▶ worker ─┼─▶ channel ─▶ collector: counts, progress, failures by signature
//!   ▲        └─▶ worker ─┘
//!   └──────────────┘ closed by the first failure, or by so many different ones
//! ```
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run: its threads each make runs of their own, by the clock"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::args::Seeds;
use super::exit::CommandError;
use super::progress::ProgressLine;
use super::signals::Signals;
use crate::divergence::run_twice;
use crate::meta::run_everywhere;
use crate::plan::{Plan, Workload};
use crate::report::{Failure, FailureKind, Report, Summary};
use crate::run::{Keep, Outcome, STACK_LEN, run};
use crate::verdict::Verdict;

/// The interval at which the collector checks the clock while no message comes.
const TICK: Duration = Duration::from_millis(100);

/// The longest time of one run. The scheduler bounds a run by its steps, so a longer one hangs
/// within a step.
const RUN_TIME_MAX: Duration = Duration::from_secs(300);

/// The plans to run, and how.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The seeds that draw them.
    pub seeds: Seeds,
    /// The log whose records are their batches, if not all is drawn.
    pub workload: Option<Arc<Workload>>,
    /// The time after which no further plan begins, counted from the start.
    pub time: Option<Duration>,
    /// The CPU time of the process after which no further plan begins, counted from the start.
    pub cpu_time: Option<Duration>,
    /// The number of threads; by default, one for each core.
    pub job_count: Option<u64>,
    /// Which plans are run a second time.
    pub again: Again,
    /// How many different failures end the runs, at least 1.
    pub failure_count_max: u64,
}

/// Which plans are run a second time, to check that both runs are equal.
#[derive(Clone, Copy, Debug)]
pub enum Again {
    /// One plan in this many, under the same conditions.
    OneIn(u64),
    /// Every plan, under other conditions: see `run_everywhere`.
    Everywhere,
}

/// Runs plans until the seeds or the time are used up, or enough of them fail.
///
/// # Shape
/// At least one plan is run, however short the time.
/// # Errors
/// `Harness` if a thread could not be started, or panicked.
pub fn carry_out(work: &Fleet, signals: &Signals) -> Result<Report, CommandError> {
    let (started, spent_before) = (Instant::now(), cpu_time());
    let queue = Arc::new(Queue::new(work, started, signals.clone()));
    let job_count = work.job_count.unwrap_or_else(core_count);
    let (sender, inbox) = channel();
    let workers = (0..job_count)
        .map(|_| start_worker(&queue, work, sender.clone()))
        .collect::<Result<Vec<_>, _>>()?;
    // The workers hold the other senders, so the channel closes when the last worker ends.
    drop(sender);
    let mut collector = Collector {
        progress: ProgressLine::new(work, started, job_count),
        running: BTreeMap::new(),
        summary: Summary::default(),
        failures: Failures::default(),
        failure_count_max: work.failure_count_max,
        has_workload: work.workload.is_some(),
        queue: queue.clone(),
    };
    let heard = collector.listen(&inbox);
    collector.progress.finish();
    if heard? == Heard::Everything {
        bury(workers)?;
    }
    Ok(Report {
        summary: collector.summary,
        elapsed: started.elapsed(),
        cpu_time: cpu_time().saturating_sub(spent_before),
        job_count,
        failures: collector.failures.in_order(),
        interrupted: signals.interrupted(),
    })
}

/// The CPU time of the process, over all cores.
fn cpu_time() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(spent).unwrap_or_default()
}

/// The number of cores, which is the default number of threads.
pub fn core_count() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

/// Hands out seeds in order.
struct Queue {
    start: u64,
    next: AtomicU64,
    end: u64,
    deadline: Option<Instant>,
    /// The CPU time of the process after which no further plan begins.
    cpu_time_max: Option<Duration>,
    is_closed: AtomicBool,
    signals: Signals,
}

impl Queue {
    fn new(work: &Fleet, started: Instant, signals: Signals) -> Queue {
        Queue {
            start: work.seeds.start,
            next: AtomicU64::new(work.seeds.start),
            end: work.seeds.end.unwrap_or(u64::MAX),
            deadline: work.time.and_then(|time| started.checked_add(time)),
            cpu_time_max: work.cpu_time.map(|time| time.saturating_add(cpu_time())),
            is_closed: AtomicBool::new(false),
            signals,
        }
    }

    fn take(&self) -> Option<u64> {
        let is_late = self
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now());
        let is_spent = self.cpu_time_max.is_some_and(|most| most <= cpu_time());
        let is_closed = self.is_closed.load(Ordering::Relaxed);
        let is_over = is_late || is_spent || is_closed || self.signals.interrupted().is_some();
        let step = |next: u64| {
            let is_open = next < self.end && (next == self.start || !is_over);
            is_open.then(|| next + 1)
        };
        let order = Ordering::Relaxed;
        self.next.fetch_update(order, order, step).ok()
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }
}

/// A message from a worker to the collector.
enum Message {
    /// The worker runs the plan of this seed.
    Began(u64),
    /// The worker has run a plan.
    Ended(Box<Finished>),
    /// The worker panicked outside of the run of this seed's plan.
    Died(u64),
}

struct Finished {
    seed: u64,
    plan: Plan,
    is_twice: bool,
    outcome: Outcome,
}

fn start_worker(
    queue: &Arc<Queue>,
    work: &Fleet,
    sender: Sender<Message>,
) -> Result<JoinHandle<()>, CommandError> {
    let (queue, again, workload) = (queue.clone(), work.again, work.workload.clone());
    let ends_at_first = work.failure_count_max == 1;
    let worker = std::thread::Builder::new()
        .name("worker".to_string())
        .stack_size(STACK_LEN);
    let spawned = worker.spawn(move || {
        while let Some(seed) = queue.take() {
            // Sending fails only if the collector has given up a hung run, and then the process
            // ends.
            let _ = sender.send(Message::Began(seed));
            let tried = std::panic::catch_unwind(|| try_seed(seed, again, workload.as_deref()));
            let is_last = match &tried {
                Ok(finished) => finished.outcome.verdict.is_some() && ends_at_first,
                Err(_) => true,
            };
            if is_last {
                queue.close();
            }
            let message = tried.map_or(Message::Died(seed), |finished| {
                Message::Ended(Box::new(finished))
            });
            let _ = sender.send(message);
        }
    });
    spawned.map_err(|error| {
        CommandError::Harness(format!("cannot start a thread: {error}; try fewer --jobs"))
    })
}

fn try_seed(seed: u64, again: Again, workload: Option<&Workload>) -> Finished {
    let plan = Plan::draw_with(seed, workload);
    let (is_twice, outcome) = match again {
        Again::OneIn(count) if seed.is_multiple_of(count) => (true, run_twice(&plan)),
        Again::OneIn(_) => (false, run(&plan, Keep::Tail)),
        Again::Everywhere => (true, run_everywhere(&plan)),
    };
    Finished {
        seed,
        plan,
        is_twice,
        outcome,
    }
}

/// Joins the workers.
///
/// # Errors
/// `Harness` if one of them panicked.
fn bury(workers: Vec<JoinHandle<()>>) -> Result<(), CommandError> {
    for worker in workers {
        let died =
            |_| CommandError::Harness("a worker thread died; what it said is above".to_string());
        worker.join().map_err(died)?;
    }
    Ok(())
}

/// Collects the messages of all workers.
struct Collector {
    progress: ProgressLine,
    running: BTreeMap<u64, Instant>,
    summary: Summary,
    failures: Failures,
    failure_count_max: u64,
    has_workload: bool,
    queue: Arc<Queue>,
}

/// The failures, folded by their signatures.
#[derive(Default)]
struct Failures(BTreeMap<String, FailureKind>);

impl Failures {
    /// Adds a failure. Of each signature the one of the lowest seed is kept.
    fn add(&mut self, seed: u64, failure: Failure) {
        let signature = failure.verdict.signature();
        let Some(kind) = self.0.get_mut(&signature) else {
            let kind = FailureKind {
                seed,
                failure,
                count: 1,
            };
            self.0.insert(signature, kind);
            return;
        };
        kind.count += 1;
        if seed < kind.seed {
            (kind.seed, kind.failure) = (seed, failure);
        }
    }

    /// One of each signature, by their seeds.
    fn in_order(self) -> Vec<FailureKind> {
        let mut kinds: Vec<FailureKind> = self.0.into_values().collect();
        kinds.sort_by_key(|kind| kind.seed);
        kinds
    }
}

/// Whether all workers have ended.
#[derive(PartialEq)]
enum Heard {
    Everything,
    /// A worker hangs and will not end.
    NotAll,
}

impl Collector {
    fn listen(&mut self, inbox: &Receiver<Message>) -> Result<Heard, CommandError> {
        loop {
            match inbox.recv_timeout(TICK) {
                Ok(message) => self.hear(message)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Heard::Everything),
            }
            if self.give_up() {
                return Ok(Heard::NotAll);
            }
            self.progress.show(&self.summary);
        }
    }

    fn hear(&mut self, message: Message) -> Result<(), CommandError> {
        match message {
            Message::Began(seed) => {
                self.running.insert(seed, Instant::now());
                Ok(())
            }
            Message::Ended(finished) => {
                self.file(*finished);
                Ok(())
            }
            Message::Died(seed) => Err(CommandError::Harness(format!(
                "the simulator died over seed {seed}; what it said is above, and it says it again \
                 with `{}`",
                self.again(seed)
            ))),
        }
    }

    /// The command that runs the plan of a seed again.
    fn again(&self, seed: u64) -> String {
        match self.has_workload {
            false => format!("cargo sim replay {seed}"),
            true => format!("cargo sim run --seeds {seed}..{} --workload FILE", seed + 1),
        }
    }

    fn file(&mut self, finished: Finished) {
        self.running.remove(&finished.seed);
        self.summary.add(&finished.plan, &finished.outcome);
        self.summary.twice_count += u64::from(finished.is_twice);
        if let Some(verdict) = finished.outcome.verdict {
            self.fail(finished.seed, verdict, finished.outcome.trace);
        }
    }

    fn fail(&mut self, seed: u64, verdict: Verdict, trace: Vec<String>) {
        let failure = Failure {
            verdict,
            trace,
            replay: self.again(seed),
        };
        self.failures.add(seed, failure);
        if self.failure_count_max <= self.failures.0.len() as u64 {
            self.queue.close();
        }
    }

    /// Gives up a run that hangs. Its thread cannot be stopped: it ends with the process.
    fn give_up(&mut self) -> bool {
        let mut running = self.running.iter();
        let hangs = running.find(|(_, began)| RUN_TIME_MAX <= began.elapsed());
        let Some((&seed, _)) = hangs else {
            return false;
        };
        let waiting = format!("it goes on after {} s by the clock", RUN_TIME_MAX.as_secs());
        self.fail(seed, Verdict::Stuck { waiting }, Vec::new());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(start: u64, end: Option<u64>, time: Option<Duration>) -> Queue {
        let work = Fleet {
            seeds: Seeds { start, end },
            workload: None,
            time,
            cpu_time: None,
            job_count: None,
            again: Again::OneIn(1),
            failure_count_max: 1,
        };
        Queue::new(&work, Instant::now(), Signals::default())
    }

    #[test]
    fn seeds_are_handed_out_in_their_order_up_to_the_end() {
        let queue = queue(u64::MAX - 3, Some(u64::MAX - 1), None);
        let taken: Vec<_> = (0..4).map(|_| queue.take()).collect();
        let expected = [Some(u64::MAX - 3), Some(u64::MAX - 2), None, None];
        assert_eq!(taken, expected);
    }

    #[test]
    fn failures_are_folded_by_signature_and_the_lowest_seed_is_kept() {
        let failure = |law: &str| Failure {
            verdict: Verdict::law(law, "found"),
            trace: Vec::new(),
            replay: String::new(),
        };
        let mut failures = Failures::default();
        for (seed, law) in [(9, "one"), (7, "other"), (3, "one"), (5, "one")] {
            failures.add(seed, failure(law));
        }
        let kinds = failures.in_order();
        let kinds: Vec<(u64, u64)> = kinds.iter().map(|kind| (kind.seed, kind.count)).collect();
        assert_eq!(kinds, [(3, 3), (7, 1)]);
    }

    #[test]
    fn a_closed_queue_hands_out_nothing() {
        let queue = queue(3, None, None);
        assert_eq!(queue.take(), Some(3));
        queue.close();
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn one_plan_is_run_however_short_the_time() {
        let queue = queue(3, None, Some(Duration::ZERO));
        assert_eq!([queue.take(), queue.take()], [Some(3), None]);
    }
}
