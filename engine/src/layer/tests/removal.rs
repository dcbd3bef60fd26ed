//! Removal of a finished layer's file, and of no other file.

use std::pin::pin;
use std::task::{Context, Waker};

use super::{Records, Shelf, image, key, l0, op, poll_times, read_all};
use crate::base::{FileName, Lsn};
use crate::io::tests::faulty::{Call, Pace, Tasks};
use crate::io::{Io, Job, Part, block_on};

fn records(text: &str) -> Records {
    Records::from([((key(1), Lsn(5)), image(text))])
}

fn layer_file(shelf: &Shelf) -> bool {
    let names = shelf.names();
    let is_layer = |name: &String| matches!(FileName::parse(name), Some(FileName::Layer { .. }));
    assert!(names.len() <= 1);
    names.iter().any(is_layer)
}

#[test]
fn a_finished_layer_is_removed_on_drop_until_it_is_kept() {
    let shelf = Shelf::new();
    let layer = block_on(shelf.finish(l0(1, 10), &records("x"))).unwrap();
    assert!(layer_file(&shelf));
    drop(layer);
    assert!(!layer_file(&shelf));
    let layer = block_on(shelf.finish(l0(1, 10), &records("x"))).unwrap();
    layer.keep();
    drop(layer);
    assert!(layer_file(&shelf));
}

#[test]
fn a_layer_that_no_index_names_is_removed_by_its_last_reader() {
    let shelf = Shelf::new();
    let entry = block_on(shelf.write(l0(1, 10), &records("x"))).unwrap();
    drop(shelf.layer(entry));
    assert!(layer_file(&shelf));
    let layer = std::sync::Arc::new(shelf.layer(entry));
    let reader = layer.clone();
    layer.remove_on_drop();
    drop(layer);
    assert!(layer_file(&shelf));
    assert_eq!(
        block_on(read_all(&reader, super::LIMITS)).unwrap(),
        records("x")
    );
    shelf.io.take_calls();
    drop(reader);
    assert!(!layer_file(&shelf));
    let [(call, op)] = shelf.io.take_calls()[..] else {
        panic!("one call");
    };
    assert_eq!(
        (call, op.job, op.part),
        (Call::Remove, Job::Drop, Part::Delta)
    );
    assert_eq!(op.timeline, Some(super::TIMELINE));
}

/// Regression: a job is cancelled, and a task removes its finished file. The job's second run
/// writes a file of that name, "and the first one's removal took it".
#[test]
fn a_late_removal_does_not_remove_the_file_of_the_second_run() {
    let shelf = Shelf::new();
    shelf.io.set_tasks(Tasks::Before(Call::List));
    drop(block_on(shelf.finish(l0(1, 10), &records("first"))).unwrap());
    assert!(layer_file(&shelf));
    {
        let records = records("second");
        let mut second = pin!(shelf.finish(l0(1, 10), &records));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..20 {
            assert!(second.as_mut().poll(&mut context).is_pending());
        }
        block_on(shelf.io.list(op(), shelf.dir.path())).unwrap();
        let layer = block_on(second).unwrap();
        shelf.io.set_tasks(Tasks::AtOnce);
        layer.keep();
        assert_eq!(block_on(read_all(&layer, super::LIMITS)).unwrap(), records);
    }
    block_on(shelf.io.list(op(), shelf.dir.path())).unwrap();
    assert!(layer_file(&shelf));
}

#[test]
fn a_name_is_free_again_whether_its_removal_fails_or_never_runs() {
    let shelf = Shelf::new();
    let first = block_on(shelf.finish(l0(1, 10), &records("first"))).unwrap();
    shelf.io.fail(1, |call, _| call == Call::Remove);
    drop(first);
    assert!(shelf.io.heal());
    assert!(layer_file(&shelf));
    let second = block_on(shelf.finish(l0(1, 10), &records("second"))).unwrap();
    shelf.io.set_tasks(Tasks::Never);
    drop(second);
    shelf.io.set_tasks(Tasks::AtOnce);
    assert!(layer_file(&shelf));
    let third = block_on(shelf.finish(l0(1, 10), &records("third"))).unwrap();
    assert_eq!(
        block_on(read_all(&third, super::LIMITS)).unwrap(),
        records("third")
    );
}

/// Also if it is cancelled during the rename: the file has either name, and is removed under both.
#[test]
fn a_run_that_is_cancelled_anywhere_leaves_no_file() {
    for poll_count in 0.. {
        let shelf = Shelf::new();
        shelf.io.set_pace(Pace::Slow);
        let first = poll_times(shelf.finish(l0(1, 10), &records("first")), poll_count);
        shelf.io.set_pace(Pace::Prompt);
        let is_done = first.is_some();
        drop(first);
        assert_eq!(shelf.names(), [""; 0], "{poll_count} polls");
        let second = block_on(shelf.finish(l0(1, 10), &records("second"))).unwrap();
        assert_eq!(
            block_on(read_all(&second, super::LIMITS)).unwrap(),
            records("second")
        );
        if is_done {
            assert!(6 < poll_count, "only {poll_count} polls");
            break;
        }
    }
}

#[test]
#[should_panic(expected = "an index names a layer once")]
fn no_two_layers_have_one_file() {
    let shelf = Shelf::new();
    let entry = block_on(shelf.write(l0(1, 10), &records("x"))).unwrap();
    let _first = shelf.layer(entry);
    let _second = shelf.layer(entry);
}
