//! The options of an engine, with units and defaults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::events::Listener;
use crate::base::{Error, Result, ShardIdentity, SparseKeys, Strategy, TenantId};
use crate::format::{Compression, Edits, IMAGE_LEN_MAX, Redo};
use crate::layer::FILE_LEN_MAX;

/// The options of an engine: every field with its effect, its unit and its default.
///
/// An option applies to all timelines of the engine. None changes an answer, but for `redo` and
/// `sparse_keys`, which make the answers, `shard`, which says of which keys there are any, and
/// `gc_distance` and `gc_age`, which say how far back. All but `tenant`, `shard`, `sparse_keys` and
/// `redo` may differ from one open to the next. Lengths, counts and distances but for
/// `gc_distance`, `image_look_distance` and `block_cache_len` are at least 1:
/// [`Engine::open`](crate::Engine::open) refuses others.
///
/// # Examples
/// ```
/// # use palimpsest::Options;
/// # use std::time::Duration;
/// let options = Options {
///     gc_age: Duration::from_secs(24 * 60 * 60),
///     maintenance_period: Some(Duration::from_secs(1)),
///     l0_stall_count: Some(60), // Sound only with maintenance, or with your own compactions.
///     ..Options::default()
/// };
/// assert_eq!(options.freeze_len_max, 256 << 20);
/// ```
#[derive(Clone)]
pub struct Options {
    /// The tenant whose files these are; each file names it. Default: zeros.
    pub tenant: TenantId,
    /// The part of the keys that this directory holds; an open refuses timelines of another part.
    /// Default: all keys.
    pub shard: ShardIdentity,
    /// Which keys are sparse, and which a branch does not inherit. A timeline is refused that was
    /// created with others. Default: none.
    pub sparse_keys: SparseKeys,
    /// The open layer is frozen before it reaches this length. Bytes. Default: 256 MiB.
    pub freeze_len_max: u64,
    /// The open layer is frozen before it spans this distance. LSNs. Default: 256 Mi.
    pub freeze_distance_max: u64,
    /// The first batch, or round of maintenance, that finds the open layer this old freezes it.
    /// Time. Default: 10 minutes.
    pub freeze_age_max: Duration,
    /// Beyond this sum over the engine's timelines the longest open layers are frozen: each by its
    /// next batch, or by maintenance, which is woken. Values, and 48 bytes a record. Bytes.
    /// Default: 1 GiB.
    pub open_len_max: u64,
    /// Values of the open layer are buffered up to this length per write. Bytes. Default: 64 KiB.
    pub buffer_len: usize,
    /// A compaction is due from this many L0 deltas on; a tiered one also where as many deltas, but
    /// at least two, stand above the newest image in one level. Layers. Default: 10.
    pub l0_count_trigger: usize,
    /// How deltas of a timeline are compacted that is created or branched from now on; later
    /// [`Timeline::set_strategy`] says so. Default: L0s become L1s.
    ///
    /// [`Timeline::set_strategy`]: crate::timeline::Timeline::set_strategy
    pub strategy: Strategy,
    /// Tiered compaction takes layers of about this height for its first level, and of
    /// `l0_count_trigger` times the height, but at least twice, for each further one. LSNs.
    /// Default: 256 Mi, as `freeze_distance_max`.
    pub tier_distance: u64,
    /// One compaction of L0s into L1s takes L0s up to this sum, but at least two; a tiered one
    /// takes a whole level. Bytes. Default: 2.5 GiB.
    pub l0_run_len_max: u64,
    /// Compaction and image creation cut layers at about this length, and at 3 GiB if it is longer,
    /// since a file has room for little more. Bytes. Default: 128 MiB.
    pub layer_len_target: u64,
    /// An image is due where this many deltas stand above the newest one. Layers. Default: 3.
    pub image_delta_count_trigger: usize,
    /// An image of sparse keys is due where a scan of them looks into this many deltas. Layers.
    /// Default: 16.
    pub sparse_image_delta_count_trigger: usize,
    /// By need, image creation looks which images are due once this much was flushed since it
    /// looked, or `image_look_age` has passed. LSNs. Default: 0, it always looks.
    pub image_look_distance: u64,
    /// Image creation looks again after this time, however little was flushed. Time. Default: 1
    /// hour.
    pub image_look_age: Duration,
    /// An image is due where a delta stands above one that is older than this. Time. Default:
    /// none, age alone makes no image due.
    pub image_age_max: Option<Duration>,
    /// Image creation and gc compaction by itself stop, and resume later, while this many L0s wait.
    /// Layers. Default: 30.
    pub image_preempt_l0_count: usize,
    /// The compression of values in image layers. Default: zstd, level 1.
    pub image_compression: Compression,
    /// A gc compaction gives a key an image at an LSN that stays readable if a read there would
    /// replay this many records. Records. Default: 5.
    pub history_record_count_trigger: usize,
    /// A gc compaction refuses a key with a history longer than this, which it holds in memory.
    /// Bytes. Default: 512 MiB.
    pub history_len_max: u64,
    /// Gc compaction by itself begins for the first time once delta layers up to the cutoff have
    /// this length together. Bytes. Default: 5 GiB.
    pub gc_compact_len_trigger: u64,
    /// Later it begins once the deltas between what was reduced and the cutoff have this share of
    /// the length of all layers below them. Percent. Default: 100.
    pub gc_compact_growth_trigger: u64,
    /// Gc compaction by itself takes keys whose layers have this length together, then those that
    /// follow; but more where it would copy most of what it reads. Bytes. Default: 4 GiB.
    pub gc_compact_len_max: u64,
    /// One shed rewrites this many images at most. Layers. Default: 16.
    pub shed_image_count_max: usize,
    /// History this far below the last record is kept. LSNs. Default: 64 Mi.
    pub gc_distance: u64,
    /// History this young is kept. Time. Default: 7 days.
    pub gc_age: Duration,
    /// From this many L0s and frozen layers on, a batch that freezes waits. Layers. Default: 30.
    pub l0_delay_count: usize,
    /// The delay of a batch once `l0_delay_count` is reached. Time. Default: 100 ms.
    pub l0_delay: Duration,
    /// From this many L0s and frozen layers on, a batch that freezes waits for compaction to
    /// reduce them; without concurrent compaction it waits for ever. At least `l0_count_trigger`.
    /// Layers. Default: never.
    pub l0_stall_count: Option<usize>,
    /// While maintenance cannot flush, a batch that would freeze one more than this many frozen
    /// layers is refused with the error of the flush. Layers. Default: 4.
    pub failing_frozen_count_max: usize,
    /// A file of this length is kept in the directory: on a full disk it is given back, so that a
    /// timeline can be opened, collected and deleted. None if it is 0. Bytes. Default: 4 MiB.
    pub reserve_len: u64,
    /// The engine caches index blocks of layers up to this sum. Bytes. Default: 64 MiB.
    pub block_cache_len: u64,
    /// The engine keeps this many layers' files open at most, of all timelines together; others are
    /// opened again at their next read. Beside these it has open one file a timeline for its open
    /// layer and one for each frozen layer, the file that a job writes, and what calls in flight
    /// read. Where the system has no more (`EMFILE`, `ENFILE`), fewer stay open. Files. Minimum: 1.
    /// Default: 512.
    pub open_files_max: usize,
    /// One call reads at most this much of a file, or one value. Bytes. Default: 130 KiB.
    pub read_len_max: u64,
    /// A scan's batch, and image creation's, has at most this many keys. Minimum: 1. Default: 256.
    pub scan_key_count_max: usize,
    /// A scan's batch, image creation's, and what a vectored read holds at once have values and
    /// records of this length, as they are stored, or one key. Bytes. Default: 8 MiB.
    pub scan_len_max: u64,
    /// Flushes, scans and image creations of all timelines hold values up to this sum: each half of
    /// what is free, but 1 MiB or a sixteenth in any case, and one key or record. One that gets
    /// less than it wants works in more passes. Bytes. Default: 1 GiB.
    pub work_len_max: u64,
    /// Background tasks flush, compact, create images, gc and gc-compact, each by need: as soon as
    /// something changes or falls due, but images and gc no more often than once in this period.
    /// What fails is tried again after a period, and later after longer ones: see
    /// [`Timeline::health`]. Time, from 1 ms. Default: none, and the user calls them.
    ///
    /// [`Timeline::health`]: crate::timeline::Timeline::health
    pub maintenance_period: Option<Duration>,
    /// Replays records over a base. Default: the built-in [`Edits`].
    pub redo: Arc<dyn Redo>,
    /// Hears when jobs begin and end, and what else happens. Default: none.
    pub listener: Option<Arc<dyn Listener>>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            tenant: TenantId::default(),
            shard: ShardIdentity::UNSHARDED,
            sparse_keys: SparseKeys::default(),
            freeze_len_max: 256 << 20,
            freeze_distance_max: 256 << 20,
            freeze_age_max: Duration::from_secs(600),
            open_len_max: 1 << 30,
            buffer_len: 64 << 10,
            l0_count_trigger: 10,
            strategy: Strategy::L0ToL1,
            tier_distance: 256 << 20,
            l0_run_len_max: 2560 << 20,
            layer_len_target: 128 << 20,
            image_delta_count_trigger: 3,
            sparse_image_delta_count_trigger: 16,
            image_look_distance: 0,
            image_look_age: Duration::from_secs(60 * 60),
            image_age_max: None,
            image_preempt_l0_count: 30,
            image_compression: Compression::Zstd { level: 1 },
            history_record_count_trigger: 5,
            history_len_max: 512 << 20,
            gc_compact_len_trigger: 5 << 30,
            gc_compact_growth_trigger: 100,
            gc_compact_len_max: 4 << 30,
            shed_image_count_max: 16,
            gc_distance: 64 << 20,
            gc_age: Duration::from_secs(7 * 24 * 60 * 60),
            l0_delay_count: 30,
            l0_delay: Duration::from_millis(100),
            l0_stall_count: None,
            failing_frozen_count_max: 4,
            reserve_len: 4 << 20,
            block_cache_len: 64 << 20,
            open_files_max: 512,
            read_len_max: 130 << 10,
            scan_key_count_max: 256,
            scan_len_max: 8 << 20,
            work_len_max: 1 << 30,
            maintenance_period: None,
            redo: Arc::new(Edits),
            listener: None,
        }
    }
}

