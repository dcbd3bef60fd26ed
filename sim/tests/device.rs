//! The engine on a device that is slow, returns errors or is wrong: `sim/DEVICE.md`, row by row.

use std::time::Duration;

use palimpsest_sim::faults::FaultOutcome::Reported;
use palimpsest_sim::{Outcome, Plan, run_twice};

/// Runs a plan on this device: a timeline with an L0 of one value, these rules, and further lines.
fn run(device: &str, rules: &str, lines: &str) -> Outcome {
    let text = format!(
        "palimpsest plan 4
         knobs
           seed 1
           keys 2
           layout dense
           freeze-len 1048576
           freeze-distance 4611686018427387904
           freeze-age 3600s
           buffer-len 4096
           l0-trigger 1000000
           l0-run-len 4611686018427387904
           layer-len 4611686018427387904
           image-trigger 1000000
           image-preempt 1000000
           compression none
           gc-distance 0
           gc-age 0s
           l0-delay-count 1000000
           cache-len 0
           read-len 65536
           housekeeping off
           look sample
           device {device}
         ops
           create a 0
           put a +8 k0 image:100:1
           flush a
           {lines}
         faults
           {rules}
         schedule
           then in-order
        "
    );
    let plan: Plan = text.parse().unwrap_or_else(|error| panic!("{error}"));
    let outcome = run_twice(&plan);
    assert_eq!(outcome.silent_rules, [""; 0], "{device} {rules}");
    outcome
}

/// Checks that the run passes.
fn check(device: &str, rules: &str, lines: &str) {
    let verdict = run(device, rules, lines).verdict;
    assert_eq!(verdict, None, "{device} {rules} {lines}");
}

/// Checks that the run passes on a faulty device, and that at least `count` operations reported it.
fn check_reported(rules: &str, lines: &str, count: u64) {
    let outcome = run("rots", rules, lines);
    assert_eq!(outcome.verdict, None, "{rules}");
    let cells = outcome.cells.iter();
    let reported = cells.filter(|((_, _, outcome), _)| *outcome == Reported);
    let reported_count: u64 = reported.map(|(_, count)| count).sum();
    assert!(count <= reported_count, "{rules}: {reported_count}");
}

#[test]
fn a_power_loss_at_an_index_leaves_what_each_device_promises() {
    for device in ["posix", "ext4-ordered", "rename-not-atomic"] {
        for at in ["flush/index/replace", "flush/index/sync-dir"] {
            let rule = format!("at life1/a/{at} crash power draw");
            for seed in 0..40 {
                check(device, &format!("{rule}:{seed}"), "get a k0 0\nrestart");
            }
        }
    }
}

#[test]
fn a_cancelled_open_is_retried() {
    let mut dropped_count = 0;
    for count in 1..40 {
        let lines = format!("drop {count} restart\nget a k0 0\nbranch b a 0\ndrop {count} restart");
        let outcome = run("posix", "", &lines);
        assert_eq!(outcome.verdict, None, "{lines}");
        dropped_count += outcome.tally.drops;
    }
    // An open yields about ten times; it was cancelled at each of them, in both restarts.
    assert!(20 <= dropped_count, "{dropped_count}");
}

#[test]
fn rot_of_a_layer_is_reported_whatever_byte_it_hits() {
    for offset in (0..120).chain([8191, 8192, 8300, 16384, 16390, 17000]) {
        let rule = format!("at life1/a/flush/delta/sync rot:{offset}");
        // The value, the compaction, the scan, and the image creation at the end.
        check_reported(&rule, "get a k0 0\ncompact a forced\nscan a 0", 4);
    }
}

#[test]
fn rot_of_an_index_closes_its_timeline_and_no_other() {
    for offset in 0..150 {
        let rule = format!("at life1/a/flush/index/sync rot:{offset}");
        let lines = "create b 0\nrestart\nput b +1 k0 image:10:2\nflush b\ngc b\nget a k0 0";
        // The restart, and the two openings at the end.
        check_reported(&rule, lines, 3);
    }
}

#[test]
fn writes_that_are_lost_or_go_astray_are_reported() {
    for fault in ["lost", "astray:1", "astray:16", "astray:1000"] {
        for write in [
            "delta/write#1",
            "delta/write#2",
            "delta/write#3",
            "index/write",
        ] {
            let rule = format!("at life1/a/flush/{write} {fault}");
            let lines = "get a k0 0\nrestart\nget a k0 0";
            check_reported(&rule, lines, 3);
        }
    }
}

