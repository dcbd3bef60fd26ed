//! Checks that every layer holds what the model says, and that layers hold all that reads need.
//!
//! 1. A delta layer has the model's records inside its keys and LSNs: each of them, and no others.
//!    Where a gc compaction may have been, it need not have all of them: what an image has taken
//!    out of sight may be gone from between others. And up to the cutoff it may have the model's
//!    value in place of a record. Where a tiered compaction may have merged layers over a gap that
//!    a collection has left, it need not have what was in the gap. Initial data of a root may be in
//!    images instead.
//! 2. Two delta layers with a key in common have no LSN in common.
//! 3. An image layer has the model's value of each key in its range that has one, and no others.
//!    A sparse key with an empty value has none.
//! 4. Each record that a legal read needs is in a delta layer, or an image above it hides it from
//!    that read, or such a value does. Where a gc compaction may have been, nothing is left
//!    of a sparse key up to an LSN at which it is absent.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use palimpsest::base::{Key, LayerName, Lsn, ShardIdentity, TimelineId};
use palimpsest::format::{DeltaKey, GcCompaction, Index, IndexLayer, IndexShard, Value};

use super::index;
use super::known::{Content, Known, KnownLayer};
use crate::disk::Disk;
use crate::keys;
use crate::model::{Answer, answer_of, is_sparse};
use crate::oracle::Expected;
use crate::verdict::Verdict;

/// Compares a timeline's index and all layers that it names with the model. `retained` are the
/// points below the cutoff that must stay readable; the timeline is not sharded.
pub fn check_layers(
    disk: &mut Disk,
    timeline: TimelineId,
    expected: &Expected,
    retained: &BTreeSet<Lsn>,
) -> Result<(), Verdict> {
    let all = ShardIdentity::UNSHARDED;
    Known::default().check_layers(disk, timeline, (expected, retained), all)
}

impl Known {
    /// Compares a timeline's index and layers with the model, and reads only layers that are not
    /// cached.
    pub fn check_layers(
        &mut self,
        disk: &mut Disk,
        timeline: TimelineId,
        (expected, retained): (&Expected, &BTreeSet<Lsn>),
        shard: ShardIdentity,
    ) -> Result<(), Verdict> {
        let index = index(disk, timeline)?;
        check_index(&index, expected)?;
        check_shard(&index, shard)?;
        check_rectangles(&index)?;
        let reduced_to = expected.is_reduced.then_some(index.gc_cutoff);
        let merged_to = expected.strategy.may_be_tiered().then_some(index.gc_cutoff);
        let images = index.layers.iter().map(|layer| layer.name);
        let check = LayerCheck {
            expected,
            retained,
            reduced_to,
            merged_to,
            shard: &index.shard,
            first: expected.history.points().map(|(_, lsn)| lsn).min(),
            images: images.filter(LayerName::is_image).collect(),
        };
        let layers = self.look(disk, timeline, &index.layers)?;
        let mut found = Found::default();
        for layer in layers {
            if !layer.is_right_by(&expected.history) && check.check(layer)? == Seen::All {
                layer.note_right(&expected.history);
            }
            if let Content::Delta(records) = &*layer.content {
                let points = records.iter().map(|(at, _)| (at.key, at.lsn));
                found.records.extend(points);
                let made = records.iter().filter(|(at, _)| check.may_be_made(at.lsn));
                let made = made.filter(|(_, value)| value_of(value).is_some());
                found.values.extend(made.map(|(at, _)| (at.key, at.lsn)));
            }
        }
        // Each layer's records are in order already, which makes this sort cheap.
        found.records.sort();
        check.check_readable(&index, &found)
    }
}

