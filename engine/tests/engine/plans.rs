//! The plans of jobs, and the layers before and after them, as reviewed snapshots.

use std::collections::BTreeSet;

use insta::{Settings, assert_snapshot};
use palimpsest::Options;
use palimpsest::base::{KeySpace, Lsn, LsnRange};
use palimpsest::timeline::{
    HistoryLimits, HistoryRange, Mode, plan_compaction, plan_flush, plan_gc, plan_gc_compaction,
    plan_images,
};

use crate::layer::picture;
use crate::script::{Stage, keep};
use crate::words::keys;

/// Prints the plan of a job for the current layers.
type Plan = fn(&Stage, &Options) -> String;

/// A script that prepares layers, and a job that is planned and run on them.
struct Case {
    options: Options,
    prepare: &'static str,
    plan: Plan,
    job: &'static str,
}

fn check(name: &str, case: Case) {
    let mut stage = Stage::new(case.options.clone());
    assert_eq!(stage.play_all(case.prepare), [] as [&str; 0]);
    let before = picture(&stage.timeline().layers());
    let plan = (case.plan)(&stage, &case.options);
    let said = stage.play_all(case.job).join("\n");
    let after = picture(&stage.timeline().layers());
    let text = format!("{before}\n\n{plan}\n{said}\n\n{after}");
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(name, text));
}

fn flush(stage: &Stage, _options: &Options) -> String {
    plan_flush(&stage.timeline().layers()).unwrap().to_string()
}

fn compaction(stage: &Stage, options: &Options) -> String {
    let map = stage.timeline().layers();
    let plan = plan_compaction(&map, options, Mode::Forced).unwrap();
    assert_eq!(plan, plan_compaction(&map, options, Mode::Forced).unwrap());
    plan.to_string()
}

fn images(stage: &Stage, options: &Options) -> String {
    let timeline = stage.timeline();
    let declared = KeySpace::from_ranges([keys("a..e")]);
    let at = (&declared, timeline.disk_consistent_lsn());
    let plan = plan_images(&timeline.layers(), at, options, Mode::ByNeed);
    plan.unwrap().to_string()
}

fn collection(stage: &Stage, options: &Options) -> String {
    let timeline = stage.timeline();
    let cutoff = Lsn(timeline.last_record_lsn().0 - options.gc_distance);
    let retained = BTreeSet::from([Lsn(25)]);
    plan_gc(&timeline.layers(), cutoff, &retained).to_string()
}

fn gc_compaction(stage: &Stage, options: &Options) -> String {
    let timeline = stage.timeline();
    let range = HistoryRange {
        keys: keys("c..e"),
        lsns: LsnRange::new(Lsn::ZERO, Lsn::MAX),
    };
    let limits = HistoryLimits {
        cutoff: Lsn(timeline.last_record_lsn().0 - options.gc_distance),
        retained: BTreeSet::from([Lsn(20)]),
        ancestor_lsn: None,
    };
    let plan = plan_gc_compaction(&timeline.layers(), range, &limits);
    plan.unwrap().to_string()
}

#[test]
fn a_gc_compaction_cuts_what_reaches_out_of_its_keys() {
    check(
        "a_gc_compaction_cuts_what_reaches_out_of_its_keys",
        Case {
            options: Options {
                layer_len_target: 25_000,
                ..keep(20)
            },
            prepare: "create 8; put a@10=0 b@10=0 c@10=0 d@10=0 e@10=0; flush; images forced
                      put a@12+1 c@15+1 e@22+1; flush; put c@25+1 d@30+1; flush; compact forced
                      put b@31+x*7000 c@35+x*7000; flush; put d@40+y*7000 e@45+y*7000; flush
                      compact forced
                      branch b at 20; on main; put e@60+9; flush",
            plan: gc_compaction,
            job: "gc; gc-compact c..e dry; gc-compact c..e; gc-compact c..e",
        },
    );
}

#[test]
fn a_flush_writes_the_oldest_frozen_layer_over_all_keys() {
    check(
        "a_flush_writes_the_oldest_frozen_layer_over_all_keys",
        Case {
            options: Options::default(),
            prepare: "create 10; put a@20=1 b@20=2; freeze; put c@30=3; freeze",
            plan: flush,
            job: "flush",
        },
    );
}

#[test]
fn a_compaction_cuts_l0s_by_key_and_fat_keys_by_lsn() {
    let options = Options {
        layer_len_target: 50_000,
        ..Options::default()
    };
    check(
        "a_compaction_cuts_l0s_by_key_and_fat_keys_by_lsn",
        Case {
            options,
            prepare: "create 10; put a@20=1 c@20=x*20000 e@20=1; flush; images forced
                      put b@30=1 c@30+y*20000 d@30=1; flush
                      put a@40+2 c@40+z*20000 e@40+1; flush",
            plan: compaction,
            job: "compact forced",
        },
    );
}

#[test]
fn images_abut_and_stand_where_enough_deltas_lie_above_the_last() {
    let options = Options {
        layer_len_target: 2 * 8192,
        image_compression: palimpsest::format::Compression::None,
        image_delta_count_trigger: 2,
        ..Options::default()
    };
    check(
        "images_abut_and_stand_where_enough_deltas_lie_above_the_last",
        Case {
            options,
            prepare: "create 10; declare a..e; put a@20=x*9000 c@20=x*9000 e@20=x*9000; flush
                      images forced
                      put a@30+1 b@30=2; flush; compact forced; put a@40+1 b@40=2; flush
                      compact forced; put b@50+2; flush",
            plan: images,
            job: "images",
        },
    );
}

#[test]
fn a_collection_takes_what_images_cover_at_each_read_point() {
    check(
        "a_collection_takes_what_images_cover_at_each_read_point",
        Case {
            options: keep(5),
            prepare: "create 10; put a@15=1; flush; images forced; put a@20+2; flush; images forced
                      put b@30=3; flush; branch b at 25; on main; put a@40=4; flush; images forced
                      put b@50+3; flush",
            plan: collection,
            job: "gc",
        },
    );
}
