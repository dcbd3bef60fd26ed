//! The index of a timeline, which alone says which layers the timeline has.
//!
//! ```text
//! offset  size  field
//!      0     8  magic                "PalimIdx"
//!      8     4  version              2
//!     12     4  section_count
//!      +     …  sections, in the order of their names, each of them:
//!
//!      0     8  name                 ASCII, with zeros behind it
//!      8     1  is_required          0 or 1
//!      9     8  len                  of what follows, in bytes
//!     17     …  the section
//!
//!      +     4  crc32c               of everything before
//!
//! gccomp, not required, absent if gc compaction has not come anywhere: how far it has
//!      0     8  reduced_lsn          the LSN up to which the history of all keys is reduced
//!      8     1  has_run              0 or 1: whether a run through the keys is under way
//!      9     8  horizon              if 1: the LSN up to which it reduces
//!     17    18  next key             if 1: the keys below it are reduced
//!
//! kept, not required: the points below the cutoff that collections have kept, in order; it may be
//! empty. Where the section is absent, that is not known.
//!      0     8  lsn
//!
//! layers, required: as many as the section holds, in the order of their names
//!      0     1  kind                 0 delta, 1 image
//!      1    18  key start
//!     19    18  key end
//!     37     8  lsn                  of a delta, the start
//!     45     8  lsn end              of a delta only
//!      +     4  generation
//!      +     8  len                  of the file, in bytes
//!      +     1  has_checksum         0 or 1
//!      +     4  checksum             if 1: that of the file's checksum section
//!
//! leases, required, absent if there are none: as many as the section holds, in the order of LSNs
//!      0     8  lsn
//!      8     8  valid until          nanoseconds since the Unix epoch
//!
//! policy, not required, absent if all options are the engine's: as many as the section holds
//!      0     1  field                as in `base/policy.rs`, ascending; a later one is skipped
//!      1     8  value                times in nanoseconds
//!
//! shard, required, absent if the history is not sharded
//!      0     1  number
//!      1     1  count
//!      2     4  stripe               blocks
//!      6     …  splits before, as many as the section holds, in the order of generations:
//!                  4  through        layers up to this generation were written before the split,
//!                  1  count          by a shard of this count
//! sparse, required, absent if there are none: as many as the section holds, in order
//!      0     1  kind                 0 sparse, 1 not inherited
//!      1    18  key start
//!     19    18  key end              ranges of one kind neither overlap nor touch
//!
//! strategy, not required, absent if L0s become L1s: how deltas are compacted
//!      0     1  kind                 1 tiered
//!
//! timeline, required
//!      0    16  tenant
//!     16    16  timeline
//!     32     4  generation
//!     36     8  disk_consistent_lsn
//!     44     8  gc_cutoff
//!     52     1  is_deleted           0 or 1
//!     53     1  has_ancestor         0 or 1
//!     54    24  ancestor             if 1: its timeline (16) and the LSN of the branch (8)
//!
//! times, not required, absent if there are none: as many as the section holds, by ascending LSN
//!      0     8  time                 nanoseconds since the Unix epoch
//!      8     8  lsn                  of the last record at that time
//! ```
//!
//! A later release may add sections. One that is unknown here is skipped where it is not required,
//! and is not in the index that is written next; a required one is refused by its name.
//!
//! Version 1 had no sections: behind the version, `timeline`; the number of the layers (4); the
//! layers; the checksum. It is read, and never written.

use std::collections::{BTreeMap, BTreeSet};

use super::take::Take;
use crate::base::{
    DecodeError, Generation, Key, LayerName, Lsn, Policy, SparseKeys, Strategy, TenantId, Time,
    TimelineId,
};

pub use shard::{IndexShard, ShardOrigin};

const MAGIC: [u8; 8] = *b"PalimIdx";
const VERSION: u32 = 2;
const VERSION_WITHOUT_SECTIONS: u32 = 1;
const CHECKSUM_LEN: usize = 4;
const KIND_DELTA: u8 = 0;
const KIND_IMAGE: u8 = 1;
const KIND_TIERED: u8 = 1;

