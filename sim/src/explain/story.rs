//! A run from its first step to its last, with what is known of each step.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use crate::drive::{Driver, Session, on_disk};
use crate::faults::StepKind;
use crate::label::Letter;
use crate::plan::Plan;
use crate::run::{self, Keep, Outcome};
use crate::witness::{Moment, Reading, Scene, Witness};
use crate::world::{CrashSeen, Effect, End, Event, Journal, TaskName, World};

/// Of a run with more steps than these only the last are told.
const STEPS_MAX: u64 = 400_000;

/// A run from its first step to its last.
#[derive(Clone, Debug)]
pub struct Story {
    /// What came of it.
    pub outcome: Outcome,
    /// What the timelines were at the last good moment.
    pub good: Option<Scene>,
    /// What they were at the verdict.
    pub bad: Option<Scene>,
    /// The read that went wrong.
    pub reading: Option<Reading>,
    /// Its parts, in the order in which they began.
    pub parts: Vec<Part>,
    /// Its tasks, each with the name that it had in its life.
    pub tasks: Vec<TaskView>,
    /// Its steps, without those in which a task only goes on.
    pub steps: Vec<Step>,
    /// Its crashes.
    pub crashes: Vec<CrashSeen>,
}

/// A task of a life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskView {
    /// The life, from 1.
    pub life: u32,
    /// The task, by the order in which the life spawned it.
    pub task: u32,
    /// What it is for.
    pub name: String,
}

/// What happened in one step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Under which part of the plan.
    pub part: Part,
    /// What.
    pub what: What,
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A life begins: everything is opened.
    Opening {
        /// Which life, from 1.
        life: u32,
    },
    /// A line of the plan.
    Line {
        /// Which life, from 1.
        life: u32,
        /// Which line, from 1.
        line: usize,
    },
}

/// What a step is.
#[derive(Clone, Debug)]
pub enum What {
    /// A word of the driver's.
    Note(String),
    /// A call of the engine's.
    Call(CallView),
    /// The process ended.
    Crash(CrashSeen),
}

/// A call of the engine's, and what came of it.
#[derive(Clone, Debug)]
pub struct CallView {
    /// Its index, from 0 and over all lives.
    pub index: usize,
    /// The life, from 1.
    pub life: u32,
    /// The task that made it.
    pub task: u32,
    /// Its kind.
    pub step: StepKind,
    /// Its address.
    pub address: String,
    /// The fault that met it.
    pub fault: Option<String>,
    /// What it returned.
    pub result: Option<Result<u64, io::ErrorKind>>,
    /// What it changed.
    pub effect: Option<Effect>,
}

/// Runs a plan and tells all of it.
pub fn watch(plan: &Plan) -> Story {
    let outcome = run::run(plan, Keep::Tail);
    let plan = Arc::new(plan.clone());
    let world = World::new(&plan);
    if outcome.counts.steps <= STEPS_MAX {
        let mut state = world.state();
        state.trace.keep(Keep::Everything);
        state.journal = Some(Journal::default());
    }
    let session = Session {
        witness: Some(Witness::default()),
        ..Session::default()
    };
    let session = Arc::new(Mutex::new(session));
    run::carry_out(&Driver::new(&world, &plan, &session));
    let mut session = session
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut state = world.state();
    let mut journal = state.journal.take().unwrap_or_default();
    journal.look(&state.disk);
    let events: Vec<Event> = state.trace.events().cloned().collect();
    drop(state);
    let witness = session.witness.take().unwrap_or_default();
    let bad = witness.bad;
    let told = read(&events, &journal);
    Story {
        bad: bad.or_else(|| {
            outcome
                .verdict
                .as_ref()
                .map(|_| at_the_end(&world, &session))
        }),
        outcome,
        good: witness.good,
        reading: witness.reading,
        parts: told.parts,
        tasks: told.names,
        steps: told.steps,
        crashes: journal.crashes().to_vec(),
    }
}

/// What a run has left that ended without a word: what lies on its disk.
fn at_the_end(world: &World, session: &Session) -> Scene {
    let mut disk = world.state().disk.clone();
    let letters: Vec<Letter> = session.truths.keys().copied().collect();
    let views = letters.into_iter();
    Scene {
        moment: Moment::Verdict {
            line: session.next_line,
        },
        timelines: views
            .filter_map(|letter| on_disk(&mut disk, &session.truths, letter))
            .collect(),
    }
}