/// Checks the LSNs and the ancestor that the index holds.
fn check_index(index: &Index, expected: &Expected) -> Result<(), Verdict> {
    let found = index.ancestor.map(|found| (found.timeline, found.lsn));
    let asked = expected.ancestor;
    let asked = asked.map(|(label, lsn)| (keys::timeline(label), lsn));
    if found != asked {
        let law = format!("the index says what the timeline stands on: {asked:?}");
        return Err(Verdict::law(law, format!("{found:?}")));
    }
    let (durable, published) = (expected.cutoff.durable(), expected.cutoff.seen());
    if index.gc_cutoff < durable || published < index.gc_cutoff {
        let law = format!("law 8: {durable} <= the durable cutoff <= {published}, the published");
        return Err(Verdict::law(law, format!("{}", index.gc_cutoff)));
    }
    let GcCompaction { reduced_lsn, run } = index.gc_compaction;
    let horizon = run.map_or(reduced_lsn, |run| run.horizon.max(reduced_lsn));
    if index.gc_cutoff < horizon {
        let law = "gc compaction reduces history up to the cutoff at most";
        let found = format!("{:?} and {}", index.gc_compaction, index.gc_cutoff);
        return Err(Verdict::law(law, found));
    }
    if index.disk_consistent_lsn < expected.acknowledged {
        let law = format!(
            "the index is durable up to {}, as was said",
            expected.acknowledged
        );
        return Err(Verdict::law(law, format!("{}", index.disk_consistent_lsn)));
    }
    if index.disk_consistent_lsn < index.gc_cutoff {
        let law = "the cutoff is at or below disk_consistent_lsn";
        let (cutoff, lsn) = (index.gc_cutoff, index.disk_consistent_lsn);
        return Err(Verdict::law(law, format!("{cutoff} and {lsn}")));
    }
    let lsn = index.disk_consistent_lsn;
    match index.layers.iter().find(|layer| layer.name.is_above(lsn)) {
        Some(layer) => Err(Verdict::law(
            format!("no layer reaches above disk_consistent_lsn, {lsn}"),
            layer.name.to_string(),
        )),
        None => Ok(()),
    }
}

/// Checks that the index says which shard the timeline belongs to.
fn check_shard(index: &Index, shard: ShardIdentity) -> Result<(), Verdict> {
    if index.shard.identity == shard {
        return Ok(());
    }
    let law = format!("the index names the shard, {shard:?}");
    Err(Verdict::law(law, format!("{:?}", index.shard.identity)))
}

fn check_rectangles(index: &Index) -> Result<(), Verdict> {
    let deltas = index.layers.iter().filter(|layer| layer.name.is_delta());
    let deltas: Vec<LayerName> = deltas.map(|layer| layer.name).collect();
    for (at, delta) in deltas.iter().enumerate() {
        // Deltas are in the order of their first LSNs.
        let rest = deltas[at + 1..].iter();
        let mut beside = rest.take_while(|other| other.lsns().start < delta.lsns().end);
        if let Some(other) = beside.find(|other| other.keys().overlaps(&delta.keys())) {
            let law = "no two delta layers cover the same point";
            return Err(Verdict::law(law, format!("{delta} and {other}")));
        }
    }
    Ok(())
}

/// What layers are compared with.
struct LayerCheck<'a> {
    expected: &'a Expected,
    retained: &'a BTreeSet<Lsn>,
    /// The cutoff, if a gc compaction may have rewritten what stands there or below.
    reduced_to: Option<Lsn>,
    /// The cutoff, if a tiered compaction may have merged layers around what a collection took.
    merged_to: Option<Lsn>,
    /// The shard: what it has written holds its own keys only.
    shard: &'a IndexShard,
    /// The lowest LSN of a record.
    first: Option<Lsn>,
    /// The images of the timeline.
    images: Vec<LayerName>,
}

/// What delta layers hold.
#[derive(Default)]
struct Found {
    /// The points of all records, in order.
    records: Vec<(Key, Lsn)>,
    /// The points of the values that a gc compaction may have made.
    values: BTreeSet<(Key, Lsn)>,
}

/// The image in a delta layer's record, if it is one.
fn value_of(record: &[u8]) -> Option<Vec<u8>> {
    match Value::decode(record) {
        Ok(Value::Image(image)) => Some(image),
        _ => None,
    }
}

/// How much of a layer the model could confirm.
#[derive(PartialEq, Eq)]
enum Seen {
    All,
    /// The model has dropped the records of that place.
    Nothing,
}