/// The durable state of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The tenant that the timeline belongs to.
    pub tenant: TenantId,
    /// The name of the timeline.
    pub timeline: TimelineId,
    /// The generation that wrote the index.
    pub generation: Generation,
    /// The ancestor and the LSN of the branch point, if the timeline is a branch.
    pub ancestor: Option<Ancestor>,
    /// The LSN up to which the layers hold all records, and above which they hold none.
    pub disk_consistent_lsn: Lsn,
    /// The LSN below which history may be gone.
    pub gc_cutoff: Lsn,
    /// Whether the timeline is deleted, and only its files are left to be removed.
    pub is_deleted: bool,
    /// All layers, in strictly ascending order of their names.
    pub layers: Vec<IndexLayer>,
    /// The points below the cutoff, of branches and leases, that collections have kept; `None` if
    /// the index does not say. No other LSN below the cutoff is readable.
    pub kept: Option<BTreeSet<Lsn>>,
    /// When which LSN was the last record's, in the order of LSNs. None is above
    /// `disk_consistent_lsn`.
    pub times: Vec<(Time, Lsn)>,
    /// The LSNs that stay readable below the cutoff, each until a time. None is above
    /// `disk_consistent_lsn`.
    pub leases: BTreeMap<Lsn, Time>,
    /// How far gc compaction by itself has come.
    pub gc_compaction: GcCompaction,
    /// The part of the keys that the timeline's root holds.
    pub shard: IndexShard,
    /// The keys that are sparse, and those that a branch does not inherit.
    pub sparse_keys: SparseKeys,
    /// How deltas are compacted. An index that does not say so makes L1s of L0s.
    pub strategy: Strategy,
    /// The options that the timeline has for itself. An index that does not say so has none.
    pub policy: Policy,
}

/// How far gc compaction by itself has come. An index that does not say so makes it begin again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcCompaction {
    /// The LSN up to which the history of all keys is reduced.
    pub reduced_lsn: Lsn,
    /// The run through the keys that is under way.
    pub run: Option<GcCompactionRun>,
}

/// A run of gc compaction through all keys, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GcCompactionRun {
    /// The LSN up to which it reduces the history.
    pub horizon: Lsn,
    /// The history of the keys below this one is reduced.
    pub next: Key,
}

/// The branch point of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ancestor {
    /// The ancestor.
    pub timeline: TimelineId,
    /// The LSN up to which the ancestor is read, inclusive.
    pub lsn: Lsn,
}

/// One layer of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexLayer {
    /// The keys and LSNs that it covers.
    pub name: LayerName,
    /// The generation that wrote its file.
    pub generation: Generation,
    /// The length of its file in bytes.
    pub len: u64,
    /// The checksum of its checksum section; `None` for a peer's file.
    pub checksum: Option<u32>,
}

/// A section of an index, by its head alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexSection {
    /// The name.
    pub name: String,
    /// Whether every reader must know it.
    pub is_required: bool,
    /// Where its content starts, in bytes from the start of the index.
    pub offset: u64,
    /// The length of its content in bytes.
    pub len: u64,
}

const GC_COMPACTION: &str = "gccomp";
const KEPT: &str = "kept";
const LAYERS: &str = "layers";
const LEASES: &str = "leases";
const POLICY: &str = "policy";
const SHARD: &str = "shard";
const SPARSE: &str = "sparse";
const STRATEGY: &str = "strategy";
const TIMELINE: &str = "timeline";
const TIMES: &str = "times";

impl Index {
    /// Encodes the index.
    ///
    /// # Panics
    /// If the layers are not in strictly ascending order, or if one of them covers nothing.
    pub fn encode(&self) -> Vec<u8> {
        let mut sections = Vec::new();
        if self.gc_compaction != GcCompaction::default() {
            sections.push((GC_COMPACTION, self.encode_gc_compaction()));
        }
        if let Some(kept) = &self.kept {
            sections.push((KEPT, points::encode_kept(kept)));
        }
        sections.push((LAYERS, self.encode_layers()));
        if !self.leases.is_empty() {
            sections.push((LEASES, points::encode_leases(&self.leases)));
        }
        if self.policy != Policy::default() {
            sections.push((POLICY, policy::encode(&self.policy)));
        }
        if !self.shard.identity.is_unsharded() {
            sections.push((SHARD, self.shard.encode()));
        }
        if !self.sparse_keys.is_empty() {
            sections.push((SPARSE, sparse::encode(&self.sparse_keys)));
        }
        if self.strategy == Strategy::Tiered {
            sections.push((STRATEGY, vec![KIND_TIERED]));
        }
        sections.push((TIMELINE, self.encode_timeline()));
        if !self.times.is_empty() {
            sections.push((TIMES, points::encode_times(&self.times)));
        }
        let mut out = Vec::new();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        let section_count = u32::try_from(sections.len()).expect("they are few");
        out.extend_from_slice(&section_count.to_be_bytes());
        for (name, section) in &sections {
            sections::encode(&mut out, (name, is_required(name)), section);
        }
        out.extend_from_slice(&crc32c::crc32c(&out).to_be_bytes());
        out
    }

