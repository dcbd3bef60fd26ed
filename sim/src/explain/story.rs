//! Records a run from its first step to its last, with the result of each step.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};

use crate::drive::{Driver, Session, on_disk};
use crate::faults::StepKind;
use crate::label::TimelineLabel;
use crate::plan::Plan;
use crate::run::{self, Keep, Outcome};
use crate::witness::{Moment, Reading, Scene, Witness};
use crate::world::{CrashSeen, Effect, End, Event, Journal, TaskName, World};

/// The largest number of steps that are all recorded; of a longer run, only the last ones are.
const STEPS_MAX: u64 = 400_000;

/// A recorded run.
#[derive(Clone, Debug)]
pub struct Story {
    /// The outcome of the run.
    pub outcome: Outcome,
    /// The timelines at the last good moment.
    pub good: Option<Scene>,
    /// The timelines at the verdict.
    pub bad: Option<Scene>,
    /// The read that went wrong.
    pub reading: Option<Reading>,
    /// The parts of the run, in the order in which they began.
    pub parts: Vec<StoryPart>,
    /// The tasks of the run, each with the name that it had in its life.
    pub tasks: Vec<TaskView>,
    /// The steps of the run, without those in which the scheduler only resumes a task.
    pub steps: Vec<StoryStep>,
    /// The crashes of the run.
    pub crashes: Vec<CrashSeen>,
}

/// A task of a life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskView {
    /// The life, from 1.
    pub life: u32,
    /// The task, by the order in which the life spawned it.
    pub task: u32,
    /// The purpose of the task.
    pub name: String,
}

/// One step of a run.
#[derive(Clone, Debug)]
pub struct StoryStep {
    /// The part of the run that the step belongs to.
    pub part: StoryPart,
    /// The event.
    pub what: What,
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoryPart {
    /// The start of a life, in which everything is opened.
    Opening {
        /// The life, from 1.
        life: u32,
    },
    /// A line of the plan.
    Line {
        /// The life, from 1.
        life: u32,
        /// The line, from 1.
        line: usize,
    },
}

/// The event of a step.
#[derive(Clone, Debug)]
pub enum What {
    /// A note of the driver.
    Note(String),
    /// A call of the engine.
    Call(CallView),
    /// The process ended.
    Crash(CrashSeen),
}

/// A call of the engine, with its result.
#[derive(Clone, Debug)]
pub struct CallView {
    /// The index of the call, from 0, counted over all lives.
    pub index: usize,
    /// The life, from 1.
    pub life: u32,
    /// The task that made it.
    pub task: u32,
    /// The kind of the call.
    pub step: StepKind,
    /// The address of the call.
    pub address: String,
    /// The fault that was injected into it.
    pub fault: Option<String>,
    /// What it returned.
    pub result: Option<Result<u64, io::ErrorKind>>,
    /// The change that it made to the disk.
    pub effect: Option<Effect>,
}

/// Runs a plan and records all of it.
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

/// The timelines as the disk has them, for a run that ended without a scene of its own.
fn at_the_end(world: &World, session: &Session) -> Scene {
    let mut disk = world.state().disk.clone();
    let labels: Vec<TimelineLabel> = session.expectations.keys().copied().collect();
    let views = labels.into_iter();
    Scene {
        moment: Moment::Verdict {
            line: session.next_line,
        },
        timelines: views
            .filter_map(|label| on_disk(&mut disk, &session.expectations, label))
            .collect(),
    }
}

/// Reads events in order, and assigns each to a part of the run.
struct StoryReader<'a> {
    journal: &'a Journal,
    steps: Vec<StoryStep>,
    parts: Vec<StoryPart>,
    names: Vec<TaskView>,
    part: StoryPart,
    life: u32,
    /// The concurrent tasks that lines run in, with the part that each belongs to.
    tasks: Vec<(u32, StoryPart)>,
    call_count: usize,
    crash_count: usize,
}

fn read<'a>(events: &[Event], journal: &'a Journal) -> StoryReader<'a> {
    let mut reader = StoryReader {
        journal,
        steps: Vec::new(),
        parts: Vec::new(),
        names: Vec::new(),
        part: StoryPart::Opening { life: 0 },
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

impl StoryReader<'_> {
    fn read(&mut self, event: &Event) {
        match event {
            Event::Woke { .. } => {}
            Event::Started { task, name } => self.name_task(*task, *name),
            Event::Line(number, _) => {
                let (life, line) = (self.life, *number as usize);
                self.begin(StoryPart::Line { life, line });
            }
            Event::Recovered(durable) => self.note(&format!("recovered up to {durable}")),
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
                self.steps.push(StoryStep {
                    part,
                    what: What::Call(call),
                });
            }
            Event::Done(result) => {
                if let Some(StoryStep {
                    what: What::Call(call),
                    ..
                }) = self.steps.last_mut()
                {
                    call.result = Some(*result);
                }
            }
        }
    }

    /// Marks the changes that a failed sync covered as dropped, not synced.
    fn drop_what_failed(&mut self) {
        let failed = |step: &StoryStep| match &step.what {
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

    fn begin(&mut self, part: StoryPart) {
        self.part = part;
        self.parts.push(part);
    }

    fn name_task(&mut self, task: u32, name: TaskName) {
        if name == TaskName::Driver {
            self.crash();
            self.life += 1;
            self.tasks.clear();
            self.begin(StoryPart::Opening { life: self.life });
        }
        let life = self.life;
        if let TaskName::Line(line) = name {
            let line = line as usize;
            self.tasks.push((task, StoryPart::Line { life, line }));
        }
        self.names.push(TaskView {
            life,
            task,
            name: name.to_string(),
        });
    }

    /// Records a crash before the call that comes after it.
    fn crash(&mut self) {
        let crash = self.journal.crashes().get(self.crash_count).copied();
        if let Some(crash) = crash.filter(|crash| crash.call_count <= self.call_count) {
            self.crash_count += 1;
            self.steps.push(StoryStep {
                part: self.part,
                what: What::Crash(crash),
            });
        }
    }

    fn note(&mut self, text: &str) {
        self.steps.push(StoryStep {
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
            // Behind the last line history may grow old through more lives.
            let moment = story.good.map(|scene| scene.moment);
            let is_opened = matches!(moment, Some(Moment::Opened { .. }));
            assert!(is_opened || moment == Some(end), "{moment:?}");
            assert!(story.bad.is_none() && story.reading.is_none());
        }
    }
}
