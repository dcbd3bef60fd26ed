//! Creating images: the values of a range of keys at an LSN, so that reads end there.
//!
//! ```text
//!  plan: which parts of the keys ─▶ for each: read at the LSN ─▶ write ─▶ publish … ─▶ index
//!                                        ▲                            │
//!                                        └── too many L0s? stop here ─┘
//! ```
//!
//! 1. The parts abut: the first starts at the lowest key, the last ends at the highest, and so do
//!    the images of each part, so that together they cover all keys without a hole. An image says
//!    of each key of its range what its value was, or that it had none.
//! 2. A key whose records cannot be replayed has no value that an image could hold: the images are
//!    cut around it. By need it is tried again once as many deltas stand above those images as make
//!    an image due, and once after each opening: what was tried is not in the index.
//! 3. Images stand at the LSN up to which the delta layers go, never above what is durable.

use std::fmt;
use std::sync::Arc;

use super::Timeline;
use super::job::{Mode, Progress, VALUE_LEN_ASSUMED};
use super::left_out::LeftOut;
use super::options::Options;
use super::read::Scan;
use super::shared::Shared;
use crate::base::{Error, Key, KeyRange, KeySpace, LayerName, Lsn, LsnRange, Result};
use crate::format::IndexLayer;
use crate::io::{Io, Job, Op, Part};
use crate::layer::{FileLayer, ImageFilePlan as LayerPlan, ImageLayer, ImageWriter, LayerMap};
use crate::store::Store;

/// A declared range of more keys than this is not cut: it stands for keys that are not known yet.
const PART_KEY_COUNT_MAX: u64 = 1 << 32;

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
/// A part ends at the end of a declared range, once it has enough declared keys for a layer.
pub fn plan<I: Io>(
    map: &LayerMap<I>,
    (keys, lsn): (&KeySpace, Lsn),
    options: &Options,
    mode: Mode,
) -> Option<ImagePlan> {
    let parts = partition(keys, options.layer_len_target);
    plan_parts(map, (parts, lsn), options, (mode, &LeftOut::default()))
}

/// Chooses those of the parts that need an image at `lsn`; `None` if none does.
fn plan_parts<I: Io>(
    map: &LayerMap<I>,
    (mut parts, lsn): (Vec<KeyRange>, Lsn),
    options: &Options,
    (mode, left_out): (Mode, &LeftOut),
) -> Option<ImagePlan> {
    let trigger = options.image_delta_count_trigger.max(1);
    parts.retain(|part| match mode {
        Mode::Forced => !is_imaged(map, *part, lsn),
        Mode::ByNeed => is_due(map, (*part, lsn), left_out, trigger),
    });
    (!parts.is_empty()).then_some(ImagePlan { lsn, parts })
}

/// Whether images at this very LSN cover a part.
fn is_imaged<I: Io>(map: &LayerMap<I>, part: KeyRange, lsn: Lsn) -> bool {
    let at = LsnRange::new(lsn, lsn.visible_end());
    map.files().is_covered_by_images(part, at)
}

/// Whether somewhere in a part enough deltas stand above the newest image, or above the images that
/// left a key out.
fn is_due<I: Io>(
    map: &LayerMap<I>,
    (part, lsn): (KeyRange, Lsn),
    left_out: &LeftOut,
    trigger: usize,
) -> bool {
    let files = map.files();
    let segments = files.image_coverage(part, lsn).into_iter();
    let mut pieces = segments.flat_map(|(keys, image)| {
        let image = image.map(|image| image.lsns().start);
        let pieces = left_out.split(keys).into_iter();
        pieces.map(move |(keys, tried)| (keys, image.max(tried)))
    });
    pieces.any(|(keys, newest)| {
        let start = newest.map_or(Lsn::ZERO, Lsn::visible_end);
        let above = LsnRange::new(start, lsn.visible_end());
        !above.is_empty() && trigger <= files.count_deltas(keys, above, trigger)
    })
}

