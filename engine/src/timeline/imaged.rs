//! What an image creation says of itself: which keys it has imaged, and which it has not, and why.

use std::fmt;

use super::job::Progress;
use crate::base::{Error, KeyRange, LayerName, Lsn, Result};
use crate::format::IMAGE_LEN_MAX;

/// The result of an image creation.
///
/// # Shape
/// The keys of `written` and of `left_out` do not overlap, and together they are all keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imaged {
    /// How it ended.
    pub progress: Progress,
    /// The LSN of the images.
    pub lsn: Lsn,
    /// The image layers that it has written, in the order of their keys.
    pub written: Vec<LayerName>,
    /// The keys that it has written no image of, in order, and why.
    pub left_out: Vec<(KeyRange, WhyLeftOut)>,
}

/// Why an image creation has written no image of some keys, or a gc compaction has left a key as it
/// was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyLeftOut {
    /// No trigger of the options is reached.
    NotDue,
    /// There is an image at this very LSN.
    HasImage,
    /// The records of the key cannot be replayed.
    NoReplay,
    /// The redo makes a value of the key that is longer than an image can be.
    TooLong,
    /// The redo would give another value over a reduced history: it applies records in two steps to
    /// another result than in one. Of gc compaction alone.
    Differs,
    /// The history of the key is longer than `history_len_max`. Of gc compaction alone.
    LongHistory,
    /// The keys are sparse, and none of them has a value.
    NoValue,
    /// The call that stopped there has done its work for these keys: this one goes on behind them.
    DoneBefore,
    /// Too many L0s wait: the next call goes on with these keys.
    Preempted,
    /// A collection has moved the cutoff above the LSN of the images, or a gc compaction has
    /// replaced an image there that readers still hold.
    Overtaken,
}

impl Imaged {
    /// A creation that comes to no image.
    pub(super) fn nothing(lsn: Lsn) -> Imaged {
        Imaged {
            progress: Progress::Idle,
            lsn,
            written: Vec::new(),
            left_out: vec![(KeyRange::ALL, WhyLeftOut::NotDue)],
        }
    }

    /// Whether keys were left out for this reason.
    pub(super) fn has(&self, why: WhyLeftOut) -> bool {
        self.left_out.iter().any(|(_, reason)| *reason == why)
    }

    /// Puts what was left out in order.
    pub(super) fn sort(&mut self) {
        self.left_out.retain(|(keys, _)| !keys.is_empty());
        self.left_out.sort_unstable();
        assert!(
            self.left_out
                .is_sorted_by(|low, high| low.0.end <= high.0.start),
            "keys are left out for one reason"
        );
        let written = self.written.iter().map(LayerName::keys);
        assert!(written.is_sorted_by(|low, high| low.end <= high.start));
    }
}

impl WhyLeftOut {
    /// Why no image can hold what a read has found of a key; `None` if one can, or if the read
    /// failed for another reason than the key's records.
    pub(super) fn of(value: &Result<Vec<u8>>) -> Option<WhyLeftOut> {
        match value {
            Ok(value) => (IMAGE_LEN_MAX < value.len()).then_some(WhyLeftOut::TooLong),
            Err(Error::NoBase { .. } | Error::Redo { .. }) => Some(WhyLeftOut::NoReplay),
            Err(_) => None,
        }
    }

    /// Whether the keys were read, and another try before there is more of them is in vain.
    pub(super) fn is_tried(self) -> bool {
        matches!(
            self,
            WhyLeftOut::NoReplay | WhyLeftOut::TooLong | WhyLeftOut::NoValue
        )
    }
}

/// Adds keys that were left out behind the ones before, as one range with a neighbour that was left
/// out for the same reason.
pub(super) fn leave_out(
    left_out: &mut Vec<(KeyRange, WhyLeftOut)>,
    (keys, why): (KeyRange, WhyLeftOut),
) {
    match left_out.last_mut() {
        Some((last, before)) if last.end == keys.start && *before == why => last.end = keys.end,
        _ => left_out.push((keys, why)),
    }
}

impl fmt::Display for WhyLeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhyLeftOut::NotDue => "not due",
            WhyLeftOut::HasImage => "has an image",
            WhyLeftOut::NoReplay => "cannot be replayed",
            WhyLeftOut::TooLong => "too long for an image",
            WhyLeftOut::Differs => "another value if it were reduced",
            WhyLeftOut::LongHistory => "a history above history_len_max",
            WhyLeftOut::NoValue => "sparse, without a value",
            WhyLeftOut::DoneBefore => "done before",
            WhyLeftOut::Preempted => "L0s wait",
            WhyLeftOut::Overtaken => "overtaken by a collection",
        })
    }
}
