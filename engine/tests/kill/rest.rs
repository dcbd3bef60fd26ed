//! Checks of a quiescent engine against the history: no call and no job runs.

use std::collections::BTreeMap;
use std::path::Path;

use palimpsest::base::{FileName, KeyRange};
use palimpsest::{Compression, Engine, Error, Key, KeySpace, Lsn, Options, Timeline, block_on};

use crate::history::{Draw, KEY_COUNT, Point, Tree, key, number_of, timeline_id};

/// Options with which every job is due after a few batches.
pub fn options(draw: &mut Draw) -> Options {
    let compression = [Compression::None, Compression::Zstd { level: 1 }];
    Options {
        freeze_len_max: draw.one_of(&[400, 1000, 4000]),
        freeze_distance_max: draw.one_of(&[5, 20, 1000]),
        buffer_len: draw.one_of(&[1, 100, 10_000]),
        l0_count_trigger: draw.one_of(&[2, 3, 5]),
        l0_run_len_max: draw.one_of(&[20_000, 1_000_000]),
        layer_len_target: draw.one_of(&[2000, 40_000, 200_000]),
        image_delta_count_trigger: draw.one_of(&[1, 2, 3]),
        image_preempt_l0_count: draw.one_of(&[2, 30]),
        image_compression: draw.one_of(&compression),
        gc_distance: draw.one_of(&[0, 10, 60]),
        gc_age: std::time::Duration::ZERO,
        l0_delay_count: 30,
        l0_delay: std::time::Duration::from_millis(2),
        block_cache_len: draw.one_of(&[0, 40_000, 1_000_000]),
        read_len_max: draw.one_of(&[1, 9000, 130_000]),
        ..Options::default()
    }
}

/// The keys of the history, to be declared.
pub fn key_space() -> KeySpace {
    let ends = |group: u64| KeyRange::new(key(group * 10), key(group * 10 + 9).next());
    KeySpace::from_ranges((0..KEY_COUNT / 10).map(ends))
}

/// Opens every timeline of the engine; returns them by number.
pub fn open_all(engine: &Engine) -> BTreeMap<u8, Timeline> {
    let timelines = block_on(engine.timelines()).expect("the directory can be listed");
    let open = |id| {
        let opened = block_on(engine.open_timeline(id));
        (
            number_of(id),
            opened.expect("a listed timeline can be opened"),
        )
    };
    timelines.into_iter().map(open).collect()
}

/// The branch point of a timeline.
pub fn ancestor(timeline: &Timeline) -> Option<Point> {
    timeline.ancestor().map(|ancestor| Point {
        timeline: number_of(ancestor.timeline),
        lsn: ancestor.lsn.0,
    })
}

/// Whether a quiescent timeline can be read at an LSN.
fn is_readable(open: &BTreeMap<u8, Timeline>, tree: &Tree, at: Point) -> bool {
    let timeline = &open[&at.timeline];
    let is_kept = || tree.retained(at.timeline).contains(&at.lsn);
    if timeline.gc_cutoff().0 > at.lsn && !is_kept() {
        return false;
    }
    tree.ancestor(at.timeline).is_none_or(|below| {
        let lsn = at.lsn.min(below.lsn);
        is_readable(open, tree, Point { lsn, ..below })
    })
}

/// Reads all timelines at their ends, cutoffs, branch points and some more LSNs: each answer must
/// be that of the history, or a refusal where one is due.
pub fn check_answers(open: &BTreeMap<u8, Timeline>, tree: &Tree, draw: &mut Draw) {
    for (&number, timeline) in open {
        timeline.check_laws();
        let last = timeline.last_record_lsn().0;
        let cutoff = timeline.gc_cutoff().0;
        let mut lsns = vec![last, last + 1, cutoff, cutoff.saturating_sub(1)];
        lsns.extend(tree.retained(number));
        lsns.push(tree.start(number));
        lsns.extend((0..3).map(|_| draw.within(cutoff.min(last), last)));
        lsns.push(draw.within(0, last));
        lsns.sort_unstable();
        lsns.dedup();
        for lsn in lsns {
            let at = Point {
                timeline: number,
                lsn,
            };
            if last < lsn {
                let read = scan(timeline, lsn);
                assert!(
                    matches!(read, Err(Error::NotYet { .. })),
                    "{at:?}: {read:?}"
                );
            } else if is_readable(open, tree, at) {
                check_point(timeline, tree, at, draw);
            } else {
                let read = scan(timeline, lsn);
                assert!(
                    matches!(read, Err(Error::BelowCutoff { .. })),
                    "{at:?}: {read:?}"
                );
            }
        }
    }
}

