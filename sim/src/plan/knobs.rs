//! The knobs of a plan, a row each: a field of [`Knobs`], and in [`KNOBS`] everything else about
//! it. Only the code in which a knob acts names it as well.

mod fields;
mod limits;
mod values;

use std::fmt;
use std::time::Duration;

use palimpsest::Strategy;

use super::draw::knobs::{
    CACHE_LENS, COUNT_NEVER, DISTANCE_NEVER, OPEN_FILES, draw_distance, draw_gc_age,
    draw_gc_distance, draw_key_count, draw_maintenance, draw_preempt_count, draw_run_len,
    draw_shard, draw_sparse_count, draw_strategy,
};
use super::draw::swarm::{PlanScale, Swarm};
use super::draw::themes::Theme;
use super::draw::times::draw_duration;
use super::limits::{KEY_COUNT_MAX, check_duration, within};
use crate::dice::{Chance, Lent};
use crate::faults::Device;
use crate::text::Problem;

pub use fields::Knobs;
use limits::{any, at_least_one, check_maintenance};
use values::KnobValue;
pub use values::{Compression, KeyLayout, Look, Maintenance, Shard};

/// Everything about one knob.
pub(crate) struct Knob {
    /// Its word in a plan's text.
    pub name: &'static str,
    /// Whether it is an option of the engine, which may differ from one opening to the next.
    pub is_option: bool,
    /// Its value, to be read, changed or written.
    pub value: fn(&mut Knobs) -> &mut dyn KnobValue,
    /// Checks it against its limits, and against the knobs before it in [`KNOBS`].
    pub limit: fn(&'static str, &Knobs) -> Result<(), Problem>,
    /// Sets it to the value at which it does least.
    pub set_plain: fn(&mut Knobs),
    /// The ordinal, from 1, at which the shrinker sets it plain; `None` if another step of the
    /// shrinker does it.
    pub shrink_order: Option<u8>,
    /// The phase in which it is drawn.
    pub phase: DrawPhase,
    /// Draws it.
    pub draw: fn(&mut Knobs, &Swarm, &mut Lent<'_>),
}

/// When a knob is drawn: those of one phase in the order of [`KNOBS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DrawPhase {
    /// First: the size of the plan.
    Size,
    /// Second: knobs from which others are drawn.
    Base,
    /// Last: all others.
    Rest,
}

/// The highest number of a tenant.
const TENANT_MAX: u16 = 255;

/// A threshold that no plan reaches.
const NEVER: u64 = 1 << 62;

/// A count of layers that no plan reaches.
const LAYERS_NEVER: u64 = 1_000_000;

/// Every knob, in the order of a plan's text.
pub(crate) const KNOBS: [Knob; 38] = [
    Knob {
        name: "seed",
        is_option: false,
        value: |knobs| &mut knobs.seed,
        limit: any,
        set_plain: |knobs| knobs.seed = 0,
        shrink_order: None,
        phase: DrawPhase::Rest,
        draw: |_, _, _| {},
    },
    Knob {
        name: "keys",
        is_option: false,
        value: |knobs| &mut knobs.key_count,
        limit: |name, knobs| within(name, knobs.key_count.into(), 1..=KEY_COUNT_MAX.into()),
        set_plain: |knobs| knobs.key_count = 1,
        shrink_order: None,
        phase: DrawPhase::Size,
        draw: |knobs, swarm, chance| {
            knobs.key_count = match swarm.scale {
                PlanScale::Tiny => draw_key_count(chance),
                PlanScale::Large => chance.between(300, 900) as u16,
            }
        },
    },
    Knob {
        name: "layout",
        is_option: false,
        value: |knobs| &mut knobs.layout,
        limit: any,
        set_plain: |knobs| knobs.layout = KeyLayout::Dense,
        shrink_order: Some(2),
        phase: DrawPhase::Size,
        draw: |knobs, swarm, chance| {
            knobs.layout = match swarm.scale {
                // Of other layouts few keys are told apart by their stripe.
                PlanScale::Tiny if swarm.theme == Theme::Shards && !chance.one_in(4) => {
                    KeyLayout::Dense
                }
                PlanScale::Tiny => *chance.pick(&KeyLayout::ALL),
                PlanScale::Large => KeyLayout::Dense,
            }
        },
    },
    Knob {
        name: "sparse",
        is_option: false,
        value: |knobs| &mut knobs.sparse_count,
        limit: |name, knobs| within(name, knobs.sparse_count.into(), 0..=KEY_COUNT_MAX.into()),
        set_plain: |knobs| knobs.sparse_count = 0,
        shrink_order: Some(26),
        phase: DrawPhase::Base,
        draw: |knobs, _, chance| knobs.sparse_count = draw_sparse_count(chance, knobs.key_count),
    },
    Knob {
        name: "freeze-len",
        is_option: true,
        value: |knobs| &mut knobs.freeze_len_max,
        limit: |name, knobs| at_least_one(name, knobs.freeze_len_max),
        set_plain: |knobs| knobs.freeze_len_max = 1 << 20,
        shrink_order: Some(15),
        phase: DrawPhase::Size,
        draw: |knobs, swarm, chance| {
            knobs.freeze_len_max = match swarm.scale {
                PlanScale::Tiny => chance.between(512, 1024) << chance.below(5),
                PlanScale::Large => chance.between(1 << 20, 2 << 20),
            }
        },
    },
    Knob {
        name: "freeze-distance",
        is_option: true,
        value: |knobs| &mut knobs.freeze_distance_max,
        limit: |name, knobs| at_least_one(name, knobs.freeze_distance_max),
        set_plain: |knobs| knobs.freeze_distance_max = NEVER,
        shrink_order: Some(14),
        phase: DrawPhase::Size,
        draw: |knobs, swarm, chance| {
            knobs.freeze_distance_max = match swarm.scale {
                PlanScale::Tiny => draw_distance(chance),
                PlanScale::Large => DISTANCE_NEVER,
            }
        },
    },
    Knob {
        name: "freeze-age",
        is_option: true,
        value: |knobs| &mut knobs.freeze_age_max,
        limit: |name, knobs| check_duration(name, knobs.freeze_age_max),
        set_plain: |knobs| knobs.freeze_age_max = Duration::from_secs(3600),
        shrink_order: Some(16),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.freeze_age_max = draw_duration(chance),
    },
    Knob {
        name: "open-len",
        is_option: true,
        value: |knobs| &mut knobs.open_len_max,
        limit: |name, knobs| at_least_one(name, knobs.open_len_max),
        set_plain: |knobs| knobs.open_len_max = NEVER,
        shrink_order: Some(33),
        phase: DrawPhase::Rest,
        draw: |knobs, swarm, chance| {
            knobs.open_len_max = match (swarm.scale, chance.one_in(3)) {
                (PlanScale::Tiny, true) => chance.between(256, 1024) << chance.below(3),
                (PlanScale::Tiny, false) => NEVER,
                (PlanScale::Large, _) => 2 << 20,
            }
        },
    },
    Knob {
        name: "reserve-len",
        is_option: true,
        value: |knobs| &mut knobs.reserve_len,
        limit: |_, _| Ok(()),
        set_plain: |knobs| knobs.reserve_len = 0,
        shrink_order: Some(35),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.reserve_len = chance.below(2) * chance.between(1, 1024),
    },
    Knob {
        name: "buffer-len",
        is_option: true,
        value: |knobs| &mut knobs.buffer_len,
        limit: |name, knobs| at_least_one(name, knobs.buffer_len),
        set_plain: |knobs| knobs.buffer_len = 4 << 10,
        shrink_order: Some(17),
        phase: DrawPhase::Size,
        draw: |knobs, swarm, chance| {
            knobs.buffer_len = match swarm.scale {
                PlanScale::Tiny => 16 << chance.below(9),
                PlanScale::Large => 64 << 10,
            }
        },
    },
    Knob {
        name: "l0-trigger",
        is_option: true,
        value: |knobs| &mut knobs.l0_count_trigger,
        limit: |name, knobs| at_least_one(name, knobs.l0_count_trigger),
        set_plain: |knobs| knobs.l0_count_trigger = LAYERS_NEVER,
        shrink_order: Some(10),
        phase: DrawPhase::Base,
        draw: |knobs, _, chance| {
            knobs.l0_count_trigger = chance.pick_weighted(&[(4, 2), (4, 3), (1, 1), (1, 4)]);
        },
    },
    Knob {
        name: "l0-run-len",
        is_option: true,
        value: |knobs| &mut knobs.l0_run_len_max,
        limit: |name, knobs| at_least_one(name, knobs.l0_run_len_max),
        set_plain: |knobs| knobs.l0_run_len_max = NEVER,
        shrink_order: Some(11),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.l0_run_len_max = draw_run_len(chance),
    },
    Knob {
        name: "strategy",
        is_option: true,
        value: |knobs| &mut knobs.strategy,
        limit: any,
        set_plain: |knobs| knobs.strategy = Strategy::L0ToL1,
        shrink_order: Some(31),
        phase: DrawPhase::Rest,
        draw: |knobs, swarm, chance| knobs.strategy = draw_strategy(chance, swarm.theme),
    },
    Knob {
        name: "tier-distance",
        is_option: true,
        value: |knobs| &mut knobs.tier_distance,
        limit: |name, knobs| at_least_one(name, knobs.tier_distance),
        set_plain: |knobs| knobs.tier_distance = NEVER,
        shrink_order: Some(32),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.tier_distance = chance.between(1, 8) << chance.below(6),
    },
    Knob {
        name: "layer-len",
        is_option: true,
        value: |knobs| &mut knobs.layer_len_target,
        limit: |name, knobs| at_least_one(name, knobs.layer_len_target),
        set_plain: |knobs| knobs.layer_len_target = NEVER,
        shrink_order: Some(12),
        phase: DrawPhase::Size,
        draw: |knobs, swarm, chance| {
            knobs.layer_len_target = match swarm.scale {
                PlanScale::Tiny => chance.between(256, 512) << chance.below(6),
                PlanScale::Large => 32 << 10 << chance.below(6),
            }
        },
    },
    Knob {
        name: "image-trigger",
        is_option: true,
        value: |knobs| &mut knobs.image_delta_count_trigger,
        limit: |name, knobs| at_least_one(name, knobs.image_delta_count_trigger),
        set_plain: |knobs| knobs.image_delta_count_trigger = LAYERS_NEVER,
        shrink_order: Some(9),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.image_delta_count_trigger = chance.between(1, 3),
    },
    Knob {
        name: "sparse-trigger",
        is_option: true,
        value: |knobs| &mut knobs.sparse_image_delta_count_trigger,
        limit: |name, knobs| at_least_one(name, knobs.sparse_image_delta_count_trigger),
        set_plain: |knobs| knobs.sparse_image_delta_count_trigger = LAYERS_NEVER,
        shrink_order: Some(28),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| {
            knobs.sparse_image_delta_count_trigger = chance.between(1, 6);
        },
    },
    Knob {
        name: "image-look",
        is_option: true,
        value: |knobs| &mut knobs.image_look_distance,
        limit: any,
        set_plain: |knobs| knobs.image_look_distance = 0,
        shrink_order: Some(29),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| {
            knobs.image_look_distance = match chance.below(5) {
                0 => chance.between(1, 60),
                _ => 0,
            }
        },
    },
    Knob {
        name: "image-age",
        is_option: true,
        value: |knobs| &mut knobs.image_age_max,
        limit: |name, knobs| check_duration(name, knobs.image_age_max),
        set_plain: |knobs| knobs.image_age_max = Duration::ZERO,
        shrink_order: Some(30),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| {
            knobs.image_age_max = match chance.below(5) {
                0 => draw_duration(chance),
                _ => Duration::ZERO,
            }
        },
    },
    Knob {
        name: "image-preempt",
        is_option: true,
        value: |knobs| &mut knobs.image_preempt_l0_count,
        limit: |name, knobs| at_least_one(name, knobs.image_preempt_l0_count),
        set_plain: |knobs| knobs.image_preempt_l0_count = LAYERS_NEVER,
        shrink_order: Some(8),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.image_preempt_l0_count = draw_preempt_count(chance),
    },
    Knob {
        name: "compression",
        is_option: true,
        value: |knobs| &mut knobs.compression,
        limit: any,
        set_plain: |knobs| knobs.compression = Compression::None,
        shrink_order: Some(3),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| {
            // The contexts of high levels take megabytes for each value.
            let levels = [
                (4, Compression::None),
                (3, Compression::Zstd(1)),
                (1, Compression::Zstd(3)),
            ];
            knobs.compression = chance.pick_weighted(&levels);
        },
    },
    Knob {
        name: "history-trigger",
        is_option: true,
        value: |knobs| &mut knobs.history_record_count_trigger,
        limit: |name, knobs| at_least_one(name, knobs.history_record_count_trigger),
        set_plain: |knobs| knobs.history_record_count_trigger = 5,
        shrink_order: Some(21),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.history_record_count_trigger = chance.between(1, 6),
    },
    Knob {
        name: "history-len",
        is_option: true,
        value: |knobs| &mut knobs.history_len_max,
        limit: |name, knobs| at_least_one(name, knobs.history_len_max),
        set_plain: |knobs| knobs.history_len_max = NEVER,
        shrink_order: Some(22),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| {
            knobs.history_len_max = match chance.below(6) {
                0 => chance.between(64, 4096),
                _ => NEVER,
            }
        },
    },
    Knob {
        name: "gc-compact-trigger",
        is_option: true,
        value: |knobs| &mut knobs.gc_compact_len_trigger,
        limit: |name, knobs| at_least_one(name, knobs.gc_compact_len_trigger),
        set_plain: |knobs| knobs.gc_compact_len_trigger = NEVER,
        shrink_order: Some(23),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| {
            knobs.gc_compact_len_trigger = match chance.below(3) {
                0 => NEVER,
                _ => chance.between(1, 200_000),
            }
        },
    },
    Knob {
        name: "gc-compact-growth",
        is_option: true,
        value: |knobs| &mut knobs.gc_compact_growth_trigger,
        limit: |name, knobs| at_least_one(name, knobs.gc_compact_growth_trigger),
        set_plain: |knobs| knobs.gc_compact_growth_trigger = 100,
        shrink_order: Some(24),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.gc_compact_growth_trigger = chance.between(1, 200),
    },
    Knob {
        name: "gc-compact-len",
        is_option: true,
        value: |knobs| &mut knobs.gc_compact_len_max,
        limit: |name, knobs| at_least_one(name, knobs.gc_compact_len_max),
        set_plain: |knobs| knobs.gc_compact_len_max = NEVER,
        shrink_order: Some(25),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| {
            knobs.gc_compact_len_max = match chance.below(4) {
                0 => NEVER,
                1 => chance.between(1, 200_000),
                _ => 1,
            }
        },
    },
    Knob {
        name: "gc-distance",
        is_option: true,
        value: |knobs| &mut knobs.gc_distance,
        limit: any,
        set_plain: |knobs| knobs.gc_distance = 0,
        shrink_order: Some(13),
        phase: DrawPhase::Rest,
        draw: |knobs, swarm, chance| knobs.gc_distance = draw_gc_distance(chance, swarm.theme),
    },
    Knob {
        name: "gc-age",
        is_option: true,
        value: |knobs| &mut knobs.gc_age,
        limit: |name, knobs| check_duration(name, knobs.gc_age),
        set_plain: |knobs| knobs.gc_age = Duration::ZERO,
        shrink_order: Some(4),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.gc_age = draw_gc_age(chance),
    },
    Knob {
        name: "l0-delay-count",
        is_option: true,
        value: |knobs| &mut knobs.l0_delay_count,
        limit: |name, knobs| at_least_one(name, knobs.l0_delay_count),
        set_plain: |knobs| knobs.l0_delay_count = LAYERS_NEVER,
        shrink_order: Some(5),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| {
            knobs.l0_delay_count = chance.pick_weighted(&[(3, COUNT_NEVER), (1, 2), (1, 4)]);
        },
    },
    Knob {
        name: "l0-delay",
        is_option: true,
        value: |knobs| &mut knobs.l0_delay,
        limit: |name, knobs| check_duration(name, knobs.l0_delay),
        set_plain: |knobs| knobs.l0_delay = Duration::from_millis(100),
        shrink_order: Some(19),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| {
            knobs.l0_delay = Duration::from_millis(*chance.pick(&[0, 1, 100, 100, 2000]));
        },
    },
    Knob {
        name: "cache-len",
        is_option: true,
        value: |knobs| &mut knobs.block_cache_len,
        limit: any,
        set_plain: |knobs| knobs.block_cache_len = 64 << 20,
        shrink_order: Some(6),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.block_cache_len = chance.pick_weighted(&CACHE_LENS),
    },
    Knob {
        name: "open-files",
        is_option: true,
        value: |knobs| &mut knobs.open_files_max,
        limit: |name, knobs| at_least_one(name, knobs.open_files_max),
        set_plain: |knobs| knobs.open_files_max = 512,
        shrink_order: Some(34),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.open_files_max = chance.pick_weighted(&OPEN_FILES),
    },
    Knob {
        name: "read-len",
        is_option: true,
        value: |knobs| &mut knobs.read_len_max,
        limit: |name, knobs| at_least_one(name, knobs.read_len_max),
        set_plain: |knobs| knobs.read_len_max = 64 << 10,
        shrink_order: Some(7),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.read_len_max = 512 << chance.below(8),
    },
    Knob {
        name: "housekeeping",
        is_option: true,
        value: |knobs| &mut knobs.maintenance,
        limit: |_, knobs| check_maintenance(knobs.maintenance, knobs.l0_count_trigger),
        set_plain: |knobs| knobs.maintenance = Maintenance::Off,
        shrink_order: Some(1),
        phase: DrawPhase::Rest,
        draw: |knobs, swarm, chance| {
            knobs.maintenance = draw_maintenance(chance, swarm.device, knobs.l0_count_trigger);
        },
    },
    Knob {
        name: "tenant",
        is_option: false,
        value: |knobs| &mut knobs.tenant,
        limit: |name, knobs| within(name, knobs.tenant.into(), 0..=TENANT_MAX.into()),
        set_plain: |knobs| knobs.tenant = 7,
        shrink_order: Some(20),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.tenant = chance.between(0, TENANT_MAX.into()) as u16,
    },
    Knob {
        name: "shard",
        is_option: false,
        value: |knobs| &mut knobs.shard,
        limit: any,
        set_plain: |knobs| knobs.shard = Shard::default(),
        shrink_order: Some(27),
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| knobs.shard = draw_shard(chance),
    },
    Knob {
        name: "look",
        is_option: false,
        value: |knobs| &mut knobs.look,
        limit: any,
        set_plain: |knobs| knobs.look = Look::Nothing,
        shrink_order: None,
        phase: DrawPhase::Rest,
        draw: |knobs, _, chance| {
            // Looks take half of a run's time, and find in a quarter of the plans what they find.
            knobs.look = chance.pick_weighted(&[(1, Look::Sample), (3, Look::Nothing)]);
        },
    },
    Knob {
        name: "device",
        is_option: false,
        value: |knobs| &mut knobs.device,
        limit: any,
        set_plain: |knobs| knobs.device = Device::Posix,
        shrink_order: Some(18),
        phase: DrawPhase::Rest,
        draw: |knobs, swarm, _| knobs.device = swarm.device,
    },
];

impl Knobs {
    /// The knobs at which each does least.
    pub fn plain() -> Knobs {
        let mut knobs = Knobs::default();
        KNOBS.iter().for_each(|knob| (knob.set_plain)(&mut knobs));
        knobs
    }

    /// Draws the knobs of a plan; `seed` becomes the knob of that name.
    pub(super) fn draw(chance: &mut impl Chance, swarm: &Swarm, seed: u64) -> Knobs {
        let mut knobs = Knobs {
            seed,
            ..Knobs::plain()
        };
        for phase in [DrawPhase::Size, DrawPhase::Base, DrawPhase::Rest] {
            for knob in KNOBS.iter().filter(|knob| knob.phase == phase) {
                (knob.draw)(&mut knobs, swarm, &mut Lent(chance));
            }
        }
        knobs
    }

    /// Checks that each knob is within its limits.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let mut knobs = KNOBS.iter();
        knobs.try_for_each(|knob| (knob.limit)(knob.name, self))
    }
}

impl fmt::Display for Knobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut knobs = self.clone();
        writeln!(f, "knobs")?;
        for knob in &KNOBS {
            let value = (knob.value)(&mut knobs);
            writeln!(f, "  {} {}", knob.name, value.written())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
