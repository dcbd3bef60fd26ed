//! The results of several searches for one bug.

/// The result of one search.
#[derive(Clone, Debug, PartialEq)]
pub enum BugSearch {
    /// The bug was found.
    Found(Shot),
    /// The bug was not found.
    Survived {
        /// The number of plans that were run.
        plan_count: u64,
    },
}

/// How a bug was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shot {
    /// The seed of the plan that found it.
    pub seed: u64,
    /// The number of plans that were run, including this one.
    pub plan_count: u64,
    /// The CPU time of the search, in seconds.
    pub seconds: f64,
    /// Whether the run ended, so that its plan can be shrunk.
    pub ends: bool,
}

/// The searches from several bases.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The result for each base, in the order of their seeds.
    pub bases: Vec<BugSearch>,
}

impl Score {
    fn shots(&self) -> impl Iterator<Item = Shot> {
        self.bases.iter().filter_map(|search| match search {
            BugSearch::Found(shot) => Some(*shot),
            BugSearch::Survived { .. } => None,
        })
    }

    /// The result of the first base that found the bug.
    pub fn first_shot(&self) -> Option<Shot> {
        self.shots().next()
    }

    /// The number of bases that found the bug.
    pub fn found_count(&self) -> usize {
        self.shots().count()
    }

    /// Whether some base did not find the bug within its budget.
    pub fn has_survived(&self) -> bool {
        self.found_count() < self.bases.len()
    }

    /// The median by time, with a base that found nothing as the slowest; `None` if that is the
    /// median.
    ///
    /// # Shape
    /// Of an even number of bases it is the slower one of the two in the middle.
    pub fn median(&self) -> Option<Shot> {
        let mut shots: Vec<Shot> = self.shots().collect();
        shots.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
        shots.get(self.bases.len() / 2).copied()
    }

    /// The share of the bases that found the bug within this many seconds, in percent.
    pub fn rate(&self, seconds: f64) -> usize {
        let found = self.shots().filter(|shot| shot.seconds <= seconds).count();
        found * 100 / self.bases.len().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(seconds: &[Option<f64>]) -> Score {
        let search = |(seconds, seed): (&Option<f64>, u64)| match seconds {
            Some(seconds) => BugSearch::Found(Shot {
                seed,
                plan_count: 10 * seed,
                seconds: *seconds,
                ends: true,
            }),
            None => BugSearch::Survived { plan_count: 1000 },
        };
        Score {
            bases: seconds.iter().zip(1..).map(search).collect(),
        }
    }

    #[test]
    fn a_base_that_found_nothing_counts_as_the_slowest() {
        let found = score(&[None, Some(0.5), Some(20.0), None, Some(3.0)]);
        assert_eq!(found.median().map(|shot| shot.seconds), Some(20.0));
        assert_eq!(found.first_shot().map(|shot| shot.seed), Some(2));
        assert_eq!((found.found_count(), found.has_survived()), (3, true));
        assert_eq!([1.0, 10.0, 60.0].map(|s| found.rate(s)), [20, 40, 60]);
        assert_eq!(score(&[None, None, Some(1.0)]).median(), None);
    }

    #[test]
    fn one_base_is_its_own_median() {
        let found = score(&[Some(0.7)]);
        assert_eq!(found.median(), found.first_shot());
        assert_eq!((found.rate(0.5), found.rate(1.0)), (0, 100));
        assert!(!found.has_survived());
    }
}
