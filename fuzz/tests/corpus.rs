//! Every plan in the corpus passes, on any machine, without libFuzzer.
#![expect(
    clippy::disallowed_methods,
    reason = "the corpus is read from outside of any run"
)]

use std::fs;
use std::path::{Path, PathBuf};

use palimpsest_sim::fuzzing::check_plan;

/// The smallest corpus that still reaches every verb of a plan.
const FILE_COUNT_MIN: usize = 20;

/// The smallest file, in bytes: a shorter one decodes to a plan that does next to nothing.
const FILE_LEN_MIN: usize = 200;

#[test]
fn every_plan_of_the_corpus_passes() {
    let paths = kept(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/plan"));
    assert!(FILE_COUNT_MIN <= paths.len(), "{} files", paths.len());
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        println!("{}: {} bytes", path.display(), bytes.len()); // Shown if the test fails.
        assert!(FILE_LEN_MIN <= bytes.len());
        check_plan(&bytes);
    }
}

#[test]
fn a_name_of_libfuzzers_own_is_not_kept() {
    assert!(!is_kept(Path::new(
        "corpus/plan/da39a3ee5e6b4b0d3255bfef95601890afd80709"
    )));
    assert!(is_kept(Path::new("corpus/plan/branch-of-branch")));
}

/// The corpus files that are kept in the repository, sorted by name.
fn kept(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| is_kept(path));
    paths.sort();
    paths
}

/// Whether a file was named by hand. During a campaign libFuzzer adds files of its own beside
/// these, named by their SHA-1; what one machine finds does not become a test.
fn is_kept(path: &Path) -> bool {
    let name = path
        .file_name()
        .expect("an entry of a directory has a name")
        .to_string_lossy();
    name.len() != 40 || !name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
