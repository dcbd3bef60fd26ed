//! Layers as a peer's tests make them: how many come of a history, where they end, and what a read
//! of many keys finds in them.

use palimpsest::base::{KeyRange, KeySpace, LayerName};
use palimpsest::timeline::{Effect, HistoryRange, Mode};
use palimpsest::{Batch, Compression, Key, Lsn, Options, Value, block_on};

use crate::script::{Stage, check, check_with, keep};

/// A key of the tests, above the lowest key that there is.
fn block(number: u32) -> Key {
    let first = Key {
        field4: 0x400C,
        ..Key::MIN
    };
    first.add(number)
}

fn blocks(start: u32, end: u32) -> KeyRange {
    KeyRange::new(block(start), block(end))
}

/// A timeline with values of these lengths, of keys from 0 on, at LSN 20.
fn stage(options: Options, lens: &[usize]) -> Stage {
    let mut stage = Stage::new(options);
    stage.play_all("create 9");
    let mut batch = Batch::new();
    for (number, len) in (0..).zip(lens) {
        let value = Value::Image(number_bytes(number, *len));
        batch.push(block(number), Lsn(20), &value).unwrap();
    }
    let put = async { stage.timeline().writer()?.put_batch(&batch).await };
    block_on(put).unwrap();
    stage.play_all("flush; gc");
    stage
}

fn number_bytes(number: u32, len: usize) -> Vec<u8> {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.resize(len, number as u8);
    bytes
}

/// The layers of a compaction as pairs of keys' numbers.
fn ends(names: impl IntoIterator<Item = LayerName>) -> Vec<(u32, u32)> {
    let ends = names.into_iter().map(|name| {
        let keys = name.keys();
        assert!(block(0) <= keys.start && keys.end < block(u32::MAX));
        (keys.start.field6, keys.end.field6)
    });
    ends.collect()
}

/// Rewrites the history of some keys, and returns the layers that were written.
fn reduce(stage: &Stage, keys: KeyRange, effect: Effect) -> Vec<LayerName> {
    let range = HistoryRange {
        keys,
        ..HistoryRange::ALL
    };
    block_on(stage.timeline().gc_compact(range, effect))
        .unwrap()
        .written
}

/// The file layers other than L0s.
fn cut(stage: &Stage) -> Vec<LayerName> {
    let map = stage.timeline().layers();
    let names = map.files().iter().map(|(name, _)| name);
    names.filter(|name| !name.is_l0()).collect()
}

fn uncompressed(layer_len_target: u64) -> Options {
    Options {
        layer_len_target,
        image_compression: Compression::None,
        ..keep(0)
    }
}

/// 2000 pages at a target of 4 MiB make four layers, of deltas and of images alike. They abut, the
/// first begins at the first key and the last ends behind the last; a dry run names the same.
#[test]
fn two_thousand_pages_become_four_layers() {
    let mut stage = stage(uncompressed(4 << 20), &[8192; 2000]);
    block_on(stage.timeline().compact(Mode::Forced)).unwrap();
    // A delta layer ends before the key that would be too much for it: 511 keys of 8208 bytes.
    let deltas = [(0, 511), (511, 1022), (1022, 1533), (1533, 2000)];
    assert_eq!(ends(cut(&stage)), deltas);
    let all = blocks(0, 2000);
    let dry = reduce(&stage, all, Effect::DryRun);
    // An image layer ends with the key that reaches the target: 512 keys of 8196 bytes.
    let images = [(0, 512), (512, 1024), (1024, 1536), (1536, 2000)];
    assert_eq!(ends(dry.iter().copied()), images);
    assert_eq!(ends(cut(&stage)), deltas);
    assert_eq!(reduce(&stage, all, Effect::Write), dry);
    assert_eq!(ends(cut(&stage)), images);
    assert_eq!(stage.play_all("generation"), ["generation 1"]);
}

/// A peer ends an image layer before the value that would make it too long, so that a small value
/// before a large one gets a layer of its own. Ours ends with the value that reaches the target: it
/// is at most one value too long, and none is nearly empty. Deltas are cut as the peer's.
#[test]
fn a_large_value_behind_a_small_one() {
    let cases: [(&[usize], &[_], &[_]); 3] = [
        (&[8], &[(0, 1)], &[(0, 1)]),
        (&[8, 8192], &[(0, 1), (1, 2)], &[(0, 2)]),
        (&[8192, 8], &[(0, 1), (1, 2)], &[(0, 1), (1, 2)]),
    ];
    for (lens, deltas, images) in cases {
        let stage = stage(uncompressed(4096), lens);
        block_on(stage.timeline().compact(Mode::Forced)).unwrap();
        assert_eq!(ends(cut(&stage)), deltas, "{lens:?}");
        let all = blocks(0, lens.len() as u32);
        reduce(&stage, all, Effect::Write);
        assert_eq!(ends(cut(&stage)), images, "{lens:?}");
    }
}

