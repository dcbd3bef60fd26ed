//! A folder of capsules, one for each signature.
//!
//! ```text
//! ID.capsule   the capsule with the smallest plan of all with this signature
//! ID.seen      their number, and when and at which revision the first was added
//! ```
#![expect(
    clippy::disallowed_methods,
    reason = "it keeps files for its caller, outside of any run"
)]

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::text::hash;
use super::{Capsule, CapsuleError};

/// The longest part of an id that is taken from the signature, in characters.
const SLUG_LEN_MAX: usize = 40;

/// A folder of capsules.
#[derive(Clone, Debug)]
pub struct Base {
    folder: PathBuf,
}

/// What is known of all capsules with one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCapsule {
    /// The number of capsules with this signature that were added.
    pub count: u64,
    /// When the first was added.
    pub first_seen: String,
    /// The revision of the first.
    pub first_revision: String,
}

/// One signature's capsule.
#[derive(Debug)]
pub struct BaseEntry {
    /// The name of its files.
    pub id: String,
    /// What is known of all capsules with its signature, if that can be read.
    pub kept: Result<KeptCapsule, BaseError>,
    /// The capsule with the smallest plan, if it can be read.
    pub capsule: Result<Capsule, BaseError>,
}

/// A base cannot be read or written, or is damaged. The caller names another, or repairs it.
#[derive(Debug)]
pub enum BaseError {
    /// The operating system returned an error.
    Io(PathBuf, io::Error),
    /// A file of the base does not parse; the text says how.
    Damaged(PathBuf, String),
}

impl std::error::Error for BaseError {}

impl fmt::Display for BaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BaseError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            BaseError::Damaged(path, problem) => write!(f, "{}: {problem}", path.display()),
        }
    }
}

impl BaseError {
    /// Whether the error is that the file does not exist.
    fn is_missing(&self) -> bool {
        matches!(self, BaseError::Io(_, error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl Base {
    /// The base in a folder, which is created with the first capsule.
    pub fn new(folder: &Path) -> Base {
        Base {
            folder: folder.to_path_buf(),
        }
    }

    /// Adds a capsule: counts it under its signature, and keeps it if its plan is the smallest.
    ///
    /// # Errors
    /// `Io` or `Damaged`; the base is as it was.
    pub fn add(&self, capsule: &Capsule, now: &str) -> Result<BaseEntry, BaseError> {
        let id = id_of(&capsule.signature);
        let before = self.entry(&id);
        let kept = match before.kept {
            Ok(kept) => KeptCapsule {
                count: kept.count + 1,
                ..kept
            },
            // It is the first with its signature, or the capsule file was copied here by hand.
            Err(error) if error.is_missing() => KeptCapsule {
                count: 1,
                first_seen: now.to_string(),
                first_revision: capsule.origin.revision.clone(),
            },
            Err(error) => return Err(error),
        };
        let smallest = match before.capsule {
            Ok(before) if before.size() <= capsule.size() => before,
            _ => capsule.clone(),
        };
        self.write(&id, "capsule", &smallest.to_string())?;
        self.write(&id, "seen", &kept.to_string())?;
        Ok(BaseEntry {
            id,
            kept: Ok(kept),
            capsule: Ok(smallest),
        })
    }

    /// All entries, sorted by id.
    ///
    /// # Errors
    /// `Io` if the folder cannot be listed. A file that cannot be read is an error in its entry
    /// only.
    pub fn entries(&self) -> Result<Vec<BaseEntry>, BaseError> {
        let listed = match fs::read_dir(&self.folder) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(BaseError::Io(self.folder.clone(), error)),
        };
        let mut ids = Vec::new();
        for file in listed {
            let file = file.map_err(|error| BaseError::Io(self.folder.clone(), error))?;
            let name = file.file_name().to_string_lossy().into_owned();
            ids.extend(name.strip_suffix(".capsule").map(str::to_string));
        }
        ids.sort();
        Ok(ids.iter().map(|id| self.entry(id)).collect())
    }

    fn path(&self, id: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{id}.{ending}"))
    }

    fn entry(&self, id: &str) -> BaseEntry {
        let read = |ending| {
            let path = self.path(id, ending);
            let text = fs::read_to_string(&path);
            text.map_err(|error| BaseError::Io(path, error))
        };
        let kept = |text: String| {
            let problem = "expected `count`, `first-seen` and `first-revision`; remove it, and add \
                           the capsule beside it again";
            let damaged = || BaseError::Damaged(self.path(id, "seen"), problem.to_string());
            KeptCapsule::read(&text).ok_or_else(damaged)
        };
        let capsule = |text: String| {
            let path = self.path(id, "capsule");
            let parsed = text.parse();
            parsed.map_err(|error: CapsuleError| BaseError::Damaged(path, error.to_string()))
        };
        BaseEntry {
            id: id.to_string(),
            kept: read("seen").and_then(kept),
            capsule: read("capsule").and_then(capsule),
        }
    }

    /// Writes a temporary file beside the target, then renames it: a reader sees no partial file.
    fn write(&self, id: &str, ending: &str, text: &str) -> Result<(), BaseError> {
        let (path, temp) = (self.path(id, ending), self.path(id, "temp"));
        let written = fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(&temp, text))
            .and_then(|()| fs::rename(&temp, &path));
        written.map_err(|error| BaseError::Io(path, error))
    }
}

impl Capsule {
    /// The size of the shrunk plan, in lines and then in bytes: the smaller capsule is kept.
    fn size(&self) -> (usize, usize) {
        let len = self.shrunk_plan.iter().map(String::len).sum();
        (self.shrunk_plan.len(), len)
    }
}

impl KeptCapsule {
    fn read(text: &str) -> Option<KeptCapsule> {
        let mut lines = text.lines();
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        Some(KeptCapsule {
            count: field("count")?.parse().ok()?,
            first_seen: field("first-seen")?.to_string(),
            first_revision: field("first-revision")?.to_string(),
        })
    }
}

impl fmt::Display for KeptCapsule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "count {}", self.count)?;
        writeln!(f, "first-seen {}", self.first_seen)?;
        writeln!(f, "first-revision {}", self.first_revision)
    }
}

/// Turns a signature into a file name: its words, then a hash that makes it unique.
fn id_of(signature: &str) -> String {
    let label = |label: char| match label.is_ascii_alphanumeric() {
        true => label.to_ascii_lowercase(),
        false => '-',
    };
    let words: String = signature.chars().map(label).collect();
    let words: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
    let mut slug = words.join("-");
    slug.truncate(SLUG_LEN_MAX);
    let slug = slug.trim_end_matches('-');
    format!("{slug}-{:08x}", hash(signature.as_bytes()) as u32)
}
