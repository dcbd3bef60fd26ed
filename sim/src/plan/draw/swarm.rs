//! What exists in a plan at all, and how often: drawn first, so that plans differ in kind.
//!
//! A plan in which everything may happen rarely repeats one thing often enough. So each plan keeps
//! only a part of every table, with weights of its own (swarm testing). Besides these, faults that
//! runs would hardly ever meet are drawn separately, whatever is in the tables: `rules.rs` and
//! `compound.rs`.

use super::kinds::{CrashKind, FaultKind};
use super::themes::{Move, Theme};
use crate::dice::Chance;
use crate::faults::Device;

/// What exists in a plan, and how often.
pub struct Swarm {
    /// The size of the plan.
    pub scale: PlanScale,
    /// What the plan is about.
    pub theme: Theme,
    /// How many in 8 are left running of the operations that can be.
    pub beside: u64,
    /// How many in 8 are given up of the operations that would be made again after a failure.
    pub once: u64,
    /// How many in 8 of the touched keys are hot ones.
    pub hot: u64,
    /// The moves, each with its weight.
    pub moves: Vec<(u64, Move)>,
    /// The kinds of edits of a page that exists, each with its weight.
    pub edits: Vec<(u64, EditKind)>,
    /// The kinds of lengths of values and changes, each with its weight.
    pub sizes: Vec<(u64, EditSize)>,
    /// The kinds of distances between LSNs, each with its weight.
    pub steps: Vec<(u64, DrawStep)>,
    /// The ways in which processes end, each with its weight.
    pub crashes: Vec<(u64, CrashKind)>,
    /// The kinds of faults, each with its weight. May be empty.
    pub faults: Vec<(u64, FaultKind)>,
    /// What the device promises.
    pub device: Device,
}

/// The size of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanScale {
    /// So little that a few operations cross every threshold.
    Tiny,
    /// Keys and records enough for trees of several levels.
    Large,
}

/// The kinds of edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditKind {
    /// A whole value.
    Image,
    /// A page created anew.
    Init,
    /// A page replaced.
    Set,
    /// A part of the page overwritten.
    Patch,
    /// Bytes appended to the page.
    Append,
    /// Bytes appended to the page, if it is the expected one.
    AppendIf,
    /// The page emptied.
    Clear,
}

/// The kinds of lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditSize {
    /// A few bytes.
    Tiny,
    /// A length at which the encoding of a length changes, or next to it.
    SmallEdge,
    /// A few hundred bytes.
    Medium,
    /// A length around that of a block.
    BlockEdge,
    /// Several blocks.
    Blocks,
}

/// The kinds of distances from an LSN to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawStep {
    /// Zero: both records share an LSN.
    Same,
    /// One.
    One,
    /// Eight, the step of the peer's log.
    Eight,
    /// A small step.
    Small,
    /// A large step.
    Large,
    /// More than fits 32 bits.
    Huge,
}

/// One plan in this many is large.
const LARGE_ONE_IN: u64 = 20;

const EDITS: [(u64, EditKind); 7] = [
    (16, EditKind::Append),
    (8, EditKind::Image),
    (4, EditKind::Init),
    (8, EditKind::Set),
    (12, EditKind::Patch),
    (8, EditKind::AppendIf),
    (2, EditKind::Clear),
];

const SIZES: [(u64, EditSize); 5] = [
    (180, EditSize::Tiny),
    (40, EditSize::SmallEdge),
    (12, EditSize::Medium),
    (10, EditSize::BlockEdge),
    (1, EditSize::Blocks),
];

const LARGE_SIZES: [(u64, EditSize); 5] = [
    (160, EditSize::Tiny),
    (8, EditSize::SmallEdge),
    (12, EditSize::Medium),
    (1, EditSize::BlockEdge),
    (1, EditSize::Blocks),
];

const STEPS: [(u64, DrawStep); 6] = [
    (24, DrawStep::Eight),
    (24, DrawStep::One),
    (24, DrawStep::Same),
    (12, DrawStep::Small),
    (4, DrawStep::Large),
    (1, DrawStep::Huge),
];

/// How many operations in 8 are given up, each with its weight.
const ONCE: [(u64, u64); 3] = [(2, 0), (1, 2), (1, 6)];

