//! The outcome of runs as text: a table of counts, and the failure.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::disk::{CrashEffect, CrashEffects};
use crate::drive::Tally;
use crate::faults::{Cells, FaultClass};
use crate::plan::Plan;
use crate::probes::PROBES;
use crate::run::Outcome;
use crate::text::{Align, Columns, counted, grouped};
use crate::verdict::Verdict;

/// The number of last steps of a failed run that are shown.
const STEPS_SHOWN: usize = 25;

/// The label of the row with the CPU time.
const CPU_TIME: &str = "CPU-seconds";

/// The length at which a shown step is cut, in characters: a batch of hundreds of records is one
/// step.
const STEP_LEN_MAX: usize = 160;

/// The counts of all runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The plans that were run, each counted once.
    pub plan_count: u64,
    /// The plans that were run twice.
    pub twice_count: u64,
    /// The counts of the drivers.
    pub tally: Tally,
    /// The steps of the scheduler.
    pub step_count: u64,
    /// The faults that were delivered, by class.
    pub faults: BTreeMap<FaultClass, u64>,
    /// The effects of power losses on pending changes.
    pub effects: CrashEffects,
    /// The faults that were delivered, by class, job and outcome.
    pub cells: Cells,
    /// The probes that were reached, with their counts.
    pub probes: BTreeMap<&'static str, u64>,
    /// The fault rules of all plans.
    pub rule_count: u64,
    /// The fault rules that never fired.
    pub silent_rule_count: u64,
}

impl Summary {
    /// Adds the outcome of a plan.
    pub fn add(&mut self, plan: &Plan, outcome: &Outcome) {
        self.plan_count += 1;
        self.tally.operations += outcome.tally.operations;
        self.tally.recoveries += outcome.tally.recoveries;
        self.tally.crashes += outcome.tally.crashes;
        self.tally.answers += outcome.tally.answers;
        self.tally.drops += outcome.tally.drops;
        for (what, count) in &outcome.tally.done {
            *self.tally.done.entry(what).or_insert(0) += count;
        }
        self.step_count += outcome.counts.steps;
        self.rule_count += plan.faults.len() as u64;
        self.silent_rule_count += outcome.silent_rules.len() as u64;
        for (class, count) in &outcome.counts.faults {
            *self.faults.entry(*class).or_insert(0) += count;
        }
        for (effect, count) in &outcome.counts.effects {
            *self.effects.entry(*effect).or_insert(0) += count;
        }
        for (cell, count) in &outcome.cells {
            *self.cells.entry(*cell).or_insert(0) += count;
        }
        for (name, count) in &outcome.counts.probes {
            *self.probes.entry(name).or_insert(0) += count;
        }
    }

    /// Plans per second and core.
    pub fn rate(&self, elapsed: Duration, job_count: u64) -> f64 {
        let seconds = elapsed.as_secs_f64() * job_count as f64;
        self.plan_count as f64 / seconds.max(f64::MIN_POSITIVE)
    }
}

/// Failures with one signature.
#[derive(Clone, Debug)]
pub struct FailureKind {
    /// The lowest seed that failed so.
    pub seed: u64,
    /// Its failure.
    pub failure: Failure,
    /// How many seeds failed so.
    pub count: u64,
}

/// The outcome of many runs.
#[derive(Clone, Debug)]
pub struct Report {
    /// The counts of the runs.
    pub summary: Summary,
    /// The time that passed.
    pub elapsed: Duration,
    /// The CPU time of all cores.
    pub cpu_time: Duration,
    /// The number of threads.
    pub job_count: u64,
    /// The failures, one of each signature, by their seeds.
    pub failures: Vec<FailureKind>,
    /// The exit code of the signal that interrupted the runs, if one did.
    pub interrupted: Option<u8>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.headline())?;
        let rate = self.summary.rate(self.elapsed, self.job_count);
        let mut table = FigureTable::default();
        table.add("plans", grouped(self.summary.plan_count));
        table.add("of them twice", grouped(self.summary.twice_count));
        table.add("plans/s per core", format!("{rate:.1}"));
        table.add(CPU_TIME, format!("{:.2}", self.cpu_time.as_secs_f64()));
        table.add_counts(&self.summary);
        table.add_faults(&self.summary);
        table.add_probes(&self.summary);
        write!(f, "{table}")?;
        for kind in &self.failures {
            write!(f, "\nseed {}: {}", kind.seed, kind.failure)?;
            if 1 < kind.count {
                let others = counted(kind.count - 1, "other plan");
                writeln!(f, "\n{others} failed alike")?;
            }
        }
        Ok(())
    }
}