/// Cuts all keys into parts that abut, each with about as many of the declared ones as fill a
/// layer.
fn partition(keys: &KeySpace, len_target: u64) -> Vec<KeyRange> {
    let count_target = (len_target / VALUE_LEN_ASSUMED).max(1);
    let mut parts = Vec::new();
    let (mut start, mut count) = (Key::MIN, 0_u64);
    for range in keys.ranges() {
        let mut from = range.start;
        loop {
            let room = count_target - count;
            let left = from.distance_to(range.end);
            if PART_KEY_COUNT_MAX < left {
                // A range this long stands for keys that may come, not for values that exist.
                parts.push(KeyRange::new(start, range.end));
                (start, count) = (range.end, 0);
                break;
            }
            if left < room {
                count += left;
                break;
            }
            let step = u32::try_from(room).unwrap_or(u32::MAX);
            from = from.add(step);
            count += u64::from(step);
            if count == count_target {
                parts.push(KeyRange::new(start, from));
                (start, count) = (from, 0);
            }
            if from == range.end {
                break;
            }
        }
    }
    // What follows the last full part belongs to it if it has no declared key.
    match parts.last_mut() {
        Some(last) if count == 0 => last.end = Key::MAX,
        _ => parts.push(KeyRange::new(start, Key::MAX)),
    }
    assert!(parts.first().is_some_and(|first| first.start == Key::MIN));
    assert!(
        parts.last().is_some_and(|last| last.end == Key::MAX),
        "an image for each key"
    );
    assert!(
        parts.windows(2).all(|pair| pair[0].end == pair[1].start),
        "parts abut"
    );
    parts
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
    }

    /// Writes image layers of all keys (`Forced`), or where enough deltas stand above the newest.
    ///
    /// Puts, reads and other jobs run concurrently; another image creation waits for this one.
    ///
    /// # Shape
    /// `Preempted` if it stopped between two parts because too many L0s wait to be compacted: the
    /// next call resumes behind the last part. `Idle` also if all images exist, `Superseded` if a
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
    /// assert_eq!(timeline.create_images(Mode::Forced).await?, Progress::Done);
    /// assert_eq!(timeline.create_images(Mode::Forced).await?, Progress::Idle); // They are there.
    /// # engine.shutdown().await }).unwrap();
    /// ```
    pub async fn create_images(&self, mode: Mode) -> Result<Progress> {
        let shared = &self.shared;
        let _job_lock = shared.job_locks.image.take().await;
        let look = shared.op(Job::Image, 0);
        shared.io().interleave(look).await;
        let Some(plan) = shared.plan_images(mode)? else {
            return shared.idle(look).await;
        };
        let op = shared.next_op(&mut shared.state(), Job::Image);
        let made = shared.create(op, &plan).await;
        let made = shared.latch(made);
        // Images that were published before a failure stay.
        let publication = shared.state().publication();
        let saved = shared.save_index(op, publication).await;
        let progress = made?;
        saved?;
        Ok(progress)
    }
}

/// The images of one creation, written one after another.
struct Images<'a, S: Store> {
    shared: &'a Shared<S>,
    op: Op,
    lsn: Lsn,
    /// The end of the last image, or of the key that was left out.
    start: Key,
    writer: Option<ImageWriter<S::Io>>,
    made: Vec<ImageLayer<S::Io>>,
    /// The keys that were left out: ranges in order, which neither overlap nor touch.
    left_out: Vec<KeyRange>,
    count: u32,
}

/// The images of one part.
struct BuiltImages<I: Io> {
    images: Vec<ImageLayer<I>>,
    left_out: Vec<KeyRange>,
    /// The number of files that the creation has begun so far.
    count: u32,
}

impl<S: Store> Shared<S> {
    fn plan_images(&self, mode: Mode) -> Result<Option<ImagePlan>> {
        let mut state = self.state();
        state.check_writable()?;
        let resume = state.resume.take();
        let (map, keys) = (state.map.clone(), state.key_space.clone());
        let (lsn, left_out) = (state.flushed_lsn, state.left_out.clone());
        drop(state);
        if map.files().is_empty() && self.ancestor.is_none() {
            return Ok(None);
        }
        let parts = partition(&keys, self.options.layer_len_target);
        let planned = plan_parts(&map, (parts, lsn), &self.options, (mode, &left_out));
        let Some(mut plan) = planned else {
            return Ok(None);
        };
        if let Some(resume) = resume
            && plan.parts.iter().any(|part| resume <= part.start)
        {
            // Skip the parts that the preempted call has imaged.
            self.io()
                .probe("an image creation goes on where it was stopped");
            plan.parts.retain(|part| resume <= part.start);
        }
        Ok(Some(plan))
    }

    async fn create(self: &Arc<Self>, op: Op, plan: &ImagePlan) -> Result<Progress> {
        assert!(
            plan.lsn <= self.state().flushed_lsn,
            "images stand at the LSN up to which deltas are flushed"
        );
        let mut count = 0;
        let mut progress = Progress::Idle;
        for (part, left) in plan.parts.iter().zip((0..plan.parts.len()).rev()) {
            self.check_running()?;
            let built = match self.build_images(op, (*part, plan.lsn), count).await {
                Err(Error::BelowCutoff { .. }) => {
                    self.io()
                        .probe("an image creation is overtaken by a collection");
                    return Ok(Progress::Superseded);
                }
                built => built?,
            };
            assert!(count <= built.count);
            count = built.count;
            if !built.images.is_empty() {
                progress = Progress::Done;
                self.io().interleave(op).await;
                self.publish_images(built.images)?;
            }
            let mut state = self.state();
            state.left_out.note(*part, (&built.left_out, plan.lsn));
            if 0 < left && self.options.image_preempt_l0_count <= state.map.l0_count() {
                state.resume = Some(part.end);
                drop(state);
                self.io().probe("an image creation stops for L0s that wait");
                return Ok(Progress::Preempted);
            }
        }
        Ok(progress)
    }

