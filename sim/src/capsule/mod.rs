//! A failure as one text file, which a person can read and a build can run again.
//!
//! ```text
//! capsule   = "palimpsest capsule 1"
//!             "seed" (N | "none")          what drew the plan
//!             "revision" WORDS             of the sources, or "unknown"
//!             "lock" HEX                   the hash of Cargo.lock
//!             "verdict" WORDS              the verdict's name
//!             "signature" WORDS            equal for failures that come of the same bug
//!             "full-digest" HEX            of the full plan's run
//!             "shrunk-digest" HEX          of the shrunk plan's run
//!             section*                     its name with ":", then its lines, indented by two
//!             "end" N "bytes" HEX          the length and the checksum of all text before it
//!
//! sections  = "failure:"                   asked, expected and got
//!             "rules:"                     which rules were necessary
//!             "read:"                      the wrong read and the layers that it visited
//!             "steps:"                     the last steps of the shrunk plan's run
//!             "shrunk-plan:" "full-plan:"
//! ```
//!
//! Fields and sections are in this order, each once. The last line holds the length and checksum of
//! the text before it: a truncated capsule has no such line, and an edited one has another
//! checksum.

mod base;
mod make;
mod origin;
mod replay;
#[cfg(test)]
mod tests;
mod text;

pub use base::{Base, BaseEntry, BaseError, KeptCapsule};
pub use make::make;
pub use origin::Origin;
pub use replay::{Replay, Replayed, replay};
pub use text::{CapsuleError, TITLE};

/// A failure, with the plan that shows it and the build that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capsule {
    /// The seed that drew the plan, if one did.
    pub seed: Option<u64>,
    /// The build that made the capsule.
    pub origin: Origin,
    /// The verdict's name.
    pub verdict: String,
    /// A short text that is equal for failures that come of the same bug.
    pub signature: String,
    /// The digest of the full plan's run.
    pub full_digest: u64,
    /// The digest of the shrunk plan's run.
    pub shrunk_digest: u64,
    /// Asked, expected and got, as lines.
    pub failure: Vec<String>,
    /// The shrunk plan's rules, each with whether it was necessary.
    pub rules: Vec<String>,
    /// The wrong read, and the layers that it visited.
    pub read: Vec<String>,
    /// The last steps of the shrunk plan's run.
    pub steps: Vec<String>,
    /// The shrunk plan's text.
    pub shrunk_plan: Vec<String>,
    /// The full plan's text.
    pub full_plan: Vec<String>,
}

/// One of the two plans in a capsule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The shrunk plan.
    Shrunk,
    /// The plan that it was shrunk from.
    Full,
}
