//! A computation: the steps of a script, one after another.

use std::collections::BTreeMap;

use palimpsest::base::LayerName;
use palimpsest::{Key, Lsn, Mode, TimelineId, Value};

use super::compact::{VALUE_LEN_ASSUMED, compact};
use super::flush::Timeline;
use super::history::{Found, replay, up_to};
use super::image::{create_images, first_keys, image_lsn, peer_parts};
use super::layer::{Entry, Layer, Records};
use super::reduce::{NoBase, reduce};
use super::rule::{Rule, Rules};
use crate::play::script::{Command, FIRST, Step, branch_id};
use crate::play::settings::Settings;

/// What a `layers` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// In the order of the names as text.
    pub names: Vec<LayerName>,
    pub disk_consistent_lsn: Lsn,
    pub gc_cutoff: Lsn,
}

/// What no recording has shown: the names behind it are not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    ReducedBranch,
    BranchedBefore,
    WithoutBase,
    Preempted,
    RetainingBranch,
}

impl Gap {
    pub fn told(self) -> &'static str {
        match self {
            Gap::ReducedBranch => "a gc_compact of a branch",
            Gap::BranchedBefore => "a gc_compact of a timeline with branches",
            Gap::WithoutBase => "a job that comes to records without a base",
            Gap::Preempted => "an image creation with many L0s",
            Gap::RetainingBranch => "a use of what keeps an LSN readable",
        }
    }
}

/// Computes the answer to each `layers` of a script that the engine has played.
pub fn compute(steps: &[Step], rules: Rules) -> Vec<Result<Computed, Gap>> {
    let mut computation = Computation {
        settings: Settings::default(),
        rules,
        timelines: BTreeMap::new(),
        current: FIRST,
        branch_count: 0,
        gap: None,
    };
    let steps = steps.iter();
    let answers = steps.filter_map(|step| computation.take(&step.command));
    answers.collect()
}

struct Computation {
    settings: Settings,
    rules: Rules,
    timelines: BTreeMap<TimelineId, Timeline>,
    current: TimelineId,
    branch_count: usize,
    gap: Option<Gap>,
}

impl Computation {
    /// Takes a step, and returns the answer to `layers`.
    fn take(&mut self, command: &Command) -> Option<Result<Computed, Gap>> {
        match command {
            Command::Conf(conf) => self.settings.choose(*conf),
            Command::Open(start) => self.open(*start),
            Command::Branch(lsn) => self.branch(*lsn),
            Command::Use(id) => match self.timelines.contains_key(id) {
                true => self.current = *id,
                false => self.gap = self.gap.or(Some(Gap::RetainingBranch)),
            },
            Command::GcCompact => self.reduce(),
            Command::CreateImages => {
                self.compact(Mode::ByNeed);
                self.create_images();
            }
            Command::CompactL0s => self.compact(Mode::Forced),
            Command::Layers => return Some(self.answer()),
            Command::KeySpace(keys) => self.timeline().keys = vec![*keys],
            Command::Put(key, lsn, change) => self.put((*key, *lsn), &change.to_value()),
            Command::Flush => self.timeline().flush(),
            Command::Cutoff(lsn, retained) => {
                let timeline = self.timeline();
                timeline.flush();
                timeline.cutoff = timeline.cutoff.max(*lsn);
                timeline.retained.extend(retained);
                timeline.retained.sort();
                timeline.retained.dedup();
            }
            Command::Get(..) | Command::Vget(..) => {}
        }
        None
    }

    fn timeline(&mut self) -> &mut Timeline {
        let timeline = self.timelines.get_mut(&self.current);
        timeline.expect("the engine has played this script")
    }

    fn answer(&mut self) -> Result<Computed, Gap> {
        if let Some(gap) = self.gap {
            return Err(gap);
        }
        let timeline = self.timeline();
        let mut names: Vec<LayerName> = timeline.layers.iter().map(|it| it.name).collect();
        names.sort_by_cached_key(LayerName::to_string);
        Ok(Computed {
            names,
            disk_consistent_lsn: timeline.flushed(),
            gc_cutoff: timeline.cutoff,
        })
    }

