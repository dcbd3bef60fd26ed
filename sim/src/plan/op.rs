//! What can be asked of an operation.

use std::time::Duration;

use super::{Jump, PlanOp};
use crate::label::Letter;

impl PlanOp {
    /// The timeline that it is about, if it is about one.
    pub fn timeline(&self) -> Option<Letter> {
        match *self {
            PlanOp::Create { timeline, .. }
            | PlanOp::Branch { timeline, .. }
            | PlanOp::Delete { timeline }
            | PlanOp::Put { timeline, .. }
            | PlanOp::Freeze { timeline }
            | PlanOp::Flush { timeline }
            | PlanOp::Get { timeline, .. }
            | PlanOp::GetMany { timeline, .. }
            | PlanOp::Scan { timeline, .. }
            | PlanOp::Compact { timeline, .. }
            | PlanOp::Images { timeline, .. }
            | PlanOp::Gc { timeline }
            | PlanOp::Declare { timeline, .. }
            | PlanOp::Shutdown { timeline, .. } => Some(timeline),
            PlanOp::Join
            | PlanOp::Wait { .. }
            | PlanOp::Clock(_)
            | PlanOp::LetGo
            | PlanOp::Restart
            | PlanOp::Crash(_) => None,
        }
    }
}

impl Jump {
    /// In nanoseconds; a plan's are far from the end of the numbers.
    pub fn nanos(self) -> i64 {
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        match self {
            Jump::Forward(duration) => nanos(duration),
            Jump::Back(duration) => -nanos(duration),
        }
    }
}
