//! Garbage collection: history that no read can reach is removed, and nothing else.

use crate::script::{check, check_with, keep};

#[test]
fn layers_that_an_image_at_the_cutoff_covers_are_removed() {
    check_with(
        keep(0),
        "create 10; put a@20=1; flush; put a@30+2; flush; images forced; gc; layers; files
         get a@29 a@30; put a@40+3; flush; gc; layers; files; get a@39 a@40; visits a@40",
        "cutoff 30, 2 gone; image all@30; image:all@30/1 index
         a@29: below the cutoff, a@30 = 12
         cutoff 40, 0 gone; image all@30, delta 31..41; delta:31..41/1 image:all@30/1 index
         a@39: below the cutoff, a@40 = 123; delta 31..41, image all@30",
    );
}

#[test]
fn no_layer_is_removed_without_an_image_above_it() {
    check_with(
        keep(0),
        "create 10; put a@20=1; flush; put b@30=2; flush; gc; put a@40=3; flush; gc; layers
         get a@39 a@40 b@40",
        "cutoff 30, 0 gone; cutoff 40, 0 gone; delta 11..21, delta 21..31, delta 31..41
         a@39: below the cutoff, a@40 = 3, b@40 = 2",
    );
}

#[test]
fn an_older_image_is_removed_once_every_read_finds_a_newer_one() {
    check_with(
        keep(10),
        "create 10; put a@20=1; flush; images forced; put a@30+2; flush; images forced; gc; layers
         put a@41+3; flush; gc; layers; get a@30 a@31 a@41",
        "cutoff 20, 1 gone; image all@20, delta 21..31, image all@30
         cutoff 31, 2 gone; image all@30, delta 31..42
         a@30: below the cutoff, a@31 = 12, a@41 = 123",
    );
}

#[test]
fn the_cutoff_stays_below_what_is_durable_and_never_goes_back() {
    check_with(
        keep(5),
        "create 10; gc; put a@20=1; gc; cutoff; flush; gc; put a@22+2; gc; gc; cutoff
         get a@16 a@17 a@22",
        "cutoff 5, 0 gone; cutoff 10, 0 gone; cutoff 10; cutoff 15, 0 gone; cutoff 17, 0 gone
         cutoff 17, 0 gone; cutoff 17; a@16: below the cutoff, a@17 none, a@22 = 12",
    );
    check(
        "create 10; put a@20=1; flush; gc; cutoff; get a@10",
        "cutoff 0, 0 gone; cutoff 0; a@10 none",
    );
}

#[test]
fn the_cutoff_survives_a_restart() {
    for end in ["drop", "kill", "shutdown; drop"] {
        check_with(
            keep(5),
            &format!(
                "create 10; put a@20=1; flush; put a@30+2; flush; gc; {end}; open; cutoff
                 get a@24 a@25 a@30; scan a..c@24; many a@24; branch b at 24"
            ),
            "cutoff 25, 0 gone; cutoff 25; a@24: below the cutoff, a@25 = 1, a@30 = 12
             scan: below the cutoff; many: below the cutoff; branch: below the cutoff",
        );
    }
}

/// The cutoff is durable before the first layer is removed: otherwise the next life would serve
/// reads of missing history.
#[test]
fn a_collection_that_is_killed_before_its_cutoff_is_durable_removes_nothing() {
    let prepare = "create 10; put a@20=1; flush; put a@30+2; flush; images forced";
    check_with(
        keep(0),
        &format!(
            "{prepare}; park gc index replace; start gc; get a@29; kill; open; cutoff; get a@29"
        ),
        "gc parked; a@29: below the cutoff; cutoff 0; a@29 = 1",
    );
}

#[test]
fn a_collection_waits_for_no_reader_that_came_before_it() {
    check_with(
        keep(0),
        "create 10; put a@20=1 b@20=2; flush; put a@30+3; flush; images forced
         hold a..c@20; start gc; layers; files; get a@20; get a@30; next; next
         release; end; layers; files",
        "gc ended; image all@30
         delta:11..21/1 delta:21..31/1 image:all@30/1 index
         a@20: below the cutoff; a@30 = 13; a@held = 1, b@held = 2; end
         cutoff 30, 2 gone; image all@30; image:all@30/1 index",
    );
}

/// The reader came after the collection began, which does not wait for it; but the files of its
/// snapshot stay until it is done.
#[test]
fn a_collected_layers_file_is_removed_by_its_last_reader() {
    check_with(
        keep(0),
        "create 10; put a@20=1 b@20=2; flush; put a@30+3; flush; images forced
         park gc index write; start gc; hold a..c@30; next; resume; end; layers; files
         release; files",
        "gc parked; a@held = 13, b@held = 2; cutoff 30, 2 gone; image all@30
         delta:11..21/1 delta:21..31/1 image:all@30/1 index
         image:all@30/1 index",
    );
}

#[test]
fn compacted_layers_are_read_by_earlier_readers_and_removed_by_the_last() {
    check(
        "create 10; put a@20=1 b@20=2; flush; put a@30+3; flush; hold a..c@30; next
         compact forced; layers; files; hold a..c@30; next; files; release; files",
        "a@held = 13, b@held = 2; delta a..c@11..31
         delta:11..21/1 delta:21..31/1 delta:a..c@11..31/1 index
         a@held = 13, b@held = 2; delta:a..c@11..31/1 index; delta:a..c@11..31/1 index",
    );
}

/// Its inputs have left the map: publishing would bring the records back.
#[test]
fn a_compaction_whose_inputs_are_collected_concurrently_is_dropped() {
    check_with(
        keep(0),
        "create 10; put a@20=1; flush; put a@30+2; flush; images forced; put a@40+3; flush
         park compact delta create; start compact forced; gc; layers; resume; end; layers; files
         get a@40; compact forced; layers; get a@40",
        "compact parked; cutoff 40, 2 gone; image all@30, delta 31..41
         compact: superseded; image all@30, delta 31..41; delta:31..41/1 image:all@30/1 index
         a@40 = 123; image all@30, delta a..b@31..41; a@40 = 123",
    );
}

/// The unreadable index may be that of a branch of this timeline.
#[test]
fn nothing_is_collected_while_an_index_cannot_be_read() {
    check_with(
        keep(0),
        "create 10; put a@20=1; flush; branch b at 20; on main; put a@30=2; flush; images forced
         drop; on b; flip index 60; on main; open; gc; layers; get a@20
         on b; flip index 60; open; on main; gc; get a@20 a@25",
        "gc: busy; delta 11..21, delta 21..31, image all@30; a@20 = 1
         cutoff 30, 1 gone; a@20 = 1, a@25: below the cutoff",
    );
}
