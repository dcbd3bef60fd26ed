//! Calls that fail: an error that loses nothing can be retried, and a failed sync latches.

use palimpsest::Options;

use crate::script::{check, run};

/// Runs the script with the fault at each call in turn. `{n}` in it is the call's number; a `heal`
/// after it tells that the call was never reached, which ends the loop.
fn for_each_call(script: &str, expected: impl Fn(usize, &[String])) -> usize {
    for ordinal in 1.. {
        let script = script.replace("{n}", &ordinal.to_string());
        let answers = run(Options::default(), &script);
        if answers.iter().any(|answer| answer == "never reached") {
            return ordinal - 1;
        }
        expected(ordinal, &answers);
    }
    unreachable!("the script has a last call")
}

#[test]
fn a_full_disk_at_any_call_of_a_flush_loses_nothing_and_the_next_flush_succeeds() {
    let call_count = for_each_call(
        "create 10; put a@20=x*90000; put b@30=y; fail any {n}; flush; heal
         get a@30 b@30; lsns; put a@40+z; get a@40; flush; lsns; files; get a@20 a@40 b@40
         kill; open; files; get a@20 a@40 b@40",
        |ordinal, answers| {
            // The layer that was built before the fault is not built again.
            let both = "delta:11..31/1 delta:31..41/1 index";
            let expected = [
                "flush: io fault 1",
                "a@30 = x*90000, b@30 = y",
                "last 30, durable 10",
                "a@40 = x*90000z",
                "last 40, durable 40",
                both,
                "a@20 = x*90000, a@40 = x*90000z, b@40 = y",
                both,
                "a@20 = x*90000, a@40 = x*90000z, b@40 = y",
            ];
            assert_eq!(answers, expected, "call {ordinal}");
        },
    );
    assert!(8 < call_count, "only {call_count} calls");
}

#[test]
fn an_index_that_was_not_written_is_written_by_the_next_call_though_it_is_idle() {
    check(
        "create 10; put a@20=1; flush; put a@30+2; flush; fail replace 1
         compact forced; heal; files; compact forced; files
         fail replace 1; images forced; heal; images forced; files; kill; open; files; get a@30",
        "compact: io fault 1; delta:11..21/1 delta:21..31/1 delta:a..b@11..31/1 index
         compact: idle; delta:a..b@11..31/1 index
         images: io fault 2; images: idle; delta:a..b@11..31/1 image:all@30/1 index
         delta:a..b@11..31/1 image:all@30/1 index; a@30 = 12",
    );
}

#[test]
fn a_full_disk_at_any_call_of_a_put_leaves_the_layer_as_it_was() {
    let call_count = for_each_call(
        "create 10; fail any {n}
         put a@20=x*90000; put b@30=y*90000; put c@40=z*90000; heal
         put a@50=1; put b@50=2; put c@50=3; get a@50 b@50 c@50; flush; get a@50 b@50 c@50; files",
        |ordinal, answers| {
            let expected = [
                "put: io fault 1",
                "a@50 = 1, b@50 = 2, c@50 = 3",
                "a@50 = 1, b@50 = 2, c@50 = 3",
                "delta:11..51/1 index",
            ];
            assert_eq!(answers, expected, "call {ordinal}");
        },
    );
    assert_eq!(call_count, 3);
}

#[test]
fn a_read_that_fails_is_told_and_the_next_one_is_right() {
    let call_count = for_each_call(
        "create 10; put a@20=x*90000; flush; put a@30+y*70000; put b@40=z; drop engine
         fail any {n}; get a@40; heal; get a@40 b@40",
        |ordinal, answers| {
            let expected = ["a@40: io fault 1", "a@40 = x*90000y*70000, b@40 = z"];
            assert_eq!(answers, expected, "call {ordinal}");
        },
    );
    assert!(5 < call_count, "only {call_count} calls");
}

/// Reads still succeed, all other calls return the first failure, and nothing is written.
#[test]
fn a_failed_sync_latches_the_timeline_until_it_is_opened_again() {
    let durable_after = [(1, 20), (2, 20), (3, 20), (4, 30)];
    let sync_count = for_each_call(
        "create 10; put a@20=x; flush; put a@30+y; fail sync {n}; flush; heal; watch
         get a@20 a@30; put a@40+z; freeze; flush; drop writer; claim
         flush; shutdown; changes; get a@20
         open; lsns; get a@20; put a@50=new; flush; get a@50; files",
        |ordinal, answers| {
            let latched = [
                "flush: latched fault 1",
                "a@20 = x, a@30 = xy",
                "put: latched fault 1",
                "freeze: latched fault 1",
                "flush: latched fault 1",
                "claim: latched fault 1",
                "flush: latched fault 1",
                "shutdown: latched fault 1",
                "no change",
                "a@20: closed",
            ];
            assert_eq!(answers[..latched.len()], latched, "sync {ordinal}");
            // The flush is in doubt: the next life finds what the index on disk says.
            let (sync, durable) = durable_after[ordinal - 1];
            assert_eq!(sync, ordinal);
            let opened = [
                format!("last {durable}, durable {durable}"),
                "a@20 = x".to_owned(),
                "a@50 = new".to_owned(),
            ];
            assert_eq!(
                answers[latched.len()..][..opened.len()],
                opened,
                "sync {ordinal}"
            );
        },
    );
    assert_eq!(sync_count, durable_after.len());
}

#[test]
fn a_failed_sync_of_one_life_is_forgotten_by_the_next() {
    check(
        "create 10; put a@20=x; fail sync 1; flush; heal; kill; open; lsns
         put a@20=y; flush; lsns; get a@20",
        "flush: latched fault 1; last 10, durable 10; last 20, durable 20; a@20 = y",
    );
}

