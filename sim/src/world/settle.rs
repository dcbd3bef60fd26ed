//! Waiting until no other task of a world runs.

use std::sync::Arc;
use std::time::Duration;

use palimpsest::io::Io;

use super::sim_io::SimIo;
use super::state::World;
use crate::verdict::Verdict;

/// How long the engine's own tasks may take to end, in yields of the waiting task.
const SETTLING_STEPS_MAX: u32 = 10_000;

/// After this many yields, time passes as well.
const SETTLING_STEPS_AT_ONCE: u32 = 200;

/// Longer than a stalled task waits for others to move.
const SETTLING_TIME: Duration = Duration::from_millis(5);

impl World {
    /// Waits until no other task is left and the device delays no call. Idle maintenance tasks may
    /// stay.
    ///
    /// # Errors
    /// `Stuck` if the others do not end.
    pub async fn settle_down(self: &Arc<Self>) -> Result<(), Verdict> {
        let io = SimIo::new(self);
        for step in 0..SETTLING_STEPS_MAX {
            let is_down = {
                let state = self.state();
                state.delayed_count == 0 && state.scheduler.has_only_running()
            };
            if is_down {
                return Ok(());
            }
            match (step + 1).is_multiple_of(SETTLING_STEPS_AT_ONCE) {
                // The device may delay a call.
                true => io.sleep(self.slow_max.max(SETTLING_TIME)).await,
                false => io.yield_now().await,
            }
        }
        Err(Verdict::Stuck {
            waiting: "the engine's own tasks do not end".to_string(),
        })
    }
}
