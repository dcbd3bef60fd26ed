//! A point in time, which only `io` reads from a clock.

use std::time::Duration;

/// A time of the wall clock, which may step back.
///
/// # Units
/// Nanoseconds since the Unix epoch; they last until the year 2554.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// The time so much later, or the last time that there is.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Time {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Time(self.0.saturating_add(nanoseconds))
    }

    /// The time from `earlier` to `self`, or zero if `earlier` is later.
    pub fn saturating_since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_that_steps_back_gives_no_time() {
        assert_eq!(Time(7).saturating_since(Time(4)), Duration::from_nanos(3));
        assert_eq!(Time(4).saturating_since(Time(7)), Duration::ZERO);
        assert_eq!(
            Time(u64::MAX).saturating_since(Time(0)),
            Duration::from_nanos(u64::MAX)
        );
    }
}
