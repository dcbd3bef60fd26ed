//! The options that a timeline's jobs decide by: the engine's, and its policy's in their place.

use std::sync::Arc;

use super::options::Options;
use super::time_to_lsn::TimeToLsn;
use crate::base::{Error, Lsn, Policy, Result, Time};
use crate::format::Index;

/// The options that a timeline has for itself, and the engine's with these in their place.
pub(crate) struct Applied {
    pub(crate) policy: Policy,
    pub(crate) options: Arc<Options>,
}

impl Applied {
    /// A policy over the options of the engine. Both were checked.
    pub(crate) fn new(engine: &Options, policy: &Policy) -> Applied {
        Applied {
            policy: *policy,
            options: Arc::new(engine.with(policy)),
        }
    }
}

impl Options {
    /// These options, with those of a policy in their place.
    pub(crate) fn with(&self, policy: &Policy) -> Options {
        let own = policy;
        Options {
            freeze_len_max: own.freeze_len_max.unwrap_or(self.freeze_len_max),
            freeze_distance_max: own.freeze_distance_max.unwrap_or(self.freeze_distance_max),
            freeze_age_max: own.freeze_age_max.unwrap_or(self.freeze_age_max),
            l0_count_trigger: own.l0_count_trigger.unwrap_or(self.l0_count_trigger),
            image_delta_count_trigger: own
                .image_delta_count_trigger
                .unwrap_or(self.image_delta_count_trigger),
            sparse_image_delta_count_trigger: own
                .sparse_image_delta_count_trigger
                .unwrap_or(self.sparse_image_delta_count_trigger),
            image_age_max: own.image_age_max.or(self.image_age_max),
            gc_distance: own.gc_distance.unwrap_or(self.gc_distance),
            gc_age: own.gc_age.unwrap_or(self.gc_age),
            l0_delay_count: own.l0_delay_count.unwrap_or(self.l0_delay_count),
            l0_delay: own.l0_delay.unwrap_or(self.l0_delay),
            l0_stall_count: own.l0_stall_count.or(self.l0_stall_count),
            ..self.clone()
        }
    }
}

/// The options of the engine with those of a policy.
///
/// # Errors
/// `Refused` if they are refused.
pub(super) fn checked(options: &Options, policy: &Policy) -> Result<Options> {
    if let Some(name) = policy.too_long() {
        let why = format!("the {name} of a policy is too long: write at most 584 years");
        return Err(Error::Refused { why });
    }
    let options = options.with(policy);
    options.check()?;
    Ok(options)
}

/// When which LSN was the last record's, as far as a timeline needs it that is being opened.
///
/// # Errors
/// `Refused` if its policy does not go with the options of the engine.
pub(super) fn times_at_open(
    options: &Options,
    index: &Index,
    now: Time,
) -> Result<Vec<(Time, Lsn)>> {
    match checked(options, &index.policy) {
        Ok(options) => Ok(TimeToLsn::at_open(&options, index, now)),
        Err(Error::Refused { why }) => {
            let (timeline, policy) = (index.timeline, index.policy);
            let why = format!("timeline {timeline} has a policy, {policy}: with it, {why}");
            Err(Error::Refused { why })
        }
        Err(error) => Err(error),
    }
}
