//! The system whose crashes are enumerated.

use crate::faults::Crash;

/// Whether a recovery collects its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Collect the points up to the first comparison.
    Points,
    /// Collect none.
    Verdict,
}

/// The result of a recovery.
#[derive(Clone, Debug)]
pub struct Recovery<P> {
    /// Whether a check failed.
    pub has_failed: bool,
    /// The number of alternatives of each choice that the disk made, in order.
    pub counts: Vec<u64>,
    /// Whether a choice had more alternatives than are tried.
    pub is_bounded: bool,
    /// The points of the recovery, if they were asked for.
    pub points: Vec<P>,
}

/// A system on a simulated disk that crashes and recovers: all that the enumeration needs.
pub trait Subject: Sync {
    /// A call before which the process may end, with the state from which a recovery starts.
    type Point: Clone + Send + Sync;

    /// A hash: points with equal fingerprints have the same crashes and recoveries.
    fn fingerprint(&self, point: &Self::Point) -> u128;

    /// The binary logarithm of the number of images that a power loss at the point can leave.
    fn log2_of_images(&self, point: &Self::Point) -> f64;

    /// The number of choices of the crash before this point that were made when it was reached.
    fn choice_count(&self, point: &Self::Point) -> usize;

    /// Crashes at the point, recovers and compares all answers.
    fn recover(&self, point: &Self::Point, crash: Crash, want: Want) -> Recovery<Self::Point>;
}
