//! A run: a plan in, a verdict out.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use madsim::runtime::Runtime;

use crate::drive::{self, Driver, PlanEnd, Session, Tally};
use crate::faults::Cells;
use crate::faults::Rule;
use crate::panics;
use crate::plan::Plan;
use crate::verdict::Verdict;
use crate::world::{Counts, Digests, LifeEnd, TaskName, Watch, World, steps_max};

pub use crate::world::Keep;

/// The stack of a thread that makes runs, in bytes: as large as a main thread's. Otherwise a run
/// could overflow the stack here, and not when it is replayed.
pub(crate) const STACK_LEN: usize = 8 << 20;

/// The seed of the executor. It has no influence: the plan decides everything.
const EXECUTOR_SEED: u64 = 0;

/// The outcome of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The failure; nothing if the run passed.
    pub verdict: Option<Verdict>,
    /// The digest of every event.
    pub digest: u64,
    /// The tree of digests with this root.
    pub digests: Digests,
    /// The counts of the world.
    pub counts: Counts,
    /// The faults that were delivered, by class, job and outcome.
    pub cells: Cells,
    /// The counts of the driver.
    pub tally: Tally,
    /// The kept events, as lines. A run that passed has none unless more than the tail is kept.
    pub trace: Vec<String>,
    /// The rules that never fired, as text.
    pub silent_rules: Vec<String>,
    /// The first thousand calls that the rules hit, each as a rule that hits this call only.
    pub hits: Vec<Rule>,
    /// The calls that waited longest for the scheduler, each as a rule that delays this call only.
    pub waits: Vec<Rule>,
}

/// Runs a plan with an observer, which also gets the session.
pub(crate) fn run_watched(
    plan: &Plan,
    watch: impl FnOnce(&Arc<Mutex<Session>>) -> Watch,
) -> Option<Verdict> {
    let plan = Arc::new(plan.clone());
    let world = World::new(&plan);
    let session = Arc::new(Mutex::new(Session::default()));
    world.watch(watch(&session));
    carry_out(&Driver::new(&world, &plan, &session).for_crashes());
    lock(&session).verdict.clone()
}

/// Runs a plan, and reads the whole history at its end.
pub(crate) fn run_to_answers(plan: &Plan) -> PlanEnd {
    let plan = Arc::new(plan.clone());
    let world = World::new(&plan);
    let session = Arc::new(Mutex::new(Session {
        ended: Some(PlanEnd::default()),
        ..Session::default()
    }));
    carry_out(&Driver::new(&world, &plan, &session));
    let mut session = lock(&session);
    PlanEnd {
        verdict: session.verdict.take(),
        ..session.ended.take().unwrap_or_default()
    }
}

/// Runs a plan.
pub fn run(plan: &Plan, keep: Keep) -> Outcome {
    run_within(plan, keep, steps_max(plan))
}

/// Runs a plan that counts as stuck after `step_count` steps.
pub(crate) fn run_within(plan: &Plan, keep: Keep, step_count: u64) -> Outcome {
    let plan = Arc::new(plan.clone());
    let world = World::new(&plan);
    world.allow_steps(step_count);
    world.state().trace.keep(keep);
    let session = Arc::new(Mutex::new(Session::default()));
    let driver = Driver::new(&world, &plan, &session);
    carry_out(&driver);
    let cells = driver.judge.cells();
    let session = lock(&session);
    let state = world.state();
    let is_wanted = keep != Keep::Tail || session.verdict.is_some();
    Outcome {
        verdict: session.verdict.clone(),
        digest: state.trace.digests().root(),
        digests: state.trace.digests().clone(),
        counts: state.counts.clone(),
        cells,
        tally: Tally {
            answers: session.checkers.answers.compared(),
            ..session.tally.clone()
        },
        trace: match is_wanted {
            true => state.trace.lines(),
            false => Vec::new(),
        },
        silent_rules: state.silent_rules(),
        hits: state.hits(),
        waits: state.waits(),
    }
}

/// Runs all lives of a world, and leaves the verdict in the session.
pub(crate) fn carry_out(driver: &Driver) {
    let runtime = Runtime::with_seed_and_config(EXECUTOR_SEED, madsim::Config::default());
    let quiet = panics::quiet();
    let all = async {
        lives(driver).await;
        driver.world.state().counts.elapsed = madsim::time::TimeHandle::current().elapsed();
    };
    let all = AssertUnwindSafe(|| runtime.block_on(all));
    if let Err(panic) = std::panic::catch_unwind(all) {
        // No task of the plan panicked: it was the drop of a dead task, or the simulator.
        let message = panics::take(&*panic);
        driver.session().verdict = Some(Verdict::Panic { message });
    }
    drop((runtime, quiet));
}

/// Runs one life after another, until the plan is done or a check fails.
async fn lives(driver: &Driver) {
    let world = &driver.world;
    loop {
        // The future contains all state of a life: it is too large to be moved into a task.
        let life = Box::pin(drive::live(driver.for_next_life()));
        let ending = live_once(world, life).await;
        let verdict = match ending {
            Some(LifeEnd::Finished) => return,
            Some(LifeEnd::Crashed(crash)) => {
                world.survive(crash);
                driver.session().tally.crashes += 1;
                continue;
            }
            Some(LifeEnd::Panicked) => Verdict::Panic {
                message: world.state().take_panic(),
            },
            Some(LifeEnd::Endless) => Verdict::Stuck {
                waiting: "it makes step after step, without end".to_string(),
            },
            None => Verdict::Stuck {
                waiting: "deadlock: no pending call, no sleeping task".to_string(),
            },
        };
        let mut session = driver.session();
        let cause = session.failed_line.take();
        session.verdict = Some(cause.unwrap_or(verdict));
        return;
    }
}

fn lock(session: &Mutex<Session>) -> std::sync::MutexGuard<'_, Session> {
    session
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs one life of the process in `world`, with `first` as its first task, and returns how it
/// ended; nothing if it got stuck. For tests of the parts of a life.
pub fn one_life(
    world: &Arc<World>,
    first: impl Future<Output = ()> + Send + 'static,
) -> Option<LifeEnd> {
    let _quiet = panics::quiet();
    let runtime = Runtime::with_seed_and_config(EXECUTOR_SEED, madsim::Config::default());
    runtime.block_on(live_once(world, first))
}

/// Runs one life on a node of its own, which is killed at the end; nothing if it got stuck.
async fn live_once(
    world: &Arc<World>,
    first: impl Future<Output = ()> + Send + 'static,
) -> Option<LifeEnd> {
    world.begin_life();
    let node = madsim::runtime::Handle::current().create_node().build();
    let spawner = world.clone();
    node.spawn(async move { spawner.spawn(TaskName::Driver, first) });
    let ending = loop {
        let steps = world.state().counts.driven_steps;
        match madsim::time::timeout(world.silence_max(), world.life_ended()).await {
            Ok(ending) => break Some(ending),
            Err(_) if world.state().counts.driven_steps == steps => break None,
            Err(_) => {}
        }
    };
    world.bury();
    madsim::runtime::Handle::current().kill(node.id());
    // Killed tasks are dropped when they are next polled: this gives them the time.
    madsim::time::sleep(Duration::from_millis(1)).await;
    ending
}