    fn open(&mut self, start: Lsn) {
        let cutoff = match self.rules.is_peers(Rule::FirstCutoff) {
            true => start,
            false => Lsn::ZERO,
        };
        let mut timeline = Timeline::new(None, (start, cutoff));
        if self.rules.is_peers(Rule::FirstKeys) {
            let keys = first_keys();
            let mut values = BTreeMap::new();
            for range in &keys {
                let mut key = range.start;
                while key < range.end {
                    let image = (start, Value::Image(Vec::new()));
                    timeline.log.insert(key, vec![image]);
                    values.insert(key, Vec::new());
                    key = key.next();
                }
            }
            let count = self.settings.options.layer_len_target / VALUE_LEN_ASSUMED;
            let parts = peer_parts(&keys, count.max(1)).into_iter();
            timeline.layers = parts
                .map(|keys| Layer::image((keys, start), &values))
                .collect();
        }
        self.timelines.insert(FIRST, timeline);
    }

    fn branch(&mut self, lsn: Lsn) {
        self.branch_count += 1;
        let ancestor = self.current;
        let parent = self.timeline();
        parent.is_branched = true;
        if parent.flushed() < lsn {
            parent.flush();
        }
        let cutoff = match self.rules.is_peers(Rule::FirstCutoff) {
            true => self.timeline().cutoff,
            false => Lsn::ZERO,
        };
        if let Ok(id) = branch_id(self.branch_count) {
            self.timelines
                .insert(id, Timeline::new(Some(ancestor), (lsn, cutoff)));
        }
    }

    fn put(&mut self, place: (Key, Lsn), value: &Value) {
        let settings = self.settings.clone();
        self.timeline().put(place, value, &settings);
    }

    fn compact(&mut self, mode: Mode) {
        let (settings, rules) = (self.settings.clone(), self.rules);
        compact(self.timeline(), (&settings, rules), mode);
    }

    fn create_images(&mut self) {
        let (settings, rules) = (self.settings.clone(), self.rules);
        let l0s = self.timeline().layers.iter();
        let l0_count = l0s.filter(|layer| layer.name.is_l0()).count();
        if settings.options.image_preempt_l0_count <= l0_count {
            self.gap = self.gap.or(Some(Gap::Preempted));
        }
        let Some(lsn) = image_lsn(self.timeline(), rules) else {
            return;
        };
        match self.values(lsn) {
            Ok(values) => create_images(self.timeline(), (&settings, rules), (lsn, &values)),
            Err(NoBase) => self.gap = self.gap.or(Some(Gap::WithoutBase)),
        }
    }

    /// All values at an LSN of the current timeline.
    fn values(&self, lsn: Lsn) -> Result<BTreeMap<Key, Vec<u8>>, NoBase> {
        let mut logs: Vec<(&Records, Lsn)> = Vec::new();
        let (mut next, mut limit) = (Some(self.current), lsn);
        while let Some(timeline) = next.and_then(|id| self.timelines.get(&id)) {
            logs.push((&timeline.log, limit));
            (next, limit) = (timeline.ancestor, limit.min(timeline.start));
        }
        let keys = logs.iter().flat_map(|(log, _)| log.keys().copied());
        let mut values = BTreeMap::new();
        for key in keys {
            let oldest_first = logs.iter().rev();
            let parts = oldest_first.flat_map(|(log, limit)| up_to(log, key, *limit));
            let history: Vec<Entry> = parts.cloned().collect();
            match replay(&history) {
                Found::Unborn => {}
                Found::NoBase => return Err(NoBase),
                Found::Value(value) => _ = values.insert(key, value),
            }
        }
        Ok(values)
    }

    fn reduce(&mut self) {
        let (settings, rules) = (self.settings.clone(), self.rules);
        let timeline = self.timeline();
        let gap = match (timeline.ancestor, timeline.is_branched) {
            (Some(_), _) => Some(Gap::ReducedBranch),
            (None, true) => Some(Gap::BranchedBefore),
            (None, false) => match reduce(timeline, (&settings, rules)) {
                Ok(()) => None,
                Err(NoBase) => Some(Gap::WithoutBase),
            },
        };
        self.gap = self.gap.or(gap);
    }
}
