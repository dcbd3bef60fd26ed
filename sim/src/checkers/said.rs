//! What the engine said to a read, held against what it may say.

use palimpsest::base::Key;
use palimpsest::timeline::KeyValue;
use palimpsest::{Error, Result};

use crate::dice::mix;
use crate::model::{Answer, History};
use crate::oracle::Allowed;
use crate::verdict::Verdict;

/// The values of many keys, in order, without those that have no history.
pub type Values = Vec<(Key, Answer)>;

/// What the engine said to a read.
#[derive(Debug)]
pub enum Said<T> {
    Answer(T),
    NotYet,
    Below,
    Error(Error),
}

/// What can be told of an answer where another one was expected.
pub trait Tell {
    /// It as text, with what sets it apart from the other.
    fn tell(&self, other: &Self) -> String;

    /// The first key of which it says something else than the other, if it is about many.
    fn first_difference(&self, _other: &Self) -> Option<Key> {
        None
    }
}

/// What a read of one key said.
pub fn said_one(result: Result<Option<Vec<u8>>>) -> Said<Answer> {
    match result {
        Ok(None) => Said::Answer(Answer::Absent),
        Ok(Some(value)) => Said::Answer(Answer::Value(value)),
        Err(Error::NoBase { .. }) => Said::Answer(Answer::NoBase),
        Err(Error::Redo { .. }) => Said::Answer(Answer::NoRedo),
        Err(error) => Said::refused(error),
    }
}

/// What a read of many keys said.
pub fn said_many(result: Result<Vec<KeyValue>>) -> Said<Values> {
    let one = |(key, value): KeyValue| match said_one(value.map(Some)) {
        Said::Answer(answer) => Ok((key, answer)),
        Said::Error(error) => Err(Said::Error(error)),
        said => Err(Said::Error(Error::Refused {
            why: format!("{said:?} of one key among many"),
        })),
    };
    match result {
        Ok(values) => match values.into_iter().map(one).collect() {
            Ok(values) => Said::Answer(values),
            Err(said) => said,
        },
        Err(error) => Said::refused(error),
    }
}

/// What a read of many keys, in order, is to answer.
pub fn values(history: &History, keys: &[Key], lsn: palimpsest::Lsn) -> Values {
    let values = keys.iter().map(|key| (*key, history.answer(*key, lsn)));
    values
        .filter(|(_, answer)| *answer != Answer::Absent)
        .collect()
}

impl<T> Said<T> {
    fn refused(error: Error) -> Said<T> {
        match error {
            Error::NotYet { .. } => Said::NotYet,
            Error::BelowCutoff { .. } => Said::Below,
            error => Said::Error(error),
        }
    }
}

impl<T: Tell + PartialEq> Said<T> {
    /// # Errors
    /// A wrong answer if it is none of those allowed.
    pub fn judge(
        &self,
        asked: impl FnOnce() -> String,
        allowed: &Allowed<T>,
    ) -> Result<(), Verdict> {
        let is_right = match self {
            Said::Answer(answer) => allowed.answers.contains(answer),
            Said::NotYet => allowed.not_yet,
            Said::Below => allowed.below,
            Said::Error(_) => false,
        };
        if is_right {
            return Ok(());
        }
        let got = match self {
            Said::Answer(answer) => answer.tell(allowed.answers.first().unwrap_or(answer)),
            Said::NotYet => "too early".to_string(),
            Said::Below => "too late: below the cutoff".to_string(),
            Said::Error(error) => error.to_string(),
        };
        Err(Verdict::wrong(asked(), self.expected(allowed), got))
    }

    /// Of many keys, the first that was answered otherwise than it should be.
    pub fn culprit(&self, allowed: &Allowed<T>) -> Option<Key> {
        match self {
            Said::Answer(answer) => answer.first_difference(allowed.answers.first()?),
            _ => None,
        }
    }

    /// It as text, with nothing to set it apart from.
    pub fn tell_alone(&self) -> String {
        match self {
            Said::Answer(answer) => answer.tell(answer),
            Said::NotYet => "too early".to_string(),
            Said::Below => "too late: below the cutoff".to_string(),
            Said::Error(error) => error.to_string(),
        }
    }

    fn expected(&self, allowed: &Allowed<T>) -> String {
        let tell = |answer: &T| match self {
            Said::Answer(other) => answer.tell(other),
            _ => answer.tell(answer),
        };
        let mut expected: Vec<String> = allowed.answers.iter().map(tell).collect();
        if allowed.not_yet {
            expected.push("too early".to_string());
        }
        if allowed.below {
            expected.push("too late: below the cutoff".to_string());
        }
        expected.join(" or ")
    }
}

impl Tell for Answer {
    fn tell(&self, _: &Answer) -> String {
        let value = match self {
            Answer::Absent => return "no history".to_string(),
            Answer::NoBase => return "records without a base".to_string(),
            Answer::NoRedo => return "a record that does not fit its page".to_string(),
            Answer::Value(value) => value,
        };
        let head = value.iter().take(8).map(|byte| format!("{byte:02x}"));
        let head: Vec<String> = head.collect();
        let hash = value
            .iter()
            .fold(0, |hash, &byte| mix(hash ^ u64::from(byte)));
        let (len, head) = (value.len(), head.join(" "));
        format!("{len} bytes, {head}…, hash {hash:016x}")
    }
}

impl Tell for Values {
    fn tell(&self, other: &Values) -> String {
        let pairs = self.iter().zip(other);
        let same = pairs.take_while(|(left, right)| left == right).count();
        let count = self.len();
        match self.get(same) {
            Some((key, answer)) => format!("{count} values, {key}: {}", answer.tell(answer)),
            None => format!("{count} values"),
        }
    }

    fn first_difference(&self, other: &Values) -> Option<Key> {
        let pairs = self.iter().zip(other);
        let same = pairs.take_while(|(left, right)| left == right).count();
        let keys = [self.get(same), other.get(same)].into_iter().flatten();
        keys.map(|(key, _)| *key).min()
    }
}

/// Of a branch only the refusal matters.
impl Tell for () {
    fn tell(&self, (): &()) -> String {
        "it is done".to_string()
    }
}
