//! Checks what the jobs of a timeline say that they have done.
//!
//! * Verified: where one line ran alone, the layers that its jobs counted are those that came into
//!   the map and left it, in number and bytes. Of the entries that a job came to, each was kept or
//!   discarded. The files that came hold as many entries as were kept and produced.
//! * Not verified: times; the lengths of entries; entries where a file was not used, or where one
//!   that came is gone again.
//!
//! Its state is what there was before the line.

use std::collections::BTreeMap;

use palimpsest::base::LayerName;
use palimpsest::format::IndexLayer;
use palimpsest::io::Job;
use palimpsest::{JobRuns, JobStats, Quantity, Timeline};

use super::Sight;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws::{self, records, values};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// The layers of a timeline and what its jobs have done, before a line.
pub struct Counted {
    timeline: Timeline<SimIo>,
    layers: Vec<IndexLayer>,
    runs: BTreeMap<Job, JobRuns>,
}

/// What the jobs of one line add up to.
#[derive(Default)]
struct Sum {
    written: Quantity,
    removed: Quantity,
    discarded: u64,
    entries: u64,
}

impl Counted {
    /// Looks at a timeline before a line; nothing if it is not open.
    pub fn begin(sight: &Sight, label: TimelineLabel) -> Option<Counted> {
        let timeline = sight.open.get(&label)?.clone();
        Some(Counted {
            layers: layers_of(&timeline),
            runs: timeline.job_runs(),
            timeline,
        })
    }

    /// Looks at it after the line.
    ///
    /// # Errors
    /// The broken law.
    pub fn check(&self, sight: &Sight, label: TimelineLabel) -> Result<(), Verdict> {
        let runs = self.timeline.job_runs();
        if runs == self.runs && layers_of(&self.timeline) == self.layers {
            return Ok(());
        }
        let sum = self.sum(&runs, label)?;
        let after = layers_of(&self.timeline);
        let is_in = |layers: &[IndexLayer], layer: &IndexLayer| layers.contains(layer);
        let came: Vec<&IndexLayer> = after
            .iter()
            .filter(|one| !is_in(&self.layers, one))
            .collect();
        let gone = self.layers.iter().filter(|one| !is_in(&after, one));
        let (came_sum, gone_sum) = (quantity(came.iter().copied()), quantity(gone));
        // A line may make layers that its next job replaces: both cancel out.
        let balance = |plus: Quantity, minus: Quantity| {
            let of = |plus: u64, minus: u64| i128::from(plus) - i128::from(minus);
            (of(plus.count, minus.count), of(plus.len, minus.len))
        };
        let (found, expected) = (
            balance(sum.written, sum.removed),
            balance(came_sum, gone_sum),
        );
        if found != expected {
            let law = "the jobs count the layers that come into the map and leave it";
            let found = format!("timeline {label}: {found:?} layers and bytes, but {expected:?}");
            return Err(Verdict::law(law, found));
        }
        if 0 < sum.discarded || sum.written != came_sum {
            return Ok(());
        }
        let disk = &mut sight.world.state().disk;
        let mut count = 0;
        for layer in came {
            let bytes = laws::layer_bytes(disk, keys::timeline(label), layer);
            let entries = bytes.and_then(|bytes| match layer.name {
                LayerName::Delta { .. } => records(&bytes, layer).ok().map(|all| all.len()),
                LayerName::Image { lsn, .. } => {
                    values(&bytes, layer, lsn).ok().map(|all| all.len())
                }
            });
            // What cannot be read is another law's.
            let Some(entries) = entries else {
                return Ok(());
            };
            count += entries as u64;
        }
        if count == sum.entries {
            return Ok(());
        }
        let law = format!("the files hold the {count} entries that the jobs kept and produced");
        let found = format!("timeline {label}: {}", sum.entries);
        Err(Verdict::law(law, found))
    }

    /// What the runs since the line began add up to.
    fn sum(&self, runs: &BTreeMap<Job, JobRuns>, label: TimelineLabel) -> Result<Sum, Verdict> {
        let mut sum = Sum::default();
        for (job, runs) in runs {
            let before = self
                .runs
                .get(job)
                .map_or(JobStats::default(), |before| before.total);
            let after = runs.total;
            let (visited, kept) = (after.visited.count, after.kept.count);
            if visited != kept + after.discarded.count {
                let law = format!("of {visited} entries each is kept or discarded");
                let found = format!("timeline {label}, {job:?}: {kept} kept");
                return Err(Verdict::law(law, found));
            }
            sum.written = plus(
                sum.written,
                minus(after.layers_written, before.layers_written),
            );
            sum.removed = plus(
                sum.removed,
                minus(after.layers_removed, before.layers_removed),
            );
            sum.discarded += after.layers_discarded.count - before.layers_discarded.count;
            sum.entries += after.kept.count - before.kept.count;
            sum.entries += after.produced.count - before.produced.count;
        }
        Ok(sum)
    }
}

fn layers_of(timeline: &Timeline<SimIo>) -> Vec<IndexLayer> {
    let map = timeline.layers();
    map.files()
        .iter()
        .map(|(_, layer)| *layer.entry())
        .collect()
}

fn quantity<'a>(layers: impl Iterator<Item = &'a IndexLayer>) -> Quantity {
    layers.fold(Quantity::default(), |sum, layer| {
        let one = Quantity {
            count: 1,
            len: layer.len,
        };
        plus(sum, one)
    })
}

fn plus(a: Quantity, b: Quantity) -> Quantity {
    Quantity {
        count: a.count + b.count,
        len: a.len + b.len,
    }
}

fn minus(a: Quantity, b: Quantity) -> Quantity {
    Quantity {
        count: a.count - b.count,
        len: a.len - b.len,
    }
}
