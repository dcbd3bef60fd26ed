//! The cost of the map of file layers: `cargo bench -p palimpsest --bench layer_map`.
//!
//! Each line stands twice, for about 100 layers and for about 10,000, so that one run shows how the
//! cost grows: a search or a publication by a little, a clone not at all, a range with the
//! rows and a check of the laws with all layers.

use divan::{Bencher, black_box};
use palimpsest::Key;
use palimpsest::base::{KeyRange, LayerName, Lsn, LsnRange};
use palimpsest::layer::History;

/// The number of rows of deltas, one above the other, and of columns in each: 100 and 10,000
/// deltas.
const SIDES: [u32; 2] = [10, 100];

const L0_COUNT: u64 = 10;
const ROW_LSNS: u64 = 1000;
const L0_LSNS: u64 = 100;

/// The number of keys of all columns together, whatever the number of columns.
const KEY_COUNT: u32 = 1_000_000;

/// The number of searches in one measurement, at keys and LSNs that are far apart.
const SEARCH_COUNT: u32 = 1000;

/// The layers of one size: rows of columns, a row of images halfway up, and the L0s on top.
struct Grid {
    side: u32,
}

impl Grid {
    fn keys(&self, column: u32) -> KeyRange {
        let width = KEY_COUNT / self.side;
        let start = Key::MIN.add(column * width);
        KeyRange::new(start, start.add(width))
    }

    fn row_end(&self, row: u32) -> Lsn {
        Lsn((u64::from(row) + 1) * ROW_LSNS)
    }

    fn row(&self, lsns: LsnRange) -> impl Iterator<Item = LayerName> {
        (0..self.side).map(move |column| {
            let keys = self.keys(column);
            LayerName::Delta { keys, lsns }
        })
    }

    fn rows(&self) -> impl Iterator<Item = LayerName> {
        (0..self.side).flat_map(|row| {
            let start = Lsn(u64::from(row) * ROW_LSNS);
            self.row(LsnRange::new(start, self.row_end(row)))
        })
    }

    fn images(&self) -> impl Iterator<Item = LayerName> {
        let lsn = self.row_end(self.side / 2);
        (0..self.side).map(move |column| {
            let keys = self.keys(column);
            LayerName::Image { keys, lsn }
        })
    }

    fn l0s(&self) -> impl Iterator<Item = LayerName> {
        let base = self.row_end(self.side - 1).0;
        (0..L0_COUNT).map(move |number| {
            let start = base + number * L0_LSNS;
            let lsns = LsnRange::new(Lsn(start), Lsn(start + L0_LSNS));
            let keys = KeyRange::ALL;
            LayerName::Delta { keys, lsns }
        })
    }

    /// The exclusive end of a read of everything.
    fn end(&self) -> Lsn {
        Lsn(self.row_end(self.side - 1).0 + L0_COUNT * L0_LSNS)
    }

    /// The outputs of a compaction of the L0s, as many as there are L0s.
    fn compacted(&self) -> Vec<(LayerName, ())> {
        let lsns = LsnRange::new(self.row_end(self.side - 1), self.end());
        let row = self.row(lsns).take(10);
        row.map(|name| (name, ())).collect()
    }

    fn history(&self) -> History<()> {
        let layers = self.rows().chain(self.images()).chain(self.l0s());
        let history = History::new().with(&[], layers.map(|name| (name, ())).collect());
        history.check_laws();
        history
    }

    /// Keys and ends all over the grid, below the L0s.
    fn points(&self) -> Vec<(Key, Lsn)> {
        let height = self.row_end(self.side - 1).0;
        let point = |number: u32| {
            let key = Key::MIN.add(number * 7919 % 1000 * (KEY_COUNT / 1000));
            (key, Lsn(1 + u64::from(number) * 104_729 % height))
        };
        (0..SEARCH_COUNT).map(point).collect()
    }
}

/// A read that starts at the newest LSN finds an L0 first.
#[divan::bench(args = SIDES)]
fn find_at_the_top(bencher: Bencher<'_, '_>, side: u32) {
    let grid = Grid { side };
    let (history, end) = (grid.history(), grid.end());
    let points = grid.points();
    bencher.counter(SEARCH_COUNT).bench_local(|| {
        for (key, _) in &points {
            black_box(history.find(*key, end));
        }
    });
}

/// A read anywhere in the rows, of the past or on its way down.
#[divan::bench(args = SIDES)]
fn find_below(bencher: Bencher<'_, '_>, side: u32) {
    let grid = Grid { side };
    let history = grid.history();
    let points = grid.points();
    bencher.counter(SEARCH_COUNT).bench_local(|| {
        for (key, end) in &points {
            black_box(history.find(*key, *end));
        }
    });
}

/// Over 1 % of the keys: a tenth of a column, or one and parts of its neighbours.
#[divan::bench(args = SIDES)]
fn find_range(bencher: Bencher<'_, '_>, side: u32) {
    let grid = Grid { side };
    let (history, end) = (grid.history(), grid.row_end(side - 1));
    let start = Key::MIN.add(KEY_COUNT / 2 + KEY_COUNT / 200);
    let keys = KeyRange::new(start, start.add(KEY_COUNT / 100));
    bencher.bench_local(|| black_box(history.find_range(keys, end)));
}

/// Ten L0s go and ten compacted deltas come.
#[divan::bench(args = SIDES)]
fn publish(bencher: Bencher<'_, '_>, side: u32) {
    let grid = Grid { side };
    let history = grid.history();
    let l0s: Vec<LayerName> = grid.l0s().collect();
    bencher
        .with_inputs(|| grid.compacted())
        .bench_local_values(|added| history.with(&l0s, added));
}

#[divan::bench(args = SIDES)]
fn clone(bencher: Bencher<'_, '_>, side: u32) {
    let history = Grid { side }.history();
    bencher.bench_local(|| black_box(history.clone()));
}

#[divan::bench(args = SIDES)]
fn check_laws(bencher: Bencher<'_, '_>, side: u32) {
    let history = Grid { side }.history();
    bencher.bench_local(|| history.check_laws());
}

fn main() {
    divan::main();
}
