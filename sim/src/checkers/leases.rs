//! Checks leases: each is granted where the timeline can be read, and stands until it is over.
//!
//! * Verified: a lease is granted if its LSN can be read at some moment of the call, and refused if
//!   not; it lasts as long as was asked for. One that was granted is listed until it is over, also
//!   across crashes; none is listed that was not asked for, or behind a collection that found it
//!   over.
//! * Not verified here: that the LSN can be read: see [`Answers`](super::Answers); and that what a
//!   lease retained goes when it is over: see the needless layers of [`cutoff`](super::cutoff).
//!
//! It has no state.

use std::collections::BTreeMap;
use std::time::Duration;

use palimpsest::base::{Lsn, Time};
use palimpsest::timeline::Lease;
use palimpsest::{Error, Timeline};

use super::Sight;
use crate::label::TimelineLabel;
use crate::oracle::Allowed;
use crate::verdict::Verdict;

/// A lease that was asked for.
#[derive(Clone, Copy)]
pub struct Asked {
    /// The timeline.
    pub label: TimelineLabel,
    /// The LSN.
    pub lsn: Lsn,
    /// For how long.
    pub length: Duration,
    /// The time of the clock at the start of the call; `None` if it was set since.
    pub began: Option<Time>,
}

impl Asked {
    /// The call, as text for a verdict.
    pub fn text(&self) -> String {
        let Asked {
            label, lsn, length, ..
        } = self;
        format!("lease {label} at {lsn} for {length:?}")
    }

    /// Checks a lease that was granted.
    ///
    /// # Errors
    /// A wrong answer, if it had to be refused, or if it is another one.
    pub fn check_granted(&self, allowed: &Allowed<()>, lease: Lease) -> Result<(), Verdict> {
        if allowed.answers.is_empty() {
            let expected = "a refusal, the timeline cannot be read there";
            return Err(Verdict::wrong(self.text(), expected, "it was granted"));
        }
        let began = self.began.unwrap_or(Time(0));
        let least = Time(began.0.saturating_add(self.length.as_nanos() as u64));
        if lease.lsn != self.lsn || lease.valid_until < least {
            let expected = format!("LSN {} until {least:?} or later", self.lsn);
            return Err(Verdict::wrong(self.text(), expected, format!("{lease:?}")));
        }
        Ok(())
    }

    /// Checks a lease that was refused.
    ///
    /// # Errors
    /// A wrong answer, if it had to be granted.
    pub fn check_refused(
        &self,
        sight: &Sight,
        allowed: &Allowed<()>,
        error: &Error,
    ) -> Result<(), Verdict> {
        let ancestor = sight.expectations[&self.label].ancestor;
        let is_right = match error {
            Error::NotYet { .. } => allowed.not_yet,
            Error::BelowCutoff { .. } => allowed.below,
            _ => ancestor.is_some_and(|(_, at)| self.lsn < at),
        };
        if is_right {
            return Ok(());
        }
        let expected = "it is granted, the timeline can be read there";
        Err(Verdict::wrong(self.text(), expected, error.to_string()))
    }
}

/// Checks a collection that began and ended at these times: no lease stands that was over before.
///
/// # Errors
/// The broken law.
pub fn check_collected(
    sight: &Sight,
    label: TimelineLabel,
    (began, ended): (Time, Time),
) -> Result<(), Verdict> {
    let listed = sight.open.get(&label).map(Timeline::leases);
    let listed = listed.unwrap_or_default();
    let mut over = sight.expectations[&label].leases.over_at(began.min(ended));
    match over.find(|lsn| listed.iter().any(|lease| lease.lsn == *lsn)) {
        None => Ok(()),
        Some(lsn) => {
            let law = format!("a collection drops the lease of LSN {lsn}, which is over");
            Err(Verdict::law(law, format!("{listed:?}")))
        }
    }
}

/// Compares the leases of the open timelines with what was promised.
///
/// # Errors
/// The broken law.
pub fn look(sight: &mut Sight) -> Result<(), Verdict> {
    for (label, timeline) in &sight.open {
        let Some(expected) = sight.expectations.get_mut(label) else {
            continue;
        };
        let listed = timeline.leases().into_iter();
        let listed = listed
            .map(|lease| (lease.lsn, lease.valid_until))
            .collect::<BTreeMap<_, _>>();
        expected.leases.see(&listed).map_err(|law| {
            let law = format!("timeline {label}: {law}");
            Verdict::law(law, format!("the leases that stand: {listed:?}"))
        })?;
    }
    Ok(())
}
