//! GC compaction: of the history below the cutoff only what can be read stays.

use palimpsest::{Compression, Options};

use crate::script::{check, check_with, keep};

#[test]
fn what_lies_below_the_cutoff_becomes_one_image() {
    check_with(
        keep(0),
        "create 8; put a@10=0 b@10=0 c@10=0; flush; put a@20+1 b@30=2; flush; gc; put c@40+3; flush
         gc-compact dry; layers; gc-compact; layers; files; get a@30 b@30 c@30 a@40 b@40 c@40
         gc-compact; layers",
        "cutoff 30, 0 gone
         2 replaced by image all@30; delta 9..11, delta 11..31, delta 31..41
         2 replaced by image all@30; image all@30, delta 31..41; delta:31..41/1 image:all@30/2 index
         a@30 = 01, b@30 = 2, c@30 = 0, a@40 = 01, b@40 = 2, c@40 = 03
         gc-compact idle; image all@30, delta 31..41",
    );
}

#[test]
fn a_retained_lsn_keeps_its_values_and_nothing_else_below_the_cutoff() {
    check_with(
        keep(0),
        "create 8; put a@10=0; put a@15+1; put a@20+2; put a@25+3; put a@30+4; flush
         branch b at 20; on main; gc; gc-compact; layers; get a@30; on b; get a@20; on main
         gc-compact; layers; get a@19",
        "cutoff 30, 0 gone; 1 replaced by delta a..b@20..31, image all@20
         image all@20, delta a..b@20..31; a@30 = 01234; a@20 = 012
         2 replaced by delta a..b@20..31, image all@20; image all@20, delta a..b@20..31
         a@19: below the cutoff",
    );
}

#[test]
fn a_second_run_in_one_life_writes_under_a_generation_of_its_own() {
    check_with(
        keep(0),
        "create 8; put a@10=0; put a@20+1; flush; branch b at 10; on main; gc
         gc-compact; files; gc-compact; files; generation; put a@30+2; flush; files
         drop; open; generation; get a@30",
        "cutoff 20, 0 gone
         1 replaced by delta a..b@10..21, image all@10; delta:a..b@10..21/2 image:all@10/2 index
         2 replaced by delta a..b@10..21, image all@10; delta:a..b@10..21/3 image:all@10/3 index
         generation 1; delta:21..31/1 delta:a..b@10..21/3 image:all@10/3 index; generation 4
         a@30 = 012",
    );
}

#[test]
fn a_branch_takes_its_base_from_below_and_needs_none() {
    check_with(
        keep(0),
        "create 8; put a@10=0; put a@20+1; flush; branch b at 20; put a@30+2 c@30=7; flush
         put a@40+3; flush; gc; gc-compact; layers; get a@40 c@40; gc-compact; layers",
        "cutoff 40, 0 gone; 2 replaced by delta a..d@21..41; delta a..d@21..41
         a@40 = 0123, c@40 = 7; 1 replaced by delta a..d@21..41; delta a..d@21..41",
    );
}

/// A record at the floor is applied once: the base is the value below it.
#[test]
fn a_start_in_the_middle_leaves_what_lies_below() {
    let options = Options {
        history_record_count_trigger: 2,
        ..keep(0)
    };
    check_with(
        options,
        "create 8; put a@10=A; flush; put a@20+b; flush; put a@28+c; put a@32+d; flush; gc
         gc-compact from 27; layers; get a@32; gc-compact from 15 dry",
        "cutoff 32, 0 gone; 1 replaced by delta a..b@21..33
         delta 9..11, delta 11..21, delta a..b@21..33; a@32 = Abcd
         2 replaced by delta a..b@11..33",
    );
}

#[test]
fn a_key_without_a_value_stays_as_it_is() {
    check_with(
        keep(0),
        "create 8; put a@10=0 b@10+9 c@10=0; flush; put b@20+9 c@20+1; flush; gc; gc-compact; layers
         get a@20 b@20 c@20; put b@30=5; flush; gc; gc-compact; layers; get b@30",
        "cutoff 20, 0 gone
         2 replaced by image MIN..b@20, delta b..c@9..21, image c..MAX@20
         delta b..c@9..21, image MIN..b@20, image c..MAX@20
         a@20 = 0, b@20: no base, c@20 = 01; cutoff 30, 0 gone
         4 replaced by image all@30; image all@30; b@30 = 5",
    );
}

#[test]
fn an_end_below_the_cutoff_keeps_all_above_it() {
    check_with(
        keep(0),
        "create 8; put a@10=0; put a@20+1; put a@30+2; flush; gc; gc-compact to 21
         layers; get a@30",
        "cutoff 30, 0 gone; 1 replaced by delta a..b@20..31, image all@20
         image all@20, delta a..b@20..31; a@30 = 012",
    );
}

