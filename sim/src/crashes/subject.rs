//! What crashes are enumerated of.

use crate::faults::Crash;

/// Whether the points of a recovery are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Those up to its first comparison.
    Points,
    /// None.
    Verdict,
}

/// What came of a recovery.
#[derive(Clone, Debug)]
pub struct Recovery<P> {
    /// Whether something was wrong.
    pub has_failed: bool,
    /// How many alternatives each choice of the disk had that was made, in order.
    pub counts: Vec<u64>,
    /// Whether there are more alternatives than were offered.
    pub is_bounded: bool,
    /// The points of the recovery, if they were wanted.
    pub points: Vec<P>,
}

/// A system on a simulated disk that crashes and recovers: all that the enumeration needs.
pub trait Subject: Sync {
    /// A call before which the process may end, with all that is needed to go on from there.
    type Point: Clone + Send + Sync;

    /// The same number for two points whose crashes go alike.
    fn fingerprint(&self, point: &Self::Point) -> u128;

    /// The binary logarithm of how many images a power loss at the point may leave.
    fn log2_of_images(&self, point: &Self::Point) -> f64;

    /// How many choices of the crash before the point had been made when it was reached.
    fn choice_count(&self, point: &Self::Point) -> usize;

    /// Crashes at the point, recovers and compares.
    fn recover(&self, point: &Self::Point, crash: Crash, want: Want) -> Recovery<Self::Point>;
}
