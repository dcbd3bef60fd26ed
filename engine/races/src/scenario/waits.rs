//! What waits for what: writers for compaction, shutdowns for jobs, collections for no reader.
//!
//! Each run ends with the last event that can wake the one that waits: a wake-up that comes too
//! early, or before its waiter is registered, is a deadlock. No time passes.

use std::sync::Arc;
use std::time::Duration;

use super::desk::{BRANCH, Desk, MAIN, fill, make_images, options, put, value};
use crate::base::{Error, KeyRange, Lsn};
use crate::io::block_on;
use crate::sync::thread;
use crate::timeline::{Mode, Options};

/// The scan lives longer than the collection, and still finds what it was started for.
pub fn a_collection_waits_for_no_scan() {
    let desk = Desk::new(options());
    fill(&desk.main, [1, 2]);
    make_images(&desk.main);
    let mut scan = block_on(desk.main.scan(KeyRange::ALL, Lsn(1))).unwrap();
    let collecting = desk.start_collection();
    assert_eq!(collecting.join().unwrap().unwrap().cutoff, Lsn(2));
    let mut found = Vec::new();
    while let Some(batch) = block_on(scan.next_batch()).unwrap() {
        found.extend(batch);
    }
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1.as_ref().unwrap(), &value(1));
    drop(scan);
    desk.close();
}

/// A batch that freezes finds two L0s and its own frozen layer; the compaction that takes the two
/// away is the last event of the run.
pub fn a_writer_that_is_held_back_goes_on_after_the_last_compaction() {
    let desk = Desk::new(Options {
        freeze_distance_max: 1,
        l0_count_trigger: 3,
        l0_stall_count: Some(3),
        ..options()
    });
    fill(&desk.main, [1, 2]);
    let writing = {
        let main = desk.main.clone();
        thread::spawn(move || {
            let mut writer = main.writer().unwrap();
            put(&mut writer, 10).unwrap();
            put(&mut writer, 20).unwrap();
        })
    };
    block_on(desk.main.compact(Mode::Forced)).unwrap();
    writing.join().unwrap();
    desk.close();
}

/// Maintenance is told of each frozen layer: the writer must not wait until the period is over.
pub fn maintenance_frees_a_writer_that_is_held_back_at_once() {
    let desk = Desk::new(Options {
        freeze_distance_max: 1,
        l0_count_trigger: 2,
        l0_stall_count: Some(3),
        maintenance_period: Some(Duration::from_secs(3600)),
        ..options()
    });
    let mut writer = desk.main.writer().unwrap();
    for lsn in 1..=6 {
        put(&mut writer, lsn).unwrap();
    }
    drop(writer);
    desk.close();
}

/// An open branch reads in its parent: of the two calls one is refused.
pub fn a_parent_shuts_down_or_its_branch_opens() {
    let desk = Arc::new(Desk::new(options()));
    fill(&desk.main, [1]);
    let branch = block_on(desk.engine.branch_timeline(BRANCH, MAIN, Lsn(1))).unwrap();
    block_on(desk.engine.shutdown_timeline(BRANCH)).unwrap();
    drop(branch);
    let opening = {
        let desk = desk.clone();
        thread::spawn(move || block_on(desk.engine.open_timeline(BRANCH)).map(drop))
    };
    let ended = block_on(desk.main.shutdown());
    let opened = opening.join().unwrap();
    match (&opened, &ended) {
        (Ok(()), Err(Error::Busy { .. })) | (Err(Error::Closed), Ok(())) => {}
        both => panic!("one of the two, and not {both:?}"),
    }
}

/// Images stay behind the collection: each waits for the other's lock on the index only.
pub fn a_shutdown_waits_for_the_jobs_that_run() {
    let desk = Desk::new(options());
    fill(&desk.main, [1, 2]);
    let jobs = desk.start_jobs();
    block_on(desk.engine.shutdown()).unwrap();
    for job in jobs {
        assert!(matches!(job.join().unwrap(), Ok(()) | Err(Error::Closed)));
    }
    let again = block_on(desk.engine.open_timeline(MAIN)).unwrap();
    make_images(&again);
    assert_eq!(
        super::desk::get(&again, 2).unwrap(),
        Some(super::desk::value(2))
    );
    drop(again);
    desk.close();
}