#[test]
fn a_history_longer_than_its_limit_is_refused_and_stays() {
    let options = Options {
        history_len_max: 100,
        ..keep(0)
    };
    check_with(
        options,
        "create 8; put a@10=0; put b@20=x*200; flush; gc; gc-compact; layers; gc-compact MIN..b
         layers; get a@20",
        "cutoff 20, 0 gone; gc-compact: refused; delta 9..21
         1 replaced by delta b..MAX@9..21, image MIN..b@20
         delta b..MAX@9..21, image MIN..b@20; a@20 = 0",
    );
}

#[test]
fn a_fat_key_is_cut_by_lsn() {
    let options = Options {
        layer_len_target: 100,
        history_record_count_trigger: 9,
        ..keep(0)
    };
    check_with(
        options,
        "create 8; put a@10=0 b@10=0; put a@20+x*60; put a@30+y*60; put a@40+z*60; flush
         branch b at 10; on main; branch c at 20; on main; branch d at 30; on main; gc; gc-compact
         layers; get a@40; on c; get a@20",
        "cutoff 40, 0 gone
         1 replaced by delta a..b@10..30, delta a..b@30..40, delta a..b@40..41, image all@10
         image all@10, delta a..b@10..30, delta a..b@30..40, delta a..b@40..41
         a@40 = 0x*60y*60z*60; a@20 = 0x*60",
    );
}

/// Values at two cutoffs, and at two branch points below them, dry, run and run again.
#[test]
fn the_values_at_each_point_stay_as_the_cutoff_moves_on() {
    let script = "create 8; put a@10=0 b@10=0 c@10=0 d@10=0; flush; images forced
         put b@20+1; put d@28+2; put c@30+3 d@30+3; put d@40+4; flush
         branch x at 10; on main; branch y at 20; on main; put e@48=8; flush; gc
         gc-compact dry; gc-compact; gc-compact; layers; get b@48 c@48 d@48 d@30 e@48
         put e@56+9; flush; gc; gc-compact; gc-compact; layers; get d@38 d@48 e@56
         on x; get a@10 b@10 c@10; on y; get a@20 b@20 c@20";
    check_with(
        keep(18),
        script,
        "cutoff 30, 1 gone; 2 replaced by delta b..e@10..41, image all@10
         2 replaced by delta b..e@10..41, image all@10
         2 replaced by delta b..e@10..41, image all@10
         image all@10, delta b..e@10..41, delta 41..49
         b@48 = 01, c@48 = 03, d@48 = 0234, d@30 = 023, e@48 = 8
         cutoff 38, 0 gone; 2 replaced by delta b..e@10..41, image all@10
         2 replaced by delta b..e@10..41, image all@10
         image all@10, delta b..e@10..41, delta 41..49, delta 49..57
         d@38 = 023, d@48 = 0234, e@56 = 89
         a@10 = 0, b@10 = 0, c@10 = 0; a@20 = 0, b@20 = 01, c@20 = 0",
    );
}

/// Images abut from the start of the range to its end; a delta ends behind its last key.
#[test]
fn layers_are_cut_while_they_are_written() {
    let options = Options {
        layer_len_target: 150,
        image_compression: Compression::None,
        ..keep(0)
    };
    check_with(
        options,
        "create 8; put a@10=w*60 b@10=x*60 c@10=y*60 d@10=z*60 e@10=z*60
         put a@20+1 b@20+1 d@20+2 e@20=v*90; flush; branch b at 10; on main; gc
         gc-compact; get a@20 b@20 c@20 d@20 e@20; gc-compact a..e dry",
        "cutoff 20, 0 gone
         1 replaced by image MIN..d@10, delta a..e@10..21, delta e..f@10..21, image d..MAX@10
         a@20 = w*601, b@20 = x*601, c@20 = y*60, d@20 = z*602, e@20 = v*90
         1 replaced by image a..d@10, delta a..e@10..21, image d..e@10",
    );
}

#[test]
fn nothing_is_done_without_a_cutoff() {
    check(
        "create 8; put a@10=0; flush; gc-compact; layers",
        "gc-compact idle; delta 9..11",
    );
}

#[test]
fn a_dry_run_changes_nothing() {
    check_with(
        keep(0),
        "create 8; put a@10=0 b@10=1; flush; put a@20+1 b@20=1; flush; gc; watch
         gc-compact a..b dry; changes; files; generation",
        "cutoff 20, 0 gone
         2 replaced by delta b..MAX@9..11, delta b..MAX@11..21, image a..b@20
         no change; delta:11..21/1 delta:9..11/1 index; generation 1",
    );
}

#[test]
fn a_compaction_beside_takes_the_layers_or_loses_them() {
    check_with(
        keep(0),
        "create 8; put a@10=0; flush; put a@20+1; flush; gc; park gc-compact image write
         start gc-compact; compact forced; resume; end; layers; get a@20; gc-compact; layers",
        "cutoff 20, 0 gone; gc-compact parked; 2 replaced by image all@20, superseded
         delta a..b@9..21; a@20 = 01
         1 replaced by image all@20; image all@20",
    );
}
