//! Enumerates crashes: each point at which a process may end, each state that a power loss at it
//! can leave on the disk, and all of these again within each recovery.
//!
//! ```text
//!  points ─▶ of each: power loss, its choices open ─▶ recovery ─▶ which choices mattered?
//!              ▲                                         │                │
//!              │            points of the recovery ◀─────┘                │
//!              └── the next case of those that mattered ◀─────────────────┘
//! ```
//!
//! 1. A choice is made when recovery or a check first reads what it decides: see
//!    `disk/undecided.rs`. Two disks that agree on everything read are one case, and run once. A
//!    case covers as many images as there are combinations of the choices that were never made.
//! 2. The cases of a point are walked depth first: the last choice changes first. The shares of
//!    images that they cover add up to 1, which is asserted.
//! 3. Points with equal fingerprints are explored once.
//! 4. At depth 2, the points of a recovery are explored too, for each case that makes them differ,
//!    and the first crash may also be a kill of the process. What the first crash left open stays
//!    open in the second.
//!
//! A [`Subject`] runs, recovers and judges: this room does not know what the disk holds.

mod case;
mod level;
mod search;
mod subject;

pub use case::{Case, share};
pub use level::Level;
pub use search::{SearchLimits, SearchResult, Trail, search};
pub use subject::{Recovery, Subject, Want};
