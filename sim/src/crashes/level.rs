//! What an enumeration counts, crash by crash.

/// What was done with one crash, or behind one crash with the second.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// Calls before which the process may have ended.
    pub point_count: u64,
    /// Those among them that were another one's double: the same disk with the same pending
    /// changes, and the same to be held against it.
    pub double_count: u64,
    /// Recoveries that were run.
    pub recovery_count: u64,
    /// How many images the power losses can leave: the binary logarithm, of all points together.
    pub log2_of_images: f64,
    /// Points of which some cases were left out, and the first of them.
    pub bounded_count: u64,
}

impl Level {
    /// Adds images, of which this is the binary logarithm.
    pub fn add_images(&mut self, log2: f64) {
        let (low, high) = match self.log2_of_images < log2 {
            true => (self.log2_of_images, log2),
            false => (log2, self.log2_of_images),
        };
        // An empty level has one image too many, which no table shows.
        self.log2_of_images = high + (low - high).exp2().ln_1p() / std::f64::consts::LN_2;
    }

    /// Adds what was done elsewhere.
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
