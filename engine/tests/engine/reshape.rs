//! Compaction and images: layers change, and no answer changes.

use palimpsest::Options;
use palimpsest::base::{LayerName, Lsn, LsnRange};
use palimpsest::format::Index;

use crate::script::{Stage, check, check_with};

/// Options with this target. When a compaction cuts, the last value of an L0 counts with the
/// padding of its block.
fn layer_len_target(layer_len_target: u64) -> Options {
    Options {
        layer_len_target,
        ..Options::default()
    }
}

/// Options with which one delta makes an image due.
fn due_at_once() -> Options {
    Options {
        image_delta_count_trigger: 1,
        ..Options::default()
    }
}

#[test]
fn an_image_hides_older_deltas() {
    check(
        "create 10; put a@20=x; put a@30+y; flush; images forced; put a@40+z
         get a@29 a@30 a@40; visits a@29; visits a@30; visits a@40",
        "a@29 = x, a@30 = xy, a@40 = xyz
         delta 11..31; image all@30; memory 31.., image all@30",
    );
}

#[test]
fn a_key_that_an_image_does_not_have_has_no_history() {
    check(
        "create 10; put a@20=x; flush; images forced; get b@20; visits b@20; many a b@20
         scan a..c@20",
        "b@20 none; image all@20; a@20 = x; a@20 = x",
    );
}

#[test]
fn an_image_inside_of_a_deltas_lsns_is_visited_between_its_records() {
    check(
        "create 10; put a@20=1; flush; images forced; put a@30+2; flush; compact forced; layers
         get a@19 a@20 a@29 a@30; visits a@19; visits a@20; visits a@29; visits a@30",
        "delta a..b@11..31, image all@20; a@19 none, a@20 = 1, a@29 = 1, a@30 = 12
         delta a..b@11..31; image all@20
         delta a..b@11..31 to 21, image all@20; delta a..b@11..31 to 21, image all@20",
    );
}

#[test]
fn keys_of_one_read_visit_a_layer_with_different_floors() {
    check(
        "create 10; put a@20+1 b@20=2; flush; images forced; put a@30=3 b@30+4; flush
         compact forced; layers; many a b c@30; visits a@30; visits b@30; many a b@20
         scan MIN..MAX@29; many c@30",
        "delta a..c@11..31, image MIN..a@20, image b..MAX@20
         a@30 = 3, b@30 = 24; delta a..c@11..31; delta a..c@11..31 to 21, image b..MAX@20
         a@20: no base, b@20 = 2; a@29: no base, b@29 = 2; none",
    );
}

#[test]
fn a_compaction_by_need_waits_until_there_are_enough_l0s() {
    let options = Options {
        l0_count_trigger: 3,
        ..Options::default()
    };
    check_with(
        options,
        "create 10; compact; compact forced; put a@20=1; flush; put b@30=2; flush; compact
         put a@40+3; flush; compact; layers; compact; get a@40 b@40 a@39",
        "compact: idle; compact: idle; compact: idle
         delta a..c@11..41; compact: idle; a@40 = 13, b@40 = 2, a@39 = 1",
    );
}

#[test]
fn a_compaction_takes_the_oldest_l0s_up_to_the_length_limit() {
    let options = Options {
        l0_run_len_max: 1,
        ..Options::default()
    };
    check_with(
        options,
        "create 10; put a@20=1; flush; put a@30+2; flush; put a@40+3; flush; compact forced; layers
         compact forced; layers; get a@20 a@30 a@40; visits a@40",
        "delta a..b@11..31, delta 31..41; delta a..b@11..31, delta a..b@31..41
         a@20 = 1, a@30 = 12, a@40 = 123
         delta a..b@31..41, delta a..b@11..31",
    );
}

/// The first L0 counts as well: it used to be taken for nothing.
#[test]
fn a_compaction_counts_the_first_l0() {
    let options = Options {
        l0_run_len_max: 60_000,
        ..Options::default()
    };
    check_with(
        options,
        "create 10; put a@20=x*40000; flush; put a@30+2; flush; put a@40+3; flush; compact forced
         layers",
        "delta a..b@11..31, delta 31..41",
    );
}

#[test]
fn keys_are_cut_where_a_layer_is_long_enough() {
    check_with(
        layer_len_target(50_000),
        "create 10; put a@20=x*20000 b@20=x*20000 c@20=x*20000; flush; put a@30+y c@30+z d@30=w
         flush; compact forced; layers; many a b c d@30; scan b..d@29",
        "delta a..c@11..31, delta c..e@11..31
         a@30 = x*20000y, b@30 = x*20000, c@30 = x*20000z, d@30 = w
         b@29 = x*20000, c@29 = x*20000",
    );
}

