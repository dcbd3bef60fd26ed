//! Short names for the files of a timeline.
//!
//! ```text
//! delta:1..11/2           the L0 of LSNs 1 to 10, by generation 2
//! temp-delta:1..11/2.3    the same on its way, third attempt
//! ephemeral/2.4           temp-index/2.3           index           and foreign names as they are
//! ```

use palimpsest::base::{FileName, Generation, KeyRange, LayerName, Lsn, LsnRange};

/// The short form of a file's name.
pub fn short(name: &str) -> String {
    match FileName::parse(name) {
        Some(FileName::Layer { name, generation }) => {
            format!("delta:{}/{}", lsns(name), generation.0)
        }
        Some(FileName::LayerTemp {
            name,
            generation,
            attempt,
        }) => format!("temp-delta:{}/{}.{attempt}", lsns(name), generation.0),
        Some(FileName::Ephemeral {
            generation,
            ordinal,
        }) => format!("ephemeral/{}.{ordinal}", generation.0),
        Some(FileName::IndexTemp {
            generation,
            attempt,
        }) => format!("temp-index/{}.{attempt}", generation.0),
        Some(FileName::Index | FileName::Lock) | None => name.to_owned(),
    }
}

fn lsns(name: LayerName) -> String {
    assert!(name.is_l0());
    let lsns = name.lsns();
    format!("{}..{}", lsns.start.0, lsns.end.0)
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
        Some((kind, lsns)) => (kind, l0(lsns)),
        None => (stem, None),
    };
    Some(match (kind, name) {
        ("delta", Some(name)) => FileName::Layer { name, generation },
        ("temp-delta", Some(name)) => FileName::LayerTemp {
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

fn l0(lsns: &str) -> Option<LayerName> {
    let (start, end) = lsns.split_once("..")?;
    let [start, end] = [start, end].map(|lsn| lsn.parse().ok().map(Lsn));
    Some(LayerName::Delta {
        keys: KeyRange::ALL,
        lsns: LsnRange::new(start?, end?),
    })
}
