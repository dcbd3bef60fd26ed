//! Checks that what an image creation says of itself is so; answers and layers are for others.
//!
//! * Verified: the keys that it says to have imaged and those that it says to have left out are all
//!   keys, each once. Of one that ran alone, the images that it names are there, and where it says
//!   that there are images already, there are some at that LSN. What one takes for done before, the
//!   one that was stopped has imaged or left out: no key is passed over between two runs.
//! * Not verified: which images are due, and why those that are left out are.
//!
//! Its state is what the last one of each timeline has said, if it ran alone and was stopped.

use std::collections::BTreeMap;

use palimpsest::Timeline;
use palimpsest::base::{Generation, Key, KeyRange, LayerName};
use palimpsest::timeline::{Imaged, Progress, WhyLeftOut};

use super::Sight;
use crate::label::TimelineLabel;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// What image creations that were stopped have said.
#[derive(Clone, Default)]
pub struct ImagedCheck {
    stopped: BTreeMap<TimelineLabel, (Generation, Imaged)>,
}

impl ImagedCheck {
    /// Checks what one has said, if it came to an end.
    ///
    /// # Errors
    /// The broken law.
    pub fn check(
        &mut self,
        sight: &Sight,
        (label, timeline): (TimelineLabel, &Timeline<SimIo>),
        (said, is_alone): (Option<&Imaged>, bool),
    ) -> Result<(), Verdict> {
        let stopped = self.stopped.remove(&label);
        let Some(said) = said else {
            return Ok(());
        };
        let written = said.written.iter().map(LayerName::keys);
        let left_out = said.left_out.iter().map(|(keys, _)| *keys);
        let all = written.chain(left_out).collect();
        check_cover(
            all,
            KeyRange::ALL,
            "all keys are imaged or left out, each once",
        )?;
        if !is_alone {
            return Ok(());
        }
        let open = &sight.open[&label];
        if open.generation() != timeline.generation() {
            return Ok(());
        }
        check_there(open, said)?;
        let before = stopped.filter(|(generation, _)| *generation == open.generation());
        if let Some((_, before)) = before {
            check_done_before(&before, said)?;
        }
        if said.progress == Progress::Preempted {
            let stopped = (open.generation(), said.clone());
            self.stopped.insert(label, stopped);
        }
        Ok(())
    }
}

/// Checks that ranges cover `all`, and no key of it twice.
fn check_cover(mut ranges: Vec<KeyRange>, all: KeyRange, law: &str) -> Result<(), Verdict> {
    ranges.sort_unstable();
    let mut start = all.start;
    for range in ranges {
        if range.start != start {
            return Err(Verdict::law(law, format!("{range} follows {start}")));
        }
        start = range.end;
    }
    match start == all.end {
        true => Ok(()),
        false => Err(Verdict::law(law, format!("the last ends at {start}"))),
    }
}

/// Checks that the images are there that are said to be.
fn check_there(open: &Timeline<SimIo>, said: &Imaged) -> Result<(), Verdict> {
    let map = open.layers();
    if let Some(name) = said.written.iter().find(|name| !map.files().has(name)) {
        let law = "an image creation has made the images that it names";
        return Err(Verdict::law(law, format!("{name} is not there")));
    }
    let images = map.files().names().filter(LayerName::is_image);
    let images: Vec<KeyRange> = images
        .filter(|name| name.lsns().start == said.lsn)
        .map(|name| name.keys())
        .collect();
    let has_image = |(_, why): &&(KeyRange, WhyLeftOut)| *why == WhyLeftOut::HasImage;
    let mut said_there = said.left_out.iter().filter(has_image);
    match said_there.find(|(keys, _)| !covers(&images, *keys)) {
        Some((keys, _)) => {
            let law = "what has an image already has one at the LSN of the others";
            Err(Verdict::law(
                law,
                format!("{keys} has none at {}", said.lsn),
            ))
        }
        None => Ok(()),
    }
}

/// Checks that what is taken for done was done by the one that was stopped.
fn check_done_before(before: &Imaged, said: &Imaged) -> Result<(), Verdict> {
    let left_out = before.left_out.iter();
    let looked_at = left_out.filter(|(_, why)| *why != WhyLeftOut::Preempted);
    let looked_at = looked_at.map(|(keys, _)| *keys);
    let done: Vec<KeyRange> = before
        .written
        .iter()
        .map(LayerName::keys)
        .chain(looked_at)
        .collect();
    let is_taken = |(_, why): &&(KeyRange, WhyLeftOut)| *why == WhyLeftOut::DoneBefore;
    let mut taken = said.left_out.iter().filter(is_taken);
    match taken.find(|(keys, _)| !covers(&done, *keys)) {
        Some((keys, _)) => {
            let law = "an image creation that goes on passes over what the one before it has done";
            Err(Verdict::law(law, format!("nothing was done for {keys}")))
        }
        None => Ok(()),
    }
}

/// Whether ranges cover every key of `keys`.
fn covers(ranges: &[KeyRange], keys: KeyRange) -> bool {
    let mut ranges = ranges.to_vec();
    ranges.sort_unstable();
    let mut start: Key = keys.start;
    for range in ranges {
        if range.start <= start {
            start = start.max(range.end);
        }
    }
    keys.end <= start
}