#[test]
fn a_shutdown_on_a_full_disk_leaves_the_timeline_open() {
    check(
        "create 10; put a@20=x; fail write 1; shutdown; heal; get a@20; put a@30+y; get a@30
         shutdown; get a@30; open; get a@30",
        "shutdown: io fault 1; a@20 = x; a@30 = xy; a@30: closed; a@30 = xy",
    );
}

#[test]
fn a_creation_that_failed_at_any_call_can_be_retried() {
    let call_count = for_each_call(
        "fail any {n}; create 10; heal; timelines; create 10; put a@20=x; flush; files
         kill; open; get a@20",
        |ordinal, answers| {
            let (count, expected) = answers.split_at(2);
            assert_eq!(count[0], "create: io fault 1", "call {ordinal}");
            let expected_then = ["delta:11..21/1 index", "a@20 = x"];
            assert_eq!(expected, expected_then, "call {ordinal}");
        },
    );
    assert!(6 < call_count, "only {call_count} calls");
}

/// Whether it exists is in doubt: either creating or opening it succeeds.
#[test]
fn a_creation_whose_sync_failed_exists_or_not() {
    let sync_count = for_each_call(
        "fail sync {n}; create 10; heal; create 10; open; put a@20=x; flush; kill; open; get a@20",
        |ordinal, answers| {
            let last = &answers[answers.len() - 1];
            assert_eq!(
                (&*answers[0], &**last),
                ("create: latched fault 1", "a@20 = x")
            );
            let is_created_again = answers.len() == 2;
            assert!(
                is_created_again || answers[1] == "create: refused",
                "sync {ordinal}"
            );
        },
    );
    assert_eq!(sync_count, 4);
}

/// The removal of the first attempt's file may run late; it must not hit the second attempt's file.
#[test]
fn a_creation_is_not_hurt_by_late_removals_of_an_earlier_one() {
    check(
        "late replace; fail write 1; create 10; heal; create 10; put a@20=x; get a@20; files",
        "create: io fault 1; a@20 = x; ephemeral/1._ index",
    );
}

#[test]
fn an_open_is_not_hurt_by_late_removals_of_an_earlier_one() {
    check(
        "create 10; put a@20=x; shutdown; late replace
         fail write 1; open; heal; open; get a@20; generation; files",
        "open: io fault 1; a@20 = x; generation 2; delta:11..21/1 index",
    );
}

#[test]
fn a_flush_is_not_hurt_by_late_removals_of_an_earlier_one() {
    check(
        "create 10; put a@20=x; late replace; fail write 1; flush; heal; flush; get a@20; files",
        "flush: io fault 1; a@20 = x; delta:11..21/1 index",
    );
}

#[test]
fn an_open_that_failed_at_any_call_can_be_retried() {
    for kind in ["any", "sync"] {
        let script = "create 10; put a@20=x; flush; kill; leave temp-index/1.9
             fail KIND {n}; open; heal; open; get a@20; files; kill; open; get a@20; files";
        let call_count = for_each_call(&script.replace("KIND", kind), |ordinal, answers| {
            let [first @ .., read, files, read_again, files_again] = answers else {
                panic!("{answers:?}");
            };
            assert_eq!((&**read, &**read_again), ("a@20 = x", "a@20 = x"));
            // A removal may fail without an error; the next open retries it.
            assert!(files.starts_with("delta:11..21/1 index"), "{files}");
            assert_eq!(files_again, "delta:11..21/1 index", "{kind} {ordinal}");
            assert!(first.len() <= 1, "{kind} {ordinal}: {first:?}");
        });
        assert!(2 < call_count, "only {call_count} calls");
    }
}

/// The timeline exists whole or is gone: the next life completes a deletion that has begun.
#[test]
fn a_deletion_that_failed_at_any_call_is_not_half_done_after_the_next_open() {
    for kind in ["any", "sync"] {
        let script = "create 10; put a@20=x; flush; shutdown; fail KIND {n}; delete; heal
             kill; open; files";
        let call_count = for_each_call(&script.replace("KIND", kind), |ordinal, answers| {
            let (deleted, then) = answers.split_first().unwrap();
            assert!(
                deleted.starts_with("delete: "),
                "{kind} {ordinal}: {deleted}"
            );
            let is_there = then == ["delta:11..21/1 index"];
            let is_gone = then == ["open: refused", "no file"];
            assert!(is_there || is_gone, "{kind} {ordinal}: {then:?}");
        });
        assert!(3 < call_count, "only {call_count} calls");
    }
}

/// A branch that failed before its index was in place retained its point until the engine was
/// opened again: "there is no timeline" for itself, and its parent's deletion found "it stands on
/// it", on a full disk, where one deletes. It releases the point where the store has no index of
/// it; where the store may have one, the branch can be deleted.
#[test]
fn a_branch_that_failed_does_not_keep_its_parent_from_being_deleted() {
    let call_count = for_each_call(
        "create 10; put a@20=x; flush; fail any {n}; branch b at 20; heal; on main
         delete b; shutdown main; delete main; open main",
        |ordinal, answers| {
            let is_gone = answers.ends_with(&["open: refused".to_owned()]);
            assert!(is_gone, "call {ordinal}: {answers:?}");
        },
    );
    assert!(5 < call_count, "only {call_count} calls");
}

/// An error while the remains of a creation were removed at an open made the timeline unknown until
/// the next one: collections and deletions of all others were busy, and it could not be deleted.
#[test]
fn an_unfinished_creation_that_cannot_be_removed_blocks_no_other_timeline() {
    check(
        "create 10; put a@20=x; flush; branch b at 20; lose index; leave temp-index/1.7; on main
         drop; fail remove 1; open main; heal; gc; shutdown main; delete main; open main",
        "cutoff 0, 0 gone; open: refused",
    );
}
