//! Jobs that wait for a device or for readers: they block no other call, and a shutdown ends them.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use palimpsest::base::Generation;
use palimpsest::io::{Job, Op};
use palimpsest::{Batch, Engine, Key, Lsn, Options, TimelineId, Value, block_on};

use crate::aside::poll_times;
use crate::faulty::{Call, FaultyIo};
use crate::script::{Stage, keep, run};

/// Each kind of job with the calls at which it is parked.
const PLACES: [(&str, &[&str]); 4] = [
    (
        "flush",
        &[
            "delta create",
            "delta write",
            "delta sync",
            "delta rename",
            "index write",
            "index replace",
            "index syncdir",
        ],
    ),
    (
        "compact",
        &[
            "delta open",
            "delta read",
            "delta write",
            "delta rename",
            "index write",
            "index replace",
        ],
    ),
    (
        "images",
        &[
            "delta open",
            "delta read",
            "image write",
            "image rename",
            "index write",
            "index replace",
        ],
    ),
    ("gc", &["index create", "index write", "index syncdir"]),
];

/// Two L0s under an image, one above it, and records that wait to be flushed; gc has something to
/// take.
const PREPARE: &str = "create 10; put a@20=1 b@20=2; flush; put a@30+3; flush; images forced
     put a@40+4; flush; put b@45+4";

/// The engine's name for the job that a verb starts.
fn label(verb: &str) -> &str {
    match verb {
        "images" => "image",
        _ => verb,
    }
}

/// The questions to a timeline after `PREPARE` and more puts.
const ASK: &str = "get a@40 b@45 a@50 b@50; scan a..c@45; many a b@50";

const ANSWERS: [&str; 3] = [
    "a@40 = 134, b@45 = 24, a@50 = 1345, b@50 = 24",
    "a@45 = 134, b@45 = 24",
    "a@50 = 1345, b@50 = 24",
];

fn for_each_place(check: impl Fn(&str, &str)) {
    for (verb, places) in PLACES {
        for place in places {
            check(verb, &format!("{} {place}", label(verb)));
        }
    }
}

fn options() -> Options {
    keep(10)
}

/// The step that starts a job, such that its plan is not empty.
fn start(verb: &str) -> String {
    match verb {
        "compact" | "images" => format!("start {verb} forced"),
        _ => format!("start {verb}"),
    }
}

#[test]
fn reads_and_puts_complete_while_a_job_is_parked() {
    for_each_place(|verb, place| {
        let script = format!(
            "{PREPARE}; park {place}; {}; put a@50+5; {ASK}; resume; end; {ASK}
             flush; lsns; {ASK}; kill; open; {ASK}",
            start(verb)
        );
        let said = run(options(), &script);
        let (first, then) = said.split_at(4);
        assert_eq!(first[0], format!("{verb} parked"), "{place}");
        assert_eq!(first[1..], ANSWERS, "{place}");
        let ended = match verb {
            "gc" => "cutoff 35, 2 gone".to_owned(),
            _ => format!("{verb} done"),
        };
        assert_eq!(then[0], ended, "{place}");
        assert_eq!(then[1..4], ANSWERS, "{place}");
        assert_eq!(then[4], "last 50, durable 50", "{place}");
        assert_eq!(then[5..8], ANSWERS, "{place}");
        assert_eq!(then[8..], ANSWERS, "{place}");
    });
}

#[test]
fn jobs_of_other_kinds_complete_while_one_is_parked() {
    for_each_place(|verb, place| {
        // One job at a time writes an index: parked there, it blocks the other jobs.
        if place.contains("index") {
            return;
        }
        let others = ["flush", "compact forced", "images forced", "start gc"];
        let others: Vec<&str> = others.into_iter().filter(|it| !it.contains(verb)).collect();
        let script = format!(
            "{PREPARE}; put a@50+5; park {place}; {}; {}; {ASK}; resume; end; {ASK}
             shutdown; open; {ASK}",
            start(verb),
            others.join("; ")
        );
        let said = run(options(), &script);
        assert_eq!(said[0], format!("{verb} parked"), "{place}");
        assert_eq!(said[1], "gc ended", "{place}");
        assert_eq!(said[2..5], ANSWERS, "{place}");
        let ended = said[5].split_once(", cutoff 40");
        let (ended, gc) = ended.unwrap_or_else(|| panic!("{place}: {said:?}"));
        let is_ended = ended.ends_with("done") || ended == "compact: superseded";
        assert!(is_ended, "{place}: {ended}");
        assert!(gc.ends_with("gone"), "{place}: {gc}");
        assert_eq!(said[6..9], ANSWERS, "{place}");
        assert_eq!(said[9..], ANSWERS, "{place}");
    });
}