    fn encode_gc_compaction(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let GcCompaction { reduced_lsn, run } = self.gc_compaction;
        out.extend_from_slice(&reduced_lsn.0.to_be_bytes());
        out.push(u8::from(run.is_some()));
        if let Some(run) = run {
            out.extend_from_slice(&run.horizon.0.to_be_bytes());
            out.extend_from_slice(&run.next.to_bytes());
        }
        out
    }

    fn encode_layers(&self) -> Vec<u8> {
        assert!(self.layers.is_sorted_by(|a, b| a.name < b.name));
        let mut out = Vec::new();
        for layer in &self.layers {
            layer.encode(&mut out);
        }
        out
    }

    fn encode_timeline(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.tenant.0);
        out.extend_from_slice(&self.timeline.0);
        out.extend_from_slice(&self.generation.0.to_be_bytes());
        out.extend_from_slice(&self.disk_consistent_lsn.0.to_be_bytes());
        out.extend_from_slice(&self.gc_cutoff.0.to_be_bytes());
        out.push(u8::from(self.is_deleted));
        out.push(u8::from(self.ancestor.is_some()));
        if let Some(ancestor) = self.ancestor {
            out.extend_from_slice(&ancestor.timeline.0);
            out.extend_from_slice(&ancestor.lsn.0.to_be_bytes());
        }
        out
    }

    /// Reads an index, which is all of `bytes`, in this format or in the one before it.
    ///
    /// # Errors
    /// If any byte is not what was written. `Unsupported` if it is of a later format,
    /// `UnknownSection` if it has a section that a later release requires.
    pub fn decode(bytes: &[u8]) -> Result<Index, DecodeError> {
        let (version, body) = check(bytes)?;
        let mut take = Take::new(body);
        take.take_bytes(MAGIC.len(), "magic")?;
        take.take_u32("version")?;
        match version {
            VERSION_WITHOUT_SECTIONS => take_without_sections(take),
            _ => take_sections(take),
        }
    }

    /// Lists the sections of an index, also those that are not known here, in their order. An index
    /// of format 1 has none.
    ///
    /// # Errors
    /// If any byte is not what was written, as far as this is without reading the sections.
    /// `Unsupported` if it is of a later format.
    pub fn sections(bytes: &[u8]) -> Result<Vec<IndexSection>, DecodeError> {
        let (version, body) = check(bytes)?;
        let mut take = Take::new(body);
        take.take_bytes(MAGIC.len(), "magic")?;
        take.take_u32("version")?;
        if version == VERSION_WITHOUT_SECTIONS {
            return Ok(Vec::new());
        }
        let listed = sections::list(&mut take)?;
        take.finish("index")?;
        Ok(listed.iter().map(sections::Listed::view).collect())
    }
}

/// Whether a reader must know a section: without it, it would take the index for another one.
fn is_required(name: &str) -> bool {
    !matches!(name, GC_COMPACTION | KEPT | POLICY | STRATEGY | TIMES)
}

fn take_without_sections(mut take: Take<'_>) -> Result<Index, DecodeError> {
    let index = take_timeline(&mut take)?;
    let layer_count = take.take_u32("layer count")?;
    let mut layers = Vec::new();
    for _ in 0..layer_count {
        take_layer(&mut take, &mut layers)?;
    }
    take.finish("index")?;
    Ok(Index { layers, ..index })
}

