//! Creating images: the values of a range of keys at an LSN, so that reads end there.
//!
//! ```text
//!  plan: which parts of the keys ─▶ read at the LSN ─▶ write an image ─▶ publish … ─▶ index
//!                                        ▲                                  │
//!                                        └───── too many L0s? stop here ────┘
//! ```
//!
//! 1. Whether an image is due is asked of parts of the keys, each with as many declared keys as
//!    fill a layer. The parts abut: the first starts at the lowest key, the last ends at the
//!    highest. Wanted parts that abut are one part of the plan, and its images are cut by the
//!    length of their values alone: keys that are declared and have no value cost no file.
//!    Together the images cover their part without a hole: an image says of each key of its range
//!    what its value was, or that it had none. Sparse keys have parts of their own: values that
//!    are empty are left out of their images, and where nothing is left, there is no image, and the
//!    keys are not covered.
//!    A run that was stopped goes on at that very key, also where the parts are others by then.
//! 2. A key whose records cannot be replayed, or to a value that is too long, has no value that an
//!    image could hold: the images are cut around it. By need it is tried again once as many deltas
//!    stand above those images as make an image due, and once after each opening: what was tried is
//!    not in the index.
//! 3. By need it looks which images are due only now and then, as the options say: at a part where
//!    enough deltas stand above the newest image, or one above an image that is too old; at sparse
//!    keys, which are read by scans, where a scan looks into enough deltas.
//! 4. Images stand at the LSN up to which the delta layers go, never above what is durable.

use std::fmt;
use std::sync::Arc;

pub(super) use self::build::ImageBuild;
pub(super) use self::files::ImageFiles;
pub(super) use self::parts::{joined, partition};
use super::Timeline;
use super::imaged::{Imaged, WhyLeftOut};
use super::job::{Mode, Progress};
use super::job_stats::{JobStats, Stopwatch};
use super::left_out::LeftOut;
use super::options::Options;
use super::shared::{Shared, TimelineState};
use super::upkeep::Lane;
use crate::base::{Error, Key, KeyRange, KeySpace, Lsn, LsnRange, Result, Time};
use crate::io::{Io, Job, Op};
use crate::layer::{FileLayer, ImageLayer, LayerMap};
use crate::store::Store;

/// A planned image creation: images of these parts of the keys at this LSN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePlan {
    /// The LSN of the images.
    pub lsn: Lsn,
    /// The parts in ascending order; each becomes one image, or several that abut.
    pub parts: Vec<KeyRange>,
}

/// Chooses the parts of the keys that need an image at `lsn`; `None` if no part does. Takes no key
/// for one that was left out.
///
/// # Shape
/// A part ends where the keys behind it need none, and where sparse keys begin or end.
pub fn plan<I: Io>(
    map: &LayerMap<I>,
    (keys, lsn): (&KeySpace, Lsn),
    options: &Options,
    mode: Mode,
) -> Option<ImagePlan> {
    let sparse = options.sparse_keys.sparse();
    let parts = partition(keys, sparse, options.layer_len_target);
    let need = Need {
        left_out: &LeftOut::default(),
        too_old: None,
    };
    let mut parts = parts;
    parts.retain(|part| is_wanted(map, (*part, lsn), options, (mode, &need)));
    let parts = joined(parts, sparse);
    (!parts.is_empty()).then_some(ImagePlan { lsn, parts })
}

/// What makes an image due, besides the layers and the options.
struct Need<'a> {
    /// The keys that were tried in vain.
    left_out: &'a LeftOut,
    /// An image below this LSN is too old.
    too_old: Option<Lsn>,
}

