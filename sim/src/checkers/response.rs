//! What the engine returns from a read, compared with what it may return.

use palimpsest::base::Key;
use palimpsest::timeline::KeyValue;
use palimpsest::{Error, Result};

use crate::dice::mix;
use crate::model::{Answer, History};
use crate::oracle::Allowed;
use crate::verdict::Verdict;

/// The values of many keys, in order, without those that have no history.
pub type Values = Vec<(Key, Answer)>;

/// What the engine returned from a read.
#[derive(Debug)]
pub enum Response<T> {
    Answer(T),
    NotYet,
    Below,
    Error(Error),
}

/// How an answer is told in a verdict, beside the one that was expected.
pub trait Describe {
    /// The answer as text, with what sets it apart from the other.
    fn describe(&self, other: &Self) -> String;

    /// The first key at which it differs from the other, if it is about many.
    fn first_difference(&self, _other: &Self) -> Option<Key> {
        None
    }
}

/// The response of a read of one key.
pub fn response_one(result: Result<Option<Vec<u8>>>) -> Response<Answer> {
    match result {
        Ok(None) => Response::Answer(Answer::Absent),
        Ok(Some(value)) => Response::Answer(Answer::Value(value)),
        Err(Error::NoBase { .. }) => Response::Answer(Answer::NoBase),
        Err(Error::Redo { .. }) => Response::Answer(Answer::NoRedo),
        Err(error) => Response::refused(error),
    }
}

/// The response of a read of many keys.
pub fn response_many(result: Result<Vec<KeyValue>>) -> Response<Values> {
    let one = |(key, value): KeyValue| match response_one(value.map(Some)) {
        Response::Answer(answer) => Ok((key, answer)),
        Response::Error(error) => Err(Response::Error(error)),
        response => Err(Response::Error(Error::Refused {
            why: format!("{response:?} of one key among many"),
        })),
    };
    match result {
        Ok(values) => match values.into_iter().map(one).collect() {
            Ok(values) => Response::Answer(values),
            Err(response) => response,
        },
        Err(error) => Response::refused(error),
    }
}

/// What a read of many keys, in order, must answer.
pub fn values(history: &History, keys: &[Key], lsn: palimpsest::Lsn) -> Values {
    let values = keys.iter().map(|key| (*key, history.answer(*key, lsn)));
    values
        .filter(|(_, answer)| *answer != Answer::Absent)
        .collect()
}

impl<T> Response<T> {
    /// The response of a call that failed.
    pub fn refused(error: Error) -> Response<T> {
        match error {
            Error::NotYet { .. } => Response::NotYet,
            Error::BelowCutoff { .. } => Response::Below,
            error => Response::Error(error),
        }
    }
}

impl<T: Describe + PartialEq> Response<T> {
    /// # Errors
    /// A wrong answer, if it is none of the allowed ones.
    pub fn judge(
        &self,
        asked: impl FnOnce() -> String,
        allowed: &Allowed<T>,
    ) -> Result<(), Verdict> {
        let is_right = match self {
            Response::Answer(answer) => allowed.answers.contains(answer),
            Response::NotYet => allowed.not_yet,
            Response::Below => allowed.below,
            Response::Error(_) => false,
        };
        if is_right {
            return Ok(());
        }
        let got = match self {
            Response::Answer(answer) => answer.describe(allowed.answers.first().unwrap_or(answer)),
            Response::NotYet => "too early".to_string(),
            Response::Below => "too late: below the cutoff".to_string(),
            Response::Error(error) => error.to_string(),
        };
        Err(Verdict::wrong(asked(), self.expected(allowed), got))
    }

    /// The first of many keys whose answer is not an allowed one.
    pub fn culprit(&self, allowed: &Allowed<T>) -> Option<Key> {
        match self {
            Response::Answer(answer) => answer.first_difference(allowed.answers.first()?),
            _ => None,
        }
    }

    /// The response as text, by itself.
    pub fn describe_alone(&self) -> String {
        match self {
            Response::Answer(answer) => answer.describe(answer),
            Response::NotYet => "too early".to_string(),
            Response::Below => "too late: below the cutoff".to_string(),
            Response::Error(error) => error.to_string(),
        }
    }

    fn expected(&self, allowed: &Allowed<T>) -> String {
        let describe = |answer: &T| match self {
            Response::Answer(other) => answer.describe(other),
            _ => answer.describe(answer),
        };
        let mut expected: Vec<String> = allowed.answers.iter().map(describe).collect();
        if allowed.not_yet {
            expected.push("too early".to_string());
        }
        if allowed.below {
            expected.push("too late: below the cutoff".to_string());
        }
        expected.join(" or ")
    }
}

impl Describe for Answer {
    fn describe(&self, _: &Answer) -> String {
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

impl Describe for Values {
    fn describe(&self, other: &Values) -> String {
        let pairs = self.iter().zip(other);
        let same = pairs.take_while(|(left, right)| left == right).count();
        let count = self.len();
        match self.get(same) {
            Some((key, answer)) => format!("{count} values, {key}: {}", answer.describe(answer)),
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
impl Describe for () {
    fn describe(&self, (): &()) -> String {
        "it is done".to_string()
    }
}