#[test]
fn a_shutdown_ends_parked_jobs_and_nothing_is_lost() {
    for_each_place(|verb, place| {
        let script = format!(
            "{PREPARE}; put a@50+5; park {place}; {}; start shutdown; put a@60+lost
             resume; end; get a@50; drop; open; lsns; {ASK}",
            start(verb)
        );
        let said = run(options(), &script);
        assert_eq!(said[0], format!("{verb} parked"), "{place}");
        assert_eq!(said[1], "shutdown waits", "{place}");
        assert_eq!(said[2], "put: closed", "{place}");
        let ended: Vec<&str> = said[3].rsplitn(2, ", ").collect();
        assert_eq!(ended[0], "shutdown done", "{place}: {said:?}");
        assert_eq!(said[4], "a@50: closed", "{place}");
        assert_eq!(said[5], "last 50, durable 50", "{place}");
        assert_eq!(said[6..], ANSWERS, "{place}");
    });
}

#[test]
fn a_cancelled_shutdown_lets_no_batch_into_another() {
    let mut stage = Stage::new(options());
    stage.play_all("create 10; put a@20=1; park flush delta sync");
    let timeline = stage.timeline().clone();
    {
        let mut first = pin!(timeline.shutdown());
        let mut context = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(poll_times(timeline.shutdown(), 1).is_none());
        assert_eq!(stage.play_all("put a@30=lost"), ["put: closed"]);
        stage.play_all("resume");
        block_on(first).expect("nothing fails");
    }
    drop(timeline);
    assert_eq!(stage.play_all("drop; open; lsns"), ["last 20, durable 20"]);
}

/// Regression: all calls that make, open, end or delete timelines stood behind one lock, and so
/// behind a shutdown that waited for a job of another timeline.
#[test]
fn a_shutdown_that_waits_delays_calls_on_its_own_timeline_alone() {
    let [one_id, two_id, three_id, four_id, old_id] = [1, 2, 3, 4, 5].map(|n| TimelineId([n; 16]));
    let (dir, io) = (tempfile::tempdir().unwrap(), FaultyIo::new());
    let mut context = Context::from_waker(Waker::noop());
    let engine = block_on(Engine::open(io.clone(), dir.path(), options())).unwrap();
    let [one, old] =
        [one_id, old_id].map(|id| block_on(engine.create_timeline(id, Lsn(10))).unwrap());
    block_on(engine.shutdown_timeline(old_id)).unwrap();
    drop(old);
    let mut batch = Batch::new();
    batch
        .push(Key::MIN, Lsn(20), &Value::Image(b"first".to_vec()))
        .unwrap();
    block_on(one.writer().unwrap().put_batch(&batch)).unwrap();
    io.park(|call, op: Op| op.job == Job::Flush && call == Call::Sync);
    let mut shutdown = pin!(engine.shutdown_timeline(one_id));
    assert!(shutdown.as_mut().poll(&mut context).is_pending());
    let mut again = pin!(engine.open_timeline(one_id));
    let mut branch = pin!(engine.branch_timeline(two_id, one_id, Lsn(20)));
    assert!(again.as_mut().poll(&mut context).is_pending());
    assert!(branch.as_mut().poll(&mut context).is_pending());
    let three = block_on(engine.create_timeline(three_id, Lsn(10))).unwrap();
    block_on(engine.open_timeline(old_id)).unwrap();
    block_on(engine.shutdown_timeline(old_id)).unwrap();
    block_on(engine.delete_timeline(old_id)).unwrap();
    block_on(engine.branch_timeline(four_id, three.id(), Lsn(10))).unwrap();
    io.resume();
    block_on(shutdown).expect("nothing fails");
    assert_eq!(block_on(again).unwrap().generation(), Generation(2));
    let two = block_on(branch).unwrap();
    assert_eq!(
        block_on(two.get(Key::MIN, Lsn(20))).unwrap(),
        Some(b"first".to_vec())
    );
    block_on(engine.shutdown()).unwrap();
}

/// A reader that never ends blocks no call.
#[test]
fn collections_reads_puts_and_jobs_complete_while_a_scan_is_held() {
    let script = format!(
        "{PREPARE}; hold a..c@20; start gc; put a@50+5; {ASK}; flush; compact forced
         images forced; {ASK}; next; release; end; {ASK}"
    );
    let said = run(options(), &script);
    assert_eq!(said[0], "gc ended");
    assert_eq!(said[1..4], ANSWERS);
    assert_eq!(said[4..7], ANSWERS);
    assert_eq!(said[7], "a@held = 1, b@held = 2");
    assert_eq!(said[8], "cutoff 35, 2 gone");
    assert_eq!(said[9..], ANSWERS);
}

/// A compaction that is parked in the midst of one long piece does not write the rest of it: it
/// does not come to the rename of its file.
#[test]
fn a_shutdown_ends_a_compaction_inside_of_a_piece() {
    let puts: String = (20..3020)
        .map(|lsn| format!("; put a@{lsn}+x*100"))
        .collect();
    let script = format!(
        "create 10; put a@11=x; flush{puts}; flush; park compact delta write; start compact forced
         start shutdown; resume; park compact delta rename; end"
    );
    let said = run(options(), &script);
    let ended = [
        "compact parked",
        "shutdown waits",
        "compact: closed, shutdown done",
    ];
    assert_eq!(said, ended);
}
