//! Tiered compaction: what is merged, what it leaves, and what a crash leaves of it.

use palimpsest::{Options, Strategy};

use crate::script::{check_with, keep};

/// Two deltas in one level are merged; levels of 10, 20 and 40 LSNs; a few records to a layer.
fn tiered() -> Options {
    Options {
        strategy: Strategy::Tiered,
        l0_count_trigger: 2,
        tier_distance: 10,
        layer_len_target: 20_000,
        ..keep(1000)
    }
}

#[test]
fn l0s_are_merged_and_cut_by_length() {
    check_with(
        tiered(),
        "create 9; strategy; put a@10=x*9000 c@10=x*9000 e@10=x*19000; flush; compact
         put b@20=y*9000 d@20=y*9000; flush; compact; layers; compact; get a@20 b@20 e@20 b@19",
        "tiered; compact: idle
         delta a..d@10..21, delta d..f@10..21; compact: idle
         a@20 = x*9000, b@20 = y*9000, e@20 = x*19000, b@19 none",
    );
}

#[test]
fn what_was_merged_is_merged_again_with_its_like() {
    check_with(
        Options {
            layer_len_target: 100_000,
            ..tiered()
        },
        "create 9; put a@19=0 b@19=0; flush; put a@29+1; flush; compact; layers
         put a@39+2; flush; compact; put b@49+3; flush; compact; layers
         compact; layers; maintain; compact; get a@49 b@49 a@38 a@19",
        "delta a..c@10..30; compact: idle; delta a..c@10..30, delta a..c@30..50
         delta a..c@10..50; compact: idle; a@49 = 012, b@49 = 03, a@38 = 01, a@19 = 0",
    );
}

#[test]
fn the_strategy_changes_at_any_time_and_outlives_the_engine() {
    check_with(
        Options {
            strategy: Strategy::L0ToL1,
            layer_len_target: 100_000,
            ..tiered()
        },
        "create 9; put a@10=0; flush; put a@20+1; flush; compact; layers
         strategy tiered; put a@30+2; flush; put a@40+3; flush; compact; layers
         drop; open; strategy; put a@50+4; flush; put a@60+5; flush; compact; compact; layers
         strategy l0-to-l1; put a@70+6; flush; put a@80+7; flush; compact; layers
         drop; open; strategy; get a@80 a@45; branch b at 80; strategy",
        "delta a..b@10..21; delta a..b@10..41; tiered; compact: idle
         delta a..b@10..41, delta a..b@41..61
         delta a..b@10..41, delta a..b@41..61, delta a..b@61..81
         l0-to-l1; a@80 = 01234567, a@45 = 0123; l0-to-l1",
    );
}

#[test]
fn a_strategy_that_was_not_durable_holds_until_a_crash() {
    check_with(
        Options::default(),
        "create 9; fail replace 1; strategy tiered; heal; strategy; kill; open; strategy
         fail replace 1; strategy tiered; heal; strategy tiered; kill; open; strategy",
        "strategy: io fault 1; tiered; l0-to-l1; strategy: io fault 2; tiered",
    );
}

#[test]
fn a_fat_key_is_cut_by_lsn_and_is_not_due_again() {
    check_with(
        tiered(),
        "create 9; put a@10=0 b@10=x*9000; put b@15+y*9000; flush; put b@20+z*9000 c@20=0; flush
         compact; layers; compact; get b@14 c@20",
        "delta b..c@10..15, delta a..b@10..21, delta c..d@10..21, delta b..c@15..20, \
         delta b..c@20..21
         compact: idle; b@14 = x*9000, c@20 = 0",
    );
}

#[test]
fn a_level_longer_than_its_pages_gets_images_and_is_merged_for_its_l0s() {
    check_with(
        Options {
            layer_len_target: 100_000,
            ..tiered()
        },
        "create 9; put a@10=x*9000 b@10=y; flush; declare a..c; put a@20=z*9000; flush
         compact; layers; compact; layers; compact; get a@20 a@15 b@20
         put a@30+1; flush; put b@40+2; flush; compact; compact; layers; get a@40 b@40 a@15",
        "delta 10..11, delta 11..21, image all@20; delta a..c@10..21, image all@20; compact: idle
         a@20 = z*9000, a@15 = x*9000, b@20 = y
         delta a..c@10..41, image all@20, image all@40; a@40 = z*90001, b@40 = y2, a@15 = x*9000",
    );
}

#[test]
fn a_merge_beside_a_reader_and_a_collection_changes_no_answer() {
    check_with(
        Options {
            gc_distance: 0,
            ..tiered()
        },
        "create 9; put a@10=0 b@10=0; flush; images forced; put a@20+1; flush; images forced
         put a@30+2 b@30+2; flush; park compact delta write; start compact
         gc; layers; resume; end; layers; compact; layers; get a@30 b@30",
        "compact parked; cutoff 30, 3 gone; image all@20, delta 21..31; compact: superseded
         image all@20, delta 21..31; compact: idle
         image all@20, delta 21..31; a@30 = 012, b@30 = 02",
    );
}
