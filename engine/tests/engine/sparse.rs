//! Sparse keys: absence is no error, an empty image deletes, and some keys are not inherited.
//!
//! In these scripts the keys from p up to s are sparse, those from s up to v are not inherited.

use palimpsest::base::{KeyRange, KeySpace};
use palimpsest::{Options, SparseKeys};

use crate::script::{Stage, check_with, keep};
use crate::words::keys;

/// Options with sparse keys, which keep history for this many LSNs.
fn sparse(gc_distance: u64) -> Options {
    let space = |range: &str| KeySpace::from_ranges([keys(range)]);
    Options {
        sparse_keys: SparseKeys::new(space("p..t"), space("s..v")),
        ..keep(gc_distance)
    }
}

#[test]
fn an_empty_image_deletes_a_sparse_key_and_no_other() {
    check_with(
        sparse(0),
        "create 8; put a@10=1 p@10=1 q@10=2; put a@20= p@20=; put p@30+3; get a@10 p@10 q@10
         get a@20 p@20 q@20; many a p q r@20; scan MIN..MAX@20; get p@30; flush; many a p q r@20
         compact forced; many p q@20; get p@30; visits p@20",
        "a@10 = 1, p@10 = 1, q@10 = 2; a@20 = , p@20 none, q@20 = 2; a@20 = , q@20 = 2
         a@20 = , q@20 = 2; p@30 = 3; a@20 = , q@20 = 2; q@20 = 2; p@30 = 3
         delta a..r@9..31",
    );
}

#[test]
fn a_record_of_a_sparse_key_needs_no_base() {
    check_with(
        sparse(0),
        "create 8; put a@10+1 p@10+1; get a@10 p@10; put p@20+2; flush; branch b at 10; get p@10
         put p@30+3; get p@30; on main; images forced; get p@20",
        "a@10: no base, p@10 = 1; p@10 = 1; p@30 = 13; p@20 = 12",
    );
}

#[test]
fn a_branch_starts_without_the_keys_that_are_not_inherited() {
    check_with(
        sparse(0),
        "create 8; put a@10=1 p@10=1 s@10=1 t@10=1 v@10=1; flush; branch b at 10
         get a@10 p@10 s@10 t@10 v@10; many a p s t v@10; put s@20+2 t@20+2 p@20+2
         get s@20 t@20 p@20; flush; images forced; get s@20 p@20; branch c at 20; get s@20 p@20 v@20
         on main; get s@10 t@10",
        "a@10 = 1, p@10 = 1, s@10 none, t@10 none, v@10 = 1; a@10 = 1, p@10 = 1, v@10 = 1
         s@20 = 2, t@20: no base, p@20 = 12; s@20 = 2, p@20 = 12; s@20 none, p@20 = 12, v@20 = 1
         s@10 = 1, t@10 = 1",
    );
}

#[test]
fn an_image_of_sparse_keys_leaves_out_what_is_empty() {
    check_with(
        sparse(0),
        "create 8; put a@10=1 p@10=1 q@10=2; put p@20=; flush; images forced; layers
         get p@20 q@20; gc; layers; get p@20 q@20; put q@30=; flush; images forced; layers; get q@30
         images forced; put p@40=4; get p@40 q@40",
        "delta 9..21, image MIN..p@20, image p..t@20, image t..MAX@20
         p@20 none, q@20 = 2; cutoff 20, 1 gone
         image MIN..p@20, image p..t@20, image t..MAX@20; p@20 none, q@20 = 2
         image MIN..p@20, image p..t@20, image t..MAX@20, delta 21..31, image MIN..p@30, \
         image t..MAX@30
         q@30 none; images: idle; p@40 = 4, q@40 none",
    );
}

/// By need, sparse keys without a value are looked at again once as many deltas came as make images
/// due.
#[test]
fn sparse_keys_without_a_value_are_looked_at_as_often_as_others() {
    let options = Options {
        image_delta_count_trigger: 1,
        sparse_image_delta_count_trigger: 1,
        ..sparse(0)
    };
    check_with(
        options,
        "create 8; put p@10=1; put p@20=; put a@20=1; flush; compact forced; images; layers; images
         put q@30=1; flush; compact forced; images; layers",
        "delta a..q@9..21, image MIN..p@20; images: idle
         delta a..q@9..21, image MIN..p@20, delta q..r@21..31, image p..t@30",
    );
}

