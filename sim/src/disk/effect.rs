//! The effects of power losses on pending changes, counted: an effect that no run has produced is
//! untested.

use std::collections::BTreeMap;

use crate::text::named_enum;

named_enum! {
    /// One effect of a power loss on a pending write, a length or a pending entry.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum CrashEffect {
        /// A write is missing.
        WriteLost = "write lost",
        /// A write is there without some of its sectors, which are old, zero or garbage. The engine
        /// writes no sector twice, so old is zero.
        WriteTorn = "write torn",
        /// A sector of a torn write holds zeros.
        SectorZeros = "sector of a torn write zero",
        /// A sector of a torn write holds garbage.
        SectorGarbage = "sector of a torn write garbage",
        /// A write is there, but an earlier write to its file is missing.
        WriteOvertook = "write kept, one before it not",
        /// Writes to one file were applied in another order.
        WritesReordered = "writes in another order",
        /// A file is longer than the content that survived: zeros or garbage follow it.
        LengthAlone = "length without content",
        /// A file is shorter than the content that survived.
        ContentCut = "content without length",
        /// The creation of an entry was undone.
        CreationUndone = "creation undone",
        /// A rename was undone.
        RenameUndone = "rename undone",
        /// The removal of an entry was undone.
        RemovalUndone = "removal undone",
        /// A change of an entry is there, but an earlier change of its directory is missing.
        EntryOvertook = "entry kept, one before it not",
        /// A file that was renamed has both names.
        BothNames = "both names of a rename",
        /// A file that was renamed has neither name.
        NeitherName = "neither name of a rename",
    }
}

/// The number of times that each effect occurred.
pub type CrashEffects = BTreeMap<CrashEffect, u64>;