/// Layers are cut at this length at most. The longest value still fits behind it into a file.
const LAYER_LEN_TARGET_MAX: u64 = 3 << 30;

const _: () = assert!(LAYER_LEN_TARGET_MAX + 4 * IMAGE_LEN_MAX as u64 <= FILE_LEN_MAX);

impl Options {
    /// These options, as far as files have room for what they say.
    pub(crate) fn within_limits(self) -> Options {
        Options {
            layer_len_target: self.layer_len_target.min(LAYER_LEN_TARGET_MAX),
            ..self
        }
    }

    /// Refuses options with which some call would wait for ever, or that say nothing.
    pub(crate) fn check(&self) -> Result<()> {
        let refused = |why: String| Err(Error::Refused { why });
        let least = [
            ("freeze_len_max", self.freeze_len_max),
            ("freeze_distance_max", self.freeze_distance_max),
            ("open_len_max", self.open_len_max),
            ("buffer_len", self.buffer_len as u64),
            ("l0_count_trigger", self.l0_count_trigger as u64),
            ("tier_distance", self.tier_distance),
            ("l0_run_len_max", self.l0_run_len_max),
            ("layer_len_target", self.layer_len_target),
            (
                "image_delta_count_trigger",
                self.image_delta_count_trigger as u64,
            ),
            (
                "sparse_image_delta_count_trigger",
                self.sparse_image_delta_count_trigger as u64,
            ),
            ("image_preempt_l0_count", self.image_preempt_l0_count as u64),
            (
                "history_record_count_trigger",
                self.history_record_count_trigger as u64,
            ),
            ("history_len_max", self.history_len_max),
            ("gc_compact_len_trigger", self.gc_compact_len_trigger),
            ("gc_compact_growth_trigger", self.gc_compact_growth_trigger),
            ("gc_compact_len_max", self.gc_compact_len_max),
            ("shed_image_count_max", self.shed_image_count_max as u64),
            ("l0_delay_count", self.l0_delay_count as u64),
            (
                "failing_frozen_count_max",
                self.failing_frozen_count_max as u64,
            ),
            ("open_files_max", self.open_files_max as u64),
            ("read_len_max", self.read_len_max),
            ("scan_key_count_max", self.scan_key_count_max as u64),
            ("scan_len_max", self.scan_len_max),
            ("work_len_max", self.work_len_max),
        ];
        if let Some((name, _)) = least.iter().find(|(_, value)| *value == 0) {
            return refused(format!("the option {name} is 0: write at least 1"));
        }
        if self.image_age_max.is_some_and(|it| it.is_zero()) {
            return refused("the option image_age_max is 0: write a time, or none".to_owned());
        }
        let shortest = Duration::from_millis(1);
        if self.maintenance_period.is_some_and(|it| it < shortest) {
            // Rounds that follow each other at once keep a core busy with looking.
            let why = "the option maintenance_period is too short: write 1 ms at least, or none";
            return refused(why.to_owned());
        }
        let trigger = self.l0_count_trigger;
        match self.l0_stall_count {
            // Batches would wait for a compaction that is never due.
            Some(stall_count) if stall_count < trigger => refused(format!(
                "l0_stall_count is {stall_count}, below l0_count_trigger: write at least {trigger}"
            )),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("tenant", &self.tenant)
            .field("shard", &self.shard)
            .field("freeze_len_max", &self.freeze_len_max)
            .field("freeze_distance_max", &self.freeze_distance_max)
            .field("freeze_age_max", &self.freeze_age_max)
            .field("open_len_max", &self.open_len_max)
            .field("buffer_len", &self.buffer_len)
            .finish_non_exhaustive()
    }
}