#[test]
fn a_fat_key_is_cut_by_lsn() {
    check_with(
        layer_len_target(50_000),
        "create 10; put a@20=s b@20=x*20000 c@20=t; flush; put b@30+y*20000 c@30+u; flush
         put b@40+z*20000 c@40+v; flush; compact forced; layers
         get a@40 b@20 b@30 b@40 c@40; visits b@40; visits b@39; visits c@40",
        "delta b..c@11..40, delta a..b@11..41, delta c..d@11..41, delta b..c@40..41
         a@40 = s, b@20 = x*20000, b@30 = x*20000y*20000, b@40 = x*20000y*20000z*20000, c@40 = tuv
         delta b..c@40..41, delta b..c@11..40; delta b..c@11..40; delta c..d@11..41",
    );
}

#[test]
fn images_are_made_where_enough_deltas_stand_above_the_newest() {
    check(
        "create 10; put a@20=1; flush; put a@30+2; flush; images; layers; put a@40+3; flush; images
         images; layers; put a@50+4; flush; images; layers; images forced; layers; images forced
         get a@50; visits a@50",
        "images: idle; delta 11..21, delta 21..31
         images: idle; delta 11..21, delta 21..31, delta 31..41, image all@40
         images: idle; delta 11..21, delta 21..31, delta 31..41, image all@40, delta 41..51
         delta 11..21, delta 21..31, delta 31..41, image all@40, delta 41..51, image all@50
         images: idle; a@50 = 1234; image all@50",
    );
}

#[test]
fn declared_keys_without_a_value_cost_no_image() {
    check_with(
        layer_len_target(2 * 8192),
        "create 10; declare a..y; put a@20=1 b@20=2 d@20=4 e@20=5; flush; images forced; layers
         get a@20 b@20 c@20 d@20 e@20; scan MIN..MAX@20",
        "delta 11..21, image all@20
         a@20 = 1, b@20 = 2, c@20 none, d@20 = 4, e@20 = 5
         a@20 = 1, b@20 = 2, d@20 = 4, e@20 = 5",
    );
}

#[test]
fn an_image_is_cut_when_it_is_long_enough() {
    check_with(
        Options {
            image_compression: palimpsest::format::Compression::None,
            ..layer_len_target(100)
        },
        "create 10; put a@20=x*90 b@20=x*90 c@20=x d@20=x; flush; images forced; layers
         scan MIN..MAX@20",
        "delta 11..21, image MIN..c@20, image c..MAX@20
         a@20 = x*90, b@20 = x*90, c@20 = x, d@20 = x",
    );
}

#[test]
fn images_leave_out_a_key_whose_records_cannot_be_replayed() {
    check(
        "create 10; put a@20=x b@20+y c@20=z d@20=w; put d@30?v; flush; images forced; layers
         get a@30 b@30 c@30 d@30 e@30; images forced; put b@40=new d@40=new; flush; images forced
         layers; get b@30 b@40 d@40",
        "delta 11..31, image MIN..b@30, image c..d@30, image e..MAX@30
         a@30 = x, b@30: no base, c@30 = z, d@30: redo, e@30 none
         images: idle
         delta 11..31, image MIN..b@30, image c..d@30, image e..MAX@30, delta 31..41, image all@40
         b@30: no base, b@40 = new, d@40 = new",
    );
}

/// Each record used to make the images of all keys again: the deltas over the two keys stand above
/// no image, and were taken for new ones.
#[test]
fn image_creation_by_need_rests_beside_neighbouring_keys_that_have_no_value() {
    check_with(
        due_at_once(),
        "create 10; put a@20=x b@20+y c@20+y d@20=w; flush; compact forced; images; layers; images
         put a@30=v; flush; images; compact forced; images; layers; images
         drop; open; images; layers; images; put a@40=u; flush; images",
        "delta a..e@11..21, image MIN..b@20, image d..MAX@20; images: idle
         images: idle
         delta a..e@11..21, image MIN..b@20, image d..MAX@20, delta a..b@21..31, \
         image MIN..b@30, image d..MAX@30
         images: idle
         images: idle
         delta a..e@11..21, image MIN..b@20, image d..MAX@20, delta a..b@21..31, \
         image MIN..b@30, image d..MAX@30
         images: idle; images: idle",
    );
}

#[test]
fn image_creation_by_need_rests_beside_an_image_that_no_newer_one_can_follow() {
    check_with(
        due_at_once(),
        "create 10; put a@20=x b@20=y c@20=z; flush; images; layers; put b@30?v; flush
         compact forced; images; layers; put a@40=u; flush; images; get b@20 b@40
         put b@50=w; flush; compact forced; images; layers",
        "delta 11..21, image all@20
         delta a..d@11..31, image all@20, image MIN..b@30, image c..MAX@30
         images: idle; b@20 = y, b@40: redo
         delta a..d@11..31, image all@20, image MIN..b@30, image c..MAX@30, \
         delta a..c@31..51, image all@50",
    );
}

