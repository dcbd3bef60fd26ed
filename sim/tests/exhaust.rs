//! Exhaustive crashes in miniature: three short plans, a crash at every call of ingest, flush and
//! open, and of what was not synced all is kept, nothing is kept, or one of fifty draws.
#![expect(
    clippy::disallowed_methods,
    reason = "runs are handed out to threads, and each stays on its own"
)]

use std::sync::atomic::{AtomicU32, Ordering};

use palimpsest_sim::faults::{Address, Fault, Rule, Survival};
use palimpsest_sim::plan::Crash;
use palimpsest_sim::{Keep, Plan, run};

/// How many of a power loss's outcomes are drawn at each call.
const DRAWS: u64 = 50;

/// Ingest with a batch that shares its LSN with the one before, and two flushes.
const FLUSH: &str = "
  create a 16
  put a +8 k0 image:100:1, +0 k1 image:9000:2
  flush a
  put a +8 k0 append:5:3, +8 k1 patch:8190:9:4
  put a +0 k2 init:300:5
  flush a
";

/// A flush beside a batch and a read, and a layer that a batch finds full.
const BESIDE: &str = "
  create a 0
  put a +1 k0 image:2000:1
  & flush a
  & put a +1 k1 image:2500:2
  & get a k0 0
  join
  put a +1 k0 set:2100:3
  flush a
";

/// A flush that is given up, a restart, and LSNs that are written a second time.
const REOPEN: &str = "
  create a 4294967290
  put a +8 k0 image:40:1
  drop 12 flush a
  put a +8 k0 append:1:2
  flush a
  restart
  put a +1 k2 image:128:3
  & flush a
  put a +1 k1 image:127:4
  restart
";

fn plan(ops: &str, choices: &str) -> Plan {
    let text = format!(
        "palimpsest plan 3
knobs
  seed 1
  keys 3
  layout dense
  freeze-len 4000
  freeze-distance 1000
  freeze-age 3600s
  buffer-len 64
  l0-trigger 1000000
  l0-run-len 4611686018427387904
  layer-len 4611686018427387904
  image-trigger 1000000
  image-preempt 1000000
  compression none
  gc-distance 4611686018427387904
  gc-age 0s
  l0-delay-count 1000000
  cache-len 67108864
  read-len 65536
  housekeeping off
  look sample
ops{ops}faults
schedule
  choices {choices}
  then uniform 3
"
    );
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn crash_at(plan: &Plan, life: u32, index: u32, crash: Crash) -> Plan {
    let mut plan = plan.clone();
    plan.faults.push(Rule {
        address: Address::Nth {
            life: Some(life),
            index,
        },
        fault: Fault::Crash(crash),
        times: 1,
        one_in: 1,
    });
    plan
}

fn crashes(call: u32) -> impl Iterator<Item = Crash> {
    let draws = (0..DRAWS).map(move |draw| Survival::Draw(u64::from(call) * DRAWS + draw));
    let survivals = [Survival::All, Survival::Nothing].into_iter().chain(draws);
    survivals.map(Crash::Power).chain([Crash::Kill])
}

/// Crashes at every call of the first life, and, after one in the midst of it, of the second.
fn exhaust(ops: &str) {
    let plan = plan(ops, "0 1 0 2 1 0 1 1 0 3");
    let calls = u32::try_from(run(&plan, Keep::Tail).counts.calls).unwrap();
    assert!(50 < calls, "{calls} calls are no plan");
    let midst = crash_at(&plan, 1, calls / 2, Crash::Power(Survival::Draw(7)));
    let recovery = 25;
    let points: Vec<(&Plan, u32, u32)> = (1..=calls)
        .map(|call| (&plan, 1, call))
        .chain((1..=recovery).map(|call| (&midst, 2, call)))
        .collect();
    let next = AtomicU32::new(0);
    let work = || {
        while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            check(*point);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
}

fn check((plan, life, call): (&Plan, u32, u32)) {
    for crash in crashes(call) {
        let crashed = crash_at(plan, life, call, crash);
        let outcome = run(&crashed, Keep::Tail);
        if let Some(verdict) = outcome.verdict {
            panic!("{verdict}\n\nthe plan:\n{crashed}");
        }
        assert!(
            0 < outcome.tally.crashes,
            "life {life} has no call {call}\n{crashed}"
        );
    }
}

#[test]
fn no_crash_of_ingest_and_flush_loses_anything() {
    exhaust(FLUSH);
}

#[test]
fn no_crash_of_a_flush_beside_others_loses_anything() {
    exhaust(BESIDE);
}

#[test]
fn no_crash_around_an_open_loses_anything() {
    exhaust(REOPEN);
}
