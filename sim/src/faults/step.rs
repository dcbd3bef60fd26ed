//! The kinds of calls through the seam.

use palimpsest::io::Part;

use crate::text::named_enum;

named_enum! {
    /// The kind of a call through the seam.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[expect(missing_docs, reason = "each is the call that it is named after")]
    pub enum StepKind {
        Create = "create",
        Open = "open",
        List = "list",
        Rename = "rename",
        Replace = "replace",
        Link = "link",
        Remove = "remove",
        CreateDir = "create-dir",
        RemoveDir = "remove-dir",
        SyncDir = "sync-dir",
        Lock = "lock",
        Read = "read",
        Write = "write",
        Sync = "sync",
        Len = "len",
        Pass = "pass",
    }
}

impl StepKind {
    /// Whether files of this kind get such calls at all, whatever the engine does: a directory is
    /// not written, a file is not listed.
    pub fn is_of(self, part: Part) -> bool {
        use StepKind::{CreateDir, Link, List, Lock, Pass, Remove, RemoveDir, SyncDir};
        match part {
            Part::Lock => self == Lock,
            Part::Directory => {
                matches!(self, List | CreateDir | RemoveDir | SyncDir | Remove | Pass)
            }
            Part::Delta | Part::Image => !matches!(self, List | CreateDir | RemoveDir | Lock),
            Part::Ephemeral | Part::Index => {
                !matches!(self, List | CreateDir | RemoveDir | Lock | Link)
            }
        }
    }
}
