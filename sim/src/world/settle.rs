//! Waiting until nothing goes on in a world but the task that waits.

use std::sync::Arc;
use std::time::Duration;

use palimpsest::io::Io;

use super::sim_io::SimIo;
use super::state::World;
use crate::verdict::Verdict;

/// How long the engine's own tasks may take to end, in turns of the task that waits.
const SETTLING_STEPS_MAX: u32 = 10_000;

/// After so many turns time passes as well, so much at least.
const SETTLING_STEPS_AT_ONCE: u32 = 200;

/// Longer than one who stalls waits for others to move.
const SETTLING_TIME: Duration = Duration::from_millis(5);

impl World {
    /// Waits until the running task is the only one left, and the device holds up no call: one who
    /// looks after a timeline may wait in it as well.
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
                // Somebody may be held up by a device that takes its time.
                true => io.sleep(self.slow_max.max(SETTLING_TIME)).await,
                false => io.yield_now().await,
            }
        }
        Err(Verdict::Stuck {
            waiting: "the engine's own tasks do not end".to_string(),
        })
    }
}
