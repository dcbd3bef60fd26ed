//! The index of a timeline, which alone says which layers the timeline has.
//!
//! ```text
//! offset  size  field
//!      0     8  magic                "PalimIdx"
//!      8     4  version              1
//!     12    16  tenant
//!     28    16  timeline
//!     44     4  generation
//!     48     8  disk_consistent_lsn
//!     56     8  gc_cutoff
//!     64     1  is_deleted           0 or 1
//!     65     1  has_ancestor         0 or 1
//!     66    24  ancestor             if 1: its timeline (16) and the LSN of the branch (8)
//!      +     4  layer_count
//!      +     …  layers, in the order of their names, each of them:
//!
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
//!      +     4  crc32c               of everything before
//! ```

use super::take::Take;
use crate::base::{DecodeError, Generation, LayerName, Lsn, TenantId, TimelineId};

const MAGIC: [u8; 8] = *b"PalimIdx";
const VERSION: u32 = 1;
const CHECKSUM_LEN: usize = 4;
const KIND_DELTA: u8 = 0;
const KIND_IMAGE: u8 = 1;

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

impl Index {
    /// Encodes the index.
    ///
    /// # Panics
    /// If the layers are not in strictly ascending order, or if one of them covers nothing.
    pub fn encode(&self) -> Vec<u8> {
        assert!(self.layers.is_sorted_by(|a, b| a.name < b.name));
        let mut out = Vec::new();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
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
        let layer_count = u32::try_from(self.layers.len()).expect("no memory holds 2^32 layers");
        out.extend_from_slice(&layer_count.to_be_bytes());
        for layer in &self.layers {
            layer.encode(&mut out);
        }
        out.extend_from_slice(&crc32c::crc32c(&out).to_be_bytes());
        out
    }

    /// Reads an index, which is all of `bytes`.
    ///
    /// # Errors
    /// If any byte is not what was written. `Unsupported` if it is of a later format.
    pub fn decode(bytes: &[u8]) -> Result<Index, DecodeError> {
        let mut take = Take::new(check(bytes)?);
        take.take_bytes(MAGIC.len(), "magic")?;
        take.take_u32("version")?;
        let index = Index {
            tenant: take.take_array("tenant").map(TenantId)?,
            timeline: take.take_array("timeline").map(TimelineId)?,
            generation: take.take_u32("generation").map(Generation)?,
            disk_consistent_lsn: take.take_lsn("disk consistent LSN")?,
            gc_cutoff: take.take_lsn("gc cutoff")?,
            is_deleted: take.take_flag("is_deleted")?,
            ancestor: take_ancestor(&mut take)?,
            layers: take_layers(&mut take)?,
        };
        take.finish("index")?;
        Ok(index)
    }
}

/// Checks magic, version and checksum; returns the bytes in front of the checksum.
fn check(bytes: &[u8]) -> Result<&[u8], DecodeError> {
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
    if version < VERSION {
        let problem = format!("expected {VERSION}, found {version}");
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
    Ok(body)
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
    let layer_count = take.take_u32("layer count")?;
    let mut layers = Vec::<IndexLayer>::new();
    for _ in 0..layer_count {
        let start = take.offset();
        let layer = IndexLayer::take(take)?;
        if let Some(last) = layers.last()
            && layer.name <= last.name
        {
            let problem = format!("expected one above {}, found {}", last.name, layer.name);
            return Err(DecodeError::malformed("layer", start, problem));
        }
        layers.push(layer);
    }
    Ok(layers)
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

#[cfg(test)]
mod tests;
