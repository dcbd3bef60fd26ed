//! The figures of a hunt for planted bugs, as JSON.
#![expect(
    clippy::disallowed_methods,
    reason = "it writes a file that the caller named, outside of any run"
)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::bugs::PlanSize;
use super::exit::CommandError;
use crate::bugs::{Bug, BugSearch, Exhausted, Findings, Shot};

/// A bug, what its hunt found, and the size of its shrunk plan.
type BugRecord<'a> = (&'a Bug, Findings, Option<PlanSize>);

/// Writes all figures to `file`.
///
/// # Errors
/// `Input` if it cannot be written.
pub(super) fn write(
    file: &Path,
    budget: Duration,
    records: &[BugRecord<'_>],
) -> Result<(), CommandError> {
    let seconds = budget.as_secs_f64();
    let bugs: Vec<String> = records.iter().map(bug).collect();
    let bugs = bugs.join(",\n");
    let text = format!("{{\"format\": 1, \"budget_s\": {seconds}, \"bugs\": [\n{bugs}\n]}}\n");
    let at = |error| CommandError::Input(format!("{}: cannot be written: {error}", file.display()));
    fs::write(file, text).map_err(at)
}

fn bug((bug, findings, size): &BugRecord<'_>) -> String {
    let (id, score) = (&bug.id, &findings.score);
    let bases: Vec<String> = score.bases.iter().map(base).collect();
    let bases = bases.join(", ");
    let median = score.median().map_or("null".to_string(), shot);
    let rates = [1.0, 10.0, 60.0].map(|at| format!("\"{at}\": {}", score.rate(at)));
    let rates = rates.join(", ");
    let exhausted = match &findings.exhausted {
        None | Some(Exhausted::Survived) => "null".to_string(),
        Some(Exhausted::Found {
            plan,
            depth,
            seconds,
        }) => format!("{{\"plan\": {plan:?}, \"depth\": {depth}, \"seconds\": {seconds:.1}}}"),
    };
    let shrunk = size.map_or("null".to_string(), |size| {
        let (ops, rules) = (size.op_count, size.rule_count);
        format!("{{\"operations\": {ops}, \"rules\": {rules}}}")
    });
    [
        format!("  {{\"id\": {id:?}"),
        format!("\"bases\": [{bases}]"),
        format!("\"median\": {median}"),
        format!("\"percent_by_s\": {{{rates}}}"),
        format!("\"exhaust\": {exhausted}"),
        format!("\"shrunk\": {shrunk}}}"),
    ]
    .join(", ")
}

fn base(search: &BugSearch) -> String {
    match search {
        BugSearch::Found(found) => shot(*found),
        BugSearch::Survived { plan_count } => {
            format!("{{\"seed\": null, \"plans\": {plan_count}}}")
        }
    }
}

fn shot(shot: Shot) -> String {
    let (seed, plans, seconds) = (shot.seed, shot.plan_count, shot.seconds);
    format!("{{\"seed\": {seed}, \"plans\": {plans}, \"seconds\": {seconds:.1}}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bugs::Score;

    #[test]
    fn a_bug_is_one_line_of_json() {
        let change = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+two\n";
        let planted = Bug::read("late", &format!("It is late.\n\n{change}")).unwrap();
        let found = BugSearch::Found(Shot {
            seed: 7,
            plan_count: 8,
            seconds: 0.25,
            ends: true,
        });
        let findings = Findings {
            score: Score {
                bases: vec![found, BugSearch::Survived { plan_count: 900 }],
            },
            exhausted: Some(Exhausted::Found {
                plan: "gc".to_string(),
                depth: 2,
                seconds: 3.0,
            }),
            shrunk: None,
        };
        let size = PlanSize {
            op_count: 5,
            rule_count: 1,
        };
        assert_eq!(
            bug(&(&planted, findings, Some(size))),
            "  {\"id\": \"late\", \"bases\": [{\"seed\": 7, \"plans\": 8, \"seconds\": 0.2}, \
             {\"seed\": null, \"plans\": 900}], \"median\": null, \
             \"percent_by_s\": {\"1\": 50, \"10\": 50, \"60\": 50}, \
             \"exhaust\": {\"plan\": \"gc\", \"depth\": 2, \"seconds\": 3.0}, \
             \"shrunk\": {\"operations\": 5, \"rules\": 1}}"
        );
    }
}
