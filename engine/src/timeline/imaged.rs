//! What an image creation says of itself: which keys it has imaged, and which it has not, and why.

use std::fmt;

use super::job::Progress;
use crate::base::{KeyRange, LayerName, Lsn};

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

/// Why an image creation has written no image of some keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyLeftOut {
    /// No trigger of the options is reached.
    NotDue,
    /// There is an image at this very LSN.
    HasImage,
    /// The records of the key cannot be replayed.
    NoReplay,
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

impl fmt::Display for WhyLeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhyLeftOut::NotDue => "not due",
            WhyLeftOut::HasImage => "has an image",
            WhyLeftOut::NoReplay => "cannot be replayed",
            WhyLeftOut::NoValue => "sparse, without a value",
            WhyLeftOut::DoneBefore => "done before",
            WhyLeftOut::Preempted => "L0s wait",
            WhyLeftOut::Overtaken => "overtaken by a collection",
        })
    }
}