#[test]
fn stale_reads_are_reported_and_pass() {
    let rule = "at life*/a/open/index/read stale times 2";
    let lines = "restart\nrestart\nget a k0 0\nrestart\nget a k0 0";
    check_reported(rule, lines, 1);
}

#[test]
fn a_bit_that_turns_over_between_two_reads_is_reported() {
    let rule = "at life*/a/read/delta/read#2 rot:50";
    check_reported(rule, "get a k0 0\nget a k0 0", 1);
}

#[test]
fn a_slow_device_allows_no_error() {
    for fault in ["slow:1ms", "slow:3600s", "stall"] {
        for step in [
            "delta/create",
            "delta/write",
            "delta/sync",
            "index/replace",
            "dir/sync-dir",
        ] {
            let (job, times) = if step.starts_with("dir") {
                ("open", 1)
            } else {
                ("flush", 9)
            };
            let rule = format!("at life*/*/{job}/{step} {fault} times {times}");
            check(
                "posix",
                &rule,
                "& flush a\n& scan a 0\nput a +1 k1 image:9:9\nflush a\nrestart",
            );
        }
    }
}

#[test]
fn a_slow_call_blocks_only_the_operations_that_need_it() {
    let hour = Duration::from_secs(3600);
    for (job, call) in [
        ("flush a", "flush#2/delta/sync"),
        ("flush a", "flush#2/index/sync"),
        ("compact a forced", "compact/delta/sync"),
        ("images a forced", "image/image/sync"),
        ("gc a", "gc/index/sync"),
    ] {
        for other in [
            "put a +1 k1 image:9:9",
            "freeze a",
            "get a k0 0",
            "scan a 0",
            "put b +1 k1 image:9:9",
            "flush b",
            "compact b forced",
            "images b forced",
            "gc b",
            "branch c b 0",
            "shutdown b",
            "create c 0",
        ] {
            let rule = format!("at life1/a/{call} slow:3600s");
            let lines = format!(
                "create b 0
                 put b +1 k0 image:9:9
                 put a +1 k1 image:9:9
                 & {job}
                 wait 1s
                 {other}
                 crash kill"
            );
            let outcome = run("posix", &rule, &lines);
            assert_eq!(outcome.verdict, None, "{rule} {other}");
            // The slow call ended with the process, and no other operation had waited for it.
            assert!(outcome.counts.elapsed < hour, "{rule} {other}");
        }
    }
}

#[test]
fn a_refusal_is_passed_on_and_the_work_can_be_done_again() {
    for fault in ["eio", "enospc", "erofs", "eacces"] {
        for step in [
            "delta/create",
            "delta/rename",
            "index/create",
            "index/replace",
        ] {
            let rule = format!("at life1/a/flush#1/{step} {fault}");
            check("posix", &rule, "flush a\nget a k0 0");
        }
    }
}

#[test]
fn both_kinds_of_failed_syncs_latch_the_timeline() {
    for fault in ["eio", "revert"] {
        for part in ["delta", "index"] {
            let rule = format!("at life1/a/flush#1/{part}/sync {fault}");
            check(
                "posix",
                &rule,
                "get a k0 0\nrestart\nput a +1 k0 image:5:5\nflush a",
            );
        }
    }
}

#[test]
fn a_timeline_is_shut_down_beside_each_job_and_opened_again() {
    let jobs = [
        "flush a",
        "compact a forced",
        "images a forced",
        "gc a",
        "scan a 0",
        "get a k0 0",
    ];
    for job in jobs
        .iter()
        .chain(&["put a +1 k1 image:9:9", "branch b a -1"])
    {
        for how in ["", " twice", " keeping", " twice keeping"] {
            let lines = format!(
                "put a +1 k0 append:5:6\n& {job}\n& shutdown a{how}\n& {job}\njoin\n\
                 put a +1 k0 image:7:7\nflush a\nlet-go\nget a k0 0"
            );
            let lines = match job.starts_with("branch") {
                true => lines.replacen(&format!("& {job}\njoin"), "join", 1),
                false => lines,
            };
            check("posix", "", &lines);
        }
    }
}

#[test]
fn the_clock_jumps() {
    check(
        "posix",
        "",
        "clock +10800s\nput a +1 k0 append:5:6\ngc a\nclock -20000s\ngc a\nflush a",
    );
}