#[test]
fn images_stop_for_waiting_l0s_and_resume_where_they_stopped() {
    let options = Options {
        layer_len_target: 1,
        scan_key_count_max: 1,
        image_preempt_l0_count: 1,
        ..Options::default()
    };
    check_with(
        options,
        "create 10; declare a..d; put a@20=1 b@20=2 c@20=3; flush
         images forced; layers; images forced; layers; images forced; images forced; layers
         scan MIN..MAX@20",
        "images: preempted; delta 11..21, image MIN..b@20
         images: preempted; delta 11..21, image MIN..b@20, image b..c@20
         images: idle; delta 11..21, image MIN..b@20, image b..c@20, image c..MAX@20
         a@20 = 1, b@20 = 2, c@20 = 3",
    );
}

#[test]
fn images_of_a_timeline_without_records_are_not_made() {
    check("create 10; images forced; put a@20=x; images forced", {
        "images: idle; images: idle"
    });
}

#[test]
fn reshaped_layers_survive_a_restart() {
    for end in ["drop", "kill", "shutdown; drop"] {
        check(
            &format!(
                "create 10; put a@20=1 b@20=2; flush; images forced; put a@30+3; flush
                 compact forced; put b@40+4; flush; layers; files; {end}
                 open; layers; files; get a@20 a@40 b@40; visits a@40"
            ),
            "delta a..c@11..31, image all@20, delta 31..41
             delta:31..41/1 delta:a..c@11..31/1 image:all@20/1 index
             delta a..c@11..31, image all@20, delta 31..41
             delta:31..41/1 delta:a..c@11..31/1 image:all@20/1 index
             a@20 = 1, a@40 = 13, b@40 = 24
             delta 31..41, delta a..c@11..31 to 21, image all@20",
        );
    }
}

/// A job that is killed anywhere before its index is durable leaves files that no index names.
#[test]
fn orphans_of_an_interrupted_job_are_removed_at_open() {
    let prepare = "create 10; put a@20=1; flush; put a@30+2; flush";
    check(
        &format!(
            "{prepare}; park compact index replace; start compact forced; kill; files
             open; files; layers; get a@20 a@30"
        ),
        "compact parked
         delta:11..21/1 delta:21..31/1 delta:a..b@11..31/1 index temp-index/1._
         delta:11..21/1 delta:21..31/1 index; delta 11..21, delta 21..31; a@20 = 1, a@30 = 12",
    );
    check(
        &format!(
            "{prepare}; park image image sync; start images forced; kill; files
             open; files; get a@20 a@30; resume; images forced; files; get a@30"
        ),
        "images parked
         delta:11..21/1 delta:21..31/1 index temp-image:all@30/1._
         delta:11..21/1 delta:21..31/1 index; a@20 = 1, a@30 = 12
         delta:11..21/1 delta:21..31/1 image:all@30/2 index; a@30 = 12",
    );
}

/// Two deltas that overlap in keys and LSNs, which no writer makes.
#[test]
fn an_index_whose_deltas_overlap_is_refused_and_nothing_is_removed() {
    let mut stage = Stage::new(Options::default());
    stage.play_all("create 10; put a@20=1; flush; put a@30+2; flush; images forced; drop");
    let path = stage.dir().join("index");
    let whole = std::fs::read(&path).unwrap();
    let mut index = Index::decode(&whole).unwrap();
    let second = index.layers.get_mut(1).expect("there are two deltas");
    let LayerName::Delta { lsns, .. } = &mut second.name else {
        panic!("{} is no delta", second.name);
    };
    *lsns = LsnRange::new(Lsn(20), lsns.end);
    std::fs::write(&path, index.encode()).unwrap();
    let files = "delta:11..21/1 delta:21..31/1 image:all@30/1 index";
    assert_eq!(
        stage.play_all("open; files"),
        ["open: corrupt index", files]
    );
    std::fs::write(&path, whole).unwrap();
    let found = stage.play_all("open; layers; get a@29 a@30; files");
    let layers = "delta 11..21, delta 21..31, image all@30";
    assert_eq!(found, [layers, "a@29 = 1, a@30 = 12", files]);
}

#[test]
fn one_round_of_maintenance_does_what_is_due() {
    let options = Options {
        l0_count_trigger: 2,
        image_delta_count_trigger: 1,
        gc_distance: 0,
        gc_age: std::time::Duration::ZERO,
        ..Options::default()
    };
    check_with(
        options,
        "create 10; put a@20=1; freeze; maintain; layers; put a@30+2; freeze; put a@40+3; maintain
         layers; get a@30 a@40 a@29; cutoff; maintain; layers",
        "image all@20
         image all@30, open 31..
         a@30 = 12, a@40 = 123, a@29: below the cutoff; cutoff 30
         image all@30, open 31..",
    );
}
