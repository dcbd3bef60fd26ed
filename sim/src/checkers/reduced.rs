//! Checks that what a gc compaction says of itself is so; answers and layers are for others.
//!
//! * Verified: of one that succeeded, as many entries were kept or dropped as were read, in number
//!   and in bytes, and no two delta layers overlap. A dry run leaves the disk as it was, and a run
//!   that follows it, with nothing in between, comes to the layers that it named. A run that
//!   follows another one of the same range comes to the layers that are there. One that is refused
//!   leaves the layers as they were.
//! * Not verified: the names, where anything ran beside or in between: it may have had other layers
//!   to choose from.
//!
//! Its state is what the last one that ran alone has said, with what it stood on.

use std::collections::BTreeSet;

use palimpsest::base::{FileName, LayerName, Lsn};
use palimpsest::timeline::{Effect, GcCompacted, HistoryRange, Progress};

use super::Sight;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws;
use crate::oracle;
use crate::verdict::Verdict;

/// What gc compactions that ran alone have said.
#[derive(Clone, Default)]
pub struct Reduced {
    last: Option<Said>,
}

/// What one has said.
#[derive(Clone)]
struct Said {
    stage: Stage,
    /// The names of the layers that were there afterwards, or would have been.
    layers: BTreeSet<LayerName>,
}

/// What a gc compaction of a range depends on.
#[derive(Clone)]
pub struct Stage {
    label: TimelineLabel,
    range: HistoryRange,
    cutoff: Lsn,
    retained: BTreeSet<Lsn>,
    layers: BTreeSet<LayerName>,
    files: BTreeSet<FileName>,
    knobs: String,
}

impl Stage {
    /// Before a gc compaction of this range.
    pub fn begin(sight: &Sight, label: TimelineLabel, range: HistoryRange) -> Stage {
        let timeline = &sight.open[&label];
        Stage {
            label,
            range,
            cutoff: timeline.gc_cutoff(),
            retained: oracle::retained(sight.expectations, label).all(),
            layers: timeline.layers().files().names().collect(),
            files: laws::layer_files(&mut sight.world.state().disk, keys::timeline(label)),
            knobs: sight.knobs.to_string(),
        }
    }
}

impl Stage {
    /// Whether nothing but removals of files has changed since `before`.
    fn is_left_by(&self, before: &Stage) -> bool {
        self.is_like(before) && self.files.is_subset(&before.files)
    }

    /// Whether a gc compaction of the range has the same to choose from.
    fn is_like(&self, other: &Stage) -> bool {
        let asked = (self.label, self.range, self.cutoff, &self.knobs);
        let found = (&self.retained, &self.layers);
        asked == (other.label, other.range, other.cutoff, &other.knobs)
            && found == (&other.retained, &other.layers)
    }
}

impl Reduced {
    /// Checks one that succeeded, and remembers it if it ran alone: `before` is what it stood on
    /// then.
    ///
    /// # Errors
    /// The broken law.
    pub fn check(
        &mut self,
        sight: &Sight,
        (label, effect): (TimelineLabel, Effect),
        before: Option<Stage>,
        said: &GcCompacted,
    ) -> Result<(), Verdict> {
        check_sums(said)?;
        let conflict = sight.open[&label].layers().files().find_conflict();
        if let Some((a, b)) = conflict {
            let law = "a gc compaction leaves no two layers that overlap";
            return Err(Verdict::law(law, format!("{a} and {b}")));
        }
        let last = self.last.take();
        let Some(before) = before else {
            return Ok(());
        };
        let after = Stage::begin(sight, label, before.range);
        let mut layers = before.layers.clone();
        said.replaced
            .iter()
            .for_each(|name| _ = layers.remove(name));
        layers.extend(&said.written);
        if said.progress == Progress::Superseded {
            let law = "nothing takes the layers of a gc compaction that runs alone";
            return Err(Verdict::law(law, "it is superseded"));
        }
        match effect {
            Effect::DryRun if !after.is_left_by(&before) => {
                let law = "a dry run changes no layer and no file";
                return Err(Verdict::law(law, changes(&before.layers, &after.layers)));
            }
            Effect::Write if after.layers != layers => {
                let law = "a gc compaction writes and replaces the layers that it names";
                return Err(Verdict::law(law, changes(&layers, &after.layers)));
            }
            Effect::DryRun | Effect::Write => {}
        }
        let is_like = |last: &Said| last.stage.is_like(&before);
        if let Some(last) = last.filter(is_like)
            && last.layers != layers
        {
            let law = "a gc compaction comes to the layers that the one before has named";
            return Err(Verdict::law(law, changes(&last.layers, &layers)));
        }
        let stage = match effect {
            Effect::DryRun => before,
            Effect::Write => after,
        };
        self.last = Some(Said { stage, layers });
        Ok(())
    }

    /// Checks one that was refused while it ran alone: nothing was changed.
    ///
    /// # Errors
    /// The broken law.
    pub fn check_refused(&self, sight: &Sight, before: &Stage) -> Result<(), Verdict> {
        let after = Stage::begin(sight, before.label, before.range);
        if after.layers == before.layers {
            return Ok(());
        }
        let law = "a gc compaction that is refused leaves the layers as they are";
        Err(Verdict::law(law, changes(&before.layers, &after.layers)))
    }
}

fn check_sums(said: &GcCompacted) -> Result<(), Verdict> {
    let stats = &said.stats;
    let read = (
        stats.records.count + stats.images.count + stats.absent_count,
        stats.records.len + stats.images.len,
    );
    let found = (
        stats.kept.count + stats.dropped.count,
        stats.kept.len + stats.dropped.len,
    );
    if read == found {
        return Ok(());
    }
    let law = format!(
        "{} entries of {} bytes, as were read, were kept or dropped",
        read.0, read.1
    );
    Err(Verdict::law(
        law,
        format!("{} of {} bytes", found.0, found.1),
    ))
}

/// The layers that are in one set only.
fn changes(expected: &BTreeSet<LayerName>, found: &BTreeSet<LayerName>) -> String {
    let missing = expected.difference(found).map(|name| format!("not {name}"));
    let more = found.difference(expected).map(LayerName::to_string);
    missing.chain(more).collect::<Vec<_>>().join(", ")
}
