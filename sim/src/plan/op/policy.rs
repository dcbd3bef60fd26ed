//! The options that a timeline has for itself, as far as a plan sets them.

use std::fmt;
use std::time::Duration;

use palimpsest::Policy;

use super::operand::Operand;
use super::tally::LimitTally;
use crate::plan::limits::check_duration;
use crate::text::{Problem, Words};

/// How much history a timeline keeps; without a value, as much as the engine's options say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyPlan {
    /// How far below the last record.
    pub distance: Option<u64>,
    /// How young.
    pub age: Option<Duration>,
}

impl From<PolicyPlan> for Policy {
    fn from(plan: PolicyPlan) -> Policy {
        Policy {
            gc_distance: plan.distance,
            gc_age: plan.age,
            ..Policy::default()
        }
    }
}

impl Operand for PolicyPlan {
    fn read(words: &mut Words<'_>) -> Result<PolicyPlan, Problem> {
        let mut policy = PolicyPlan::default();
        while let Some(word) = words.next_word() {
            match word {
                "distance" if policy.distance.is_none() => {
                    policy.distance = Some(words.number("distance")?);
                }
                "age" if policy.age.is_none() => policy.age = Some(Duration::read(words)?),
                other => {
                    let remedy = "write `distance` with a number, `age` with a time, or nothing";
                    return Err(Problem::new("word", other, remedy));
                }
            }
        }
        Ok(policy)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(distance) = self.distance {
            write!(f, " distance")?;
            distance.write(f)?;
        }
        if let Some(age) = self.age {
            write!(f, " age")?;
            age.write(f)?;
        }
        Ok(())
    }

    fn check(&self, _tally: &mut LimitTally) -> Result<(), Problem> {
        match self.age {
            Some(age) => check_duration("age", age),
            None => Ok(()),
        }
    }

    fn plainer(&self) -> Vec<PolicyPlan> {
        let (distance, age) = (None, None);
        let mut plainer = vec![
            PolicyPlan { distance, ..*self },
            PolicyPlan { age, ..*self },
        ];
        plainer.retain(|policy| policy != self);
        plainer
    }
}
