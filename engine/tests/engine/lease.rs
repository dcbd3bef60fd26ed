//! Leases: an LSN stays readable until a time, wherever the cutoff goes.

use crate::script::{check, check_with, keep};

/// A timeline with images at 20, 30 and 40, all of which can be read until it is collected.
const HISTORY: &str =
    "create 10; put a@20=1; flush; images forced; put a@30+2; flush; images forced
     put a@40+3; flush; images forced";

#[test]
fn a_leased_lsn_is_read_and_branched_off_below_the_cutoff() {
    check_with(
        keep(0),
        &format!(
            "{HISTORY}; lease 30 for 3600; leases; gc; get a@29 a@30 a@31 a@40; scan a..c@30
             branch b at 30; get a@30; on main; branch c at 31"
        ),
        "leases 30; cutoff 40, 4 gone
         a@29: below the cutoff, a@30 = 12, a@31: below the cutoff, a@40 = 123; a@30 = 12
         a@30 = 12; branch: below the cutoff",
    );
}

#[test]
fn a_lease_survives_a_restart_and_needs_no_grace() {
    for end in ["drop", "kill", "shutdown; drop"] {
        check_with(
            keep(0),
            &format!("{HISTORY}; lease 20 for 3600; {end}; open; leases; gc; get a@20 a@30"),
            "leases 20; cutoff 40, 4 gone; a@20 = 1, a@30: below the cutoff",
        );
    }
}

#[test]
fn a_lease_that_is_over_is_dropped_by_the_next_collection() {
    check_with(
        keep(0),
        &format!(
            "{HISTORY}; lease 20 for 0; lease 30 for 3600; leases; gc; leases; get a@20 a@30
             drop; open; leases; get a@20"
        ),
        "leases 20 30; cutoff 40, 4 gone; leases 30; a@20: below the cutoff, a@30 = 12
         leases 30; a@20: below the cutoff",
    );
}

/// Granted below the cutoff, it could promise nothing.
#[test]
fn a_lease_is_granted_only_where_the_timeline_can_be_read() {
    check_with(
        keep(0),
        &format!(
            "{HISTORY}; lease 41 for 60; gc; lease 30 for 60; leases; get a@30; lease 40 for 60
             leases"
        ),
        "lease: not yet; cutoff 40, 5 gone; lease: below the cutoff; leases
         a@30: below the cutoff; leases 40",
    );
}

#[test]
fn a_lease_never_shortens() {
    check_with(
        keep(0),
        &format!("{HISTORY}; lease 20 for 3600; lease 20 for 0; gc; get a@20"),
        "cutoff 40, 4 gone; a@20 = 1",
    );
}

#[test]
fn a_lease_that_is_over_is_prolonged_until_a_collection_has_dropped_it() {
    check_with(
        keep(0),
        &format!(
            "{HISTORY}; lease 20 for 3600; gc; get a@20; lease 20 for 7200; get a@20
             lease 30 for 60"
        ),
        "cutoff 40, 4 gone; a@20 = 1; a@20 = 1; lease: below the cutoff",
    );
}

#[test]
fn a_lease_flushes_what_it_is_to_keep() {
    check_with(
        keep(0),
        "create 10; put a@20=1; lease 20 for 3600; kill; open; leases; get a@20",
        "leases 20; a@20 = 1",
    );
}

#[test]
fn a_branch_leases_no_lsn_of_its_ancestor() {
    check(
        "create 10; put a@20=1 a@30+2; branch b at 20; lease 19 for 60; lease 20 for 60; leases",
        "lease: refused; leases 20",
    );
}

/// A lease at a branch point keeps it when the branch goes.
#[test]
fn a_lease_at_a_branch_point_outlives_the_branch() {
    check_with(
        keep(0),
        &format!(
            "{HISTORY}; branch b at 20; on main; gc; lease 20 for 3600; shutdown b; delete b; gc
             get a@20 a@30"
        ),
        "cutoff 40, 4 gone; cutoff 40, 0 gone; a@20 = 1, a@30: below the cutoff",
    );
}

/// What its index did not say is no lease after a crash.
#[test]
fn a_lease_whose_index_failed_can_be_granted_again() {
    check_with(
        keep(0),
        &format!(
            "{HISTORY}; fail replace 1; lease 20 for 3600; heal; leases; lease 20 for 3600; kill
             open; leases"
        ),
        "lease: io fault 1; leases 20; leases 20",
    );
}

#[test]
fn a_lease_beside_a_collection_is_kept_or_refused() {
    check_with(
        keep(0),
        &format!(
            "{HISTORY}; park gc index replace; start gc; lease 20 for 3600; get a@20; resume; end
             get a@20"
        ),
        "gc parked; lease: below the cutoff; a@20: below the cutoff; cutoff 40, 5 gone
         a@20: below the cutoff",
    );
    check_with(
        keep(0),
        &format!(
            "{HISTORY}; park lease index replace; start lease 20 for 3600; start gc; resume; end
             get a@20 a@30"
        ),
        "lease parked; gc waits; lease done, cutoff 40, 4 gone
         a@20 = 1, a@30: below the cutoff",
    );
}

/// A gc compaction keeps the value at a leased LSN, as at a branch point, until the lease is over.
#[test]
fn a_gc_compaction_keeps_what_is_leased() {
    let history = "create 10; put a@20=1; put a@30+2; put a@40+3; put a@50+4; flush";
    check_with(
        keep(0),
        &format!("{history}; lease 30 for 3600; gc; gc-compact; get a@30 a@31 a@50"),
        "cutoff 50, 0 gone; 1 replaced by delta a..b@30..51, image all@30
         a@30 = 12, a@31: below the cutoff, a@50 = 1234",
    );
}