const CRASHES: [(u64, CrashKind); 4] = [
    (6, CrashKind::PowerDraw),
    (3, CrashKind::PowerNothing),
    (2, CrashKind::PowerAll),
    (2, CrashKind::Kill),
];

/// The devices, each with its weight: most devices are honest, and so are most of their faults.
const DEVICES: [(u64, Device); 4] = [
    (20, Device::Posix),
    (2, Device::Ext4Ordered),
    (1, Device::RenameNotAtomic),
    (3, Device::Rots),
];

/// The weights of lengths around a block where the device may be wrong: now and then, or mostly.
const SPANNING_WEIGHTS: [u64; 2] = [100, 800];

impl Swarm {
    /// Draws what exists in a plan.
    pub fn draw(chance: &mut impl Chance) -> Swarm {
        let scale = PlanScale::draw(chance, LARGE_ONE_IN);
        let theme = Theme::draw(chance);
        let mut swarm = Swarm {
            scale,
            theme,
            beside: chance.below(7),
            once: chance.pick_weighted(&ONCE),
            hot: chance.below(8),
            moves: draw_part(chance, &theme.moves(scale)),
            edits: draw_part(chance, &EDITS),
            sizes: draw_part(chance, scale.sizes()),
            steps: draw_part(chance, &STEPS),
            crashes: draw_part(chance, &CRASHES),
            faults: Vec::new(),
            device: Device::Posix,
        };
        if theme != Theme::Timelines && !chance.one_in(3) {
            swarm.moves.retain(|&(_, kept)| kept != Move::Second);
        }
        if !chance.one_in(6) {
            let kinds = FaultKind::of_any_device().filter(|_| chance.one_in(2));
            swarm.faults = kinds.collect();
            for (weight, _) in &mut swarm.faults {
                *weight *= chance.between(1, 4);
            }
        }
        let mut kinds = swarm.faults.iter();
        let has_crash = kinds.any(|(_, kind)| *kind == FaultKind::CrashAtStep);
        if theme == Theme::Timelines && !has_crash && chance.one_in(2) {
            swarm.faults.push(FaultKind::CrashAtStep.weighted());
        }
        swarm.device = chance.pick_weighted(&DEVICES);
        if swarm.device.may_be_wrong() {
            swarm.faults.push(FaultKind::Wrong.weighted());
            // Where a value spans blocks, a check of one may wrongly vouch for the other.
            let weight = *chance.pick(&SPANNING_WEIGHTS);
            swarm.sizes.push((weight, EditSize::BlockEdge));
        }
        swarm
    }

    /// Everything that can exist: a fuzzer finds out by itself what to do often.
    pub fn all(chance: &mut impl Chance, scale: PlanScale) -> Swarm {
        let device = chance.pick_weighted(&DEVICES);
        let mut faults = Vec::from_iter(FaultKind::of_any_device());
        if device.may_be_wrong() {
            faults.push(FaultKind::Wrong.weighted());
        }
        Swarm {
            scale,
            theme: Theme::Mixed,
            beside: 3,
            once: 2,
            hot: 4,
            moves: Theme::Mixed.moves(scale),
            edits: EDITS.to_vec(),
            sizes: scale.sizes().to_vec(),
            steps: STEPS.to_vec(),
            crashes: CRASHES.to_vec(),
            faults,
            device,
        }
    }
}

impl PlanScale {
    /// Draws a large scale once in `large_one_in` times.
    pub fn draw(chance: &mut impl Chance, large_one_in: u64) -> PlanScale {
        if chance.one_in(large_one_in) {
            PlanScale::Large
        } else {
            PlanScale::Tiny
        }
    }

    fn sizes(self) -> &'static [(u64, EditSize)] {
        match self {
            PlanScale::Tiny => &SIZES,
            PlanScale::Large => &LARGE_SIZES,
        }
    }
}

/// Draws about two thirds of a table, with new weights. The first row is always kept.
fn draw_part<T: Copy>(chance: &mut impl Chance, table: &[(u64, T)]) -> Vec<(u64, T)> {
    let mut part = Vec::with_capacity(table.len());
    for (index, &(weight, choice)) in table.iter().enumerate() {
        if index == 0 || chance.ratio(2, 3) {
            part.push((weight * chance.between(1, 4), choice));
        }
    }
    part
}