impl Report {
    /// The failure of the lowest seed, if there was one.
    pub fn first_failure(&self) -> Option<&FailureKind> {
        self.failures.first()
    }

    fn headline(&self) -> String {
        let plans = counted(self.summary.plan_count, "plan");
        let cores = counted(self.job_count, "core");
        let seconds = self.elapsed.as_secs_f64();
        let head = match (self.first_failure(), self.interrupted) {
            (Some(first), _) => format!("seed {} failed", first.seed),
            (None, Some(_)) => "interrupted, all right so far".to_string(),
            (None, None) => "all right".to_string(),
        };
        format!("{head}: {plans} in {seconds:.1} s on {cores}")
    }
}

/// The beginning of a report, as another process parses it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Headline {
    /// The seed that failed, if one did.
    pub seed: Option<u64>,
    /// The number of plans that were run.
    pub plan_count: u64,
    /// The CPU time of all cores, in seconds.
    pub cpu_seconds: f64,
}

impl Headline {
    /// Parses the beginning of a report; nothing if the text is no report.
    pub fn read(report: &str) -> Option<Headline> {
        let (line, table) = report.split_once('\n')?;
        let (head, counts) = line.split_once(": ")?;
        let seed = head.strip_prefix("seed ");
        let seed = seed.and_then(|rest| rest.strip_suffix(" failed"));
        let plans = counts.split(' ').next()?.replace(',', "");
        let row = |line: &str| {
            line.strip_prefix(CPU_TIME)
                .map(str::trim)
                .map(str::to_string)
        };
        let seconds = table.lines().find_map(row)?;
        Some(Headline {
            seed: seed.and_then(|seed| seed.parse().ok()),
            plan_count: plans.parse().ok()?,
            cpu_seconds: seconds.parse().ok()?,
        })
    }
}

/// A failed run, and how to replay it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The verdict of the run.
    pub verdict: Verdict,
    /// The recorded steps.
    pub trace: Vec<String>,
    /// The command that replays it.
    pub replay: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.verdict)?;
        let first = self.trace.len().saturating_sub(STEPS_SHOWN);
        let shown = &self.trace[first..];
        if !shown.is_empty() {
            writeln!(f, "\nits last steps")?;
        }
        for line in shown {
            let cut = line.char_indices().nth(STEP_LEN_MAX);
            match cut {
                Some((end, _)) => writeln!(f, "  {}…", &line[..end])?,
                None => writeln!(f, "  {line}")?,
            }
        }
        writeln!(f, "\nreplay it with\n  {}", self.replay)
    }
}

impl Failure {
    /// Whether the run came to an end, so that it can be replayed.
    pub fn ends(&self) -> bool {
        !self.trace.is_empty()
    }
}

/// A failing plan after it was shrunk.
#[derive(Clone, Debug)]
pub struct Smaller {
    /// The number of operations before.
    pub op_count: usize,
    /// The number of rules before.
    pub rule_count: usize,
    /// The shrunk plan.
    pub plan: Plan,
    /// The verdict of the shrunk plan.
    pub verdict: Verdict,
    /// The recorded steps of its run.
    pub trace: Vec<String>,
    /// The number of plans that were run while it was shrunk.
    pub run_count: u64,
    /// The time that it took.
    pub elapsed: Duration,
    /// The file with its capsule, if it failed again.
    pub capsule: Option<String>,
    /// The command that replays it.
    pub replay: String,
}

impl fmt::Display for Smaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ops, rules) = (self.plan.ops.len() as u64, self.plan.faults.len() as u64);
        writeln!(
            f,
            "shrunk from {} and {} to {} and {}, by {} in {:.1} s\n",
            counted(self.op_count as u64, "operation"),
            counted(self.rule_count as u64, "rule"),
            grouped(ops),
            grouped(rules),
            counted(self.run_count, "run"),
            self.elapsed.as_secs_f64(),
        )?;
        let text = self.plan.to_string();
        let streams = text
            .split_once("\nops\n")
            .map_or(text.as_str(), |(_, rest)| rest);
        writeln!(f, "{streams}")?;
        if let Some(capsule) = &self.capsule {
            writeln!(
                f,
                "its capsule is {capsule}\nsee it with\n  cargo sim explain {capsule}\n"
            )?;
        }
        let failure = Failure {
            verdict: self.verdict.clone(),
            trace: self.trace.clone(),
            replay: self.replay.clone(),
        };
        write!(f, "{failure}")
    }
}

/// The outcome of one plan.
#[derive(Clone, Debug)]
pub struct Single {
    /// The counts of the run.
    pub summary: Summary,
    /// The digest of the run.
    pub digest: u64,
    /// The rules that never fired.
    pub silent_rules: Vec<String>,
    /// The failure, if the run failed.
    pub failure: Option<Failure>,
}

