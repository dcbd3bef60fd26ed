//! Initial data: what a root begins with becomes images, if it stands at the first LSN alone.

use palimpsest::base::KeySpace;
use palimpsest::{Compression, Options, SparseKeys};

use crate::script::{check_with, keep};
use crate::words::keys;

#[test]
fn the_first_flush_of_a_root_writes_images_of_declared_keys() {
    check_with(
        keep(0),
        "create 8; declare a..e m..o; put a@9=1 c@9!2 d@9+3 n@9=5 z@9=4; flush; layers; lsns
         get a@9 b@9 c@9 d@9 n@9 z@9; visits a@9; visits z@9; put a@20+6; flush; layers; get a@20
         drop; open; layers; get a@9 c@9 n@9 z@9 a@20; compact forced; layers; get a@20 z@20",
        "delta 9..10, image a..d@9, image m..o@9; last 9, durable 9
         a@9 = 1, b@9 none, c@9 = 2, d@9: no base, n@9 = 5, z@9 = 4
         image a..d@9; delta 9..10
         delta 9..10, image a..d@9, image m..o@9, delta 10..21; a@20 = 16
         delta 9..10, image a..d@9, image m..o@9, delta 10..21
         a@9 = 1, c@9 = 2, n@9 = 5, z@9 = 4, a@20 = 16
         image a..d@9, image m..o@9, delta a..{@9..21; a@20 = 16, z@20 = 4",
    );
}

#[test]
fn sparse_keys_stay_in_the_delta_and_images_end_at_their_target() {
    let options = Options {
        layer_len_target: 50,
        image_compression: Compression::None,
        sparse_keys: SparseKeys::new(KeySpace::from_ranges([keys("c..e")]), KeySpace::new()),
        ..keep(0)
    };
    check_with(
        options,
        "create 8; declare a..z; put a@9=x*60 b@9=y*60 c@9=1 d@9= e@9=2; flush; layers
         many a b c d e f@9",
        "delta 9..10, image a..b@9, image b..c@9, image e..z@9
         a@9 = x*60, b@9 = y*60, c@9 = 1, e@9 = 2",
    );
}

#[test]
fn without_a_rest_there_is_no_delta() {
    check_with(
        keep(0),
        "create 8; declare a..z; put a@9=1; flush; layers; gc; layers; gc-compact; get a@9; drop
         open; get a@9; put a@10+2; get a@10",
        "image a..z@9; cutoff 9, 0 gone; image a..z@9; gc-compact idle; a@9 = 1; a@9 = 1
         a@10 = 12",
    );
}

#[test]
fn what_is_no_initial_data_becomes_a_delta() {
    check_with(
        keep(0),
        "create 8; declare a..z; put a@9=1; put a@10+2; flush; layers; put b@11=3; flush; layers
         branch b at 10; declare a..z; put a@11=4; flush; layers; get a@11",
        "delta 9..11; delta 9..11, delta 11..12; delta 11..12; a@11 = 4",
    );
}
