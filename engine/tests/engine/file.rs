//! Short names for the files of a timeline.
//!
//! ```text
//! delta:1..11/2           the L0 of LSNs 1 to 10, by generation 2
//! temp-delta:1..11/2.3    that layer, unfinished, third attempt
//! image:all@10/2          an image; layers have the short names of `layer.rs`
//! ephemeral/2.4           temp-index/2.3           index           and foreign names as they are
//! ```

use palimpsest::base::{FileName, Generation, LayerName};

use crate::layer;

/// Prints a number that the script gave, or `_` for one that the engine counts from a random start.
fn counted(number: u32) -> String {
    match number {
        0..10 => number.to_string(),
        _ => "_".to_string(),
    }
}

/// The short form of a file's name.
pub fn short(name: &str) -> String {
    match FileName::parse(name) {
        Some(FileName::Layer { name, generation }) => {
            format!("{}/{}", layer(name), generation.0)
        }
        Some(FileName::LayerTemp {
            name,
            generation,
            attempt,
        }) => format!("temp-{}/{}.{}", layer(name), generation.0, counted(attempt)),
        Some(FileName::Ephemeral {
            generation,
            ordinal,
        }) => format!("ephemeral/{}.{}", generation.0, counted(ordinal)),
        Some(mark @ (FileName::SplitFrom { .. } | FileName::SplitInto { .. })) => mark.to_string(),
        Some(FileName::IndexTemp {
            generation,
            attempt,
        }) => format!("temp-index/{}.{}", generation.0, counted(attempt)),
        Some(FileName::Index | FileName::Lock | FileName::Reserve) | None => name.to_owned(),
    }
}

fn layer(name: LayerName) -> String {
    format!("{}:{}", layer::kind(name), layer::short(name))
}

/// The name that has this short form.
pub fn long(short: &str) -> String {
    let file = parse(short).map_or_else(|| short.to_owned(), |file| file.to_string());
    assert_eq!(self::short(&file), short);
    file
}

fn parse(short: &str) -> Option<FileName> {
    let (stem, owner) = short.split_once('/')?;
    let (generation, ordinal) = owner.split_once('.').unwrap_or((owner, "0"));
    let generation = Generation(generation.parse().ok()?);
    let ordinal = ordinal.parse().ok()?;
    let (kind, name) = match stem.split_once(':') {
        Some((kind, name)) => (kind, layer::long(kind.trim_start_matches("temp-"), name)),
        None => (stem, None),
    };
    Some(match (kind, name) {
        ("delta" | "image", Some(name)) => FileName::Layer { name, generation },
        ("temp-delta" | "temp-image", Some(name)) => FileName::LayerTemp {
            name,
            generation,
            attempt: ordinal,
        },
        ("ephemeral", None) => FileName::Ephemeral {
            generation,
            ordinal,
        },
        ("temp-index", None) => FileName::IndexTemp {
            generation,
            attempt: ordinal,
        },
        _ => return None,
    })
}
