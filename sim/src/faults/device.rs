//! What a device promises. Each is a part of `sim/DEVICE.md`, which says what the engine owes.

/// What the device of a plan promises, and so which faults it may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// What no sync has covered survives piece by piece, in any order, torn at 512 bytes; a rename
    /// is atomic: `posix`.
    Posix,
    /// What no sync has covered survives up to some moment and no further, as a file system leaves
    /// it that writes in order and keeps a journal of its entries: `ext4-ordered`.
    Ext4Ordered,
    /// As `posix`, but a rename that no sync has covered may leave both names, or neither:
    /// `rename-not-atomic`.
    RenameNotAtomic,
    /// As `posix`, but what was synced may not be what is read: bits turn over, and writes and
    /// reads of layers and indexes go astray, are lost or come too late: `rots`.
    Rots,
}

impl Device {
    /// Every device.
    pub const ALL: [Device; 4] = [
        Device::Posix,
        Device::Ext4Ordered,
        Device::RenameNotAtomic,
        Device::Rots,
    ];

    /// The word for it in a plan.
    pub fn name(self) -> &'static str {
        match self {
            Device::Posix => "posix",
            Device::Ext4Ordered => "ext4-ordered",
            Device::RenameNotAtomic => "rename-not-atomic",
            Device::Rots => "rots",
        }
    }

    /// Whether it may give back what was not written.
    pub fn may_be_wrong(self) -> bool {
        self == Device::Rots
    }
}
