//! What a device promises. Each is a section of `sim/DEVICE.md`, which says what the engine must
//! do.

use crate::text::named_enum;

named_enum! {
    /// What the device of a plan promises, and so which faults it may show.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Device {
        /// Unsynced state survives piece by piece, in any order, torn at 512 bytes; a rename is
        /// atomic: `posix`.
        #[default]
        Posix = "posix",
        /// Unsynced state survives up to some moment and no further, as on a file system that
        /// writes in order and keeps a journal of its entries: `ext4-ordered`.
        Ext4Ordered = "ext4-ordered",
        /// As `posix`, but an unsynced rename may leave both names, or neither:
        /// `rename-not-atomic`.
        RenameNotAtomic = "rename-not-atomic",
        /// As `posix`, but a read may not return what was synced: bits flip, and writes and reads
        /// of layers and indexes go astray, are lost or come too late: `rots`.
        Rots = "rots",
    }
}

impl Device {
    /// Whether reads may return what was not written.
    pub fn may_be_wrong(self) -> bool {
        self == Device::Rots
    }
}