/// Whether a part needs an image at `lsn`.
fn is_wanted<I: Io>(
    map: &LayerMap<I>,
    (part, lsn): (KeyRange, Lsn),
    options: &Options,
    (mode, need): (Mode, &Need<'_>),
) -> bool {
    match mode {
        Mode::Forced => !is_imaged(map, part, lsn),
        Mode::ByNeed => is_due(map, (part, lsn), need, options),
    }
}

/// Whether images at this very LSN cover a part.
fn is_imaged<I: Io>(map: &LayerMap<I>, part: KeyRange, lsn: Lsn) -> bool {
    let at = LsnRange::new(lsn, lsn.visible_end());
    map.files().is_covered_by_images(part, at)
}

/// Whether somewhere in a part enough deltas stand above the newest image, or above the images that
/// left a key out; or one above an image that is too old.
fn is_due<I: Io>(
    map: &LayerMap<I>,
    (part, lsn): (KeyRange, Lsn),
    need: &Need<'_>,
    options: &Options,
) -> bool {
    let files = map.files();
    let segments = files.image_coverage(part, lsn).into_iter();
    let pieces = segments.flat_map(|(keys, image)| {
        let image = image.map(|image| image.lsns().start);
        let pieces = need.left_out.split(keys).into_iter();
        pieces.map(move |(keys, tried)| (keys, image.max(tried)))
    });
    let above = |newest: Option<Lsn>| LsnRange {
        start: newest.map_or(Lsn::ZERO, Lsn::visible_end),
        end: lsn.visible_end(),
    };
    let pieces = pieces.map(|(keys, newest)| (keys, above(newest)));
    let pieces: Vec<(KeyRange, LsnRange)> = pieces.filter(|(_, above)| !above.is_empty()).collect();
    let is_sparse = options.sparse_keys.is_sparse(part.start);
    let has_deltas = |pieces: &[(KeyRange, LsnRange)], count: usize| match is_sparse {
        true => count <= files.count_visits(pieces, count),
        false => pieces
            .iter()
            .any(|(keys, above)| count <= files.count_deltas(*keys, *above, count)),
    };
    let trigger = match is_sparse {
        true => options.sparse_image_delta_count_trigger.max(1),
        false => options.image_delta_count_trigger.max(1),
    };
    let is_old =
        |(_, above): &&(KeyRange, LsnRange)| need.too_old.is_some_and(|lsn| above.start <= lsn);
    let old: Vec<(KeyRange, LsnRange)> = pieces.iter().filter(is_old).copied().collect();
    has_deltas(&pieces, trigger) || has_deltas(&old, 1)
}

impl fmt::Display for ImagePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "images at {}:", self.lsn)?;
        self.parts.iter().try_for_each(|part| write!(f, " {part}"))
    }
}

impl<S: Store> Timeline<S> {
    /// Declares which keys exist, in place of what was declared before: image layers are cut
    /// accordingly. No answer depends on this.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// let mut keys = KeySpace::new();
    /// keys.add(KeyRange::new(Key::MIN, Key::MIN.add(1000)));
    /// timeline.declare_keys(keys);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub fn declare_keys(&self, keys: KeySpace) {
        self.shared.state().key_space = keys;
        self.shared.upkeep.wake(Lane::Image);
    }

    /// Writes image layers of all keys (`Forced`), or where they are due, and says which keys it
    /// left out, and why.
    ///
    /// Puts, reads and other jobs run concurrently; another image creation waits for this one.
    ///
    /// # Shape
    /// `Preempted` if it stopped between two parts because too many L0s wait to be compacted: the
    /// next call resumes at that key. `Idle` also if all images exist, `Superseded` if a
    /// concurrent gc moved the cutoff above the LSN of the images. With `Done`, `Preempted` or
    /// `Idle`, the result is durable, that of earlier calls too.
    /// # Errors
    /// `Io` if the device refused: nothing was lost; retry. `Corrupt` if a layer cannot be read.
    /// `Latched` if a sync has failed, `Closed` if the timeline was shut down.
    ///
    /// # Examples
    /// ```
    /// # use palimpsest::*;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # block_on(async {
    /// # let engine = Engine::open(OsIo::new(), dir.path(), Options::default()).await?;
    /// # let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await?;
    /// # let mut batch = Batch::new();
    /// # batch.push(Key::MIN, Lsn(10), &Value::Image(b"first".to_vec()))?;
    /// # batch.push(Key::MIN, Lsn(20), &Value::Image(b"second".to_vec()))?;
    /// # timeline.writer()?.put_batch(&batch).await?;
    /// timeline.flush().await?;
    /// let imaged = timeline.create_images(Mode::Forced).await?;
    /// assert_eq!((imaged.progress, imaged.written.len()), (Progress::Done, 1));
    /// let imaged = timeline.create_images(Mode::Forced).await?;
    /// assert_eq!(imaged.progress, Progress::Idle);
    /// assert_eq!(imaged.left_out, [(KeyRange::ALL, WhyLeftOut::HasImage)]);
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn create_images(&self, mode: Mode) -> Result<Imaged> {
        let shared = &self.shared;
        let _job_lock = shared.job_locks.image.take().await;
        let look = shared.op(Job::Image, 0);
        shared.io().interleave(look).await;
        let (plan, mut imaged) = shared.plan_images(mode)?;
        let Some(plan) = plan else {
            imaged.progress = shared.idle(look).await?;
            return Ok(imaged);
        };
        let op = shared.next_op(&mut shared.state(), Job::Image);
        let create = shared.create_all(op, &plan, &mut imaged);
        shared.watched(op, create).await?;
        imaged.sort();
        Ok(imaged)
    }
}

