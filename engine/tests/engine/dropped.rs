//! Calls that are cancelled at an await: they can be retried.

use palimpsest::Options;

use crate::script::run;

/// Runs the script with each number of polls `n` in its `drop@{n}`, until the step is done.
fn for_each_poll(script: &str, expected: impl Fn(usize, &[&str])) {
    for poll_count in 0.. {
        let script = script.replace("{n}", &poll_count.to_string());
        let answers = run(Options::default(), &script);
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        let (first, then) = answers.split_first().unwrap();
        match *first {
            "dropped" => expected(poll_count, then),
            "done" => {
                assert!(4 < poll_count, "only {poll_count} polls");
                return;
            }
            other => panic!("{poll_count} polls: {other}"),
        }
    }
}

#[test]
fn a_cancelled_put_is_visible_whole_or_not_at_all() {
    for_each_poll(
        "create 10; put a@20=x*70000; drop@{n} put a@30+y b@30=z*70000; lsns
         put a@30+y b@30=z*70000; lsns; get a@20 a@30 b@30; flush; lsns
         get a@20 a@30 b@30; files; kill; open; get a@20 a@30 b@30",
        |poll_count, answers| {
            let there = "a@20 = x*70000, a@30 = x*70000y, b@30 = z*70000";
            let then = [
                "last 30, durable 10",
                there,
                "last 30, durable 30",
                there,
                "delta:11..31/1 index",
                there,
            ];
            match answers {
                ["last 20, durable 10", found @ ..] if found == then => {}
                ["last 30, durable 10", "put: refused", found @ ..] if found == then => {}
                other => panic!("{poll_count} polls: {other:?}"),
            }
        },
    );
}

#[test]
fn a_cancelled_put_leaves_an_earlier_snapshot_as_it_was() {
    for_each_poll(
        "create 10; put a@20=x; put b@30=y*70000; drop@{n} put a@40=z b@40=z; get a@30 b@30
         freeze; get a@30 b@30; put c@50=1; flush; get a@30 b@30 c@50",
        |poll_count, answers| {
            let expected = [
                "a@30 = x, b@30 = y*70000",
                "a@30 = x, b@30 = y*70000",
                "a@30 = x, b@30 = y*70000, c@50 = 1",
            ];
            assert_eq!(answers, expected, "{poll_count} polls");
        },
    );
}

#[test]
fn a_cancelled_flush_resumes_where_it_stopped() {
    for_each_poll(
        "create 10; put a@20=x*9000; freeze; put b@30=y; drop@{n} flush; get a@20 a@30 b@30
         put a@40+z; flush; get a@20 a@40 b@40; lsns
         kill; open; get a@20 a@40 b@40; lsns",
        |poll_count, answers| {
            let expected = [
                "a@20 = x*9000, a@30 = x*9000, b@30 = y",
                "a@20 = x*9000, a@40 = x*9000z, b@40 = y",
                "last 40, durable 40",
                "a@20 = x*9000, a@40 = x*9000z, b@40 = y",
                "last 40, durable 40",
            ];
            assert_eq!(answers, expected, "{poll_count} polls");
        },
    );
}

/// The next flush replaces a file that got its name before the drop, or the next open removes it:
/// after either only files that the index names are left.
#[test]
fn a_cancelled_flush_leaves_no_file_after_the_next_flush_or_open() {
    for end in ["flush", "kill; open"] {
        let script = "create 10; put a@20=x*9000; drop@{n} flush; END; files";
        for_each_poll(&script.replace("END", end), |poll_count, answers| {
            let is_at_rest = matches!(answers, ["delta:11..21/1 index"] | ["index"]);
            assert!(is_at_rest, "{end} after {poll_count} polls: {answers:?}");
        });
    }
}

#[test]
fn a_cancelled_shutdown_leaves_a_timeline_that_can_be_used_or_opened() {
    for_each_poll(
        "create 10; put a@20=x*9000; drop@{n} shutdown; shutdown; open; get a@20; lsns; files",
        |poll_count, answers| {
            let expected = [
                "a@20 = x*9000",
                "last 20, durable 20",
                "delta:11..21/1 index",
            ];
            let (ended, then) = answers.split_at(answers.len() - expected.len());
            assert_eq!(then, expected, "{poll_count} polls");
            assert!(
                matches!(ended, [] | ["shutdown: closed"]),
                "{poll_count} polls: {ended:?}"
            );
        },
    );
}

#[test]
fn a_cancelled_open_can_be_retried() {
    for_each_poll(
        "create 10; put a@20=x; flush; kill; leave temp-index/1.9; leave delta:21..31/1
         drop@{n} open; open; get a@20; files; kill; open; get a@20; files",
        |poll_count, answers| {
            let at_rest = "delta:11..21/1 index";
            let expected = ["a@20 = x", at_rest, "a@20 = x", at_rest];
            assert_eq!(answers, expected, "{poll_count} polls");
        },
    );
}

#[test]
fn a_cancelled_creation_can_be_retried_or_opened() {
    for_each_poll(
        "drop@{n} create 10; create 10; open; put a@20=x; flush; files; kill; open; get a@20",
        |poll_count, answers| {
            let is_right = matches!(
                answers,
                ["delta:11..21/1 index", "a@20 = x"]
                    | ["create: refused", "delta:11..21/2 index", "a@20 = x"]
            );
            assert!(is_right, "{poll_count} polls: {answers:?}");
        },
    );
}

#[test]
fn a_cancelled_deletion_is_completed_by_the_next_life_or_never_began() {
    for_each_poll(
        "create 10; put a@20=x; flush; shutdown; drop@{n} delete; kill; open; files",
        |poll_count, answers| {
            let is_whole = matches!(
                answers,
                ["delta:11..21/1 index"] | ["open: refused", "no file"]
            );
            assert!(is_whole, "{poll_count} polls: {answers:?}");
        },
    );
}