impl LayerCheck<'_> {
    fn check(&self, layer: &KnownLayer) -> Result<Seen, Verdict> {
        self.check_held(layer)?;
        match &*layer.content {
            Content::Delta(records) => self.check_delta(&layer.entry, records).map(|()| Seen::All),
            Content::Image(lsn, values) => self.check_image(&layer.entry, *lsn, values),
        }
    }

    /// Checks that a layer which the shard has written has no key of another shard.
    fn check_held(&self, layer: &KnownLayer) -> Result<(), Verdict> {
        if self.shard.is_inherited(layer.entry.generation) {
            return Ok(());
        }
        let is_foreign = |key: &Key| !self.shard.identity.holds(*key);
        let found = match &*layer.content {
            Content::Delta(records) => records.iter().map(|(at, _)| at.key).find(is_foreign),
            Content::Image(_, values) => values.iter().map(|(key, _)| *key).find(is_foreign),
        };
        match found {
            None => Ok(()),
            Some(key) => Err(Verdict::law(
                "what a shard writes has no key of another shard",
                format!("{key} in {}", layer.entry.name),
            )),
        }
    }

    fn check_delta(
        &self,
        layer: &IndexLayer,
        records: &[(DeltaKey, Vec<u8>)],
    ) -> Result<(), Verdict> {
        let name = layer.name;
        for (at, value) in records {
            if !name.keys().contains(at.key) || !name.lsns().contains(at.lsn) {
                let found = format!("{} at {} in {name}", at.key, at.lsn);
                return Err(Verdict::law("a layer has what its name covers", found));
            }
            self.explain(*at, value)?;
        }
        let has = |key: Key, lsn: Lsn| {
            let at = DeltaKey { key, lsn };
            records.binary_search_by_key(&at, |(at, _)| *at).is_ok()
        };
        let is_covered =
            |key: Key, lsn: Lsn| name.lsns().contains(lsn) && name.keys().contains(key);
        let is_missing = |&(key, lsn): &(Key, Lsn)| {
            is_covered(key, lsn)
                && !has(key, lsn)
                && self.reduced_to.is_none()
                && !self.may_be_collected(key, lsn)
                && !self.is_initial(key, lsn)
        };
        match self.own_points(is_missing).next() {
            Some((key, lsn)) => Err(Verdict::law(
                "a delta layer has every record that its name covers",
                format!("{key} at {lsn} is not in {name}"),
            )),
            None => Ok(()),
        }
    }

    /// Whether a collection may have taken a record out from between layers that were merged since:
    /// up to the cutoff, or where an image at that very LSN hides it.
    fn may_be_collected(&self, key: Key, lsn: Lsn) -> bool {
        let hides = |image: &LayerName| lsn == image.lsns().start && image.keys().contains(key);
        let is_hidden = || self.images.iter().any(hides);
        self.merged_to
            .is_some_and(|cutoff| lsn <= cutoff || is_hidden())
    }

    /// Whether a record is of a root's initial data, which a flush writes as images where keys are
    /// declared: an image has it, or hides it.
    fn is_initial(&self, key: Key, lsn: Lsn) -> bool {
        let has = |image: &LayerName| lsn <= image.lsns().start && image.keys().contains(key);
        let is_first = self.expected.ancestor.is_none() && self.first == Some(lsn);
        is_first && !is_sparse(key) && self.images.iter().any(has)
    }

    /// The points, in order, that satisfy the condition and at which the timeline must have a
    /// record of its own.
    fn own_points(
        &self,
        is_wanted: impl FnMut(&(Key, Lsn)) -> bool,
    ) -> impl Iterator<Item = (Key, Lsn)> {
        let expected = self.expected;
        let own = expected
            .history
            .points()
            .filter(|(key, lsn)| expected.is_own(*lsn) && self.shard.identity.holds(*key));
        let wanted = own.filter(is_wanted);
        wanted.filter(|point| !expected.optional.contains(point))
    }

    /// Whether a gc compaction may have made values at this LSN.
    fn may_be_made(&self, lsn: Lsn) -> bool {
        self.reduced_to.is_some_and(|cutoff| lsn <= cutoff)
    }

    /// Whether a gc compaction may have been there, and no read comes to this LSN. What stood there
    /// may have moved up to a point of it, or be gone from between an image below and one above.
    fn is_out_of_sight(&self, lsn: Lsn) -> bool {
        self.reduced_to.is_some_and(|cutoff| lsn < cutoff) && !self.retained.contains(&lsn)
    }

    /// Whether a record is a value that a gc compaction has made, and the right one.
    fn is_made(&self, at: DeltaKey, record: &[u8]) -> bool {
        let history = &self.expected.history;
        let (true, Some(value)) = (self.may_be_made(at.lsn), value_of(record)) else {
            return false;
        };
        let is_forgotten = at.lsn < history.remembered_from() && !self.retained.contains(&at.lsn);
        let is_right = || history.answer(at.key, at.lsn) == answer_of(at.key, value);
        is_forgotten || self.is_out_of_sight(at.lsn) || is_right()
    }

    fn explain(&self, at: DeltaKey, value: &[u8]) -> Result<(), Verdict> {
        if self.is_made(at, value) {
            return Ok(());
        }
        let history = &self.expected.history;
        let Some(change) = history.change(at.key, at.lsn) else {
            if at.lsn < history.remembered_from() && self.expected.is_own(at.lsn) {
                return Ok(());
            }
            let found = format!("{} at {} was never written", at.key, at.lsn);
            return Err(Verdict::law("every record of a layer was written", found));
        };
        let mut expected = Vec::new();
        change.to_value().encode(&mut expected);
        if expected == value {
            return Ok(());
        }
        let found = format!("{} at {} has other bytes", at.key, at.lsn);
        Err(Verdict::law(
            "every record of a layer is what was written",
            found,
        ))
    }

    fn check_image(
        &self,
        layer: &IndexLayer,
        lsn: Lsn,
        values: &[(Key, Vec<u8>)],
    ) -> Result<Seen, Verdict> {
        let (name, history) = (layer.name, &self.expected.history);
        if lsn < history.remembered_from() && !self.retained.contains(&lsn) {
            return Ok(Seen::Nothing);
        }
        let is_out_of_sight = self.is_out_of_sight(lsn);
        for (key, value) in values {
            let is_right = || match history.answer(*key, lsn) {
                _ if is_out_of_sight => true,
                Answer::Value(expected) => expected == *value,
                Answer::Absent | Answer::NoBase | Answer::NoRedo => false,
            };
            if !name.keys().contains(*key) || !is_right() {
                let law = "every value of an image is what a read at its LSN answers";
                return Err(Verdict::law(law, format!("{key} in {name}")));
            }
        }
        let keys = history.keys();
        let mut keys = keys.iter().filter(|key| name.keys().contains(**key));
        let is_in = |key: &Key| values.binary_search_by_key(key, |(key, _)| *key).is_ok();
        let is_absent = |key: &Key| history.answer(*key, lsn) == Answer::Absent;
        let is_foreign = |key: &Key| !self.shard.identity.holds(*key);
        let stands_for =
            |key: &Key| is_foreign(key) || is_out_of_sight || is_in(key) || is_absent(key);
        match keys.find(|key| !stands_for(key)) {
            Some(key) => Err(Verdict::law(
                "an image has every key of its range that has a history",
                format!("{key} is not in {name}"),
            )),
            None => Ok(Seen::All),
        }
    }

    /// Checks that each record that a read needs is in a layer, or a value in a delta layer stands
    /// for it.
    fn check_readable(&self, index: &Index, found: &Found) -> Result<(), Verdict> {
        let images: Vec<LayerName> = index
            .layers
            .iter()
            .filter(|layer| layer.name.is_image())
            .map(|layer| layer.name)
            .collect();
        let (mut records, values) = (found.records.iter().peekable(), &found.values);
        let is_missing = |&(key, lsn): &(Key, Lsn)| {
            // The points come in order as well.
            while records.next_if(|at| **at < (key, lsn)).is_some() {}
            if index.disk_consistent_lsn < lsn || records.peek() == Some(&&(key, lsn)) {
                return false;
            }
            let Some(read) = self.first_read(key, lsn, index.gc_cutoff) else {
                return false;
            };
            let stands_between = |image: &&LayerName| {
                let at = image.lsns().start;
                image.keys().contains(key) && lsn <= at && at <= read
            };
            let is_made = values.range((key, lsn)..=(key, read)).next().is_some();
            !is_made
                && !images.iter().any(|image| stands_between(&image))
                && !self.is_gone(key, lsn..=read)
        };
        match self.own_points(is_missing).next() {
            Some((key, lsn)) => Err(Verdict::law(
                "every record up to disk_consistent_lsn that a read may need is in a layer",
                format!("{key} at {lsn} is in none"),
            )),
            None => Ok(()),
        }
    }

    /// Whether a gc compaction may have dropped a record of a sparse key: the key is absent at
    /// one of these LSNs, and so is all that it has made of it.
    fn is_gone(&self, key: Key, lsns: RangeInclusive<Lsn>) -> bool {
        if self.reduced_to.is_none() || !is_sparse(key) {
            return false;
        }
        let history = &self.expected.history;
        let past = history.past(key, *lsns.end());
        let mut inside = past.iter().filter(|(at, _)| lsns.contains(at));
        inside.any(|(at, _)| history.answer(key, *at) == Answer::Absent)
    }

    /// The lowest legal LSN at which a read needs a record; `None` if no read needs it.
    fn first_read(&self, key: Key, lsn: Lsn, cutoff: Lsn) -> Option<Lsn> {
        let hidden_from = self
            .expected
            .history
            .next_base(key, lsn)
            .unwrap_or(Lsn::MAX);
        let retained = self.retained.range(lsn..hidden_from).next().copied();
        let above = Some(lsn.max(cutoff)).filter(|read| *read < hidden_from);
        retained.into_iter().chain(above).min()
    }
}
