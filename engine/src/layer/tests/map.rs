//! The layer map as pictures, before and after each step.

use std::sync::Arc;

use super::super::{DeltaLayer, FileLayer, FileNames, LayerContext, LayerMap, MemoryLayer};
use super::{Shelf, batch, image, key, op};
use crate::base::{Generation, KeyRange, LayerName, Lsn, LsnRange};
use crate::format::IndexLayer;
use crate::io::block_on;
use crate::io::tests::faulty::FaultyIo;

type Map = LayerMap<FaultyIo>;

/// All layers in one line, from the oldest on.
fn picture(map: &Map) -> String {
    let deltas = map.l0s();
    let flushed = deltas.last().map_or(0, |delta| delta.lsns().end.0 - 1);
    map.check_laws(Lsn(flushed));
    let deltas = deltas.iter().map(|delta| ("delta", delta.lsns()));
    let frozen = map
        .frozen()
        .iter()
        .map(|layer| ("frozen", layer.lsns().unwrap()));
    let mut layers: Vec<String> = deltas
        .chain(frozen)
        .map(|(kind, lsns)| format!("{kind} {}..{}", lsns.start.0, lsns.end.0))
        .collect();
    layers.extend(map.open().map(|open| format!("open {}..", open.start().0)));
    layers.join(", ")
}

/// An open layer for records from `start` on.
fn open(shelf: &Shelf, start: u64) -> Arc<MemoryLayer<FaultyIo>> {
    let path = shelf.dir.path().join(format!("ephemeral-{start}"));
    let layer = MemoryLayer::create(shelf.io(), op(), path, Lsn(start), 64 << 10);
    Arc::new(block_on(layer).unwrap())
}

fn delta(shelf: &Shelf, start: u64, end: u64) -> Arc<DeltaLayer<FaultyIo>> {
    let lsns = LsnRange::new(Lsn(start), Lsn(end));
    let entry = IndexLayer {
        name: LayerName::Delta {
            keys: KeyRange::ALL,
            lsns,
        },
        generation: Generation(1),
        len: 0,
        checksum: None,
    };
    // Some layers here have equal names, which never happens in one timeline: each has its own
    // context.
    let context = LayerContext {
        names: Arc::new(FileNames::new()),
        ..shelf.context.clone()
    };
    Arc::new(DeltaLayer::new(&context, entry))
}

fn file(shelf: &Shelf, start: u64, end: u64) -> FileLayer<FaultyIo> {
    FileLayer::Delta(delta(shelf, start, end))
}

/// A delta up to 10, two frozen layers up to 30 and an open one above.
fn full(shelf: &Shelf) -> Map {
    LayerMap::new(vec![file(shelf, 1, 10)])
        .with_open(open(shelf, 10))
        .freeze(Lsn(20))
        .with_open(open(shelf, 20))
        .freeze(Lsn(30))
        .with_open(open(shelf, 30))
}

#[test]
fn a_layer_is_opened_frozen_and_flushed_and_each_older_map_stays_as_it_was() {
    let shelf = Shelf::new();
    let maps: [Map; 4] = {
        let empty = LayerMap::new(Vec::new());
        let opened = empty.with_open(open(&shelf, 1));
        let frozen = opened.freeze(Lsn(10));
        let oldest = frozen.frozen()[0].clone();
        let flushed = frozen.flush(&oldest, vec![file(&shelf, 1, 10)]).unwrap();
        [empty, frozen.with_open(open(&shelf, 10)), frozen, flushed]
    };
    let pictures = maps.each_ref().map(picture);
    assert_eq!(
        pictures,
        ["", "frozen 1..10, open 10..", "frozen 1..10", "delta 1..10"]
    );
}

