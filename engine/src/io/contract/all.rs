//! The whole contract in one call.

use std::path::{Path, PathBuf};

use super::desk::{done, op};
use super::dropped::*;
use super::file::*;
use super::name::*;
use super::task::*;
use crate::io::Io;

/// Runs `check` in a new directory of its own, which is named after it.
macro_rules! in_turn {
    ($io:ident, $root:ident, $($check:ident)*) => {
        $($check($io, &fresh_dir($io, $root, stringify!($check)).await).await;)*
    };
}

/// Runs every check, one after another, each in a directory of its own in `root`.
///
/// # Panics
/// At the first claim that does not hold; the message is the claim.
pub async fn check_all<I: Io>(io: &I, root: &Path) {
    in_turn!(io, root, check_create check_create_refuses check_open check_list check_rename);
    in_turn!(io, root, check_rename_refuses check_replace check_remove);
    in_turn!(io, root, check_open_file_outlives_name check_create_dir check_remove_dir);
    in_turn!(io, root, check_link check_link_refuses check_sync_dir check_lock);
    in_turn!(io, root, check_read check_read_exact check_write check_write_all check_gap);
    in_turn!(io, root, check_sync check_concurrent_writes);
    in_turn!(io, root, check_spawn check_sleep check_yield check_random);
    in_turn!(io, root, check_dropped_create check_dropped_rename check_dropped_replace);
    in_turn!(io, root, check_dropped_remove check_dropped_dir check_dropped_write);
    in_turn!(io, root, check_dropped_sync check_dropped_lock);
}

async fn fresh_dir<I: Io>(io: &I, root: &Path, name: &str) -> PathBuf {
    let dir = root.join(name);
    done("create_dir", &dir, io.create_dir(op(), &dir).await);
    dir
}
