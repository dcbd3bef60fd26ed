//! What a witness is shown. Without one, none of this runs.
//!
//! It reads past the scheduler and counts nothing, so that a plan decides the same with it and
//! without. It reads from the engine only after a wrong answer, when the run is over.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;

use palimpsest::Timeline;
use palimpsest::base::{Key, Lsn};
use palimpsest::layer::LayerId;
use palimpsest::timeline::Visit;

use super::Driver;
use crate::checkers::{Sight, response_one};
use crate::disk::Disk;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws;
use crate::oracle::{self, Expectations};
use crate::panics;
use crate::plan::{KeyIndex, Knobs};
use crate::witness::{Moment, Reading, Scene, VisitView, contents, of_disk, of_engine, told};
use crate::world::SimIo;

/// How many records of a key in the model are shown.
const MODEL_MAX: usize = 24;

impl Driver {
    /// Records a moment at which all was right.
    pub(super) fn witness_good(&self, moment: impl FnOnce() -> Moment) {
        if self.session().witness.is_none() {
            return;
        }
        let scene = self.show(|sight, _| scene(sight, moment()));
        if let Some(witness) = &mut self.session().witness {
            witness.good = Some(scene);
        }
    }

    /// Records the moment at which a check failed.
    pub(super) fn witness_bad(&self) {
        let line = match &*self.session() {
            session if session.witness.as_ref().is_none_or(|it| it.bad.is_some()) => return,
            session => session.next_line,
        };
        let scene = self.show(|sight, _| scene(sight, Moment::Verdict { line }));
        if let Some(witness) = &mut self.session().witness {
            witness.bad = Some(scene);
        }
    }

    /// Records the wrong read of a key. The run is over with it.
    pub(super) fn witness_read(&self, (label, key): (TimelineLabel, Key), lsn: Lsn) {
        let is_watched = self.session().witness.is_some();
        if !is_watched || self.timeline(label).is_none() {
            return;
        }
        // The engine may now do anything: its state is recorded before it is asked.
        self.witness_bad();
        let reading = self.show(|sight, _| reading(sight, (label, key), lsn));
        if let Some(witness) = &mut self.session().witness {
            witness.reading = Some(reading);
        }
    }
}

fn scene(sight: &Sight, moment: Moment) -> Scene {
    let mut disk = sight.world.state().disk.clone();
    let timelines = oracle::ancestors_first(sight.expectations).into_iter();
    let view = |label| match sight.open.get(&label) {
        Some(timeline) => Some(of_engine(
            label,
            ancestor(sight.expectations, label),
            timeline,
        )),
        None => on_disk(&mut disk, sight.expectations, label),
    };
    Scene {
        moment,
        timelines: timelines.filter_map(view).collect(),
    }
}

/// What an open timeline answers for a key now, and which layers it looks into.
fn reading(sight: &Sight, (label, key): (TimelineLabel, Key), lsn: Lsn) -> Reading {
    let timeline = &sight.open[&label];
    let asked = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let alone = sight.world.poll_directly(pin!(timeline.get(key, lsn)));
        let visits = sight.world.poll_directly(pin!(timeline.visits(key, lsn)));
        (alone.map(response_one), visits)
    }));
    let (alone, visits, trouble) = match asked {
        Ok((alone, Poll::Ready(Ok(visits)))) => (alone, visits, None),
        Ok((alone, Poll::Ready(Err(error)))) => (alone, Vec::new(), Some(error.to_string())),
        Ok((alone, Poll::Pending)) => (alone, Vec::new(), Some("it waits".to_string())),
        Err(panic) => (Poll::Pending, Vec::new(), Some(panics::take(&*panic))),
    };
    let views = visits.iter().map(|visit| view(sight, (label, key), visit));
    Reading {
        label,
        key,
        key_name: key_name(sight.knobs, key),
        lsn,
        alone: match alone {
            Poll::Ready(response) => response.describe_alone(),
            Poll::Pending => "nothing".to_string(),
        },
        model: model_of(sight.expectations, label, (key, lsn)),
        visits: views.collect(),
        trouble,
    }
}

fn key_name(knobs: &Knobs, key: Key) -> Option<String> {
    let mut numbers = 0..knobs.key_count;
    let number = numbers.find(|number| keys::key(knobs, KeyIndex(*number)) == key);
    number.map(|number| format!("k{number}"))
}

/// The model's records of a key up to an LSN, newest first.
fn model_of(
    expectations: &Expectations,
    label: TimelineLabel,
    (key, lsn): (Key, Lsn),
) -> Vec<String> {
    let Some(expected) = expectations.get(&label) else {
        return Vec::new();
    };
    let points = expected.history.points();
    let mut points: Vec<_> = points.filter(|at| at.0 == key && at.1 <= lsn).collect();
    points.reverse();
    let more = points.len().saturating_sub(MODEL_MAX);
    let shown = points.into_iter().take(MODEL_MAX);
    let mut lines: Vec<String> = shown
        .filter_map(|(key, at)| {
            let change = expected.history.change(key, at)?;
            Some(format!("@{at}  {}", told(change.to_value())))
        })
        .collect();
    if 0 < more {
        lines.push(format!("… {more} more"));
    }
    lines
}

fn view(sight: &Sight, (asked, key): (TimelineLabel, Key), visit: &Visit) -> VisitView {
    let label = owner(sight.expectations, asked, visit);
    let name = |key: Key| key_name(sight.knobs, key).unwrap_or_else(|| key.to_string());
    let contents = match (sight.open.get(&label), visit.layer) {
        (Some(timeline), LayerId::File(layer)) => {
            let mut disk = sight.world.state().disk.clone();
            match timeline.layers().files().get(&layer) {
                Some(file) => contents(&mut disk, (timeline.id(), file.entry()), key, &name),
                None => vec!["it is not there any more".to_string()],
            }
        }
        (Some(timeline), LayerId::Memory(start)) => vec![in_memory(timeline, start)],
        (None, _) => vec!["its timeline is not open".to_string()],
    };
    VisitView {
        label,
        layer: visit.layer,
        lsns: visit.lsns,
        contents,
    }
}

/// The timeline that a visited layer belongs to: a branch looks into its own layers only above its
/// point.
fn owner(expectations: &Expectations, asked: TimelineLabel, visit: &Visit) -> TimelineLabel {
    let mut label = asked;
    while let Some((below, at)) = ancestor(expectations, label) {
        if at.visible_end() < visit.lsns.end {
            break;
        }
        label = below;
    }
    label
}

fn in_memory(timeline: &Timeline<SimIo>, start: Lsn) -> String {
    let map = timeline.layers();
    let mut layers = map.open().into_iter().chain(map.frozen());
    match layers.find(|layer| layer.start() == start) {
        Some(layer) => {
            let records = crate::text::counted(layer.entry_count() as u64, "record");
            format!("{records}, {} bytes", layer.byte_len())
        }
        None => "it is not there any more".to_string(),
    }
}

fn ancestor(expectations: &Expectations, label: TimelineLabel) -> Option<(TimelineLabel, Lsn)> {
    expectations
        .get(&label)
        .and_then(|expected| expected.ancestor)
}

/// A timeline as the disk has it, if its index can be read.
pub(crate) fn on_disk(
    disk: &mut Disk,
    expectations: &Expectations,
    label: TimelineLabel,
) -> Option<crate::witness::TimelineView> {
    let index = laws::index(disk, keys::timeline(label)).ok()?;
    Some(of_disk(label, ancestor(expectations, label), &index))
}
