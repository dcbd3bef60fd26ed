//! Calls that make, open, end and delete timelines, side by side.

use super::desk::{BRANCH, Desk, MAIN, fill, get, options, value};
use crate::base::{Error, Lsn, TimelineId};
use crate::io::block_on;
use crate::sync::thread;

const OTHER: TimelineId = TimelineId([3; 16]);

/// A desk whose timeline has two branches at LSN 1, and all three are closed.
fn closed() -> Desk {
    let desk = Desk::new(options());
    fill(&desk.main, [1]);
    for branch in [BRANCH, OTHER] {
        block_on(desk.engine.branch_timeline(branch, MAIN, Lsn(1))).unwrap();
        block_on(desk.engine.shutdown_timeline(branch)).unwrap();
    }
    block_on(desk.engine.shutdown_timeline(MAIN)).unwrap();
    desk
}

/// The second finds it open, or waits until it is.
pub fn two_branches_that_are_opened_at_once_stand_on_one_instance() {
    let desk = closed();
    thread::scope(|scope| {
        for branch in [BRANCH, OTHER] {
            let engine = &desk.engine;
            scope.spawn(move || {
                let opened = block_on(engine.open_timeline(branch)).unwrap();
                assert_eq!(get(&opened, 1).unwrap(), Some(value(1)));
            });
        }
    });
    let main = block_on(desk.engine.open_timeline(MAIN)).unwrap();
    assert_eq!(main.generation().0, 2, "it was opened once more");
    drop(main);
    desk.close();
}

/// Each open waits for a shutdown that is under way, and opens what that has closed.
pub fn an_open_beside_a_shutdown_returns_what_can_be_read() {
    for opened in [MAIN, BRANCH] {
        let desk = Desk::new(options());
        fill(&desk.main, [1]);
        block_on(desk.engine.branch_timeline(BRANCH, MAIN, Lsn(1))).unwrap();
        block_on(desk.engine.shutdown_timeline(BRANCH)).unwrap();
        thread::scope(|scope| {
            let engine = &desk.engine;
            let ending = scope.spawn(move || block_on(engine.shutdown_timeline(MAIN)));
            let opening = scope.spawn(move || block_on(engine.open_timeline(opened)).unwrap());
            let ended = ending.join().unwrap();
            let timeline = opening.join().unwrap();
            match (ended, get(&timeline, 1)) {
                (Ok(()) | Err(Error::Busy { .. }), Ok(found)) => assert_eq!(found, Some(value(1))),
                // The open came first, and the shutdown closed what it had returned.
                (Ok(()), Err(Error::Closed)) if timeline.generation().0 == 1 && opened == MAIN => {}
                (ended, found) => panic!("{ended:?} {found:?}"),
            }
        });
        desk.close();
    }
}

/// One of the two is refused.
pub fn a_timeline_is_made_once_or_deleted_once() {
    let desk = closed();
    thread::scope(|scope| {
        let engine = &desk.engine;
        let made = [0, 1].map(|_| {
            scope.spawn(move || {
                block_on(engine.create_timeline(TimelineId([4; 16]), Lsn(1))).is_ok()
            })
        });
        let gone =
            [0, 1].map(|_| scope.spawn(move || block_on(engine.delete_timeline(OTHER)).is_ok()));
        for pair in [made, gone] {
            let done = pair.map(|thread| thread.join().unwrap());
            assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
        }
    });
    desk.close();
}
