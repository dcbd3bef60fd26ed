//! The world that the engine runs in: disk, clock, chance and tasks, all behind one scheduler.
//!
//! ```text
//!  engine ─▶ SimIo ─▶ held ─ scheduler picks ─▶ fault? ─▶ effect on the disk ─▶ engine goes on
//!                      ▲                          │
//!  wake-ups, passes ───┘                        crash: the life ends, its handles are dead
//! ```
//!
//! 1. At most one task runs. When it pends, the scheduler picks one of the held: one call, pass or
//!    wake-up a step, and nothing else moves.
//! 2. Each life of the process has a number. A handle, call or task of an ended life can neither
//!    read nor change anything.
//! 3. The plan alone makes the run: choices come from its schedule, faults from its rules, chance
//!    from its seed. Every step is hashed into a digest.

mod calls;
mod crash_point;
mod delay_log;
mod delays;
mod deliver;
mod digests;
mod facts;
mod ids;
mod injector;
mod journal;
mod policy;
mod rot;
mod scheduler;
mod settle;
mod sim_io;
mod state;
mod task;
mod trace;
mod waits;

pub use crash_point::{CrashPoint, Watch};
pub use digests::Digests;
pub use facts::{Delivered, Fact, LifeEnd, Site};
pub use ids::{TaskId, TaskName};
pub use journal::{CrashSeen, Effect, End, Journal};
pub use sim_io::{SimFile, SimIo, SimLock};
pub use state::{Counts, State, World, steps_max};
pub use task::{Join, drop_at};
pub use trace::{EVENTS_AROUND, Event, Keep, Trace};
