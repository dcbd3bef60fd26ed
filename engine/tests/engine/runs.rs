//! Gc compaction by itself: when it begins, its sub-jobs, and how it goes on after an interruption.

use palimpsest::Options;

use crate::script::{check_with, keep};

/// Layers of one key each, and sub-jobs that take as few as they can.
fn narrow() -> Options {
    Options {
        layer_len_target: 1,
        gc_compact_len_max: 1,
        ..keep(0)
    }
}

/// Narrow layers and sub-jobs; and a run stops after each sub-job where an L0 waits.
fn preempted() -> Options {
    Options {
        image_preempt_l0_count: 1,
        ..narrow()
    }
}

/// Three keys with history below the cutoff, in a layer of their own each, and an L0 above.
fn check_three_keys(options: Options, rest: &str, answers: &str) {
    let begin = "create 8; put a@10=0 b@10=0 c@10=0; flush; put a@20+1 b@20+1 c@20+1; flush
         compact forced; put a@30+2; flush; gc; put b@40+2; flush;";
    check_with(
        options,
        &format!("{begin}{rest}"),
        &format!("cutoff 30, 0 gone;{answers}"),
    );
}

#[test]
fn a_run_goes_through_the_keys_in_sub_jobs() {
    check_three_keys(
        narrow(),
        "layers; gc-compact all forced; layers; reduced; get a@30 b@40 c@30; gc-compact all forced",
        "delta a..b@9..20, delta b..c@9..20, delta c..d@9..20, delta a..b@20..21, \
         delta b..c@20..21, delta c..d@20..21, delta 21..31, delta 31..41
         7 replaced by image MIN..b@30, image b..c@30, image c..d@30
         image MIN..b@30, image b..c@30, image c..d@30, delta 31..41; reduced 30
         a@30 = 012, b@40 = 012, c@30 = 01; gc-compact idle",
    );
}

#[test]
fn a_run_by_need_begins_by_length_and_again_by_growth() {
    let options = Options {
        gc_compact_len_trigger: 60_000,
        gc_compact_growth_trigger: 150,
        ..keep(0)
    };
    check_with(
        options,
        "create 8; put a@10=0; flush; gc; gc-compact all; put a@20=1; flush; gc; gc-compact all
         reduced; put a@30=2; flush; gc-compact all; gc; gc-compact all; reduced
         put a@40=3; flush; gc; gc-compact all; put a@50=3; flush; gc; gc-compact all; reduced",
        "cutoff 10, 0 gone; gc-compact idle; cutoff 20, 0 gone; gc-compact idle
         reduced 0; gc-compact idle; cutoff 30, 0 gone; 3 replaced by image all@30; reduced 30
         cutoff 40, 0 gone; gc-compact idle; cutoff 50, 0 gone; 3 replaced by image all@50
         reduced 50",
    );
}

#[test]
fn maintenance_reduces_history_by_need() {
    let options = Options {
        gc_compact_len_trigger: 1,
        ..keep(0)
    };
    check_with(
        options,
        "create 8; put a@10=0; put a@20+1; flush; maintain; layers; reduced; get a@20",
        "image all@20; reduced 20; a@20 = 01",
    );
}

#[test]
fn a_run_goes_on_behind_the_sub_jobs_that_were_durable() {
    check_three_keys(
        preempted(),
        "gc-compact all forced; drop; open; reduced; gc-compact all; reduced
         fail sync 2; gc-compact all; drop; heal; open; reduced; gc-compact all; gc-compact all
         reduced; get a@30 b@30 c@30",
        "3 replaced by image MIN..b@30, preempted; reduced 0, to 30 from b
         2 replaced by image b..c@30, preempted; reduced 0, to 30 from c
         gc-compact: latched fault 1; reduced 0, to 30 from c
         2 replaced by image c..d@30, preempted; 0 replaced; reduced 30
         a@30 = 012, b@30 = 01, c@30 = 01",
    );
}

#[test]
fn a_run_goes_around_a_history_that_is_too_long() {
    let options = Options {
        history_len_max: 100,
        ..narrow()
    };
    check_with(
        options,
        "create 8; put a@10=0 b@10=0 c@10=0; put b@20=x*200; flush; put a@30+1 c@30+1; flush; gc
         gc-compact all forced; layers; reduced; get a@30 b@30 c@30",
        "cutoff 30, 0 gone
         4 replaced by delta b..MAX@9..21, delta b..MAX@21..31, image MIN..b@30, delta b..c@9..21, \
         image c..MAX@30
         delta b..c@9..21, image MIN..b@30, image c..MAX@30; reduced 30
         a@30 = 01, b@30 = x*200, c@30 = 01",
    );
}

#[test]
fn a_run_keeps_to_the_horizon_of_its_begin() {
    check_three_keys(
        preempted(),
        "gc-compact all forced; put a@50+3 c@50+3; flush; gc; reduced; gc-compact all
         gc-compact all; gc-compact all; reduced; layers; get a@50 b@50 c@50",
        "3 replaced by image MIN..b@30, preempted; cutoff 50, 0 gone; reduced 0, to 30 from b
         2 replaced by image b..c@30, preempted; 2 replaced by image c..d@30, preempted
         0 replaced; reduced 30
         image MIN..b@30, image b..c@30, image c..d@30, delta 31..41, delta 41..51
         a@50 = 0123, b@50 = 012, c@50 = 013",
    );
}
