//! How many steps on locks, atomics and events a call makes, beside how many others.

use super::desk::{Desk, fill, get, options, put};
use crate::base::{Lsn, TimelineId};
use crate::io::block_on;

/// The steps of each kind of call, on a timeline that stands among others.
#[derive(Debug)]
struct Steps {
    get: usize,
    get_in_parent: usize,
    put: usize,
    flush: usize,
    create: usize,
}

/// Of timelines, of branches side by side and of layers there are `width` each.
fn steps(width: u8) -> Steps {
    let desk = Desk::new(options());
    let engine = &desk.engine;
    fill(&desk.main, 1..=u64::from(width));
    let named =
        |kind: u8, number: u8| TimelineId([kind, number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    for number in 0..width {
        block_on(engine.create_timeline(named(3, number), Lsn(0))).unwrap();
        let at = Lsn(1 + u64::from(number));
        block_on(engine.branch_timeline(named(4, number), desk.main.id(), at)).unwrap();
    }
    let branch = block_on(engine.open_timeline(named(4, width - 1))).unwrap();
    let mut writer = desk.main.writer().unwrap();
    let last = u64::from(width);
    // The first read of a layer opens it.
    get(&desk.main, last).unwrap();
    get(&branch, last).unwrap();
    let steps = Steps {
        get: count(|| drop(get(&desk.main, last).unwrap())),
        get_in_parent: count(|| drop(get(&branch, last).unwrap())),
        put: count(|| put(&mut writer, last + 1).unwrap()),
        flush: count(|| _ = block_on(desk.main.flush()).unwrap()),
        create: count(|| drop(block_on(engine.create_timeline(named(5, 0), Lsn(0))).unwrap())),
    };
    drop((writer, branch));
    desk.close();
    steps
}

/// The steps that all threads make meanwhile.
fn count(call: impl FnOnce()) -> usize {
    let before = shuttle::current::context_switches();
    call();
    shuttle::current::context_switches() - before
}

/// A call takes no more locks where there are eight times as many timelines, branches and layers.
pub fn a_call_makes_no_more_steps_among_more_timelines() {
    let (few, many) = (steps(4), steps(32));
    let alone = |steps: &Steps| (steps.get, steps.get_in_parent, steps.put, steps.create);
    assert_eq!(alone(&few), alone(&many));
    // The removal of the memory layer's file runs beside it, or behind it.
    let removal = 20;
    assert!(many.flush <= few.flush + removal, "{few:?} {many:?}");
}