/// Reads all keys at one LSN by a scan, some by `get_vectored` and some by `get`.
fn check_point(timeline: &Timeline, tree: &Tree, at: Point, draw: &mut Draw) {
    let expected = tree.pages(at.timeline, at.lsn);
    let found = scan(timeline, at.lsn).unwrap_or_else(|error| panic!("{at:?}: {error}"));
    check_equal(at, &found, &expected);
    let asked: Vec<u64> = (0..3).map(|_| draw.below(KEY_COUNT)).collect();
    for &index in &asked {
        let found = block_on(timeline.get(key(index), Lsn(at.lsn)));
        let found = found.unwrap_or_else(|error| panic!("{at:?}: {error}"));
        let expected = tree.page(at.timeline, index, at.lsn);
        assert!(found == expected, "{at:?}, key {index}: a get is wrong");
    }
    let asked = KeySpace::from_ranges(asked.iter().map(|index| KeyRange::single(key(*index))));
    let found = block_on(timeline.get_vectored(&asked, Lsn(at.lsn)));
    let found = found.unwrap_or_else(|error| panic!("{at:?}: {error}"));
    let found = found.into_iter().map(|(key, page)| (key, page.unwrap()));
    let expected = expected.into_iter().filter(|(key, _)| asked.contains(*key));
    check_equal(
        at,
        &found.collect::<Vec<_>>(),
        &expected.collect::<Vec<_>>(),
    );
}

/// Panics with the first key whose values differ.
pub fn check_equal(at: Point, found: &[(Key, Vec<u8>)], expected: &[(Key, Vec<u8>)]) {
    if found == expected {
        return;
    }
    let pages = |list: &[(Key, Vec<u8>)]| list.iter().cloned().collect::<BTreeMap<_, _>>();
    let (found, expected) = (pages(found), pages(expected));
    let keys = found.keys().chain(expected.keys());
    for key in keys {
        let text = |page: Option<&Vec<u8>>| page.map(|page| page.escape_ascii().to_string());
        let (found, expected) = (text(found.get(key)), text(expected.get(key)));
        assert_eq!(found, expected, "{at:?}, key {key}");
    }
    panic!("{at:?}: keys are out of order");
}

/// All keys at an LSN.
pub fn scan(timeline: &Timeline, lsn: u64) -> Result<Vec<(Key, Vec<u8>)>, Error> {
    let mut scan = block_on(timeline.scan(KeyRange::ALL, Lsn(lsn)))?;
    let mut pages = Vec::new();
    while let Some(batch) = block_on(scan.next_batch())? {
        for (key, page) in batch {
            pages.push((key, page?));
        }
    }
    Ok(pages)
}

/// Checks that the directories hold only indexes and the layers that they name.
pub fn check_files(root: &Path, open: &BTreeMap<u8, Timeline>) {
    for (&number, timeline) in open {
        let dir = root.join(timeline_id(number).to_string());
        let entries = std::fs::read_dir(&dir).expect("a timeline has a directory");
        let entries = entries.map(|entry| entry.expect("it can be listed").file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        let layers = timeline.layers();
        let layers = layers.files().iter().map(|(_, layer)| {
            let entry = layer.entry();
            FileName::Layer {
                name: entry.name,
                generation: entry.generation,
            }
        });
        let mut expected: Vec<String> = layers.map(|name| name.to_string()).collect();
        expected.push(FileName::Index.to_string());
        expected.sort();
        assert_eq!(names, expected, "timeline {number}");
    }
}