impl fmt::Display for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = FigureTable::default();
        table.add("digest", format!("{:016x}", self.digest));
        table.add_counts(&self.summary);
        table.add_faults(&self.summary);
        table.add_reached(&self.summary);
        if !self.silent_rules.is_empty() {
            table.add_heading("rules that never fired");
        }
        for rule in &self.silent_rules {
            table.add(&format!("  {rule}"), String::new());
        }
        match &self.failure {
            None => write!(f, "all right\n\n{table}"),
            Some(failure) => write!(f, "{table}\n{failure}"),
        }
    }
}

/// A table with labels on the left and figures on the right.
#[derive(Default)]
struct FigureTable {
    rows: Vec<[String; 2]>,
}

impl FigureTable {
    fn add(&mut self, label: &str, figure: String) {
        self.rows.push([label.to_string(), figure]);
    }

    fn add_heading(&mut self, label: &str) {
        self.add("", String::new());
        self.add(label, String::new());
    }

    fn add_counts(&mut self, summary: &Summary) {
        let Tally {
            operations,
            recoveries,
            crashes,
            answers,
            drops,
            done,
        } = &summary.tally;
        self.add("operations", grouped(*operations));
        self.add("crashes", grouped(*crashes));
        self.add("recoveries", grouped(*recoveries));
        self.add("answers compared", grouped(*answers));
        self.add("dropped futures", grouped(*drops));
        self.add("steps", grouped(summary.step_count));
        self.add("fault rules", grouped(summary.rule_count));
        let silent = percent(summary.silent_rule_count, summary.rule_count);
        self.add("of them silent", silent);
        if !done.is_empty() {
            self.add_heading("done");
        }
        for (what, count) in done {
            self.add(&format!("  {what}"), grouped(*count));
        }
    }

    fn add_faults(&mut self, summary: &Summary) {
        self.add_heading("faults delivered");
        for class in FaultClass::SHOWN {
            let count = summary.faults.get(class).copied().unwrap_or(0);
            self.add(&format!("  {}", class.name()), grouped(count));
        }
        self.add_heading("left by power losses");
        for effect in CrashEffect::ALL {
            let count = summary.effects.get(&effect).copied().unwrap_or(0);
            self.add(&format!("  {}", effect.name()), grouped(count));
        }
    }

    fn add_reached(&mut self, summary: &Summary) {
        if !summary.probes.is_empty() {
            self.add_heading("probes reached");
        }
        for (name, count) in &summary.probes {
            self.add(&format!("  {name}"), grouped(*count));
        }
    }

    fn add_probes(&mut self, summary: &Summary) {
        self.add_reached(summary);
        let is_missed = |name: &&str| !summary.probes.contains_key(name);
        let missed: Vec<&str> = PROBES.into_iter().filter(is_missed).collect();
        if !missed.is_empty() {
            self.add_heading("probes never reached");
        }
        for name in missed {
            self.add(&format!("  {name}"), String::new());
        }
    }
}

impl fmt::Display for FigureTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_figure = |row: &&[String; 2]| !row[1].is_empty();
        let figures = self.rows.iter().filter(has_figure);
        let columns = Columns::new(&[("", Align::Left, 0), ("", Align::Right, 0)]);
        let columns = columns.fit(figures.map(|row| row.as_slice()));
        for row in &self.rows {
            write!(f, "{}", columns.row(row))?;
        }
        Ok(())
    }
}

fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "0 %".to_string(),
        whole => format!("{:.0} %", part as f64 * 100.0 / whole as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headline(failed: Option<u64>) -> Option<Headline> {
        let verdict = Verdict::law("a", "b");
        let trace = Vec::new();
        let replay = String::new();
        let failure = Failure {
            verdict,
            trace,
            replay,
        };
        let summary = Summary {
            plan_count: 12_345,
            ..Summary::default()
        };
        let report = Report {
            summary,
            elapsed: Duration::from_millis(69_000),
            cpu_time: Duration::from_millis(67_890),
            job_count: 1,
            failures: Vec::from_iter(failed.map(|seed| FailureKind {
                seed,
                failure,
                count: 1,
            })),
            interrupted: None,
        };
        Headline::read(&report.to_string())
    }

    #[test]
    fn a_headline_is_read_as_it_was_written() {
        for seed in [None, Some(17)] {
            let expected = Headline {
                seed,
                plan_count: 12_345,
                cpu_seconds: 67.89,
            };
            assert_eq!(headline(seed), Some(expected));
        }
        assert_eq!(Headline::read("error: no such file"), None);
    }
}