/// #11318 and #12618 of a peer: the merge saw records alone, so the older value that a branch keeps
/// came back at the cutoff.
#[test]
fn what_an_image_lacks_is_deleted_in_a_gc_compaction_too() {
    check_with(
        sparse(0),
        "create 8; put p@10=1 q@10=2; flush; branch b at 10; on main; put p@20=; flush
         images forced; gc; layers; gc-compact; layers; get p@20 q@20; gc-compact; layers
         put a@30=1; flush; gc; gc-compact; get p@30 q@30; on b; get p@10 q@10",
        "cutoff 20, 1 gone; delta 9..11, image MIN..p@20, image p..t@20, image t..MAX@20
         4 replaced by delta p..r@10..21, image all@10; image all@10, delta p..r@10..21
         p@20 none, q@20 = 2
         2 replaced by delta p..r@10..21, image all@10; image all@10, delta p..r@10..21
         cutoff 30, 0 gone; 3 replaced by delta a..r@10..31, image all@10
         p@30 none, q@30 = 2; p@10 = 1, q@10 = 2",
    );
}

/// On a branch an image may be all that says that a key of the ancestor is deleted.
#[test]
fn a_deletion_that_only_an_image_has_stays_on_a_branch() {
    check_with(
        sparse(0),
        "create 8; put p@10=1 q@10=2 r@10=3 s@10=4; flush; branch b at 10; put p@20= r@20=
         put a@20=1; flush; images forced; gc; layers; put a@30=2; flush; gc; gc-compact; layers
         get p@30 q@30 r@30 s@30; gc-compact; layers; many p q r s@30",
        "cutoff 20, 1 gone; image MIN..p@20, image p..t@20, image t..MAX@20
         cutoff 30, 0 gone; 4 replaced by delta a..s@11..31; delta a..s@11..31
         p@30 none, q@30 = 2, r@30 none, s@30 none
         1 replaced by delta a..s@11..31; delta a..s@11..31; q@30 = 2",
    );
}

#[test]
fn a_deletion_at_the_bottom_of_a_root_is_nothing() {
    check_with(
        sparse(0),
        "create 8; put p@10=1; flush; put p@20=; flush; gc; gc-compact; layers; get p@20
         put p@30+5; flush; gc; gc-compact from 25; layers; get p@30; gc-compact; get p@30",
        "cutoff 20, 0 gone; 2 replaced; no layer; p@20 none; cutoff 30, 0 gone
         1 replaced by delta p..q@21..31; delta p..q@21..31; p@30 = 5
         1 replaced by image all@30; p@30 = 5",
    );
}

/// The image at LSN 10 is wider than the range, and stays: a deletion above it must stay too.
#[test]
fn a_deletion_over_an_image_that_stays_is_kept() {
    check_with(
        sparse(0),
        "create 8; put p@10=1 r@10=2; flush; images forced; put p@20=; flush; gc; gc-compact p..q
         layers; get p@20 r@20; gc-compact p..q; layers; gc-compact; layers; get p@20 r@20",
        "cutoff 20, 1 gone; 1 replaced by delta p..q@20..21
         image MIN..p@10, image p..t@10, image t..MAX@10, delta p..q@20..21
         p@20 none, r@20 = 2; 1 replaced by delta p..q@20..21
         image MIN..p@10, image p..t@10, image t..MAX@10, delta p..q@20..21
         4 replaced by image all@20; image all@20; p@20 none, r@20 = 2",
    );
}

#[test]
fn a_deletion_above_older_layers_stays() {
    check_with(
        sparse(0),
        "create 8; put p@10=1 q@10=2; flush; put p@20= q@20+3; flush; put a@30=1; flush; gc
         gc-compact from 15; layers; get p@30 q@30; gc-compact; layers; get p@30 q@30",
        "cutoff 30, 0 gone; 2 replaced by delta a..r@11..31; delta 9..11, delta a..r@11..31
         p@30 none, q@30 = 23; 2 replaced by image all@30; image all@30; p@30 none, q@30 = 23",
    );
}

#[test]
fn a_timeline_is_refused_that_was_created_with_other_sparse_keys() {
    let mut stage = Stage::new(sparse(0));
    assert!(
        stage
            .play_all("create 8; put p@10=; flush; drop; open; get p@10; drop")
            .len()
            == 1
    );
    stage.set_options(keep(0));
    assert_eq!(stage.play_all("open; drop"), ["open: refused"]);
    stage.set_options(Options {
        sparse_keys: SparseKeys::new(KeySpace::from_ranges([KeyRange::ALL]), KeySpace::new()),
        ..keep(0)
    });
    assert_eq!(stage.play_all("open; drop"), ["open: refused"]);
    stage.set_options(sparse(0));
    assert_eq!(stage.play_all("open; get p@10"), ["p@10 none"]);
}
