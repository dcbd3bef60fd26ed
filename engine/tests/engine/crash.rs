//! Crashes: what the next life finds after one that ended without a shutdown.

use crate::script::check;

#[test]
fn flushed_records_survive_and_later_ones_are_lost() {
    for end in ["drop", "kill"] {
        check(
            &format!(
                "create 10; put a@20=x; put b@30=y; flush; put a@40+z; freeze; put b@50+z
                 get a@50 b@50; {end}; open; lsns; layers; get a@30 b@30 a@40
                 put a@31+new; get a@31; flush; layers; {end}; open; get a@31"
            ),
            "a@50 = xz, b@50 = yz
             last 30, durable 30; delta 11..31; a@30 = x, b@30 = y, a@40: not yet
             a@31 = xnew; delta 11..31, delta 31..32; a@31 = xnew",
        );
    }
}

#[test]
fn a_created_timeline_survives() {
    check(
        "create 10; kill; timelines; open; lsns; generation",
        "timelines 1; last 10, durable 10; generation 2",
    );
}

#[test]
fn leftover_files_of_a_killed_life_are_removed_and_foreign_files_stay() {
    check(
        "create 10; put a@20=x; flush; put a@30+y; kill; files
         leave delta:21..31/1; leave delta:11..21/7; leave temp-delta:21..31/1.9
         leave temp-index/1.8; leave temp-index/2.1; leave ephemeral/9.9
         leave notes.txt; leave index.bak
         open; files; get a@20; lsns",
        "delta:11..21/1 ephemeral/1._ index
         delta:11..21/1 index index.bak notes.txt
         a@20 = x; last 20, durable 20",
    );
}

#[test]
fn files_that_cannot_be_removed_are_left_to_the_next_open() {
    check(
        "create 10; put a@20=x; flush; drop; leave temp-index/1.9; leave delta:21..31/1
         fail remove 1; open; heal; files; get a@20; drop; open; files; get a@20",
        "delta:11..21/1 delta:21..31/1 index; a@20 = x; delta:11..21/1 index; a@20 = x",
    );
}

/// The open removes the orphan, which frees its name.
#[test]
fn an_orphan_does_not_block_a_layer_of_its_name() {
    check(
        "create 10; put a@20=x; flush; leave delta:21..31/1; leave delta:21..31/2; put a@30+y
         flush; files; get a@30; drop; open; files; get a@30",
        "delta:11..21/1 delta:21..31/1 delta:21..31/2 index; a@30 = xy
         delta:11..21/1 delta:21..31/1 index; a@30 = xy",
    );
}

#[test]
fn a_creation_without_an_index_is_removed() {
    check(
        "create 10; kill; lose index; leave temp-index/1.1; timelines; drop; timelines; open",
        "timelines 0; timelines 0; open: refused",
    );
    check(
        "create 10; kill; timelines; lose index; leave temp-index/1.1; leave notes.txt
         create 20; lsns; files",
        "timelines 1; last 20, durable 20; index notes.txt",
    );
}

#[test]
fn an_interrupted_deletion_is_completed_by_the_next_life() {
    check(
        "create 10; put a@20=x; flush; shutdown; fail remove 1; delete; heal; open; timelines
         kill; timelines; create 5; lsns",
        "delete: io fault 1; open: refused; timelines 0; timelines 0; last 5, durable 5",
    );
    check(
        "create 10; put a@20=x; flush; shutdown; fail remove 2; delete; heal; delete; timelines",
        "delete: io fault 1; timelines 0",
    );
}
