//! The simulated disk passes the checks of the contract that real files pass.

use std::path::Path;
use std::sync::Arc;

use palimpsest::io::contract;
use palimpsest_sim::Plan;
use palimpsest_sim::world::{LifeEnd, SimIo, TaskName, World};

/// A plan without operations, faults or a schedule of its own.
const EMPTY: &str = "palimpsest plan 4
knobs
  seed 1
  keys 1
  layout dense
  freeze-len 1
  freeze-distance 1
  freeze-age 1ms
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
  device posix
ops
faults
schedule
  then uniform 7
";

#[test]
fn simulated_disk_keeps_the_contract() {
    let plan: Plan = EMPTY.parse().unwrap();
    let world = World::new(&plan);
    let ending = palimpsest_sim::one_life(&world, check(world.clone()));
    let panic = world.state().take_panic();
    assert_eq!(ending, Some(LifeEnd::Finished), "{panic}");
}

async fn check(world: Arc<World>) {
    let io = SimIo::new(&world);
    contract::check_all(&io, Path::new("/")).await;
    world.end_life(LifeEnd::Finished);
}

#[test]
fn a_task_of_an_ended_life_changes_nothing() {
    let plan: Plan = EMPTY.parse().unwrap();
    let world = World::new(&plan);
    let first = world.clone();
    palimpsest_sim::one_life(&world, async move {
        let inner = first.clone();
        first.spawn(TaskName::Line(1), async move {
            let io = SimIo::new(&inner);
            inner.end_life(LifeEnd::Finished);
            let _ = palimpsest::io::Io::create_dir(&io, op(), Path::new("/late")).await;
        });
        std::future::pending::<()>().await;
    });
    assert!(world.state().disk.list(Path::new("/")).unwrap().is_empty());
}

fn op() -> palimpsest::io::Op {
    palimpsest::io::Op::new(None, palimpsest::io::Job::Open, 1)
}
