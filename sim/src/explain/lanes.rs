//! One lane for each task; each row has a dot on the lane of the task that made the call.

use super::{CallView, TaskView};

/// The largest number of lanes; the last one is shared by all other tasks.
const LANES_MAX: usize = 10;

/// The distance between lanes, as in the style sheet, and the smallest height of a row.
const STEP: usize = 12;
const HEIGHT: usize = 26;

/// The tasks that made calls, each with its lane.
pub struct Lanes<'a> {
    names: &'a [TaskView],
    tasks: Vec<(u32, u32)>,
}

impl<'a> Lanes<'a> {
    /// The lanes for these calls.
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

    /// The task that made a call; the drivers of all lives share one lane.
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

    /// The picture of the lanes in one row.
    pub fn svg(&self, call: &CallView) -> String {
        let width = self.count() * STEP;
        let mut svg = format!(
            "<svg class=\"lanes\" viewBox=\"0 0 {width} {HEIGHT}\" width=\"{width}\" \
             aria-hidden=\"true\">"
        );
        // The middle of the line that the style sheet draws, which is one unit wide.
        let x = (self.lane(call) * STEP + STEP / 2) as f64 - 0.5;
        let y = HEIGHT / 2;
        svg.push_str(&format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"4\"/></svg>"));
        svg
    }

    /// The name of the task that made a call.
    pub fn name(&self, call: &CallView) -> String {
        let is_it = |task: &&TaskView| (task.life, task.task) == (call.life, call.task);
        let found = self.names.iter().find(is_it);
        found.map_or(format!("t{}", call.task), |task| task.name.clone())
    }
}
