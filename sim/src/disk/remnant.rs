//! What power losses made of that which was pending, counted: what no run came to, nobody has
//! tried.

use std::collections::BTreeMap;

use crate::text::named_enum;

named_enum! {
    /// One thing that a power loss does to a pending write, to a length, or to a pending entry.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Remnant {
        /// A write is not there.
        WriteLost = "write lost",
        /// A write is there, and not all of its sectors: others are as before, zero or garbage. The
        /// engine writes no sector twice, so that before is zero.
        WriteTorn = "write torn",
        /// A sector of a torn write holds zeros.
        SectorZeros = "sector of a torn write zero",
        /// A sector of a torn write holds garbage.
        SectorGarbage = "sector of a torn write garbage",
        /// A write is there, and one to the same file before it is not.
        WriteOvertook = "write kept, one before it not",
        /// Writes to one file were made in another order.
        WritesReordered = "writes in another order",
        /// A file is longer than what is there of its content: zeros or garbage stand behind it.
        LengthAlone = "length without content",
        /// A file ends before what is there of its content.
        ContentCut = "content without length",
        /// The creation of an entry was not made.
        CreationUndone = "creation undone",
        /// A rename was not made.
        RenameUndone = "rename undone",
        /// The removal of an entry was not made.
        RemovalUndone = "removal undone",
        /// A change of entries is there, and one of the same directory before it is not.
        EntryOvertook = "entry kept, one before it not",
        /// A file that was renamed has both names.
        BothNames = "both names of a rename",
        /// A file that was renamed has neither name.
        NeitherName = "neither name of a rename",
    }
}

/// How often each came.
pub type Remnants = BTreeMap<Remnant, u64>;
