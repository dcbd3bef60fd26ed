//! What many drawn plans together must contain: a drawing that loses a feature loses the bugs it
//! finds.

use palimpsest::io::Job;

use crate::faults::{Address, Rule};
use crate::plan::{How, Maintenance, Plan, PlanOp};

/// The number of plans that are drawn.
const PLAN_COUNT: u64 = 5000;

/// A plan and the texts of its operations, without how they are started.
struct Drawn {
    plan: Plan,
    texts: Vec<String>,
}

/// A feature that a plan may have, how many of the plans have it at least, and the test for it.
type Trait = (&'static str, usize, fn(&Drawn) -> bool);

const TRAITS: [Trait; 36] = [
    ("a compaction by need", 600, |drawn| drawn.has("compact a")),
    ("a forced compaction", 600, |drawn| {
        drawn.has("compact a forced")
    }),
    ("a compaction beside", 400, |drawn| {
        drawn.has_beside("compact")
    }),
    ("a dropped compaction", 150, |drawn| {
        drawn.has_dropped("compact")
    }),
    ("two compactions at once", 200, |drawn| {
        drawn.has_pair("compact", "compact")
    }),
    ("a compaction of a branch", 100, |drawn| {
        drawn.has("compact b forced")
    }),
    ("images by need", 300, |drawn| drawn.has("images a")),
    ("forced images", 600, |drawn| drawn.has("images a forced")),
    ("images beside", 350, |drawn| drawn.has_beside("images")),
    ("dropped images", 150, |drawn| drawn.has_dropped("images")),
    ("images beside a compaction", 150, |drawn| {
        drawn.has_pair("images", "compact")
    }),
    ("images of a branch", 150, |drawn| {
        drawn.has("images b forced")
    }),
    ("images before what is compacted", 180, |drawn| {
        drawn.has_row(&["images", "put", "flush", "compact"])
    }),
    ("a declaration", 100, |drawn| drawn.has_verb("declare")),
    ("a collection", 400, |drawn| drawn.has("gc a")),
    ("a collection of a branch", 150, |drawn| drawn.has("gc b")),
    ("a collection beside", 400, |drawn| drawn.has_beside("gc")),
    ("a dropped collection", 130, |drawn| drawn.has_dropped("gc")),
    ("a scan beside a collection", 250, |drawn| {
        drawn.has_pair("scan", "gc")
    }),
    ("a read beside a collection", 250, |drawn| {
        drawn.has_pair("get", "gc")
    }),
    ("several values beside a collection", 200, |drawn| {
        drawn.has_pair("get-many", "gc")
    }),
    ("a collection and a crash", 180, |drawn| {
        drawn.has_row(&["gc", "crash"])
    }),
    ("a collection that leaves a gap", 130, |drawn| {
        drawn.has_row(&["branch", "put", "flush", "images", "gc", "put", "flush"])
    }),
    ("a branch", 250, |drawn| drawn.has_verb("branch")),
    ("a branch of a branch", 130, |drawn| {
        drawn.has_branch("c", "b")
    }),
    ("a branch on the third floor", 110, |drawn| {
        drawn.has_branch("d", "c")
    }),
    ("a branch at an older LSN", 100, |drawn| {
        drawn.has_old("branch")
    }),
    ("a branch beside", 80, |drawn| drawn.has_beside("branch")),
    ("a dropped restart", 60, |drawn| {
        drawn.has_dropped("restart")
    }),
    ("a dropped branch", 30, |drawn| drawn.has_dropped("branch")),
    ("a branch beside a collection", 80, |drawn| {
        drawn.has_pair("gc", "branch")
    }),
    ("an ancestor's deletion", 30, Drawn::deletes_ancestor),
    ("an older value", 1000, |drawn| drawn.has_old("get")),
    ("several older values", 700, |drawn| {
        drawn.has_old("get-many")
    }),
    ("all older values", 1000, |drawn| drawn.has_old("scan")),
    ("housekeeping", 400, |drawn| {
        drawn.plan.knobs.maintenance != Maintenance::Off
    }),
];

/// The least number of rules that mean a job, in all these plans.
const RULES: [(Job, usize); 7] = [
    (Job::Flush, 600),
    (Job::Read, 100),
    (Job::Compact, 500),
    (Job::Image, 500),
    (Job::Gc, 250),
    (Job::Branch, 120),
    (Job::Drop, 80),
];

impl Drawn {
    fn new(seed: u64) -> Drawn {
        let plan = Plan::draw(seed);
        let texts = plan.ops.iter().map(|line| line.op.to_string()).collect();
        Drawn { plan, texts }
    }

    /// How each operation is started, and its text.
    fn lines(&self) -> impl Iterator<Item = (How, &String)> {
        self.plan.ops.iter().map(|line| line.how).zip(&self.texts)
    }

    fn has(&self, text: &str) -> bool {
        self.texts.iter().any(|found| found == text)
    }

    fn has_verb(&self, verb: &str) -> bool {
        self.texts.iter().any(|text| is_verb(text, verb))
    }

    fn has_branch(&self, branch: &str, ancestor: &str) -> bool {
        let start = format!("branch {branch} {ancestor} ");
        self.texts.iter().any(|text| text.starts_with(&start))
    }

    fn has_beside(&self, verb: &str) -> bool {
        self.lines()
            .any(|(how, text)| how == How::Beside && is_verb(text, verb))
    }

    fn has_dropped(&self, verb: &str) -> bool {
        self.lines()
            .any(|(how, text)| matches!(how, How::DropAt(_)) && is_verb(text, verb))
    }

    /// Whether an operation with this verb reads below the last record's LSN.
    fn has_old(&self, verb: &str) -> bool {
        let mut texts = self.texts.iter();
        texts.any(|text| is_verb(text, verb) && text.contains(" -"))
    }

    /// Whether the second is started while one of the first may still run.
    fn has_pair(&self, first: &str, second: &str) -> bool {
        let mut is_running = false;
        for (how, text) in self.lines() {
            if is_running && is_verb(text, second) {
                return true;
            }
            is_running |= how == How::Beside && is_verb(text, first);
            is_running &= !["join", "restart", "crash"]
                .iter()
                .any(|end| is_verb(text, end));
        }
        false
    }

    /// Whether such operations follow each other directly.
    fn has_row(&self, verbs: &[&str]) -> bool {
        let mut rows = self.texts.windows(verbs.len());
        rows.any(|row| {
            let mut pairs = row.iter().zip(verbs);
            pairs.all(|(text, verb)| is_verb(text, verb))
        })
    }

    /// Whether a timeline is deleted that has a branch.
    fn deletes_ancestor(&self) -> bool {
        let mut branches = Vec::new();
        for line in &self.plan.ops {
            match line.op {
                PlanOp::Branch {
                    timeline, ancestor, ..
                } => branches.push((timeline, ancestor)),
                PlanOp::Delete { timeline, .. } => {
                    branches.retain(|(branch, _)| *branch != timeline);
                    if branches.iter().any(|(_, ancestor)| *ancestor == timeline) {
                        return true;
                    }
                }
                _ => {}
            }
        }
        false
    }
}

/// Whether an operation starts with this word.
fn is_verb(text: &str, verb: &str) -> bool {
    text.split(' ').next() == Some(verb)
}

fn means(rule: &Rule, wanted: Job) -> bool {
    matches!(rule.address, Address::Call { job, .. } if job.kind == Some(wanted))
}

#[test]
fn rare_features_are_drawn_often_enough() {
    let plans: Vec<Drawn> = (0..PLAN_COUNT).map(Drawn::new).collect();
    for (name, least, has_it) in TRAITS {
        let count = plans.iter().filter(|drawn| has_it(drawn)).count();
        assert!(least <= count, "{name}: in {count} plans");
    }
    let rules = || plans.iter().flat_map(|drawn| &drawn.plan.faults);
    for (job, least) in RULES {
        let count = rules().filter(|rule| means(rule, job)).count();
        assert!(least <= count, "{job:?}: in {count} rules");
    }
}
