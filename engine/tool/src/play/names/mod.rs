//! The names of the layers that a script makes, computed by the peer's rules or by this engine's.
//!
//! 1. A computation plays a script on layers that are lists of records, without a file. It knows
//!    what each job does to them, and uses nothing of the engine's jobs.
//! 2. The peer and this engine do the same but for a closed list of rules, [`Rule`]. A computation
//!    has each of them one way or the other.
//! 3. By the peer's rules it comes to the names that the peer answered, by ours to the names that
//!    this engine answers. Both are checked, to the last name: then the difference between the two
//!    lists is that of the rules, and nothing else.
//! 4. Which rule made which difference is told by going over from the peer's rules to ours one at a
//!    time, in the order of [`Rule::ALL`].
//! 5. What no recording has shown is not computed: a [`Gap`] ends the computation, and a list that
//!    differs behind it is unexplained.

mod compact;
mod compute;
mod cut;
mod flush;
mod history;
mod image;
mod layer;
mod reduce;
mod retain;
mod rule;

pub use compute::{Computed, Gap, compute};
pub use rule::{Rule, Rules};