fn take_sections(mut take: Take<'_>) -> Result<Index, DecodeError> {
    let known = [
        GC_COMPACTION,
        KEPT,
        LAYERS,
        LEASES,
        POLICY,
        SHARD,
        SPARSE,
        STRATEGY,
        TIMELINE,
        TIMES,
    ];
    let known = known.map(|name| (name, is_required(name)));
    let mut sections = sections::take(&mut take, &known)?;
    let end = take.offset();
    take.finish("index")?;
    let mut section = |name| {
        let found = sections.remove(name);
        found.ok_or_else(|| DecodeError::malformed(name, end, "expected this section, found none"))
    };
    let index = section(TIMELINE)?.read("timeline", take_timeline)?;
    let layers = section(LAYERS)?.read("layers", take_layers)?;
    let leases = match sections.remove(LEASES) {
        Some(section) => section.read("leases", points::take_leases)?,
        None => BTreeMap::new(),
    };
    let gc_compaction = match sections.remove(GC_COMPACTION) {
        Some(section) => section.read("gc compaction", take_gc_compaction)?,
        None => GcCompaction::default(),
    };
    let shard = match sections.remove(SHARD) {
        Some(section) => section.read("shard", IndexShard::take)?,
        None => IndexShard::default(),
    };
    let sparse_keys = match sections.remove(SPARSE) {
        Some(section) => section.read("sparse", sparse::take)?,
        None => SparseKeys::default(),
    };
    let strategy = match sections.remove(STRATEGY) {
        Some(section) => section.read("strategy", take_strategy)?,
        None => Strategy::default(),
    };
    let policy = match sections.remove(POLICY) {
        Some(section) => section.read("policy", policy::take)?,
        None => Policy::default(),
    };
    let kept = match sections.remove(KEPT) {
        Some(section) => Some(section.read("kept", points::take_kept)?),
        None => None,
    };
    let times = match sections.remove(TIMES) {
        Some(section) => section.read("times", points::take_times)?,
        None => Vec::new(),
    };
    Ok(Index {
        kept,
        times,
        layers,
        leases,
        gc_compaction,
        shard,
        sparse_keys,
        strategy,
        policy,
        ..index
    })
}

/// Checks magic, version and checksum; returns the version, and the bytes in front of the checksum.
fn check(bytes: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    let mut take = Take::new(bytes);
    let magic = take.take_array::<8>("magic")?;
    if magic != MAGIC {
        let problem = format!("expected {MAGIC:02x?}, found {magic:02x?}");
        return Err(DecodeError::malformed("magic", 0, problem));
    }
    // In a later format everything behind the version may differ, the checksum too.
    let version = take.take_u32("version")?;
    if VERSION < version {
        return Err(DecodeError::Unsupported {
            what: "index",
            found: u64::from(version),
            newest: u64::from(VERSION),
        });
    }
    if version < VERSION_WITHOUT_SECTIONS {
        let problem = format!("expected 1 or 2, found {version}");
        return Err(DecodeError::malformed("version", 8, problem));
    }
    let Some((body, checksum)) = bytes.split_last_chunk::<CHECKSUM_LEN>() else {
        return take.malformed("checksum", "expected 4 bytes".to_owned());
    };
    let (expected, found) = (u32::from_be_bytes(*checksum), crc32c::crc32c(body));
    if found != expected {
        let problem = format!("expected {expected:08x}, found {found:08x}");
        return Err(DecodeError::malformed(
            "checksum",
            body.len() as u64,
            problem,
        ));
    }
    Ok((version, body))
}

/// Takes the timeline; the rest is elsewhere.
fn take_timeline(take: &mut Take<'_>) -> Result<Index, DecodeError> {
    Ok(Index {
        tenant: take.take_array("tenant").map(TenantId)?,
        timeline: take.take_array("timeline").map(TimelineId)?,
        generation: take.take_u32("generation").map(Generation)?,
        disk_consistent_lsn: take.take_lsn("disk consistent LSN")?,
        gc_cutoff: take.take_lsn("gc cutoff")?,
        is_deleted: take.take_flag("is_deleted")?,
        ancestor: take_ancestor(take)?,
        layers: Vec::new(),
        kept: None,
        times: Vec::new(),
        leases: BTreeMap::new(),
        gc_compaction: GcCompaction::default(),
        shard: IndexShard::default(),
        sparse_keys: SparseKeys::default(),
        strategy: Strategy::default(),
        policy: Policy::default(),
    })
}

fn take_strategy(take: &mut Take<'_>) -> Result<Strategy, DecodeError> {
    let start = take.offset();
    match take.take_u8("strategy")? {
        KIND_TIERED => Ok(Strategy::Tiered),
        other => {
            let problem = format!("expected {KIND_TIERED}, found {other}");
            Err(DecodeError::malformed("strategy", start, problem))
        }
    }
}

