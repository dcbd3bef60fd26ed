//! How the deltas of a timeline are compacted.

use std::fmt;

/// How compaction chooses the deltas that it merges. Reads answer the same under each strategy, and
/// a timeline may change it at any time, whatever layers it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    /// L0s are merged once, into layers of few keys: the least is written, and deltas stack up
    /// between images.
    #[default]
    L0ToL1,
    /// Layers of about one height are a level. As many as make a compaction due are merged into
    /// layers of the next level, so the deltas over a key stay few without images.
    Tiered,
}

impl Strategy {
    /// Both strategies.
    pub const ALL: [Strategy; 2] = [Strategy::L0ToL1, Strategy::Tiered];

    /// The name: `l0-to-l1` or `tiered`.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::L0ToL1 => "l0-to-l1",
            Strategy::Tiered => "tiered",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
