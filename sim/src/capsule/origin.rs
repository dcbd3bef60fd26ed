//! The build that made a capsule.
#![expect(
    clippy::disallowed_methods,
    reason = "it looks at the sources' own repository, outside of any run"
)]

use std::fs;
use std::path::Path;

use super::text::hash;

/// The lock file of this build.
const LOCK: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));

/// The revision if there is no repository.
const UNKNOWN: &str = "unknown";

/// The sources and the dependencies of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The commit that is checked out in the sources' repository, or `unknown`. Uncommitted changes
    /// are not recorded.
    pub revision: String,
    /// The hash of Cargo.lock.
    pub lock: u64,
}

impl Origin {
    /// The origin of the running build.
    pub fn present() -> Origin {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let repository = package.parent().map(|root| root.join(".git"));
        let revision = repository.and_then(|repository| revision(&repository));
        Origin {
            revision: revision.unwrap_or_else(|| UNKNOWN.to_string()),
            lock: hash(LOCK),
        }
    }
}

/// The commit that is checked out in a repository.
fn revision(repository: &Path) -> Option<String> {
    let head = fs::read_to_string(repository.join("HEAD")).ok()?;
    let Some(name) = head.trim().strip_prefix("ref: ") else {
        return commit(&head);
    };
    let loose = fs::read_to_string(repository.join(name));
    if let Some(found) = loose.ok().and_then(|text| commit(&text)) {
        return Some(found);
    }
    let packed = fs::read_to_string(repository.join("packed-refs")).ok()?;
    let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
    lines
        .find(|(_, found)| *found == name)
        .and_then(|(id, _)| commit(id))
}

fn commit(text: &str) -> Option<String> {
    let id = text.trim();
    let is_id = 40 <= id.len() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| id.to_string())
}