/// A peer never cuts inside of a key. Ours does, between two LSNs: reads of a key that is written
/// without end would come to one layer without end.
#[test]
fn a_key_of_many_values_is_cut_between_them() {
    let mut stage = Stage::new(uncompressed(100_000));
    stage.play_all("create 9; put a@18=0");
    let puts: Vec<String> = (19..69).map(|lsn| format!("put a@{lsn}=x*8000")).collect();
    stage.play_all(&puts.join("; "));
    let told = stage.play_all("flush; compact forced; layers; get a@18 a@30 a@31 a@68");
    let layers = "delta a..b@10..31, delta a..b@31..43, delta a..b@43..55, delta a..b@55..67, \
                  delta a..b@67..69";
    let values = "a@18 = 0, a@30 = x*8000, a@31 = x*8000, a@68 = x*8000";
    assert_eq!(told, [layers, values]);
}

/// A peer copies the records below an LSN to where a branch was parted from its ancestor. Ours
/// reads the ancestor there, so the branch has the same: what stands below the LSN, and no more.
#[test]
fn a_branch_has_what_stands_below_its_end() {
    let history = "put c@20=v*100; put c@30+w; put c@40!x; put c@50!y*134000; put c@60!z b@60=9";
    for (end, c, b) in [
        (61, "z", " = 9"),
        (51, "y*134000", " none"),
        (41, "x", " none"),
        (31, "v*100w", " none"),
        (21, "v*100", " none"),
    ] {
        let at = end - 1;
        let script = format!(
            "create 17; {history}; flush; branch p at {at}; get c@{at} b@{at}
             put c@70+!; flush; compact forced; images forced; get c@{at} b@{at} c@70; on main
             get c@60"
        );
        let (c, b) = (format!("c@{at} = {c}"), format!("b@{at}{b}"));
        let last = format!("c@70 = {}!", c.split_once("= ").unwrap().1);
        check(&script, &format!("{c}, {b}; {c}, {b}, {last}; c@60 = z"));
    }
}

/// A thousand keys in one image layer, of which those in some ranges are asked for: none other
/// comes, and none that has no value.
#[test]
fn a_read_of_ranges_finds_the_keys_inside_of_them() {
    let stage = stage(uncompressed(1 << 20), &[4; 1000]);
    reduce(&stage, blocks(0, 1000), Effect::Write);
    assert_eq!(ends(cut(&stage)), [(0, 1000)]);
    let cases: [&[(u32, u32)]; 4] = [
        &[(5, 10), (20, 30), (90, 110), (1000, 2000)],
        &[(0, 10), (20, 30), (90, 95)],
        &[(0, 1), (999, 1000)],
        &[(1000, 2000)],
    ];
    for ranges in cases {
        let asked = KeySpace::from_ranges(ranges.iter().map(|&(start, end)| blocks(start, end)));
        let found = block_on(stage.timeline().get_vectored(&asked, Lsn(20))).unwrap();
        let found: Vec<u32> = found
            .into_iter()
            .map(|(key, value)| {
                assert_eq!(value.unwrap(), number_bytes(key.field6, 4));
                key.field6
            })
            .collect();
        let inside = (0..1000).filter(|number| asked.contains(block(*number)));
        assert_eq!(found, inside.collect::<Vec<u32>>(), "{ranges:?}");
    }
}

/// A layer between two keys far apart would hide the images between them from the next look at what
/// changed, where three of them or gaps stand there.
#[test]
fn a_compaction_leaves_out_what_lies_between_keys_far_apart() {
    let options = Options {
        layer_len_target: 2 * 8192,
        image_compression: palimpsest::format::Compression::None,
        ..keep(1000)
    };
    let script = |value: &str| {
        let keys = ["b", "c", "d", "e", "f", "g", "h", "y"];
        let records = keys.map(|key| format!("{key}@20={value}")).join(" ");
        format!(
            "create 9; put {records}; flush
             compact forced; images forced; put a@30=x*5000 z@30=2; flush; compact forced; layers
             get a@30 c@30 z@30"
        )
    };
    let four = "delta b..c@10..21, delta c..d@10..21, delta d..e@10..21, delta e..f@10..21, \
                delta f..g@10..21, delta g..h@10..21, delta h..i@10..21, delta y..z@10..21, \
                image MIN..d@20, image d..f@20, image f..h@20, image h..MAX@20, \
                delta a..b@21..31, delta z..{@21..31";
    let values = |value: &str| format!("a@30 = x*5000, c@30 = {value}, z@30 = 2");
    check_with(
        options.clone(),
        &script("x*8192"),
        &format!("{four}; {}", values("x*8192")),
    );
    let two = "delta b..g@10..21, delta g..z@10..21, image MIN..h@20, image h..MAX@20, \
               delta a..{@21..31";
    check_with(
        options,
        &script("x*3000"),
        &format!("{two}; {}", values("x*3000")),
    );
}
