//! A history that needs no storage: the value of each key at each LSN follows from the seed, the
//! timeline and the LSN alone, so that any life knows what the lives before it have written.
//!
//! 1. Each LSN above a root's start has one batch, and each batch changes one key at least.
//! 2. A key is born at its own LSN, as an image, and has no record below it.
//! 3. A timeline of equal number on another ancestor or at another LSN has other values.

use std::collections::{BTreeMap, BTreeSet};

use palimpsest::{Batch, Edit, Key, Lsn, TimelineId, Value};

/// The number of keys.
pub const KEY_COUNT: u64 = 40;

/// The LSN above which every root's records stand.
pub const START: u64 = 100;

/// The distance between the births of two keys, in LSNs.
const BIRTH_DISTANCE: u64 = 3;

/// Numbers that follow from a seed.
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0, 0)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number of a closed range.
    pub fn within(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// Hashes two numbers into one.
pub fn mix(a: u64, b: u64) -> u64 {
    let mut z = a ^ b.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The keys lie in four groups, with gaps inside and between.
pub fn key(index: u64) -> Key {
    let (group, place) = ((index / 10) as u32, (index % 10) as u32);
    Key {
        field4: group + 1,
        field6: place * 3,
        ..Key::MIN
    }
}

pub fn timeline_id(number: u8) -> TimelineId {
    TimelineId([number; 16])
}

pub fn number_of(timeline: TimelineId) -> u8 {
    assert_eq!(timeline, timeline_id(timeline.0[0]));
    timeline.0[0]
}

/// An LSN of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub timeline: u8,
    pub lsn: u64,
}

/// The change that an LSN makes to a key.
enum Change {
    Image(Vec<u8>),
    Init(Vec<u8>),
    Append(Vec<u8>),
    Patch { offset: u32, bytes: Vec<u8> },
}

/// The timelines, each with its branch point.
#[derive(Clone, Debug)]
pub struct Tree {
    seed: u64,
    ancestors: BTreeMap<u8, Option<Point>>,
}

impl Tree {
    pub fn new(seed: u64) -> Tree {
        Tree {
            seed,
            ancestors: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, timeline: u8, ancestor: Option<Point>) {
        self.ancestors.insert(timeline, ancestor);
    }

    pub fn remove(&mut self, timeline: u8) {
        self.ancestors.remove(&timeline);
    }

    pub fn has(&self, timeline: u8) -> bool {
        self.ancestors.contains_key(&timeline)
    }

    pub fn timelines(&self) -> Vec<u8> {
        self.ancestors.keys().copied().collect()
    }

    pub fn ancestor(&self, timeline: u8) -> Option<Point> {
        self.ancestors[&timeline]
    }

    pub fn has_child(&self, timeline: u8) -> bool {
        let mut ancestors = self.ancestors.values().flatten();
        ancestors.any(|point| point.timeline == timeline)
    }

    /// The LSN above which a timeline has records of its own.
    pub fn start(&self, timeline: u8) -> u64 {
        self.ancestor(timeline).map_or(START, |point| point.lsn)
    }

    /// The LSNs at which a timeline must stay readable for its branches.
    pub fn retained(&self, timeline: u8) -> BTreeSet<u64> {
        let descendants = self.ancestors.keys();
        descendants
            .filter_map(|&descendant| self.lowest_on(descendant, timeline))
            .collect()
    }

    /// The LSN at which a read of `descendant`'s end descends to `timeline`, if it does.
    fn lowest_on(&self, descendant: u8, timeline: u8) -> Option<u64> {
        let mut point = self.ancestor(descendant)?;
        while point.timeline != timeline {
            let below = self.ancestor(point.timeline)?;
            point = Point {
                timeline: below.timeline,
                lsn: below.lsn.min(point.lsn),
            };
        }
        Some(point.lsn)
    }

    /// The records of some LSNs, `first..=last`.
    pub fn batch(&self, timeline: u8, first: u64, last: u64) -> Batch {
        assert!(self.start(timeline) < first);
        let mut batch = Batch::new();
        for lsn in first..=last {
            for index in 0..KEY_COUNT {
                if let Some(change) = self.change(timeline, index, lsn) {
                    let pushed = batch.push(key(index), Lsn(lsn), &change.into_value());
                    pushed.expect("keys ascend at each LSN");
                }
            }
        }
        batch
    }

    /// The value of a key at an LSN, rebuilt from the last change that needs nothing below it.
    pub fn page(&self, timeline: u8, index: u64, lsn: u64) -> Option<Vec<u8>> {
        let mut newer = Vec::new();
        let mut at = Point { timeline, lsn };
        loop {
            let floor = self.start(at.timeline);
            for lsn in (floor + 1..=at.lsn).rev() {
                match self.change(at.timeline, index, lsn) {
                    None => {}
                    Some(Change::Image(page) | Change::Init(page)) => {
                        return Some(newer.iter().rev().fold(page, Change::apply));
                    }
                    Some(change) => newer.push(change),
                }
            }
            let Some(below) = self.ancestor(at.timeline) else {
                assert!(newer.is_empty(), "fact 2");
                return None;
            };
            at = Point {
                timeline: below.timeline,
                lsn: at.lsn.min(below.lsn),
            };
        }
    }

    /// All keys that have a value at an LSN, in order.
    pub fn pages(&self, timeline: u8, lsn: u64) -> Vec<(Key, Vec<u8>)> {
        let page = |index| Some((key(index), self.page(timeline, index, lsn)?));
        (0..KEY_COUNT).filter_map(page).collect()
    }

    fn salt(&self, timeline: u8) -> u64 {
        let own = mix(self.seed, u64::from(timeline));
        let below = self.ancestor(timeline);
        below.map_or(own, |point| {
            mix(mix(own, u64::from(point.timeline)), point.lsn)
        })
    }

    fn change(&self, timeline: u8, index: u64, lsn: u64) -> Option<Change> {
        let birth = birth(index);
        if lsn < birth {
            return None;
        }
        let salt = mix(self.salt(timeline), lsn);
        let lead = match salt % KEY_COUNT {
            lead if birth_is_over(lead, lsn) => lead,
            _ => 0,
        };
        let chance = mix(salt, index);
        if lsn != birth && index != lead && 2 <= chance % KEY_COUNT {
            return None;
        }
        let mut text = format!("{timeline}/{index}@{lsn}").into_bytes();
        text.resize(text.len() + (chance >> 16) as usize % 48, b'.');
        if lsn != birth && 3 <= (chance >> 8) % 8 {
            return Some(match (chance >> 24) % 4 {
                0 => Change::Patch {
                    offset: (chance >> 32) as u32 % 64,
                    bytes: text,
                },
                _ => Change::Append(text),
            });
        }
        if (chance >> 40).is_multiple_of(64) {
            lengthen(&mut text, chance);
        }
        Some(match (chance >> 50) % 2 {
            1 if lsn != birth => Change::Init(text),
            _ => Change::Image(text),
        })
    }
}

fn birth(index: u64) -> u64 {
    START + 1 + index * BIRTH_DISTANCE
}

fn birth_is_over(index: u64, lsn: u64) -> bool {
    birth(index) <= lsn
}

/// Makes a value of several blocks, which does not compress.
fn lengthen(text: &mut Vec<u8>, chance: u64) {
    let mut draw = Draw::new(chance);
    let word_count = draw.within(1000, 2500);
    text.extend((0..word_count).flat_map(|_| draw.next().to_le_bytes()));
}

impl Change {
    fn into_value(self) -> Value {
        Value::Record(match self {
            Change::Image(page) => return Value::Image(page),
            Change::Init(content) => Edit::Set { content }.into_init_record(),
            Change::Append(suffix) => Edit::Append { suffix }.into_record(),
            Change::Patch { offset, bytes } => Edit::Patch { offset, bytes }.into_record(),
        })
    }

    fn apply(mut page: Vec<u8>, change: &Change) -> Vec<u8> {
        match change {
            Change::Image(whole) | Change::Init(whole) => return whole.clone(),
            Change::Append(suffix) => page.extend_from_slice(suffix),
            Change::Patch { offset, bytes } => {
                let start = *offset as usize;
                page.resize(page.len().max(start + bytes.len()), 0);
                page[start..start + bytes.len()].copy_from_slice(bytes);
            }
        }
        page
    }
}
