//! What a device promises. Each is a part of `sim/DEVICE.md`, which says what the engine owes.

use crate::text::named_enum;

named_enum! {
    /// What the device of a plan promises, and so which faults it may show.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Device {
        /// What no sync has covered survives piece by piece, in any order, torn at 512 bytes; a
        /// rename is atomic: `posix`.
        #[default]
        Posix = "posix",
        /// What no sync has covered survives up to some moment and no further, as a file system
        /// leaves it that writes in order and keeps a journal of its entries: `ext4-ordered`.
        Ext4Ordered = "ext4-ordered",
        /// As `posix`, but a rename that no sync has covered may leave both names, or neither:
        /// `rename-not-atomic`.
        RenameNotAtomic = "rename-not-atomic",
        /// As `posix`, but what was synced may not be what is read: bits turn over, and writes and
        /// reads of layers and indexes go astray, are lost or come too late: `rots`.
        Rots = "rots",
    }
}

impl Device {
    /// Whether it may give back what was not written.
    pub fn may_be_wrong(self) -> bool {
        self == Device::Rots
    }
}
