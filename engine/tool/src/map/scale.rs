//! A scale from values to places that spaces values evenly, whatever their distances.
//!
//! LSNs and keys leap: 3, 11, then 2^63. Only their order can be drawn, so each stretch between two
//! known values gets a width of its own.

/// The places of sorted values.
#[derive(Clone, Debug)]
pub struct Scale<T> {
    values: Vec<T>,
    places: Vec<f64>,
}

impl<T: Copy + Ord> Scale<T> {
    /// A scale from place `start` to place `end` for these values, of which there is at least one.
    /// `weigh` returns the relative width of the stretch between two neighbours.
    pub fn new(
        mut values: Vec<T>,
        (start, end): (f64, f64),
        weigh: impl Fn(T, T) -> f64,
    ) -> Scale<T> {
        values.sort_unstable();
        values.dedup();
        assert!(!values.is_empty());
        let weights: Vec<f64> = values
            .windows(2)
            .map(|pair| weigh(pair[0], pair[1]))
            .collect();
        let sum = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let mut places = vec![start];
        let mut passed = 0.0;
        for weight in weights {
            passed += weight;
            places.push(start + (end - start) * (passed / sum));
        }
        Scale { values, places }
    }

    /// The place of a value: its own; the middle of its stretch, if it is between two known values;
    /// or the nearer end, if it is beyond both.
    pub fn at(&self, value: T) -> f64 {
        match self.values.binary_search(&value) {
            Ok(index) => self.places[index],
            Err(0) => self.places[0],
            Err(index) if index == self.places.len() => self.places[index - 1],
            Err(index) => (self.places[index - 1] + self.places[index]) / 2.0,
        }
    }

    /// The middle between the places of two values.
    pub fn middle(&self, start: T, end: T) -> f64 {
        (self.at(start) + self.at(end)) / 2.0
    }

    /// The values that have places of their own, sorted.
    pub fn values(&self) -> &[T] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_at_even_distances_however_far_apart_they_are() {
        let scale = Scale::new(vec![u64::MAX, 3, 11, 3], (0.0, 100.0), |_, _| 1.0);
        assert_eq!(
            [3, 11, u64::MAX].map(|value| scale.at(value)),
            [0.0, 50.0, 100.0]
        );
        assert_eq!(scale.at(5), 25.0);
        assert_eq!(scale.at(1 << 40), 75.0);
        assert_eq!(scale.at(0), 0.0);
        assert_eq!(scale.middle(3, 11), 25.0);
    }

    #[test]
    fn a_stretch_is_as_wide_as_it_weighs_and_a_scale_may_point_down() {
        let weigh = |start: i32, end: i32| f64::from(end - start);
        let scale = Scale::new(vec![0, 1, 4], (40.0, 0.0), weigh);
        assert_eq!([0, 1, 4].map(|value| scale.at(value)), [40.0, 30.0, 0.0]);
        let one = Scale::new(vec![7], (5.0, 9.0), weigh);
        assert_eq!([6, 7, 8].map(|value| one.at(value)), [5.0, 5.0, 5.0]);
    }
}
