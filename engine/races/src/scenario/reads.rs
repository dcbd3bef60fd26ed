//! Reads and jobs on one state: what was acknowledged is read, and no publication is lost.

use std::sync::Arc;

use super::desk::{Desk, fill, get, make_images, options, put, value};
use crate::base::Error;
use crate::io::block_on;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::thread;
use crate::timeline::{Mode, Options};

/// While the record moves from the open layer to a frozen one and to an L0.
pub fn a_read_sees_what_was_acknowledged() {
    let desk = Desk::new(Options {
        freeze_distance_max: 2,
        buffer_len: 12, // Each second value goes to the file.
        ..options()
    });
    let acknowledged = Arc::new(AtomicU64::new(0));
    let writing = {
        let (main, acknowledged) = (desk.main.clone(), acknowledged.clone());
        thread::spawn(move || {
            let mut writer = main.writer().unwrap();
            for lsn in 1..=5 {
                put(&mut writer, lsn).unwrap();
                acknowledged.store(lsn, Ordering::SeqCst);
            }
        })
    };
    let flushing = {
        let main = desk.main.clone();
        thread::spawn(move || block_on(main.flush()).map(drop))
    };
    for _ in 0..3 {
        let lsn = acknowledged.load(Ordering::SeqCst);
        let expected = (0 < lsn).then(|| value(lsn));
        assert_eq!(get(&desk.main, lsn).unwrap(), expected, "at LSN {lsn}");
    }
    writing.join().unwrap();
    flushing.join().unwrap().unwrap();
    desk.close();
}

/// The cutoff may pass the LSN before the read is admitted; afterwards no layer that it needs goes.
pub fn a_read_beside_a_collection_is_right_or_refused() {
    let desk = Desk::new(options());
    fill(&desk.main, [1, 2]);
    make_images(&desk.main);
    let collecting = desk.start_collection();
    match get(&desk.main, 1) {
        Ok(found) => assert_eq!(found, Some(value(1))),
        Err(error) => assert!(matches!(error, Error::BelowCutoff { .. }), "{error}"),
    }
    collecting.join().unwrap().unwrap();
    desk.close();
}

/// Both open it, and one of the two handles stays.
pub fn two_first_readers_of_a_layer_both_find_their_value() {
    let desk = Desk::new(options());
    fill(&desk.main, [1, 2]);
    let readers = [2, 2].map(|lsn| {
        let main = desk.main.clone();
        thread::spawn(move || (get(&main, lsn).unwrap(), value(lsn)))
    });
    for reader in readers {
        let (found, expected) = reader.join().unwrap();
        assert_eq!(found, Some(expected));
    }
    desk.close();
}

/// Each publishes a map that it makes of the one before: none may make it of an older one.
pub fn jobs_that_publish_side_by_side_lose_no_layer() {
    let desk = Desk::new(options());
    fill(&desk.main, [1, 2]);
    make_images(&desk.main);
    let mut writer = desk.main.writer().unwrap();
    put(&mut writer, 3).unwrap();
    drop(writer);
    let jobs = [0, 1, 2].map(|job| {
        let main = desk.main.clone();
        thread::spawn(move || match job {
            0 => block_on(main.gc()).map(drop),
            1 => block_on(main.compact(Mode::Forced)).map(drop),
            _ => block_on(main.flush()).map(drop),
        })
    });
    for job in jobs {
        job.join().unwrap().unwrap();
    }
    desk.main.check_laws();
    let cutoff = desk.main.gc_cutoff().0;
    for lsn in cutoff.max(1)..=3 {
        assert_eq!(
            get(&desk.main, lsn).unwrap(),
            Some(value(lsn)),
            "at LSN {lsn}"
        );
    }
    desk.close();
}

/// Each job writes under a name of its own, and a job that finds its name taken fails.
pub fn no_two_jobs_write_one_file() {
    let desk = Desk::new(options());
    fill(&desk.main, [1, 2]);
    let jobs = desk.start_jobs();
    for job in jobs {
        job.join().unwrap().unwrap();
    }
    desk.close();
}

/// A number that comes twice is two files under one name, if the rest of the name is equal too.
pub fn no_two_scratch_files_have_one_number() {
    let desk = Desk::new(options());
    let threads = [(); 2].map(|()| {
        let main = desk.main.clone();
        thread::spawn(move || [main.shared.next_scratch(), main.shared.next_scratch()])
    });
    let numbers = threads.map(|thread| thread.join().unwrap());
    let mut numbers = numbers.concat();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 4);
    desk.close();
}

/// The other one is told so.
pub fn a_timeline_has_one_writer() {
    let desk = Desk::new(options());
    let others = desk.main.clone();
    let other = thread::spawn(move || others.writer());
    let writers = [desk.main.writer(), other.join().unwrap()];
    let is_refused = |writer: &&Result<_, Error>| matches!(writer, Err(Error::Busy { .. }));
    assert_eq!(writers.iter().filter(is_refused).count(), 1);
    drop(writers);
    desk.close();
}
