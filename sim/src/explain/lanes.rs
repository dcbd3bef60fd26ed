//! A lane for each task, and on each row a dot on the lane of the task that called.

use super::{CallView, TaskView};

/// More lanes than these are not told apart: the last one is for all the others.
const LANES_MAX: usize = 10;

/// How far lanes stand apart, as the style draws them, and how high a row of them is at least.
const STEP: usize = 12;
const HEIGHT: usize = 26;

/// The tasks that called, each with its lane.
pub struct Lanes<'a> {
    names: &'a [TaskView],
    tasks: Vec<(u32, u32)>,
}

impl<'a> Lanes<'a> {
    /// For these calls.
    pub fn new(calls: &[&CallView], names: &'a [TaskView]) -> Lanes<'a> {
        let mut lanes = Lanes {
            names,
            tasks: Vec::new(),
        };
        for call in calls {
            let task = lanes.task(call);
            if !lanes.tasks.contains(&task) {
                lanes.tasks.push(task);
            }
        }
        lanes
    }

    /// The task that called; the drivers of all lives are one.
    fn task(&self, call: &CallView) -> (u32, u32) {
        match self.name(call).as_str() {
            "driver" => (0, 0),
            _ => (call.life, call.task),
        }
    }

    fn count(&self) -> usize {
        self.tasks.len().clamp(1, LANES_MAX)
    }

    fn lane(&self, call: &CallView) -> usize {
        let task = self.task(call);
        let mut tasks = self.tasks.iter();
        let lane = tasks.position(|other| *other == task).unwrap_or(0);
        lane.min(LANES_MAX - 1)
    }

    /// The picture of one row.
    pub fn svg(&self, call: &CallView) -> String {
        let width = self.count() * STEP;
        let mut svg = format!(
            "<svg class=\"lanes\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" \
             aria-hidden=\"true\">"
        );
        // The middle of the line that the style draws, which is one wide.
        let x = (self.lane(call) * STEP + STEP / 2) as f64 - 0.5;
        let y = HEIGHT / 2;
        svg.push_str(&format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"4\"/></svg>"));
        svg
    }

    /// The name of the task that called.
    pub fn name(&self, call: &CallView) -> String {
        let is_it = |task: &&TaskView| (task.life, task.task) == (call.life, call.task);
        let found = self.names.iter().find(is_it);
        found.map_or(format!("t{}", call.task), |task| task.name.clone())
    }
}
