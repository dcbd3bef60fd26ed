//! Finds where two runs of one plan diverge: the first event that differs, and the events before
//! it.
//!
//! Each run keeps a tree of digests, in which the event is found without keeping all events. Two
//! more runs then record the events around it. A run that is not deterministic may diverge
//! elsewhere each time; then the search is repeated, a few times.

use crate::plan::Plan;
use crate::run::{Outcome, run};
use crate::verdict::Verdict;
use crate::world::{EVENTS_AROUND, Keep};

/// The largest number of attempts to record the events around the divergence.
const ATTEMPTS: u32 = 6;

/// The first event in which two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The event's index, from 0.
    pub index: u64,
    /// The event in the first run, and in the second.
    pub events: [String; 2],
    /// The recorded events before it, which both runs have.
    pub before: Vec<String>,
}

/// Makes two runs of one plan, and compares them: the first outcome, or that the runs differ.
pub fn compared(make: impl Fn(Keep) -> [Outcome; 2]) -> Outcome {
    let [first, second] = make(Keep::Tail);
    let divergence = first.digests.divergence(&second.digests);
    let Some(divergence) = divergence else {
        if first.verdict == second.verdict {
            return first;
        }
        let at = "no event, but the verdicts differ".to_string();
        return diverged([first, second], at, Vec::new());
    };
    let (at, trace) = match locate(&make, divergence.start) {
        Some(divergence) => (divergence.to_string(), divergence.lines()),
        None => {
            let index = divergence.start;
            let at = format!("event {index}; further runs did not differ there again");
            (at.clone(), vec![at])
        }
    };
    diverged([first, second], at, trace)
}

/// Runs a plan twice, and checks that both runs are equal.
pub fn run_twice(plan: &Plan) -> Outcome {
    compared(|keep| [run(plan, keep), run(plan, keep)])
}

fn diverged([first, second]: [Outcome; 2], at: String, trace: Vec<String>) -> Outcome {
    let verdict = Verdict::Diverged {
        first: first.digest,
        second: second.digest,
        at,
    };
    Outcome {
        verdict: Some(verdict),
        trace,
        ..second
    }
}

/// Repeats two runs until they diverge among the events that are recorded.
fn locate(make: &impl Fn(Keep) -> [Outcome; 2], index: u64) -> Option<Divergence> {
    let mut index = index;
    for _ in 0..ATTEMPTS {
        let [first, second] = make(Keep::Around(index));
        let Some(found) = first.digests.divergence(&second.digests) else {
            continue;
        };
        let start = index.saturating_sub(EVENTS_AROUND);
        if let Some(divergence) = Divergence::of([&first.trace, &second.trace], start) {
            return Some(divergence);
        }
        index = found.start;
    }
    None
}

impl Divergence {
    /// Compares two lists of events that start at index `start`; nothing if they are equal.
    pub fn of([first, second]: [&[String]; 2], start: u64) -> Option<Divergence> {
        let pairs = first.iter().zip(second);
        let same = pairs.take_while(|(left, right)| left == right).count();
        let at = |events: &[String]| match events.get(same) {
            Some(event) => event.trim().to_string(),
            None => "its end".to_string(),
        };
        let events = [at(first), at(second)];
        (events[0] != events[1]).then(|| Divergence {
            index: start + same as u64,
            events,
            before: first[..same].to_vec(),
        })
    }

    /// The events before the divergence, then the event of each run.
    pub fn lines(&self) -> Vec<String> {
        let [first, second] = &self.events;
        let last = [format!("first:  {first}"), format!("second: {second}")];
        self.before.iter().cloned().chain(last).collect()
    }
}

impl std::fmt::Display for Divergence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [first, second] = &self.events;
        write!(f, "event {}: `{first}`, or `{second}`", self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(first: &[&str], second: &[&str]) -> Option<String> {
        let owned = |events: &[&str]| Vec::from_iter(events.iter().map(ToString::to_string));
        let (first, second) = (owned(first), owned(second));
        Some(Divergence::of([&first, &second], 7)?.to_string())
    }

    #[test]
    fn two_runs_part_at_the_first_event_that_differs() {
        let found = |text: &str| Some(text.to_string());
        let events = parted(&["a", "b", "c"], &["a", "x", "c"]);
        assert_eq!(events, found("event 8: `b`, or `x`"));
        let end = parted(&["a"], &["a", "b"]);
        assert_eq!(end, found("event 8: `its end`, or `b`"));
        assert_eq!(parted(&["a"], &["a"]), None);
    }
}
