//! Policies: options that a timeline may have for itself.

use std::fmt;
use std::time::Duration;

/// The options that a timeline has for itself, in place of the engine's.
///
/// # Shape
/// Each field has the effect and the unit of the field of the same name of
/// [`Options`](crate::Options). `None` is the engine's option: the default of all. Where the option
/// itself may be none, a value that is never reached stands for none: a hundred years, or a
/// billion layers.
///
/// # Examples
/// ```
/// use palimpsest::Policy;
///
/// let policy = Policy { gc_distance: Some(1 << 30), ..Policy::default() };
/// assert_eq!(policy.to_string(), "gc_distance 1073741824");
/// assert_eq!(Policy::default().to_string(), "the engine's");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The open layer is frozen before it reaches this length. Bytes.
    pub freeze_len_max: Option<u64>,
    /// The open layer is frozen before it spans this distance. LSNs.
    pub freeze_distance_max: Option<u64>,
    /// The open layer is frozen once it is this old. Time.
    pub freeze_age_max: Option<Duration>,
    /// A compaction is due from this many L0 deltas on. Layers.
    pub l0_count_trigger: Option<usize>,
    /// An image is due where this many deltas stand above the newest one. Layers.
    pub image_delta_count_trigger: Option<usize>,
    /// An image of sparse keys is due where a scan of them looks into this many deltas. Layers.
    pub sparse_image_delta_count_trigger: Option<usize>,
    /// An image is due where a delta stands above one that is older than this. Time.
    pub image_age_max: Option<Duration>,
    /// History this far below the last record is kept. LSNs.
    pub gc_distance: Option<u64>,
    /// History this young is kept. Time.
    pub gc_age: Option<Duration>,
    /// From this many L0s and frozen layers on, a batch that freezes waits. Layers.
    pub l0_delay_count: Option<usize>,
    /// The delay of a batch once `l0_delay_count` is reached. Time.
    pub l0_delay: Option<Duration>,
    /// From this many L0s and frozen layers on, a batch that freezes waits for compaction. Layers.
    pub l0_stall_count: Option<usize>,
}

/// What a field is counted in.
#[derive(Clone, Copy)]
enum Unit {
    Count,
    Nanoseconds,
}

/// The name of each field by its number in the index, less one.
const FIELDS: [(&str, Unit); 12] = [
    ("freeze_len_max", Unit::Count),
    ("freeze_distance_max", Unit::Count),
    ("freeze_age_max", Unit::Nanoseconds),
    ("l0_count_trigger", Unit::Count),
    ("image_delta_count_trigger", Unit::Count),
    ("sparse_image_delta_count_trigger", Unit::Count),
    ("image_age_max", Unit::Nanoseconds),
    ("gc_distance", Unit::Count),
    ("gc_age", Unit::Nanoseconds),
    ("l0_delay_count", Unit::Count),
    ("l0_delay", Unit::Nanoseconds),
    ("l0_stall_count", Unit::Count),
];

impl Policy {
    /// The fields that are set, each with its number in the index: times in nanoseconds.
    pub(crate) fn numbers(&self) -> Vec<(u8, u64)> {
        let count = |it: Option<usize>| it.map(|it| it as u64);
        let nanoseconds = |it: Option<Duration>| it.map(nanoseconds);
        let fields: [Option<u64>; FIELDS.len()] = [
            self.freeze_len_max,
            self.freeze_distance_max,
            nanoseconds(self.freeze_age_max),
            count(self.l0_count_trigger),
            count(self.image_delta_count_trigger),
            count(self.sparse_image_delta_count_trigger),
            nanoseconds(self.image_age_max),
            self.gc_distance,
            nanoseconds(self.gc_age),
            count(self.l0_delay_count),
            nanoseconds(self.l0_delay),
            count(self.l0_stall_count),
        ];
        let numbered = (1..).zip(fields);
        numbered
            .filter_map(|(number, value)| value.map(|value| (number, value)))
            .collect()
    }

    /// Sets the field of a number. One of a later release has no effect.
    pub(crate) fn set(&mut self, number: u8, value: u64) {
        let count = Some(usize::try_from(value).unwrap_or(usize::MAX));
        let time = Some(Duration::from_nanos(value));
        match number {
            1 => self.freeze_len_max = Some(value),
            2 => self.freeze_distance_max = Some(value),
            3 => self.freeze_age_max = time,
            4 => self.l0_count_trigger = count,
            5 => self.image_delta_count_trigger = count,
            6 => self.sparse_image_delta_count_trigger = count,
            7 => self.image_age_max = time,
            8 => self.gc_distance = Some(value),
            9 => self.gc_age = time,
            10 => self.l0_delay_count = count,
            11 => self.l0_delay = time,
            12 => self.l0_stall_count = count,
            _ => {}
        }
    }

    /// The name of a time that is too long for the index.
    pub(crate) fn too_long(&self) -> Option<&'static str> {
        let longest = Duration::from_nanos(u64::MAX);
        let times = [
            ("freeze_age_max", self.freeze_age_max),
            ("image_age_max", self.image_age_max),
            ("gc_age", self.gc_age),
            ("l0_delay", self.l0_delay),
        ];
        let mut times = times.iter();
        let found = times.find(|(_, time)| time.is_some_and(|time| longest < time));
        found.map(|(name, _)| *name)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.numbers();
        if numbers.is_empty() {
            return f.write_str("the engine's");
        }
        for (index, (number, value)) in numbers.into_iter().enumerate() {
            let (name, unit) = FIELDS[usize::from(number) - 1];
            let separator = if index == 0 { "" } else { ", " };
            match unit {
                Unit::Count => write!(f, "{separator}{name} {value}")?,
                Unit::Nanoseconds => {
                    let time = Duration::from_nanos(value);
                    write!(f, "{separator}{name} {time:?}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_one_number_and_one_name() {
        let mut policy = Policy::default();
        for number in 0..=u8::MAX {
            policy.set(number, 1_000_000 + u64::from(number));
        }
        let numbers = policy.numbers();
        let expected = (1..=12).map(|number| (number, 1_000_000 + u64::from(number)));
        assert_eq!(numbers, expected.collect::<Vec<_>>());
        let text = policy.to_string();
        let known = format!("{policy:?}");
        for (name, _) in FIELDS {
            assert!(text.contains(&format!("{name} ")), "{name} in {text}");
            assert!(known.contains(&format!("{name}: ")), "{name} in {known}");
        }
    }
}
