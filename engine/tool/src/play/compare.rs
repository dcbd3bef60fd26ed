//! Compares the engine's answers with a peer's.

use std::collections::BTreeMap;

use super::answer::{Answer, Question};
use super::explain::{Difference, Reason, explain};
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
    /// The number of lists of layers after a `cutoff`, which removes layers here and not in the
    /// peer.
    pub cut_list_count: usize,
    /// The number of lists with equal layers.
    pub equal_list_count: usize,
    pub explained_list_count: usize,
    pub unexplained_list_count: usize,
    /// The number of differences and of lists, for each reason.
    pub reasons: BTreeMap<Reason, Share>,
    /// The findings that a reader should look at, a line each.
    pub findings: Vec<String>,
}

/// How often a reason applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub difference_count: usize,
    pub list_count: usize,
}

impl Tally {
    /// Compares the answers to one script. Both sides have equally many.
    pub fn of(played: &[Played], expected: &[Answer]) -> Tally {
        assert!(played.len() == expected.len());
        let mut tally = Tally::default();
        for (played, expected) in played.iter().zip(expected) {
            match played.question {
                Question::Layers => tally.add_layers(played, expected),
                Question::Get | Question::Vget => tally.add_read(played, expected),
            }
        }
        tally
    }

    fn add_read(&mut self, played: &Played, expected: &Answer) {
        let is_below = [&played.answer, expected].contains(&&Answer::BelowCutoff);
        if is_below && played.scene.is_cut {
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

    fn add_layers(&mut self, played: &Played, expected: &Answer) {
        let (Answer::Layers(ours), Answer::Layers(theirs)) = (&played.answer, expected) else {
            unreachable!("the question determines the kind of answer");
        };
        if played.scene.is_cut {
            self.cut_list_count += 1;
            return;
        }
        let differences = explain(theirs, ours, &played.scene);
        let is_of_layers = |it: &Difference| it.reason != Some(Reason::FirstCutoff);
        let has_layers = differences.iter().any(is_of_layers);
        let unexplained = differences.iter().filter(|it| it.reason.is_none());
        let unexplained: Vec<String> = unexplained
            .map(|difference| format!("line {}: unexplained: {}", played.line, difference.what))
            .collect();
        match (has_layers, unexplained.is_empty()) {
            (false, _) => self.equal_list_count += 1,
            (true, true) => self.explained_list_count += 1,
            (true, false) => self.unexplained_list_count += 1,
        }
        self.findings.extend(unexplained);
        let mut counts: BTreeMap<Reason, usize> = BTreeMap::new();
        for reason in differences.iter().filter_map(|it| it.reason) {
            *counts.entry(reason).or_default() += 1;
        }
        for (reason, difference_count) in counts {
            let list_count = 1;
            self.add_share(
                reason,
                Share {
                    difference_count,
                    list_count,
                },
            );
        }
    }

    fn add_share(&mut self, reason: Reason, share: Share) {
        let sum = self.reasons.entry(reason).or_default();
        sum.difference_count += share.difference_count;
        sum.list_count += share.list_count;
    }

    /// Adds the numbers of another script. Its findings are printed separately.
    pub fn add(&mut self, other: &Tally) {
        self.get_count += other.get_count;
        self.vget_count += other.vget_count;
        self.wrong_count += other.wrong_count;
        self.below_cutoff_count += other.below_cutoff_count;
        self.cut_list_count += other.cut_list_count;
        self.equal_list_count += other.equal_list_count;
        self.explained_list_count += other.explained_list_count;
        self.unexplained_list_count += other.unexplained_list_count;
        for (reason, share) in &other.reasons {
            self.add_share(*reason, *share);
        }
    }
}