fn take_gc_compaction(take: &mut Take<'_>) -> Result<GcCompaction, DecodeError> {
    let start = take.offset();
    let found = GcCompaction {
        reduced_lsn: take.take_lsn("reduced LSN")?,
        run: match take.take_flag("has_run")? {
            false => None,
            true => Some(GcCompactionRun {
                horizon: take.take_lsn("horizon")?,
                next: take.take_key("next key")?,
            }),
        },
    };
    match found == GcCompaction::default() {
        false => Ok(found),
        true => {
            let problem = "expected no section where there is nothing to say".to_owned();
            Err(DecodeError::malformed("gc compaction", start, problem))
        }
    }
}

fn take_ancestor(take: &mut Take<'_>) -> Result<Option<Ancestor>, DecodeError> {
    if !take.take_flag("has_ancestor")? {
        return Ok(None);
    }
    Ok(Some(Ancestor {
        timeline: take.take_array("ancestor").map(TimelineId)?,
        lsn: take.take_lsn("ancestor LSN")?,
    }))
}

fn take_layers(take: &mut Take<'_>) -> Result<Vec<IndexLayer>, DecodeError> {
    let mut layers = Vec::new();
    while !take.rest().is_empty() {
        take_layer(take, &mut layers)?;
    }
    Ok(layers)
}

/// Takes the layer that comes behind these.
fn take_layer(take: &mut Take<'_>, layers: &mut Vec<IndexLayer>) -> Result<(), DecodeError> {
    let start = take.offset();
    let layer = IndexLayer::take(take)?;
    if let Some(last) = layers.last()
        && layer.name <= last.name
    {
        let problem = format!("expected one above {}, found {}", last.name, layer.name);
        return Err(DecodeError::malformed("layer", start, problem));
    }
    layers.push(layer);
    Ok(())
}

impl IndexLayer {
    fn encode(&self, out: &mut Vec<u8>) {
        assert!(!self.name.keys().is_empty());
        out.push(match self.name {
            LayerName::Delta { .. } => KIND_DELTA,
            LayerName::Image { .. } => KIND_IMAGE,
        });
        out.extend_from_slice(&self.name.keys().start.to_bytes());
        out.extend_from_slice(&self.name.keys().end.to_bytes());
        match self.name {
            LayerName::Delta { lsns, .. } => {
                assert!(!lsns.is_empty());
                out.extend_from_slice(&lsns.start.0.to_be_bytes());
                out.extend_from_slice(&lsns.end.0.to_be_bytes());
            }
            LayerName::Image { lsn, .. } => out.extend_from_slice(&lsn.0.to_be_bytes()),
        }
        out.extend_from_slice(&self.generation.0.to_be_bytes());
        out.extend_from_slice(&self.len.to_be_bytes());
        out.push(u8::from(self.checksum.is_some()));
        if let Some(checksum) = self.checksum {
            out.extend_from_slice(&checksum.to_be_bytes());
        }
    }

    fn take(take: &mut Take<'_>) -> Result<IndexLayer, DecodeError> {
        Ok(IndexLayer {
            name: take_name(take)?,
            generation: take.take_u32("layer generation").map(Generation)?,
            len: take.take_u64("layer length")?,
            checksum: match take.take_flag("has_checksum")? {
                true => Some(take.take_u32("layer checksum")?),
                false => None,
            },
        })
    }
}

fn take_name(take: &mut Take<'_>) -> Result<LayerName, DecodeError> {
    let start = take.offset();
    let kind = take.take_u8("layer kind")?;
    let keys = take.take_keys("layer keys")?;
    match kind {
        KIND_DELTA => Ok(LayerName::Delta {
            keys,
            lsns: take.take_lsns("layer LSNs")?,
        }),
        KIND_IMAGE => Ok(LayerName::Image {
            keys,
            lsn: take.take_lsn("layer LSN")?,
        }),
        _ => {
            let problem = format!("expected {KIND_DELTA} or {KIND_IMAGE}, found {kind}");
            Err(DecodeError::malformed("layer kind", start, problem))
        }
    }
}

mod points;
mod policy;
mod sections;
mod shard;
mod sparse;
#[cfg(test)]
mod tests;
