//! Which calls of a life the device has delayed, and for how long.

use std::time::Duration;

use palimpsest::io::Op;

/// The delays of a life, in the virtual time of the run.
#[derive(Default)]
pub(super) struct DelayLog {
    delays: Vec<Delay>,
}

/// A delay of one call.
struct Delay {
    op: Op,
    from: Duration,
    /// `None` as long as it lasts.
    until: Option<Duration>,
}

impl DelayLog {
    /// Begins a delay, and returns its place.
    pub(super) fn begin(&mut self, op: Op, from: Duration) -> usize {
        self.delays.push(Delay {
            op,
            from,
            until: None,
        });
        self.delays.len() - 1
    }

    pub(super) fn end(&mut self, index: usize, until: Duration) {
        self.delays[index].until = Some(until);
    }

    pub(super) fn clear(&mut self) {
        self.delays.clear();
    }

    /// How long calls for which `counts` holds were delayed from one time to another, all together.
    pub(super) fn sum_since(
        &self,
        (since, now): (Duration, Duration),
        counts: impl Fn(Op) -> bool,
    ) -> Duration {
        let delays = self.delays.iter().filter(|delay| counts(delay.op));
        let lens = delays.map(|delay| {
            let until = delay.until.unwrap_or(now);
            until.saturating_sub(delay.from.max(since))
        });
        lens.sum()
    }
}
