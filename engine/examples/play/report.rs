//! The report of comparisons.

use std::fmt::Write;
use std::process::ExitCode;

use crate::compare::Tally;
use crate::explain::Reason;

/// The verdict of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    AllRight,
    WrongAnswer,
}

impl Verdict {
    pub fn code(self) -> ExitCode {
        match self {
            Verdict::AllRight => ExitCode::SUCCESS,
            Verdict::WrongAnswer => ExitCode::from(2),
        }
    }
}

/// The report of a run over recordings, as it grows.
#[derive(Default)]
pub struct Report {
    text: String,
    sum: Tally,
    played_count: usize,
}

impl Report {
    /// Adds a script that was played.
    pub fn add(&mut self, seed: u64, tally: &Tally) {
        self.played_count += 1;
        self.sum.add(tally);
        let verdict = match tally.wrong_count {
            0 => "agree".to_owned(),
            count => format!("DIFFER, {count} of them"),
        };
        let (gets, vgets) = (tally.get_count, tally.vget_count);
        let lists = lists(tally);
        self.print(format!(
            "script {seed}: {gets} gets and {vgets} vgets {verdict}; {lists}"
        ));
        for finding in &tally.findings {
            self.print(format!("  {finding}"));
        }
    }

    fn print(&mut self, line: String) {
        writeln!(self.text, "{line}").expect("a text takes all lines");
    }

    pub fn finish(mut self) -> (String, Verdict) {
        let sum = std::mem::take(&mut self.sum);
        let played = self.played_count;
        for (reason, share) in &sum.reasons {
            let (differences, lists) = (share.difference_count, share.list_count);
            let (name, told) = (reason.name(), reason.told());
            self.print(format!("{name}: {differences} in {lists} lists: {told}"));
        }
        if 0 < sum.below_cutoff_count {
            let count = sum.below_cutoff_count;
            self.print(format!("not compared: {count} reads below a cutoff"));
        }
        if 0 < sum.cut_list_count {
            let count = sum.cut_list_count;
            self.print(format!("not compared: {count} layer lists after a cutoff"));
        }
        let (gets, vgets, wrong) = (sum.get_count, sum.vget_count, sum.wrong_count);
        let lists = lists(&sum);
        self.print(format!(
            "{played} scripts played; {gets} gets and {vgets} vgets compared, {wrong} differ; \
             {lists}"
        ));
        let verdict = match wrong {
            0 => Verdict::AllRight,
            _ => Verdict::WrongAnswer,
        };
        (self.text, verdict)
    }
}

fn lists(tally: &Tally) -> String {
    let (equal, explained) = (tally.equal_list_count, tally.explained_list_count);
    let unexplained = tally.unexplained_list_count;
    format!("layer lists: {equal} equal, {explained} explained, {unexplained} unexplained")
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Reason::FirstKeys => "first keys",
            Reason::FirstCutoff => "first cutoff",
            Reason::Images => "images",
            Reason::DeltaCuts => "delta cuts",
        }
    }

    fn told(self) -> &'static str {
        match self {
            Reason::FirstKeys => "theirs images the seven keys of a new timeline, ours has none",
            Reason::FirstCutoff => "a new timeline's cutoff is where it was opened, ours is 0",
            Reason::Images => "ours stands one LSN lower, and is cut by another rule",
            Reason::DeltaCuts => "ours is cut by layer_len_target, theirs by checkpoint_distance",
        }
    }
}
