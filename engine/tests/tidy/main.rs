//! The measures of the house, kept by a test: sizes, floors, doors, words and names.
//!
//! A limit is tightened freely and loosened with a reason, which then stands beside it. All that is
//! out of measure is reported at once, as `path:line: what it is, what it may be`.
#![expect(
    clippy::disallowed_methods,
    reason = "the repository is read from outside of any run"
)]

mod circle;
mod floor;
mod glossary;
mod nesting;
mod operators;
mod outline;
mod size;
mod source;
mod thread;
mod token;
mod tree;
mod word;

use source::{Finding, Source};

/// The longest function, in lines from `fn` to the closing brace: one that does not fit a screen is
/// hard to keep in mind.
const FUNCTION_LINES_MAX: usize = 70;

/// Deeper than this, a reader holds more conditions in mind than the line at hand has words.
///
/// The body of a function is level 1. A level is a place where control may go: a branch, a match, a
/// loop, a closure, a block. No level is what only writes a value or a shape down, a struct's
/// literal or pattern; nor an `async` block, which is how a function is spelled; nor the braces of
/// an arm, which rustfmt adds when a line grows too long.
const BLOCK_LEVELS_MAX: usize = 4;

/// More than four things side by side want a name of their own.
const ARGUMENTS_MAX: usize = 4;

/// The arguments that do not count: the I/O and the label of the caller go everywhere.
const CONTEXT: [&str; 4] = ["io", "op", "_io", "_op"];

/// A file of this length has a seam. If it has none, give the reason in [`SEAMLESS`]. Tests are not
/// counted.
const FILE_LINES_SEAM: usize = 600;

/// No reason is good enough beyond this, for a file of tests neither.
const FILE_LINES_MAX: usize = 1000;

/// The files over [`FILE_LINES_SEAM`] that are one thought all the same, and why.
const SEAMLESS: [(&str, &str); 0] = [];

/// Longer tests hide the code that they stand under: they move to `tests.rs` beside it.
const INLINE_TESTS_LINES_MAX: usize = 150;

/// Two files stand side by side on a screen.
const LINE_COLUMNS_MAX: usize = 100;

/// A package's sources whose rooms stand on floors.
struct House {
    /// The path of the sources.
    path: &'static str,
    /// Its rooms, floor by floor from the ground up.
    floors: &'static [&'static [&'static str]],
    /// The files above all floors, which may name every room.
    roof: &'static [&'static str],
}

const HOUSES: [House; 3] = [
    House {
        path: "engine/src/",
        floors: &[
            &["base", "sync"],
            &["io"],
            &["format"],
            &["layer", "store"],
            &["timeline"],
        ],
        roof: &["", "engine", "split", "observe"],
    },
    House {
        path: "engine/tool/src/",
        floors: &[
            &[
                "bytes", "clock", "fault", "form", "map", "progress", "waldump",
            ],
            &["exit", "layer"],
            &["index_file", "place"],
            &["session"],
            &[
                "draw", "dump", "ingest", "jobs", "play", "rewrite", "stat", "verify",
            ],
            &["import"],
            &["cli"],
        ],
        roof: &["", "main"],
    },
    House {
        path: "sim/src/",
        floors: &[
            &[
                "text", "threads", "verdict", "dice", "panics", "paths", "probes",
            ],
            &["label"],
            &["faults", "model"],
            &["plan", "disk", "crashes"],
            &["keys", "oracle"],
            &["laws", "world"],
            &["witness", "judge"],
            &["checkers"],
            &["drive"],
            &["run"],
            &["report", "divergence", "exhaust", "diff", "life", "fuzzing"],
            &["meta", "matrix", "explain", "shrink", "bugs"],
            &["capsule", "weakness"],
            &["syncs", "weaken"],
            &["cli"],
        ],
        roof: &["", "main"],
    },
];

/// The files that name what stands above them all the same, and why.
const LOOKS_UP: [(&str, &str); 1] = [(
    "sim/src/plan/draw/tests/sites.rs",
    "it holds the places that faults are drawn for against the calls of runs",
)];

/// The highest number of files that name each other in a circle: they have to be read together.
const CIRCLE_FILES_MAX: usize = 3;

/// The entries of the repository's root: the packages, their snapshots, and the files of tools.
const TOP: [&str; 17] = [
    ".ci",
    ".cargo",
    ".clusterfuzzlite",
    ".github",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "engine",
    "fuzz",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "sim",
    "snapshots",
];

/// Every check of one file's text.
fn check(source: &Source) -> Vec<Finding> {
    let mut findings = size::check(source);
    findings.extend(floor::check(source));
    findings.extend(word::check(source));
    findings.extend(glossary::check(source));
    findings.extend(thread::check(source));
    findings.sort();
    findings
}

#[test]
fn the_repository_is_tidy() {
    let root = source::root();
    let files = source::files(&root);
    let mut findings = tree::check_names(&files);
    findings.extend(tree::check_top(&source::top(&root)));
    let mut paths = Vec::new();
    let mut texts = Vec::new();
    for path in files.iter().filter(|path| path.ends_with(".rs")) {
        let text = std::fs::read_to_string(root.join(path)).unwrap();
        findings.extend(check(&Source::new(path, &text)));
        paths.push(path.as_str());
        texts.push((path.as_str(), text));
    }
    findings.extend(circle::check(&texts));
    assert!(paths.contains(&"engine/src/lib.rs"));
    assert!(paths.contains(&"engine/tests/tidy/main.rs"));
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(lines.is_empty(), "untidy:\n{}", lines.join("\n"));
}

/// The README's example is the one that `.ci/run` runs and the crate's documentation shows.
#[test]
fn the_readme_shows_the_quickstart() {
    let read = |path| std::fs::read_to_string(source::root().join(path)).unwrap();
    let block = format!("```rust\n{}```\n", read("engine/examples/quickstart.rs"));
    assert!(read("README.md").contains(&block));
}

/// The findings of all checks in `text`, one a line. Every test of a check uses this, so each also
/// shows that no other check reports.
#[cfg(test)]
fn report(path: &str, text: &str) -> String {
    let findings = check(&Source::new(path, text));
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    lines.join("\n")
}
