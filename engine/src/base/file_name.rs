//! The names of all files in an engine's directory.
//!
//! ```text
//! <layer>-v1-<generation>                        a layer
//! <layer>-v1-<generation>.<attempt>.___temp      a layer that is being written
//! ephemeral-<generation>-<ordinal>               values of a memory layer
//! index                                          the index
//! index-<generation>.<attempt>.___temp           an index that is being written
//! lock                                           held while the engine is open
//! reserve                                        space for the day on which the disk is full
//! split-from-<state>                             the directory is being made by a split
//! split-into-<count>                             the directory was split into so many shards
//! ```
//! A generation and a state have 8 lower-case hex digits, a count has 2; an attempt and an ordinal
//! have no leading zeros.

use std::fmt;

use super::{Generation, LayerName, hex};

const TEMP_SUFFIX: &str = ".___temp";

/// The name of a file that the engine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// A layer.
    Layer {
        /// The keys and LSNs that the layer covers.
        name: LayerName,
        /// The generation that wrote it.
        generation: Generation,
    },
    /// A layer that is being written.
    LayerTemp {
        /// The keys and LSNs that the layer will cover.
        name: LayerName,
        /// The generation that writes it.
        generation: Generation,
        /// A number that tells two attempts at one layer apart: the removal of the first may be in
        /// flight.
        attempt: u32,
    },
    /// The values of a memory layer. The next open removes it.
    Ephemeral {
        /// The generation that wrote it.
        generation: Generation,
        /// The number of the file in its generation.
        ordinal: u32,
    },
    /// The index.
    Index,
    /// An index that is being written.
    IndexTemp {
        /// The generation that writes it.
        generation: Generation,
        /// A number that tells two attempts at one index apart.
        attempt: u32,
    },
    /// The file that an open engine holds a lock on.
    Lock,
    /// Space that is held for the day on which the disk is full.
    Reserve,
    /// The mark of a directory that a split is making.
    SplitFrom {
        /// A number that tells two states of the directory that is split apart.
        state: u32,
    },
    /// The mark of a directory that was split.
    SplitInto {
        /// The number of shards of the history since.
        count: u8,
    },
}

impl FileName {
    /// Reads what `Display` prints. `None` for any other spelling, which is a foreign name.
    pub fn parse(text: &str) -> Option<FileName> {
        let name = parse_known(text)?;
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileName::Layer { name, generation } => write!(f, "{name}-v1-{generation}"),
            FileName::LayerTemp {
                name,
                generation,
                attempt,
            } => write!(f, "{name}-v1-{generation}.{attempt:x}{TEMP_SUFFIX}"),
            FileName::Ephemeral {
                generation,
                ordinal,
            } => write!(f, "ephemeral-{generation}-{ordinal:x}"),
            FileName::Index => write!(f, "index"),
            FileName::IndexTemp {
                generation,
                attempt,
            } => write!(f, "index-{generation}.{attempt:x}{TEMP_SUFFIX}"),
            FileName::Lock => write!(f, "lock"),
            FileName::Reserve => write!(f, "reserve"),
            FileName::SplitFrom { state } => write!(f, "split-from-{state:08x}"),
            FileName::SplitInto { count } => write!(f, "split-into-{count:02x}"),
        }
    }
}

/// Reads a name in this or another spelling. A name with the suffix of a temp file is a temp file
/// or foreign: if layers were tried first, a half-written file could pass for a layer.
fn parse_known(text: &str) -> Option<FileName> {
    if let Some(stem) = text.strip_suffix(TEMP_SUFFIX) {
        return parse_temp(stem);
    }
    match text {
        "index" => return Some(FileName::Index),
        "lock" => return Some(FileName::Lock),
        "reserve" => return Some(FileName::Reserve),
        _ => {}
    }
    if let Some(state) = text.strip_prefix("split-from-") {
        let state = hex::parse_u32(state, 8..=8)?;
        return Some(FileName::SplitFrom { state });
    }
    if let Some(count) = text.strip_prefix("split-into-") {
        let [count] = hex::parse_bytes(count)?;
        return Some(FileName::SplitInto { count });
    }
    if let Some(rest) = text.strip_prefix("ephemeral-") {
        let (generation, ordinal) = rest.split_once('-')?;
        return Some(FileName::Ephemeral {
            generation: Generation::parse(generation)?,
            ordinal: hex::parse_u32(ordinal, 1..=8)?,
        });
    }
    let (name, generation) = parse_layer(text)?;
    Some(FileName::Layer { name, generation })
}

fn parse_temp(stem: &str) -> Option<FileName> {
    let (owner, attempt) = stem.rsplit_once('.')?;
    let attempt = hex::parse_u32(attempt, 1..=8)?;
    if let Some(generation) = owner.strip_prefix("index-") {
        return Some(FileName::IndexTemp {
            generation: Generation::parse(generation)?,
            attempt,
        });
    }
    let (name, generation) = parse_layer(owner)?;
    Some(FileName::LayerTemp {
        name,
        generation,
        attempt,
    })
}

fn parse_layer(text: &str) -> Option<(LayerName, Generation)> {
    let (name, generation) = text.rsplit_once("-v1-")?;
    Some((LayerName::parse(name)?, Generation::parse(generation)?))
}

#[cfg(test)]
mod tests;
