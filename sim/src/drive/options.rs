//! The engine's options, as the plan has them.

use std::time::Duration;

use palimpsest::Options;
use palimpsest::base::TenantId;
use palimpsest::format::Compression;

use crate::keys;
use crate::plan::{self, Knobs};

/// With fewer keys than this, a scan reads few at once, so that it has several batches.
const SCAN_KEYS_FROM: u16 = 100;
const SCAN_KEY_COUNT: usize = 5;
/// For each so many keys, a batch of a scan has as many bytes as a read.
const MANY_KEYS: u16 = 16;
/// Few, so that a shed leaves some to the next one.
pub(super) const SHED_IMAGE_COUNT_MAX: usize = 2;
/// How many frozen layers a timeline may have whose flush fails: few, so that plans come to it.
pub(super) const FAILING_FROZEN_COUNT_MAX: usize = 2;

/// The time after which image creation looks again, whatever was flushed.
const IMAGE_LOOK_AGE: Duration = Duration::from_secs(10);

/// A length or a count that fits the machine.
fn in_memory(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The engine's options for a plan's knobs.
pub(super) fn options(knobs: &Knobs) -> Options {
    let defaults = Options::default();
    // In plans that read little at once, scans and flushes have several steps for few values; where
    // there are many keys, not one for each.
    let scan_len_max = knobs.read_len_max * u64::from((knobs.key_count / MANY_KEYS).max(1));
    Options {
        tenant: TenantId([knobs.tenant as u8; 16]),
        shard: knobs.shard.into(),
        sparse_keys: keys::sparse(knobs),
        freeze_len_max: knobs.freeze_len_max,
        freeze_distance_max: knobs.freeze_distance_max,
        freeze_age_max: knobs.freeze_age_max,
        open_len_max: knobs.open_len_max,
        reserve_len: knobs.reserve_len,
        buffer_len: in_memory(knobs.buffer_len),
        l0_count_trigger: in_memory(knobs.l0_count_trigger),
        l0_run_len_max: knobs.l0_run_len_max,
        strategy: knobs.strategy,
        tier_distance: knobs.tier_distance,
        layer_len_target: knobs.layer_len_target,
        image_delta_count_trigger: in_memory(knobs.image_delta_count_trigger),
        sparse_image_delta_count_trigger: in_memory(knobs.sparse_image_delta_count_trigger),
        image_look_distance: knobs.image_look_distance,
        image_look_age: IMAGE_LOOK_AGE,
        image_age_max: Some(knobs.image_age_max).filter(|age| !age.is_zero()),
        image_preempt_l0_count: in_memory(knobs.image_preempt_l0_count),
        image_compression: match knobs.compression {
            plan::Compression::None => Compression::None,
            plan::Compression::Zstd(level) => Compression::Zstd {
                level: level.into(),
            },
        },
        history_record_count_trigger: in_memory(knobs.history_record_count_trigger),
        history_len_max: knobs.history_len_max,
        gc_compact_len_trigger: knobs.gc_compact_len_trigger,
        gc_compact_growth_trigger: knobs.gc_compact_growth_trigger,
        gc_compact_len_max: knobs.gc_compact_len_max,
        shed_image_count_max: SHED_IMAGE_COUNT_MAX,
        gc_distance: knobs.gc_distance,
        gc_age: knobs.gc_age,
        l0_delay_count: in_memory(knobs.l0_delay_count),
        l0_delay: knobs.l0_delay,
        l0_stall_count: knobs.maintenance.l0_stall_count().map(in_memory),
        block_cache_len: knobs.block_cache_len,
        open_files_max: in_memory(knobs.open_files_max),
        read_len_max: knobs.read_len_max,
        scan_key_count_max: match knobs.key_count {
            0..SCAN_KEYS_FROM => SCAN_KEY_COUNT,
            _ => defaults.scan_key_count_max,
        },
        scan_len_max,
        work_len_max: 2 * scan_len_max,
        failing_frozen_count_max: FAILING_FROZEN_COUNT_MAX,
        maintenance_period: knobs.maintenance.period(),
        redo: defaults.redo,
        listener: defaults.listener,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::pin::pin;
    use std::task::Poll;

    use palimpsest::{Engine, Error};

    use super::*;
    use crate::plan::{Maintenance, Plan};
    use crate::world::{SimIo, World};

    fn plan(knobs: Knobs) -> Plan {
        Plan {
            knobs,
            ops: Vec::new(),
            faults: Vec::new(),
            ..Plan::draw(0)
        }
    }

    /// Whether a plan may have these knobs.
    fn is_allowed(knobs: &Knobs) -> bool {
        plan(knobs.clone()).check().is_ok()
    }

    /// Whether the engine takes the options of these knobs.
    fn is_taken(knobs: &Knobs) -> bool {
        let world = World::new(&plan(Knobs::plain()));
        let open = Engine::open(SimIo::new(&world), Path::new("/engine"), options(knobs));
        !matches!(
            world.poll_directly(pin!(open)),
            Poll::Ready(Err(Error::Refused { .. }))
        )
    }

    /// What the limits of a plan forbid is no corner that plans keep away from: no engine has such
    /// options.
    #[test]
    fn the_engine_refuses_the_options_that_no_plan_may_have() {
        let knobs = |trigger, stall| Knobs {
            l0_count_trigger: trigger,
            maintenance: Maintenance::On {
                period: Duration::from_secs(1),
                l0_stall_count: stall,
            },
            ..Knobs::plain()
        };
        for (trigger, stall) in [(1, 0), (1, 1), (2, 1), (3, 2), (3, 3), (10, 4), (10, 60)] {
            let knobs = knobs(trigger, stall);
            assert_eq!(is_taken(&knobs), is_allowed(&knobs), "{trigger} {stall}");
        }
        let zeros: [fn(&mut Knobs); 17] = [
            |knobs| knobs.tier_distance = 0,
            |knobs| knobs.freeze_len_max = 0,
            |knobs| knobs.freeze_distance_max = 0,
            |knobs| knobs.buffer_len = 0,
            |knobs| knobs.l0_count_trigger = 0,
            |knobs| knobs.l0_run_len_max = 0,
            |knobs| knobs.layer_len_target = 0,
            |knobs| knobs.image_delta_count_trigger = 0,
            |knobs| knobs.sparse_image_delta_count_trigger = 0,
            |knobs| knobs.image_preempt_l0_count = 0,
            |knobs| knobs.history_record_count_trigger = 0,
            |knobs| knobs.history_len_max = 0,
            |knobs| knobs.gc_compact_len_trigger = 0,
            |knobs| knobs.gc_compact_growth_trigger = 0,
            |knobs| knobs.gc_compact_len_max = 0,
            |knobs| knobs.l0_delay_count = 0,
            |knobs| knobs.read_len_max = 0,
        ];
        for set_zero in zeros {
            let mut knobs = Knobs::plain();
            assert!(is_taken(&knobs) && is_allowed(&knobs));
            set_zero(&mut knobs);
            assert!(!is_taken(&knobs) && !is_allowed(&knobs), "{knobs:?}");
        }
    }
}
