//! The rules that the peer has one way and this engine another.

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The peer: a new timeline's cutoff is the LSN that it opens at, a branch has that of the
    /// timeline below it. This engine: 0.
    FirstCutoff,
    /// The peer: a new timeline has seven keys, which have images at the LSN that it opens at, and
    /// which all images and reduced histories cover. This engine: none.
    FirstKeys,
    /// The peer: compacted deltas are as long as `checkpoint_distance`, with all of a file, and are
    /// cut at holes by that. This engine: as `layer_len_target`, with their records alone.
    DeltaCuts,
    /// The peer: images stand at the exclusive end of the deltas. This engine: at the last record.
    ImagePlaces,
    /// The peer: deals out fragments of keys, and closes an image where the next would not fit; the
    /// last ends with the declared keys. This engine: each has as many keys as fit, and the last
    /// ends with the last key of all.
    ImageCuts,
    /// The peer: a gc compaction writes images above the cutoff into deltas. This engine: it lets
    /// them stay.
    ImagesAbove,
    /// The peer: what a gc compaction writes is as long as the target with block 0, the index and
    /// the next value, and ends where the next begins. This engine: with its records alone, and
    /// deltas end with their last key.
    ReducedCuts,
    /// The peer: an image that stays counts as one of the records since the last image, and what
    /// stands below a base stays. This engine: only records above the base count, and it goes.
    Retention,
}

impl Rule {
    /// All rules, in the order in which they go over from the peer's way to ours.
    pub const ALL: [Rule; 8] = [
        Rule::FirstCutoff,
        Rule::FirstKeys,
        Rule::DeltaCuts,
        Rule::ImagePlaces,
        Rule::ImageCuts,
        Rule::ImagesAbove,
        Rule::ReducedCuts,
        Rule::Retention,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Rule::FirstCutoff => "first cutoff",
            Rule::FirstKeys => "first keys",
            Rule::DeltaCuts => "delta cuts",
            Rule::ImagePlaces => "image places",
            Rule::ImageCuts => "image cuts",
            Rule::ImagesAbove => "images above",
            Rule::ReducedCuts => "reduced cuts",
            Rule::Retention => "retention",
        }
    }

    /// The rule in a few words, for a report.
    pub fn told(self) -> &'static str {
        match self {
            Rule::FirstCutoff => "a new timeline's cutoff is where it was opened, ours is 0",
            Rule::FirstKeys => "theirs images the seven keys of a new timeline, ours has none",
            Rule::DeltaCuts => "ours is cut by layer_len_target, theirs by checkpoint_distance",
            Rule::ImagePlaces => "ours stands one LSN lower",
            Rule::ImageCuts => "ours covers all keys, theirs is cut by fragments of keys",
            Rule::ImagesAbove => "theirs writes images above the cutoff into deltas, ours stay",
            Rule::ReducedCuts => "theirs counts the blocks of the file, and layers abut",
            Rule::Retention => "theirs counts images that stay, and keeps what is below a base",
        }
    }
}

/// Whose way each rule is: the first so many of [`Rule::ALL`] are this engine's, the rest the
/// peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    ours_count: usize,
}

impl Rules {
    /// From the peer's rules to ours: each has one more of ours than the one before.
    pub fn path() -> impl Iterator<Item = Rules> {
        (0..=Rule::ALL.len()).map(|ours_count| Rules { ours_count })
    }

    pub fn is_peers(self, rule: Rule) -> bool {
        self.ours_count <= rule as usize
    }
}
