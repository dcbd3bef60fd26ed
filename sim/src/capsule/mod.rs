//! What a failure hands over: one file of text that a person can read and a build can run again.
//!
//! ```text
//! capsule   = "palimpsest capsule 1"
//!             "seed" (N | "none")          what drew the plan
//!             "revision" WORDS             of the sources, or "unknown"
//!             "lock" HEX                   the hash of Cargo.lock
//!             "verdict" WORDS              its name
//!             "signature" WORDS            what it shares with others that come of the same bug
//!             "full-digest" HEX            of the full plan's run
//!             "shrunk-digest" HEX          of the shrunk plan's run
//!             section*                     its name with ":", then its lines, indented by two
//!             "end" N "bytes" HEX          the length and the checksum of all that stands before
//!
//! sections  = "failure:"                   asked, expected and got
//!             "rules:"                     which of them were necessary
//!             "read:"                      the wrong read and the layers that it visited
//!             "steps:"                     the last steps of the shrunk plan's run
//!             "shrunk-plan:" "full-plan:"
//! ```
//!
//! Fields and sections stand in this order, each once. The last line says how much stands before
//! it: a capsule that was cut off has none, and one that was changed has another checksum.

mod base;
mod make;
mod origin;
mod replay;
#[cfg(test)]
mod tests;
mod text;

pub use base::{Base, BaseEntry, BaseError, Kept};
pub use make::make;
pub use origin::Origin;
pub use replay::{Replay, Replayed, replay};
pub use text::{CapsuleError, TITLE};

/// What a failure hands over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capsule {
    /// What drew the plan, if a seed did.
    pub seed: Option<u64>,
    /// What it was made by.
    pub origin: Origin,
    /// The verdict's name.
    pub verdict: String,
    /// What it shares with others that come of the same bug.
    pub signature: String,
    /// The digest of the full plan's run.
    pub full_digest: u64,
    /// The digest of the shrunk plan's run.
    pub shrunk_digest: u64,
    /// Asked, expected and got, as lines.
    pub failure: Vec<String>,
    /// The shrunk plan's rules, each with whether it was necessary.
    pub rules: Vec<String>,
    /// The wrong read, and what it looked into.
    pub read: Vec<String>,
    /// The last steps of the shrunk plan's run.
    pub steps: Vec<String>,
    /// The shrunk plan's text.
    pub shrunk_plan: Vec<String>,
    /// The full plan's text.
    pub full_plan: Vec<String>,
}

/// Which of the two plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The small one.
    Shrunk,
    /// The one that it came from.
    Full,
}
