//! What power losses made of that which was pending, counted: an effect that no run came to is one
//! that nobody has tried.

use std::collections::BTreeMap;

/// One thing that a power loss does to a pending write, to a length, or to a pending entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// A write is not there.
    WriteLost,
    /// A write is there in part, by sectors.
    WriteTorn,
    /// A sector of a torn write holds what was there before.
    SectorOld,
    /// A sector of a torn write holds zeros.
    SectorZeros,
    /// A sector of a torn write holds garbage.
    SectorGarbage,
    /// A write is there, and one to the same file before it is not.
    WriteOvertook,
    /// Writes to one file were made in another order.
    WritesReordered,
    /// A file is longer than what is there of its content: zeros or garbage stand behind it.
    LengthAlone,
    /// A file ends before what is there of its content.
    ContentCut,
    /// A file that was created has no name.
    CreationUndone,
    /// A file that was renamed has its old name.
    RenameUndone,
    /// A file that was removed is there.
    RemovalUndone,
    /// A change of entries is there, and one of the same directory before it is not.
    EntryOvertook,
    /// A file that was renamed has both names.
    BothNames,
    /// A file that was renamed has neither name.
    NeitherName,
}

/// How often each came.
pub type Effects = BTreeMap<Effect, u64>;

impl Effect {
    /// Every effect.
    pub const ALL: [Effect; 15] = [
        Effect::WriteLost,
        Effect::WriteTorn,
        Effect::SectorOld,
        Effect::SectorZeros,
        Effect::SectorGarbage,
        Effect::WriteOvertook,
        Effect::WritesReordered,
        Effect::LengthAlone,
        Effect::ContentCut,
        Effect::CreationUndone,
        Effect::RenameUndone,
        Effect::RemovalUndone,
        Effect::EntryOvertook,
        Effect::BothNames,
        Effect::NeitherName,
    ];

    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Effect::WriteLost => "write lost",
            Effect::WriteTorn => "write torn",
            Effect::SectorOld => "sector of a torn write as before",
            Effect::SectorZeros => "sector of a torn write zero",
            Effect::SectorGarbage => "sector of a torn write garbage",
            Effect::WriteOvertook => "write kept, one before it not",
            Effect::WritesReordered => "writes in another order",
            Effect::LengthAlone => "length without content",
            Effect::ContentCut => "content without length",
            Effect::CreationUndone => "creation undone",
            Effect::RenameUndone => "rename undone",
            Effect::RemovalUndone => "removal undone",
            Effect::EntryOvertook => "entry kept, one before it not",
            Effect::BothNames => "both names of a rename",
            Effect::NeitherName => "neither name of a rename",
        }
    }
}
