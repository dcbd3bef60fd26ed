//! Compares the engine's answers with a peer's.

use std::collections::{BTreeMap, BTreeSet};

use palimpsest::base::LayerName;

use super::answer::{Answer, Layers, Question};
use super::names::{Computed, Gap, Rule, Rules, compute};
use super::recording::Recording;
use super::script::Step;
use super::stage::Played;

/// The result of a comparison, of one script or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub get_count: usize,
    pub vget_count: usize,
    /// The number of reads that differ.
    pub wrong_count: usize,
    /// The number of reads below the cutoff, whose answers are not defined.
    pub below_cutoff_count: usize,
    /// The number of lists of layers that are equal.
    pub equal_list_count: usize,
    /// The number of lists that differ by rules alone.
    pub explained_list_count: usize,
    pub unexplained_list_count: usize,
    /// What each rule makes different.
    pub rules: BTreeMap<Rule, Share>,
    /// The findings that a reader should look at, a line each.
    pub findings: Vec<String>,
}

/// How many lists and scripts a rule makes different.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub list_count: usize,
    pub script_count: usize,
}

/// The answers to one `layers`, computed with each step from the peer's rules to ours.
type Path = Vec<Result<Computed, Gap>>;

impl Tally {
    /// Compares the answers to one script. Both sides have equally many.
    pub fn of(played: &[Played], recording: &Recording) -> Tally {
        let expected = &recording.answers;
        assert!(played.len() == expected.len());
        let mut tally = Tally::default();
        let mut paths = paths(&recording.steps).into_iter();
        for (played, expected) in played.iter().zip(expected) {
            match (&played.answer, expected) {
                (Answer::Layers(ours), Answer::Layers(theirs)) => {
                    let path = paths.next().expect("each list is computed");
                    tally.add_layers(played.line, (theirs, ours), &path);
                }
                _ => tally.add_read(played, expected),
            }
        }
        for share in tally.rules.values_mut() {
            share.script_count = 1;
        }
        tally
    }

    fn add_read(&mut self, played: &Played, expected: &Answer) {
        let is_below = [&played.answer, expected].contains(&&Answer::BelowCutoff);
        if is_below && played.is_cut {
            self.below_cutoff_count += 1;
            return;
        }
        match played.question {
            Question::Vget => self.vget_count += 1,
            _ => self.get_count += 1,
        }
        if played.answer != *expected {
            self.wrong_count += 1;
            let (line, answer) = (played.line, played.answer.to_json());
            let expected = expected.to_json();
            let finding = format!("line {line}: expected {expected}, the engine says {answer}");
            self.findings.push(finding);
        }
    }

    fn add_layers(&mut self, line: usize, (theirs, ours): (&Layers, &Layers), path: &Path) {
        if theirs == ours {
            self.equal_list_count += 1;
            return;
        }
        let findings = unexplained((theirs, ours), path);
        if !findings.is_empty() {
            self.unexplained_list_count += 1;
            let findings = findings.into_iter();
            let findings = findings.map(|what| format!("line {line}: unexplained: {what}"));
            self.findings.extend(findings);
            return;
        }
        self.explained_list_count += 1;
        for (rule, pair) in Rule::ALL.into_iter().zip(path.windows(2)) {
            if pair[0] != pair[1] {
                self.rules.entry(rule).or_default().list_count += 1;
            }
        }
    }

    /// Adds the numbers of another script. Its findings are printed separately.
    pub fn add(&mut self, other: &Tally) {
        self.get_count += other.get_count;
        self.vget_count += other.vget_count;
        self.wrong_count += other.wrong_count;
        self.below_cutoff_count += other.below_cutoff_count;
        self.equal_list_count += other.equal_list_count;
        self.explained_list_count += other.explained_list_count;
        self.unexplained_list_count += other.unexplained_list_count;
        for (rule, share) in &other.rules {
            let sum = self.rules.entry(*rule).or_default();
            sum.list_count += share.list_count;
            sum.script_count += share.script_count;
        }
    }
}

/// The path of each `layers` of a script.
fn paths(steps: &[Step]) -> Vec<Path> {
    let mut paths: Vec<Path> = Vec::new();
    for rules in Rules::path() {
        let computed = compute(steps, rules);
        paths.resize(computed.len(), Path::new());
        for (path, list) in paths.iter_mut().zip(computed) {
            path.push(list);
        }
    }
    paths
}

/// What the rules do not explain of two lists that differ, each difference in a line.
fn unexplained((theirs, ours): (&Layers, &Layers), path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (name, len) in &theirs.layers {
        let our_len = ours.layers.iter().find(|(ours, _)| ours == name);
        if let Some((_, our_len)) = our_len
            && our_len != len
        {
            found.push(format!("{name}: theirs has {len} bytes, ours {our_len}"));
        }
    }
    let ends = path.first().zip(path.last());
    let (first, last) = ends.expect("a path has a first step and a last");
    match (first, last) {
        (Ok(first), Ok(last)) => {
            found.extend(deviations(("theirs", theirs), first));
            found.extend(deviations(("ours", ours), last));
        }
        (Err(gap), _) | (_, Err(gap)) => {
            let told = gap.told();
            found.push(format!("no names are computed behind {told}"));
        }
    }
    found
}

/// How a list differs from the computed one.
fn deviations((side, layers): (&str, &Layers), computed: &Computed) -> Vec<String> {
    let mut found = Vec::new();
    let lsns = [
        (
            "disk_consistent_lsn",
            layers.disk_consistent_lsn,
            computed.disk_consistent_lsn,
        ),
        ("gc_cutoff", layers.gc_cutoff, computed.gc_cutoff),
    ];
    for (what, lsn, by_rules) in lsns
        .into_iter()
        .filter(|(_, lsn, by_rules)| lsn != by_rules)
    {
        found.push(format!("{what}: {side} {lsn}, by the rules {by_rules}"));
    }
    let text = |names: &[LayerName]| -> BTreeSet<String> {
        names.iter().map(LayerName::to_string).collect()
    };
    let names: Vec<LayerName> = layers.layers.iter().map(|(name, _)| *name).collect();
    let (names, by_rules) = (text(&names), text(&computed.names));
    let more = names.difference(&by_rules);
    found.extend(more.map(|name| format!("{side} has {name}, by the rules it has not")));
    let less = by_rules.difference(&names);
    found.extend(less.map(|name| format!("{side} lacks {name}, by the rules it has it")));
    found
}