impl<S: Store> Shared<S> {
    /// Chooses the parts to image, and says of the others why not.
    fn plan_images(&self, mode: Mode) -> Result<(Option<ImagePlan>, Imaged)> {
        let now = self.io().now();
        let mut state = self.state();
        state.check_writable()?;
        let resume = state.resume.take();
        let lsn = state.flushed_lsn;
        let mut imaged = Imaged::nothing(lsn);
        let is_empty = state.map.files().is_empty() && self.ancestor.is_none();
        if is_empty || !self.is_time_to_look(&mut state, (mode, resume), now) {
            return Ok((None, imaged));
        }
        let (map, keys) = (state.map.clone(), state.key_space.clone());
        let options = state.applied.options.clone();
        let left_out = state.left_out.clone();
        let last = state.last_record_lsn;
        state.image_time_to_lsn.note(now, last);
        let age_max = options.image_age_max;
        let too_old = age_max.and_then(|_| state.image_time_to_lsn.cutoff(now));
        drop(state);
        // A part is as large as what the shard holds of it.
        let keys = self.shard.identity.held_space(&keys);
        let need = Need {
            left_out: &left_out,
            too_old,
        };
        let sparse = options.sparse_keys.sparse();
        let parts = partition(&keys, sparse, options.layer_len_target);
        let is_wanted = |part: &KeyRange| is_wanted(&map, (*part, lsn), &options, (mode, &need));
        let (mut parts, others): (Vec<KeyRange>, Vec<KeyRange>) =
            parts.into_iter().partition(is_wanted);
        let why = match mode {
            Mode::Forced => WhyLeftOut::HasImage,
            Mode::ByNeed => WhyLeftOut::NotDue,
        };
        imaged.left_out = others.into_iter().map(|part| (part, why)).collect();
        if let Some(resume) = resume {
            self.pass_over(&mut parts, resume, &mut imaged);
        }
        if parts.is_empty() {
            imaged.sort();
            return Ok((None, imaged));
        }
        let parts = joined(parts, sparse);
        Ok((Some(ImagePlan { lsn, parts }), imaged))
    }

    /// Whether enough was flushed or enough time has passed since it was looked which images are
    /// due. A run that was stopped goes on.
    fn is_time_to_look(
        &self,
        state: &mut TimelineState<S::Io>,
        (mode, resume): (Mode, Option<Key>),
        now: Time,
    ) -> bool {
        let lsn = state.flushed_lsn;
        let is_time = state.image_look.is_none_or(|(before, looked)| {
            self.options.image_look_distance <= lsn.0.saturating_sub(before.0)
                || self.options.image_look_age <= now.saturating_since(looked)
        });
        if mode == Mode::ByNeed && resume.is_none() && !is_time {
            self.io()
                .probe("an image creation does not look, so soon after the last");
            return false;
        }
        state.image_look = Some((lsn, now));
        true
    }

    /// Takes out of the parts what the run that was stopped at `resume` has done, if that leaves
    /// any. The parts may be cut elsewhere than they were.
    fn pass_over(&self, parts: &mut Vec<KeyRange>, resume: Key, imaged: &mut Imaged) {
        if parts.last().is_none_or(|last| last.end <= resume) {
            return;
        }
        self.io()
            .probe("an image creation goes on where it was stopped");
        for part in parts.iter_mut() {
            let start = part.start.max(resume.min(part.end));
            imaged
                .left_out
                .push((KeyRange::new(part.start, start), WhyLeftOut::DoneBefore));
            part.start = start;
        }
        parts.retain(|part| !part.is_empty());
    }