    /// Writes the images of one part: durable files that are not published yet.
    async fn build_images(
        self: &Arc<Self>,
        op: Op,
        (part, lsn): (KeyRange, Lsn),
        count: u32,
    ) -> Result<BuiltImages<S::Io>> {
        let mut images = Images {
            shared: self,
            op,
            lsn,
            start: part.start,
            writer: None,
            made: Vec::new(),
            left_out: Vec::new(),
            count,
        };
        let mut scan = Scan::new(self, op, part, lsn).await?;
        while let Some(values) = scan.next_batch().await? {
            self.check_running()?;
            for (key, value) in values {
                images.push(part, key, value).await?;
            }
        }
        images.end(part).await?;
        assert!(images.start == part.end, "no key of the part is left");
        assert!(images.made.iter().all(|image| image.lsn() == lsn));
        assert!(
            images
                .made
                .iter()
                .all(|image| part.start <= image.keys().start)
        );
        assert!(images.made.iter().all(|image| image.keys().end <= part.end));
        assert!(images.writer.is_none());
        let entries: Vec<IndexLayer> = images.made.iter().map(|image| *image.entry()).collect();
        self.store.put_layers(op, self.id, &entries).await?;
        Ok(BuiltImages {
            images: images.made,
            left_out: images.left_out,
            count: images.count,
        })
    }

    fn publish_images(&self, made: Vec<ImageLayer<S::Io>>) -> Result<()> {
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
                true => needless.push(image),
                false => {
                    image.keep();
                    images.push(FileLayer::Image(Arc::new(image)));
                }
            }
        }
        let image_count = images.len();
        let map = state.map.replace(&[], images);
        assert!(map.files().len() == state.map.files().len() + image_count);
        assert!(map.backlog() == state.map.backlog(), "images replace no L0");
        state.publish(map, Vec::new());
        drop(state);
        drop(needless);
        Ok(())
    }
}

impl<S: Store> Images<'_, S> {
    async fn push(&mut self, part: KeyRange, key: Key, value: Result<Vec<u8>>) -> Result<()> {
        let value = match value {
            Ok(value) => value,
            Err(Error::NoBase { .. } | Error::Redo { .. }) => {
                self.shared
                    .io()
                    .probe("an image creation leaves a key out that has no value");
                self.finish(key).await?;
                self.start = key.next();
                match self.left_out.last_mut() {
                    Some(last) if last.end == key => last.end = self.start,
                    _ => self.left_out.push(KeyRange::single(key)),
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let target = self.shared.options.layer_len_target;
        if self
            .writer
            .as_ref()
            .is_some_and(|writer| target <= writer.blobs_len())
        {
            self.finish(key).await?;
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(part.end).await?,
        };
        writer.push(key, &value).await?;
        self.writer = Some(writer);
        Ok(())
    }

    async fn begin(&mut self, end: Key) -> Result<ImageWriter<S::Io>> {
        assert!(self.start < end);
        self.count += 1;
        let plan = LayerPlan {
            keys: KeyRange::new(self.start, end),
            lsn: self.lsn,
            attempt: self.shared.next_scratch(),
            compression: self.shared.options.image_compression,
        };
        let op = self.op.on(Part::Image, self.count);
        ImageWriter::create(&self.shared.context, op, plan).await
    }

    /// Ends the current image before `end`. An image without values says that its keys have none.
    async fn finish(&mut self, end: Key) -> Result<()> {
        let keys = KeyRange::new(self.start, end);
        let writer = self.writer.take();
        if keys.is_empty() {
            return Ok(());
        }
        self.start = end;
        let name = LayerName::Image {
            keys,
            lsn: self.lsn,
        };
        if self.shared.state().map.files().has(&name) {
            self.shared
                .io()
                .probe("an image creation comes to an image that is there");
            return Ok(()); // It has the same values: law 1.
        }
        let writer = match writer {
            Some(writer) => writer,
            None => {
                self.start = keys.start;
                let writer = self.begin(end).await?;
                self.start = end;
                writer
            }
        };
        self.made.push(writer.finish(end).await?);
        Ok(())
    }

    async fn end(&mut self, part: KeyRange) -> Result<()> {
        self.finish(part.end).await
    }
}

#[cfg(test)]
mod tests;