#[test]
fn layers_are_flushed_from_the_oldest_on() {
    let shelf = Shelf::new();
    let mut map = full(&shelf);
    let mut pictures = vec![picture(&map)];
    for (start, end) in [(10, 20), (20, 30)] {
        let oldest = map.frozen()[0].clone();
        map = map.flush(&oldest, vec![file(&shelf, start, end)]).unwrap();
        pictures.push(picture(&map));
    }
    assert_eq!(
        pictures,
        [
            "delta 1..10, frozen 10..20, frozen 20..30, open 30..",
            "delta 1..10, delta 10..20, frozen 20..30, open 30..",
            "delta 1..10, delta 10..20, delta 20..30, open 30..",
        ]
    );
}

#[test]
fn a_flush_of_any_but_the_oldest_frozen_layer_is_dropped() {
    let shelf = Shelf::new();
    let map = full(&shelf);
    let [oldest, newer] = map.frozen() else {
        panic!("{}", picture(&map));
    };
    assert!(map.flush(newer, vec![file(&shelf, 20, 30)]).is_none());
    let flushed = map.flush(oldest, vec![file(&shelf, 10, 20)]).unwrap();
    assert!(flushed.flush(oldest, vec![file(&shelf, 10, 20)]).is_none());
    let none_frozen = LayerMap::new(Vec::new());
    assert!(
        none_frozen
            .flush(oldest, vec![file(&shelf, 10, 20)])
            .is_none()
    );
}

#[test]
fn deltas_are_put_in_order() {
    let shelf = Shelf::new();
    let deltas = [(20, 30), (1, 10), (10, 20)];
    let map = LayerMap::new(deltas.map(|(start, end)| file(&shelf, start, end)).to_vec());
    assert_eq!(picture(&map), "delta 1..10, delta 10..20, delta 20..30");
}

#[test]
fn gaps_between_layers_are_no_fault() {
    let shelf = Shelf::new();
    let map = LayerMap::new(vec![file(&shelf, 5, 10), file(&shelf, 12, 20)]);
    let map = map.with_open(open(&shelf, 25));
    assert_eq!(picture(&map), "delta 5..10, delta 12..20, open 25..");
}

#[test]
#[should_panic(expected = "have a key and an LSN in common")]
fn deltas_do_not_overlap() {
    let shelf = Shelf::new();
    LayerMap::new(vec![file(&shelf, 1, 10), file(&shelf, 9, 20)]).check_laws(Lsn(19));
}

#[test]
#[should_panic(expected = "floor <= open.start()")]
fn a_layer_opens_above_all_others() {
    let shelf = Shelf::new();
    let map = LayerMap::new(vec![file(&shelf, 1, 10)]);
    map.with_open(open(&shelf, 9)).check_laws(Lsn(9));
}

#[test]
#[should_panic(expected = "self.open.is_none()")]
fn one_layer_is_open_at_a_time() {
    let shelf = Shelf::new();
    let _ = full(&shelf).with_open(open(&shelf, 40));
}

#[test]
#[should_panic(expected = "the caller has checked that a layer is open")]
fn without_an_open_layer_nothing_is_frozen() {
    let _ = Map::new(Vec::new()).freeze(Lsn(10));
}

#[test]
#[should_panic(expected = "self.start < end")]
fn a_frozen_layer_covers_an_lsn() {
    let _ = full(&Shelf::new()).freeze(Lsn(30));
}

#[test]
#[should_panic(expected = "last.lsn < end")]
fn a_frozen_layer_covers_its_records() {
    let shelf = Shelf::new();
    let map = full(&shelf);
    let records = batch([(&(key(1), Lsn(35)), &image("x"))]);
    map.open().unwrap().publish(&records, 0);
    let _ = map.freeze(Lsn(35));
}

#[test]
#[should_panic(expected = "lsns(layer) == flushed.lsns()")]
fn a_delta_covers_the_layer_that_it_replaces() {
    let shelf = Shelf::new();
    let map = full(&shelf);
    let _ = map.flush(&map.frozen()[0], vec![file(&shelf, 10, 19)]);
}