    /// Writes the images of a plan, and the index.
    async fn create_all(
        self: &Arc<Self>,
        op: Op,
        plan: &ImagePlan,
        imaged: &mut Imaged,
    ) -> Result<()> {
        let (mut watch, mut stats) = (Stopwatch::start(self.io()), JobStats::default());
        let made = self.create(op, plan, (imaged, &mut stats)).await;
        let made = self.latch(made);
        stats.time_to_build = watch.lap(self.io());
        // Images that were published before a failure stay.
        let publication = self.state().publication();
        let saved = self.save_index(op, publication).await;
        stats.time_to_publish = watch.lap(self.io());
        self.note_run(Job::Image, stats);
        made.and(saved)
    }

    async fn create(
        self: &Arc<Self>,
        op: Op,
        plan: &ImagePlan,
        (imaged, stats): (&mut Imaged, &mut JobStats),
    ) -> Result<()> {
        assert!(
            plan.lsn <= self.state().flushed_lsn,
            "images stand at the LSN up to which deltas are flushed"
        );
        let mut count = 0;
        for (index, part) in plan.parts.iter().enumerate() {
            let mut build = match ImageBuild::begin(self, op, (*part, plan.lsn), count).await {
                Err(Error::BelowCutoff { .. }) => {
                    self.io()
                        .probe("an image creation is overtaken by a collection");
                    imaged.progress = Progress::Superseded;
                    let rest = plan.parts[index..].iter();
                    let rest = rest.map(|part| (*part, WhyLeftOut::Overtaken));
                    imaged.left_out.extend(rest);
                    return Ok(());
                }
                build => build?,
            };
            while let Some(built) = build.next().await? {
                imaged.left_out.extend(&built.left_out);
                if !built.images.is_empty() {
                    imaged.progress = Progress::Done;
                    self.io().interleave(op).await;
                    self.publish_images(built.images, (imaged, stats))?;
                    stats.produced.add_all(built.values);
                }
                let tried = built.left_out.iter().filter(|(_, why)| why.is_tried());
                let tried: Vec<KeyRange> = tried.map(|(keys, _)| *keys).collect();
                let mut state = self.state();
                state.left_out.note(built.keys, (&tried, plan.lsn));
                let rest = [KeyRange::new(built.keys.end, part.end)];
                let rest = rest.iter().chain(&plan.parts[index + 1..]);
                let rest = rest.filter(|part| !part.is_empty());
                let l0_count = state.map.l0_count();
                if rest.clone().next().is_some() && self.options.image_preempt_l0_count <= l0_count
                {
                    state.resume = Some(built.keys.end);
                    drop(state);
                    self.io().probe("an image creation stops for L0s that wait");
                    imaged.progress = Progress::Preempted;
                    let rest = rest.map(|part| (*part, WhyLeftOut::Preempted));
                    imaged.left_out.extend(rest);
                    return Ok(());
                }
            }
            count = build.count();
        }
        Ok(())
    }

    pub(super) fn publish_images(
        &self,
        made: Vec<ImageLayer<S::Io>>,
        (imaged, stats): (&mut Imaged, &mut JobStats),
    ) -> Result<()> {
        let mut state = self.state();
        state.check_writable()?;
        assert!(!made.is_empty());
        assert!(
            made.iter().all(|image| image.lsn() <= state.flushed_lsn),
            "law 4"
        );
        let (mut images, mut needless) = (Vec::new(), Vec::new());
        for image in made {
            match state.map.files().has(&image.entry().name) {
                // A gc compaction has made its like meanwhile, with the same values: law 1.
                true => {
                    imaged.left_out.push((image.keys(), WhyLeftOut::HasImage));
                    stats.layers_discarded.add(image.entry().len);
                    needless.push(image);
                }
                false => {
                    imaged.written.push(image.entry().name);
                    image.keep();
                    images.push(FileLayer::Image(Arc::new(image)));
                }
            }
        }
        let image_count = images.len();
        stats.swap(&images, &[]);
        let map = state.map.replace(&[], images);
        assert!(map.files().len() == state.map.files().len() + image_count);
        assert!(map.backlog() == state.map.backlog(), "images replace no L0");
        state.publish(map, Vec::new());
        drop(state);
        drop(needless);
        Ok(())
    }
}

mod build;
mod files;
mod parts;
#[cfg(test)]
mod tests;
