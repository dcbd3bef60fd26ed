//! The checkers: values that compare what the engine shows with what is true of it.
//!
//! ```text
//!  driver ── carries operations out ──▶ engine
//!     │                                    │
//!     └── Sight { world, judge, expectations, open } ──▶ checkers ──▶ a finding, or nothing
//! ```
//!
//! 1. A checker is given what it looks at, and keeps only what it needs from one look to the next.
//!    It knows neither the plan's operations nor the driver.
//! 2. Its reads bypass scheduler and fault injector: no fault hits them, no task runs between them,
//!    and no probe that they reach counts.
//! 3. What it finds wrong is a [`Finding`]. It never repairs, and it allows only the errors that
//!    the judge allows.
//!
//! | checker         | verifies                                                                 |
//! |-----------------|--------------------------------------------------------------------------|
//! | [`Answers`]     | reads answer what is true, and refuse what must be refused               |
//! | [`racing`]      | reads that race with others answer what was true at some moment of them  |
//! | [`foreign`]     | a shard refuses what another one holds                                   |
//! | [`heard`]       | a listener hears of each job once, and what it has counted               |
//! | [`HeldAnswers`] | a scan that outlives its line answers from one snapshot                  |
//! | [`batches`]     | a batch is whole or absent; a layer is frozen before it grows too long   |
//! | [`bounds`]      | each documented bound of the options holds                               |
//! | [`Counted`]     | what jobs count is what they have done                                   |
//! | [`cutoff`]      | the cutoff goes where collections may move it, and as far as is due      |
//! | [`durable`]     | the worst crash does not take back what was acknowledged                 |
//! | [`forecast`]    | a collection takes what the figures of its timeline said                 |
//! | [`leases`]      | an LSN is leased where it may be, and until the lease is over            |
//! | [`layers`]      | layers can be explained, and a job that shapes them does what it is for  |
//! | [`tiers`]       | compactions go as they were told, and leave few layers over each key      |
//! | [`space`]       | nothing lies on the disk that is not needed                              |
//! | [`Waited`]      | an operation waits for nothing that it does not need                      |
//! | [`ToldCheck`]     | a writer is told that maintenance cannot flush                           |
//! | [`BacklogCheck`] | maintenance sees to what is due, whatever readers do                     |
//! | [`open_files`]  | no more files are open than the option says                              |
//! | [`visits`]      | behind an image of everything, a read looks into few layers              |
//! | [`visibility`]  | no read at a read point visits a layer that is said to be covered        |
//! | [`MaintenanceCheck`] | maintenance leaves nothing undone                                  |
//! | [`listed`]      | a list of the timelines names what can be opened                         |
//! | [`Reduced`]     | what a gc compaction says of itself is so                                 |
//! | [`runs`]        | a gc compaction through all keys leaves no key out                       |
//! | [`shed`]        | a shed leaves no layer that it is for                                    |
//! | [`ImagedCheck`] | what an image creation says of itself is so                              |
//! | [`rest`]        | where nothing is due, jobs are idle and make no call                     |
//! | [`Unreadable`]  | nothing is removed of a timeline that cannot be opened                   |
//! | [`branches`]    | a branch is made where it may be, and stands where it was asked for      |
//! | [`closed`]      | after a shutdown a timeline makes no calls, and its handles are closed   |
//! | [`recovery`]    | an opened timeline ends where it must, and stands on what was asked for  |

mod answers;
pub mod batches;
pub mod bounds;
pub mod branches;
pub mod closed;
mod counted;
pub mod cutoff;
pub mod durable;
pub mod forecast;
pub mod foreign;
pub mod heard;
mod held;
mod imaged;
pub mod layers;
pub mod leases;
pub mod listed;
mod maintenance;
pub mod open_files;
pub mod racing;
pub mod recovery;
mod reduced;
mod response;
pub mod rest;
pub mod runs;
pub mod shed;
mod sight;
pub mod space;
pub mod tiers;
mod unreadable;
pub mod visibility;
pub mod visits;
mod waits;

pub use answers::{Answers, Depth};
pub use counted::Counted;
pub use held::HeldAnswers;
pub use imaged::ImagedCheck;
pub use maintenance::MaintenanceCheck;
pub use reduced::{Reduced, Stage};
pub use response::{Describe, Response, Values, response_many, response_one, values};
pub use sight::{Finding, Sight};
pub use unreadable::Unreadable;
pub use waits::{BacklogCheck, ToldCheck, Waited};
