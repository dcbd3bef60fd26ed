//! The names of all files in an engine's directory.
//!
//! ```text
//! <layer>-v1-<generation>                        a layer
//! <layer>-v1-<generation>.<attempt>.___temp      a layer that is being written
//! ephemeral-<generation>-<ordinal>               what an open layer spilled
//! index                                          the index
//! index-<generation>.<attempt>.___temp           an index that is being written
//! lock                                           held while the engine is open
//! ```
//! A generation has 8 lower-case hex digits; an attempt and an ordinal have no leading zeros.

use std::fmt;

use super::{Generation, LayerName, hex};

const TEMP_SUFFIX: &str = ".___temp";

/// The name of a file that the engine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileName {
    /// A layer.
    Layer {
        /// What it holds.
        name: LayerName,
        /// Who wrote it.
        generation: Generation,
    },
    /// A layer that is being written.
    LayerTemp {
        /// What it is going to hold.
        name: LayerName,
        /// Who writes it.
        generation: Generation,
        /// Tells two attempts at one layer apart: the first may still be on its way out.
        attempt: u32,
    },
    /// What an open layer spilled. It means nothing in the next life.
    Ephemeral {
        /// Who wrote it.
        generation: Generation,
        /// Which one of that generation it is.
        ordinal: u32,
    },
    /// The index.
    Index,
    /// An index that is being written.
    IndexTemp {
        /// Who writes it.
        generation: Generation,
        /// Tells two attempts apart.
        attempt: u32,
    },
    /// The file whose lock says that the engine is open.
    Lock,
}

impl FileName {
    /// Reads what `Display` prints. Any other spelling is a foreign name, and `None`.
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
        }
    }
}

/// Reads a name in this or another spelling. What ends like a temp file is that or foreign: were
/// the layers asked first, a half-written file could pass for one.
fn parse_known(text: &str) -> Option<FileName> {
    if let Some(stem) = text.strip_suffix(TEMP_SUFFIX) {
        return parse_temp(stem);
    }
    match text {
        "index" => return Some(FileName::Index),
        "lock" => return Some(FileName::Lock),
        _ => {}
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
