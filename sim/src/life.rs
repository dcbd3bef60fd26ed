//! One long life of one timeline: operations without end, while nothing may grow with their number.
//!
//! A line is a function of the seed and its index alone, so that no plan is held in memory.

use std::sync::{Arc, Mutex};

use palimpsest::base::TimelineId;

use crate::dice::mix;
use crate::drive::{Driver, LineSource, Session};
use crate::faults::{Crash, Survival};
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws;
use crate::plan::{
    Compression, EditPlan, Effort, Entry, HistoryPlan, How, KeyIndex, Knobs, Line, Look, Mode,
    Plan, PlanOp, Schedule, Tail,
};
use crate::run;
use crate::verdict::Verdict;
use crate::world::World;

const TIMELINE: TimelineLabel = TimelineLabel(b'a');

const KEY_COUNT: u16 = 200;

/// The driver checks after one in this many lines, and the work of one in this many jobs.
const LOOK_ONE_IN: u64 = 64;

/// Sizes at one moment of a life.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The number of layers that the index names.
    pub layer_count: usize,
    /// The number of records that the model remembers.
    pub record_count: usize,
    /// The length of the files on the disk, in bytes.
    pub disk_len: u64,
}

/// Runs a life of `operation_count` operations. Before each of them it calls `watch` with the
/// number of operations so far and a function that returns the [`Extent`].
pub fn live(
    operation_count: usize,
    seed: u64,
    watch: impl Fn(usize, &dyn Fn() -> Extent) + Send + Sync + 'static,
) -> Option<Verdict> {
    let plan = Arc::new(plan(seed));
    let world = World::new(&plan);
    world.allow_steps(u64::MAX);
    let session = Arc::new(Mutex::new(Session::default()));
    let (watched_world, watched_session) = (world.clone(), session.clone());
    let lines: LineSource = Arc::new(move |index| {
        watch(index, &|| extent(&watched_world, &watched_session));
        (index < operation_count).then(|| line(seed, index))
    });
    let driver = Driver::new(&world, &plan, &session).with_lines(&lines, LOOK_ONE_IN);
    run::carry_out(&driver);
    let session = session.lock();
    let session = session.unwrap_or_else(|poisoned| poisoned.into_inner());
    session.verdict.clone()
}

fn extent(world: &World, session: &Mutex<Session>) -> Extent {
    let mut disk = world.state().disk.clone();
    let timeline: TimelineId = keys::timeline(TIMELINE);
    let index = laws::index(&mut disk, timeline);
    let session = session.lock();
    let session = session.unwrap_or_else(|poisoned| poisoned.into_inner());
    let expectations = session.expectations.values();
    Extent {
        layer_count: index.map_or(0, |index| index.layers.len()),
        record_count: expectations
            .map(|expected| expected.history.record_count())
            .sum(),
        disk_len: laws::disk_len(&mut disk),
    }
}

/// The plan without its lines.
fn plan(seed: u64) -> Plan {
    Plan {
        knobs: Knobs {
            seed,
            key_count: KEY_COUNT,
            freeze_len_max: 64 << 10,
            freeze_distance_max: 1 << 40,
            l0_count_trigger: 4,
            l0_run_len_max: 4 << 20,
            layer_len_target: 128 << 10,
            image_delta_count_trigger: 3,
            image_preempt_l0_count: 16,
            compression: Compression::Zstd(1),
            gc_distance: 50_000,
            l0_delay_count: 1 << 20,
            block_cache_len: 1 << 20,
            look: Look::Sample,
            ..Knobs::plain()
        },
        ops: Vec::new(),
        faults: Vec::new(),
        schedule: Schedule {
            choices: Vec::new(),
            tail: Tail::InOrder,
        },
    }
}

/// The line with this index, from 0.
fn line(seed: u64, index: usize) -> Line {
    let draw = mix(seed ^ mix(index as u64));
    let timeline = TIMELINE;
    let key = KeyIndex((mix(draw) % u64::from(KEY_COUNT)) as u16);
    let offset = -((mix(draw ^ 1) % 20_000) as i64);
    let mode = Mode::ByNeed;
    let op = match draw % 100_000 {
        _ if index == 0 => PlanOp::Create {
            timeline,
            start_lsn: 8,
            effort: Effort::UntilDone,
        },
        0..70_000 => put(draw),
        70_000..95_000 => PlanOp::Get {
            timeline,
            key,
            offset,
        },
        95_000..96_000 => PlanOp::GetMany {
            timeline,
            first: key,
            count: 8,
            offset,
        },
        96_000..96_200 => PlanOp::Scan { timeline, offset },
        96_200..97_200 => PlanOp::Freeze { timeline },
        97_200..98_200 => PlanOp::Flush { timeline },
        98_200..99_000 => PlanOp::Compact { timeline, mode },
        99_000..99_500 => PlanOp::Images { timeline, mode },
        99_500..99_900 => PlanOp::Gc { timeline },
        99_900..99_980 => PlanOp::GcCompact {
            timeline,
            past: HistoryPlan::ALL,
        },
        99_980..99_985 => PlanOp::GcCompactAll { timeline, mode },
        99_985..99_995 => PlanOp::Restart,
        _ => PlanOp::Crash(match draw & 1 << 32 {
            0 => Crash::Kill,
            _ => Crash::Power(Survival::Draw(draw)),
        }),
    };
    Line { how: How::Wait, op }
}

fn put(draw: u64) -> PlanOp {
    let count = 1 + mix(draw ^ 2) % 4;
    let entry = |at: u64| {
        let draw = mix(draw ^ 3 ^ at << 8);
        Entry {
            lsn_step: 8,
            key: KeyIndex((mix(draw) % u64::from(KEY_COUNT)) as u16),
            edit: edit(draw),
        }
    };
    PlanOp::Put {
        timeline: TIMELINE,
        entries: (0..count).map(entry).collect(),
    }
}

fn edit(draw: u64) -> EditPlan {
    let seed = mix(draw ^ 4);
    let len = match draw % 64 {
        0 => 4_000,
        len => len as u32,
    };
    match draw >> 8 & 7 {
        0 | 1 => EditPlan::Image { len, seed },
        2 => EditPlan::Init { len, seed },
        3 => EditPlan::Set { len, seed },
        4 | 5 => EditPlan::Append { len, seed },
        6 => EditPlan::AppendIf { len, seed },
        _ => EditPlan::Patch {
            offset: len / 2,
            len,
            seed,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_has_some_of_everything() {
        let lines: Vec<String> = (0..200_000)
            .map(|index| line(7, index).to_string())
            .collect();
        for verb in [
            "create", "put", "get", "get-many", "scan", "freeze", "flush", "compact", "images",
            "gc", "restart", "crash",
        ] {
            let starts = |line: &&String| line.split(' ').next() == Some(verb);
            assert!(lines.iter().any(|line| starts(&line)), "no {verb}");
        }
    }

    #[test]
    fn its_knobs_pass_the_check_of_a_plan() {
        assert!(plan(7).check().is_ok());
    }
}
