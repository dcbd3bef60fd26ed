//! Damaged files are named, refused, and left as they are.

use crate::script::check;

/// Damages the index: an open changes no file, and after `undo` the timeline opens.
fn check_index(damage: &str, undo: &str, expected: &str) {
    let files = "delta:11..21/1 delta:21..31/1 ephemeral/1.9 index notes.txt temp-delta:9..11/1.5";
    check(
        &format!(
            "create 10; put a@20=x; flush; drop
             leave ephemeral/1.9; leave delta:21..31/1; leave temp-delta:9..11/1.5; leave notes.txt
             {damage}; timelines; watch; open; create 10; delete; files; drop; timelines; open
             {undo}; open; get a@20"
        ),
        &format!(
            "timelines 1; open: {expected}; create: {expected}; delete: {expected}; {files}
             timelines 1; open: {expected}; a@20 = x"
        ),
    );
}

#[test]
fn an_index_that_cannot_be_read_is_refused_and_nothing_is_removed() {
    for at in [0, 12, 30, 60, 70, 130] {
        let flip = format!("flip index {at}");
        check_index(&flip, &flip, "corrupt index");
    }
}

#[test]
fn an_index_of_a_later_format_is_refused_and_nothing_is_removed() {
    check_index("set index 11 3", "set index 11 2", "unsupported index");
}

#[test]
fn layers_without_an_index_are_refused_and_nothing_is_removed() {
    check(
        "create 10; put a@20=x; flush; drop; leave ephemeral/1.9; leave notes.txt; lose index
         timelines; open; create 10; delete; files; drop; timelines; files",
        "timelines 1; open: corrupt index; create: corrupt index; delete: corrupt index
         delta:11..21/1 ephemeral/1.9 notes.txt; timelines 1
         delta:11..21/1 ephemeral/1.9 notes.txt",
    );
}

#[test]
fn a_layer_that_is_missing_or_cut_is_named_and_nothing_is_removed() {
    let prepare = "create 10; put a@20=x; flush; put a@30+y; flush; drop; leave ephemeral/1.9";
    check(
        &format!("{prepare}; lose delta:21..31/1; open; files; open"),
        "open: corrupt delta:21..31/1; delta:11..21/1 ephemeral/1.9 index
         open: corrupt delta:21..31/1",
    );
    check(
        &format!("{prepare}; cut delta:11..21/1; open; files"),
        "open: corrupt delta:11..21/1; delta:11..21/1 delta:21..31/1 ephemeral/1.9 index",
    );
}

/// Equal LSNs of another generation are another file.
#[test]
fn a_layer_of_another_generation_does_not_stand_in_for_a_missing_one() {
    check(
        "create 10; put a@20=x; flush; drop; lose delta:11..21/1; leave delta:11..21/2; open",
        "open: corrupt delta:11..21/1",
    );
}

#[test]
fn a_damaged_layer_fails_the_reads_that_need_it_and_no_others() {
    check(
        "create 10; put a@20=x b@20=y; flush; put a@30+z b@30=new; flush; drop
         flip delta:11..21/1 8200; open; lsns
         get a@30 b@30 a@20 b@20 c@30
         put a@40=again; flush; get a@40 b@40; drop; flip delta:11..21/1 8200; open; get a@30",
        "last 30, durable 30
         a@30: corrupt delta:11..21/1, b@30 = new, a@20: corrupt delta:11..21/1, \
         b@20: corrupt delta:11..21/1, c@30 none
         a@40 = again, b@40 = new; a@30 = xz",
    );
}