/// Follows the events, and knows under which part of the plan they come.
struct Reader<'a> {
    journal: &'a Journal,
    steps: Vec<Step>,
    parts: Vec<Part>,
    names: Vec<TaskView>,
    part: Part,
    life: u32,
    /// The tasks that lines run in, with what runs beside.
    tasks: Vec<(u32, Part)>,
    call_count: usize,
    crash_count: usize,
}

fn read<'a>(events: &[Event], journal: &'a Journal) -> Reader<'a> {
    let mut reader = Reader {
        journal,
        steps: Vec::new(),
        parts: Vec::new(),
        names: Vec::new(),
        part: Part::Opening { life: 0 },
        life: 0,
        tasks: Vec::new(),
        call_count: 0,
        crash_count: 0,
    };
    for event in events {
        reader.read(event);
    }
    reader.crash();
    reader.drop_what_failed();
    reader
}

impl Reader<'_> {
    fn read(&mut self, event: &Event) {
        match event {
            Event::Woke { .. } => {}
            Event::Started { task, name } => self.name_task(*task, *name),
            Event::Line(number, _) => {
                let (life, line) = (self.life, *number as usize);
                self.begin(Part::Line { life, line });
            }
            Event::Note(text) => self.note(text),
            Event::Called { task, site, fault } => {
                self.crash();
                let call = CallView {
                    index: self.call_count,
                    life: site.life,
                    task: *task,
                    step: site.step,
                    address: site.address().to_string(),
                    fault: fault.map(|fault| fault.to_string()),
                    result: None,
                    effect: self.journal.effect(self.call_count).cloned(),
                };
                self.call_count += 1;
                let beside = self.tasks.iter().find(|(other, _)| other == task);
                let part = beside.map_or(self.part, |(_, part)| *part);
                self.steps.push(Step {
                    part,
                    what: What::Call(call),
                });
            }
            Event::Done(result) => {
                if let Some(Step {
                    what: What::Call(call),
                    ..
                }) = self.steps.last_mut()
                {
                    call.result = Some(*result);
                }
            }
        }
    }

    /// What a failed sync was to cover was dropped, not synced.
    fn drop_what_failed(&mut self) {
        let failed = |step: &Step| match &step.what {
            What::Call(call) if matches!(call.result, Some(Err(_))) => Some(call.index),
            _ => None,
        };
        let failed: BTreeSet<usize> = self.steps.iter().filter_map(failed).collect();
        for step in &mut self.steps {
            if let What::Call(call) = &mut step.what
                && let Some(effect) = &mut call.effect
                && let End::Synced(by) = effect.end
                && failed.contains(&by)
            {
                effect.end = End::Dropped(by);
            }
        }
    }

    fn begin(&mut self, part: Part) {
        self.part = part;
        self.parts.push(part);
    }

    fn name_task(&mut self, task: u32, name: TaskName) {
        if name == TaskName::Driver {
            self.crash();
            self.life += 1;
            self.tasks.clear();
            self.begin(Part::Opening { life: self.life });
        }
        let life = self.life;
        if let TaskName::Line(line) = name {
            let line = line as usize;
            self.tasks.push((task, Part::Line { life, line }));
        }
        self.names.push(TaskView {
            life,
            task,
            name: name.to_string(),
        });
    }

    /// A crash that came before the next call is told before it.
    fn crash(&mut self) {
        let crash = self.journal.crashes().get(self.crash_count).copied();
        if let Some(crash) = crash.filter(|crash| crash.call_count <= self.call_count) {
            self.crash_count += 1;
            self.steps.push(Step {
                part: self.part,
                what: What::Crash(crash),
            });
        }
    }

    fn note(&mut self, text: &str) {
        self.steps.push(Step {
            part: self.part,
            what: What::Note(text.to_string()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watched_run_comes_to_the_same_and_ends_where_it_was_right() {
        for seed in [3, 7] {
            let plan = Plan::draw(seed);
            let story = watch(&plan);
            assert_eq!(story.outcome.verdict, None);
            assert_eq!(story.crashes.len() as u64, story.outcome.tally.crashes);
            let calls = story
                .steps
                .iter()
                .filter(|step| matches!(step.what, What::Call(_)));
            assert_eq!(calls.count() as u64, story.outcome.counts.calls);
            let end = Moment::After {
                line: plan.ops.len(),
            };
            assert_eq!(story.good.map(|scene| scene.moment), Some(end));
            assert!(story.bad.is_none() && story.reading.is_none());
        }
    }
}
