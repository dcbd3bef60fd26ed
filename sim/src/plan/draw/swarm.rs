//! What exists in a plan at all, and how often: drawn first, so that plans differ in kind.
//!
//! A plan in which everything may happen is seldom one in which the same thing happens often
//! enough. So each plan keeps only a part of every table, with weights of its own (swarm testing).
//! Beside these, faults that would hardly ever be met are drawn apart, whatever is in the table:
//! `rules.rs` and `pairs.rs`.

use super::kinds::{CrashKind, FaultKind};
use super::themes::{Move, Theme};
use crate::dice::Chance;
use crate::faults::Device;

/// What exists in a plan, and how often.
pub struct Swarm {
    /// How much there is of everything.
    pub scale: PlanScale,
    /// What it is about.
    pub theme: Theme,
    /// So many in 8 of the operations that can be left running are.
    pub beside: u64,
    /// So many in 8 of the keys that are touched are hot ones.
    pub hot: u64,
    /// What is done next.
    pub moves: Vec<(u64, Move)>,
    /// What is done to a page that there is.
    pub edits: Vec<(u64, EditKind)>,
    /// How long values and changes are.
    pub sizes: Vec<(u64, EditSize)>,
    /// How far LSNs are apart.
    pub steps: Vec<(u64, DrawStep)>,
    /// How processes end.
    pub crashes: Vec<(u64, CrashKind)>,
    /// Which faults there are. May be empty.
    pub faults: Vec<(u64, FaultKind)>,
    /// What the device promises.
    pub device: Device,
}

/// How much there is of everything.
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
    /// A page made anew.
    Init,
    /// A page replaced.
    Set,
    /// A part overwritten.
    Patch,
    /// A longer page.
    Append,
    /// A longer page, if it was the expected one.
    AppendIf,
    /// An empty page.
    Clear,
}

/// The kinds of lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditSize {
    /// Some bytes.
    Tiny,
    /// Where the encoding of a length changes.
    SmallEdge,
    /// Some hundred bytes.
    Medium,
    /// About a block.
    BlockEdge,
    /// Several blocks.
    Blocks,
}

/// The kinds of distances from an LSN to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawStep {
    /// None: they share it.
    Same,
    /// As near as can be.
    One,
    /// As the peer has them.
    Eight,
    /// Some.
    Small,
    /// Many.
    Large,
    /// More than fit 32 bits.
    Huge,
}

/// One plan in so many is large.
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

const CRASHES: [(u64, CrashKind); 4] = [
    (6, CrashKind::PowerDraw),
    (3, CrashKind::PowerNothing),
    (2, CrashKind::PowerAll),
    (2, CrashKind::Kill),
];

/// Most devices are honest, and most faults are those of honest ones.
const DEVICES: [(u64, Device); 4] = [
    (20, Device::Posix),
    (2, Device::Ext4Ordered),
    (1, Device::RenameNotAtomic),
    (3, Device::Rots),
];

/// How often a value is about a block long where the device may be wrong: now and then, or mostly.
const SPANNING_WEIGHTS: [u64; 2] = [100, 800];

impl Swarm {
    /// Draws what exists.
    pub fn draw(chance: &mut impl Chance) -> Swarm {
        let scale = PlanScale::draw(chance, LARGE_ONE_IN);
        let theme = Theme::draw(chance);
        let mut swarm = Swarm {
            scale,
            theme,
            beside: chance.below(7),
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
            // Where a value spans blocks, one of them may be taken for right with the other.
            let weight = *chance.pick(&SPANNING_WEIGHTS);
            swarm.sizes.push((weight, EditSize::BlockEdge));
        }
        swarm
    }

    /// Everything there is, for one who chooses alone what happens often: a fuzzer.
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
    /// Large once in so many times.
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

/// Keeps about two thirds of a table with weights of its own. The first one is always kept.
fn draw_part<T: Copy>(chance: &mut impl Chance, table: &[(u64, T)]) -> Vec<(u64, T)> {
    let mut part = Vec::with_capacity(table.len());
    for (index, &(weight, choice)) in table.iter().enumerate() {
        if index == 0 || chance.ratio(2, 3) {
            part.push((weight * chance.between(1, 4), choice));
        }
    }
    part
}
