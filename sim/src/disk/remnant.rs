//! What power losses made of that which was pending, counted: what no run came to, nobody has
//! tried.

use std::collections::BTreeMap;

/// One thing that a power loss does to a pending write, to a length, or to a pending entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remnant {
    /// A write is not there.
    WriteLost,
    /// A write is there, and not all of its sectors: others are as before, zero or garbage. The
    /// engine writes no sector twice, so that before is zero.
    WriteTorn,
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
    /// The creation of an entry was not made.
    CreationUndone,
    /// A rename was not made.
    RenameUndone,
    /// The removal of an entry was not made.
    RemovalUndone,
    /// A change of entries is there, and one of the same directory before it is not.
    EntryOvertook,
    /// A file that was renamed has both names.
    BothNames,
    /// A file that was renamed has neither name.
    NeitherName,
}

/// How often each came.
pub type Remnants = BTreeMap<Remnant, u64>;

impl Remnant {
    /// Every remnant.
    pub const ALL: [Remnant; 14] = [
        Remnant::WriteLost,
        Remnant::WriteTorn,
        Remnant::SectorZeros,
        Remnant::SectorGarbage,
        Remnant::WriteOvertook,
        Remnant::WritesReordered,
        Remnant::LengthAlone,
        Remnant::ContentCut,
        Remnant::CreationUndone,
        Remnant::RenameUndone,
        Remnant::RemovalUndone,
        Remnant::EntryOvertook,
        Remnant::BothNames,
        Remnant::NeitherName,
    ];

    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Remnant::WriteLost => "write lost",
            Remnant::WriteTorn => "write torn",
            Remnant::SectorZeros => "sector of a torn write zero",
            Remnant::SectorGarbage => "sector of a torn write garbage",
            Remnant::WriteOvertook => "write kept, one before it not",
            Remnant::WritesReordered => "writes in another order",
            Remnant::LengthAlone => "length without content",
            Remnant::ContentCut => "content without length",
            Remnant::CreationUndone => "creation undone",
            Remnant::RenameUndone => "rename undone",
            Remnant::RemovalUndone => "removal undone",
            Remnant::EntryOvertook => "entry kept, one before it not",
            Remnant::BothNames => "both names of a rename",
            Remnant::NeitherName => "neither name of a rename",
        }
    }
}
