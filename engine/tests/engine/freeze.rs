//! Freezing the open layer, and the plan of a flush.

use std::time::Duration;

use palimpsest::timeline::plan_flush;
use palimpsest::{Batch, Engine, Lsn, Options, OsIo, Timeline, TimelineId, Value, block_on};

use crate::script::{TIMELINE, check, check_with};
use crate::words::key;

/// A value of one byte has 13 where it is stored.
fn len_max(freeze_len_max: u64) -> Options {
    Options {
        freeze_len_max,
        ..Options::default()
    }
}

fn distance_max(freeze_distance_max: u64) -> Options {
    Options {
        freeze_distance_max,
        ..Options::default()
    }
}

fn age_max(freeze_age_max: Duration) -> Options {
    Options {
        freeze_age_max,
        ..Options::default()
    }
}

#[test]
fn a_layer_is_frozen_before_it_grows_too_large() {
    check_with(
        len_max(41),
        "create 10; put a@11=x; put a@12=x; put a@13=x; layers; put a@14=x; layers
         put a@15=x; put a@16=x; put a@17=x; layers",
        "open 11..; frozen 11..14, open 14..; frozen 11..14, frozen 14..17, open 17..",
    );
}

#[test]
fn a_batch_that_is_too_large_by_itself_has_a_layer_of_its_own() {
    check_with(
        len_max(40),
        "create 10; put a@11=x*100; layers; put a@12=x*100; put a@13=x; layers; get a@12 a@13",
        "open 11..; frozen 11..12, frozen 12..13, open 13..; a@12 = x*100, a@13 = x",
    );
}

#[test]
fn a_layer_is_frozen_before_it_spans_too_many_lsns() {
    check_with(
        distance_max(10),
        "create 10; put a@11=x; put a@20=x; layers; put a@21=x; layers
         put a@30=x; layers; put a@31=x; layers",
        "open 11..; frozen 11..21, open 21..
         frozen 11..21, open 21..; frozen 11..21, frozen 21..31, open 31..",
    );
}

#[test]
fn a_batch_from_far_away_is_taken_by_a_layer_without_records() {
    check_with(
        distance_max(10),
        "create 10; put a@1000=x; layers; put a@1001=x; layers",
        "open 11..; frozen 11..1001, open 1001..",
    );
}

#[test]
fn an_old_layer_is_frozen_by_the_next_batch() {
    check_with(
        age_max(Duration::ZERO),
        "create 10; put a@11=x; layers; put a@12=x; layers; put a@14=x; layers",
        "open 11..; frozen 11..12, open 12..; frozen 11..12, frozen 12..13, open 13..",
    );
    check(
        "create 10; put a@11=x; put a@12=x; put a@14=x; layers",
        "open 11..",
    );
}

#[test]
fn an_old_layer_is_frozen_by_maintenance_without_a_batch() {
    check_with(
        age_max(Duration::ZERO),
        "create 10; put a@11=x; layers; maintain; layers; maintain; layers",
        "open 11..; delta 11..12; delta 11..12",
    );
    check("create 10; put a@11=x; maintain; layers", "open 11..");
}

/// A record of one byte counts as 13 bytes and 48.
#[test]
fn beyond_the_limit_the_longest_open_layer_makes_room() {
    let options = Options {
        open_len_max: 200,
        ..Options::default()
    };
    let root = tempfile::tempdir().expect("a directory");
    block_on(async {
        let engine = Engine::open(OsIo::new(), root.path(), options).await;
        let engine = engine.unwrap();
        let long = engine.create_timeline(TIMELINE, Lsn(10)).await.unwrap();
        let short = TimelineId([0x52; 16]);
        let short = engine.create_timeline(short, Lsn(10)).await.unwrap();
        let put = async |timeline: &Timeline, lsn| {
            let mut batch = Batch::new();
            batch
                .push(key("a"), Lsn(lsn), &Value::Image(vec![1]))
                .unwrap();
            timeline.writer().unwrap().put_batch(&batch).await.unwrap();
        };
        put(&long, 20).await;
        put(&long, 30).await;
        put(&short, 20).await;
        for timeline in [&long, &short] {
            timeline.maintain().await.unwrap();
            assert_eq!(timeline.disk_consistent_lsn(), Lsn(10), "183 bytes fit");
        }
        // The batch goes into the short layer, and the long one makes room.
        put(&short, 30).await;
        short.maintain().await.unwrap();
        assert_eq!(short.disk_consistent_lsn(), Lsn(10));
        long.maintain().await.unwrap();
        assert_eq!(long.disk_consistent_lsn(), Lsn(30));
        // The short one is the longest now, and its own next batch freezes it.
        put(&short, 40).await;
        put(&short, 50).await;
        assert_eq!(short.layers().frozen().len(), 0);
        put(&short, 60).await;
        assert_eq!(short.layers().frozen().len(), 1);
    });
}

#[test]
fn no_layer_is_frozen_inside_of_an_lsn() {
    let script = "create 10; put a@11=x; put b@11=x; put c@11=x; put d@11=x e@12=x; put f@12=x
         layers; put g@13=x; layers; get a@13 d@13 e@13 f@13 g@13";
    for options in [len_max(1), distance_max(1), age_max(Duration::ZERO)] {
        check_with(
            options,
            script,
            "open 11..; frozen 11..13, open 13..
             a@13 = x, d@13 = x, e@13 = x, f@13 = x, g@13 = x",
        );
    }
}

#[test]
fn a_layer_without_records_is_not_frozen() {
    check(
        "create 10; freeze; layers; put a@11=x; freeze; freeze; layers; flush; freeze; layers",
        "no layer; frozen 11..12; delta 11..12",
    );
}

#[test]
fn a_frozen_layer_begins_where_the_one_below_it_ends() {
    check(
        "create 10; put a@20=x; freeze; put a@30=x; flush; put a@40=x; layers",
        "delta 11..21, delta 21..31, open 31..",
    );
}

#[test]
fn a_plan_says_what_a_flush_will_write() {
    check(
        "create 10; plan; put a@20=x b@20=y; plan; freeze; plan; put a@30=x; freeze; plan
         flush; plan",
        "nothing to flush; nothing to flush; flush 0/B..0/15: 2 records of 26 bytes
         flush 0/B..0/15: 2 records of 26 bytes; nothing to flush",
    );
}

#[test]
fn two_plans_are_equal_while_the_oldest_frozen_layer_is_unchanged() {
    let root = tempfile::tempdir().expect("a directory");
    block_on(async {
        let engine = Engine::open(OsIo::new(), root.path(), Options::default()).await;
        let engine = engine.unwrap();
        let timeline = engine.create_timeline(TIMELINE, Lsn(10)).await.unwrap();
        let mut writer = timeline.writer().unwrap();
        let mut freeze_at = async |lsn| {
            let mut batch = Batch::new();
            batch
                .push(key("a"), Lsn(lsn), &Value::Image(vec![1]))
                .unwrap();
            writer.put_batch(&batch).await.unwrap();
            timeline.freeze().await.unwrap();
            plan_flush(&timeline.layers()).unwrap()
        };
        let first = freeze_at(20).await;
        let again = freeze_at(30).await;
        assert_eq!(first, again);
        assert_eq!(first.output(), again.output());
        timeline.flush().await.unwrap();
        let next = freeze_at(40).await;
        assert!(first != next, "{first:?} {next:?}");
        let planned = next.output();
        timeline.flush().await.unwrap();
        let written = timeline.layers().l0s().last().unwrap().entry().name;
        assert_eq!(planned, written);
    });
}
