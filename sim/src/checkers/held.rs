//! Checks that a scan that outlives its line answers from one snapshot.
//!
//! * Verified: the batches of a scan are, all together, what was true at one moment from its begin
//!   to the end of its first batch, wherever cutoff, layers and timeline have gone since.
//! * Not verified: at which moment.
//!
//! Its state is what all keys may have been at the LSN of the scan.

use palimpsest::base::KeyRange;
use palimpsest::timeline::KeyValue;

use super::{Response, Values, response_many};
use crate::oracle::Allowed;
use crate::verdict::Verdict;

/// What a held scan may answer.
pub struct HeldAnswers {
    /// The values of all keys, by each snapshot that it may have.
    snapshots: Vec<Values>,
    /// Whether it has answered: then it has its snapshot.
    has_answered: bool,
}

impl HeldAnswers {
    /// A scan that was begun, and may have one of these snapshots.
    pub fn new(snapshots: Vec<Values>) -> HeldAnswers {
        HeldAnswers {
            snapshots,
            has_answered: false,
        }
    }

    /// Adds what was true while a batch was asked for: the scan may have taken its snapshot then.
    pub fn add(&mut self, snapshots: Vec<Values>) {
        if !self.has_answered {
            self.snapshots.extend(snapshots);
        }
    }

    /// Checks a batch: the values of `keys`.
    ///
    /// # Errors
    /// A wrong answer, if they are those of no snapshot that answered all batches before.
    pub fn check(
        &mut self,
        asked: impl FnOnce() -> String,
        (keys, batch): (KeyRange, Vec<KeyValue>),
    ) -> Result<(), Verdict> {
        let here = |all: &Values| -> Values {
            let values = all.iter().filter(|(key, _)| keys.contains(*key));
            values.cloned().collect()
        };
        let allowed = Allowed {
            answers: self.snapshots.iter().map(here).collect(),
            not_yet: false,
            below: false,
        };
        let response = response_many(Ok(batch));
        response.judge(asked, &allowed)?;
        if let Response::Answer(found) = response {
            self.snapshots.retain(|all| here(all) == found);
        }
        self.has_answered = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use palimpsest::base::Key;

    use super::*;
    use crate::model::Answer;

    fn key(number: u32) -> Key {
        Key::MIN.add(number)
    }

    fn values(values: [u8; 2]) -> Values {
        let value = |byte| Answer::Value(vec![byte]);
        vec![(key(0), value(values[0])), (key(1), value(values[1]))]
    }

    fn batch(number: u32, byte: u8) -> (KeyRange, Vec<KeyValue>) {
        let value = (key(number), Ok(vec![byte]));
        (KeyRange::single(key(number)), vec![value])
    }

    fn check(held: &mut HeldAnswers, batch: (KeyRange, Vec<KeyValue>)) -> bool {
        held.check(String::new, batch).is_ok()
    }

    #[test]
    fn all_batches_are_those_of_one_snapshot() {
        let both = || HeldAnswers::new(vec![values([1, 1]), values([2, 2])]);
        let mut held = both();
        assert!(check(&mut held, batch(0, 2)));
        assert!(check(&mut held, batch(1, 2)));
        let mut held = both();
        assert!(check(&mut held, batch(0, 2)));
        assert!(!check(&mut held, batch(1, 1)));
        assert!(!check(&mut both(), batch(0, 3)));
    }

    #[test]
    fn a_scan_that_has_answered_takes_no_other_snapshot() {
        let mut held = HeldAnswers::new(vec![values([1, 1])]);
        held.add(vec![values([2, 2])]);
        assert!(check(&mut held, batch(0, 1)));
        held.add(vec![values([1, 2])]);
        assert!(!check(&mut held, batch(1, 2)));
    }
}
