//! The counts of an enumeration, for each crash.

/// The counts for the first crash, or for the second crash behind a first.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// The calls before which the process may end.
    pub point_count: u64,
    /// The points that equal another: the same disk with the same pending changes, and the same
    /// expected answers.
    pub double_count: u64,
    /// The recoveries that were run.
    pub recovery_count: u64,
    /// The binary logarithm of the number of images that power losses can leave, over all points.
    pub log2_of_images: f64,
    /// The points with too many cases, of which only the first were run.
    pub bounded_count: u64,
}

impl Level {
    /// Adds 2 to the power of `log2` images.
    pub fn add_images(&mut self, log2: f64) {
        let (low, high) = match self.log2_of_images < log2 {
            true => (self.log2_of_images, log2),
            false => (log2, self.log2_of_images),
        };
        // An empty level counts one image too many; no table shows an empty level.
        self.log2_of_images = high + (low - high).exp2().ln_1p() / std::f64::consts::LN_2;
    }

    /// Adds the counts of another part of the enumeration.
    pub fn add(&mut self, other: &Level) {
        self.point_count += other.point_count;
        self.double_count += other.double_count;
        self.recovery_count += other.recovery_count;
        self.bounded_count += other.bounded_count;
        if 0 < other.point_count {
            self.add_images(other.log2_of_images);
        }
    }
}
