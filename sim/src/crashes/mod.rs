//! The enumeration of crashes: each point at which a process may end, each way in which the disk
//! can look after a power loss there, and all of that once more in each recovery.
//!
//! ```text
//!  points ─▶ of each: power loss, its choices open ─▶ recovery ─▶ which choices mattered?
//!              ▲                                         │                │
//!              │            points of the recovery ◀─────┘                │
//!              └── the next case of those that mattered ◀─────────────────┘
//! ```
//!
//! 1. A choice is made when the recovery or a check looks at what it is about: see
//!    `disk/undecided.rs`. So two disks that agree on all of that are one case, run once. A case
//!    covers as many images as the choices that were not looked at have combinations.
//! 2. The cases of a point are walked depth first, the last choice that was made going on first.
//!    The shares of the images that they cover add up to 1, which is asserted.
//! 3. Two points with one fingerprint are explored once.
//! 4. At depth 2 each point of a recovery is explored as well, for each case in which it is another
//!    one, and a process kill is a first crash too. What the first crash left open stays open in
//!    the second.
//!
//! What runs, recovers and judges is a [`Subject`]: nothing here knows what stands on the disk.

mod case;
mod level;
mod search;
mod subject;

pub use case::{Case, share};
pub use level::Level;
pub use search::{Found, Limits, Trail, search};
pub use subject::{Recovery, Subject, Want};
