//! CPU-seconds until a bug is found: `cargo bench -p palimpsest-sim --bench hunt`.
//!
//! It plants some 40 bugs of `sim/bugs` in one copy of the sources, each behind a switch, builds
//! the copy, and runs drawn plans there with all of them on; halves of them are turned off until it
//! is known which one makes a plan fail. A change of what is drawn, or of how fast it runs, is
//! judged by the geometric mean, with other seeds than it was made with.
//!
//! Behind `--`: `--seed N` is the seed of the first plan; `--seconds N` the CPU time; `--keep FILE`
//! copies the program there instead, so that two revisions can be run in turn: `FILE SEED SECONDS`,
//! and the names of bugs that are to stay off.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark stands outside of any run: it builds a program and runs it"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use palimpsest_sim::bugs::{BENCH_BUGS, Bug, Trouble, Worktree, merge};

/// The program in the copy, and its name.
const PROGRAM: &str = "sim/src/bin/hunt.rs";
const NAME: &str = "hunt";

const PROGRAM_TEXT: &str = "\
//! Hunts the bugs of this copy: `hunt SEED SECONDS`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    palimpsest_sim::bugs::hunt_as_program(palimpsest::switches::turn_on)
}
";

/// The value behind a word of the command line.
fn value(name: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != name).nth(1)
}

fn build(root: &Path) -> Result<std::path::PathBuf, Trouble> {
    let all = Bug::read_all(&root.join("sim/bugs"))?;
    let bugs = Bug::named(&all, &BENCH_BUGS)?;
    let mut planted = merge(root, &bugs)?;
    planted.push((PROGRAM.to_string(), PROGRAM_TEXT.to_string()));
    // What both need of other crates is built once.
    let (copy, target) = (root.join("target/hunt"), root.join("target"));
    let worktree = Worktree::with_target(root, &copy, target);
    worktree.write(&planted)?;
    worktree.compile_fast(NAME)
}

fn main() -> ExitCode {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.parent().expect("the package is in the repository");
    let program = match build(root) {
        Ok(program) => program,
        Err(trouble) => {
            eprintln!("{trouble}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(kept) = value("--keep") {
        fs::copy(&program, kept).expect("the file can be written");
        return ExitCode::SUCCESS;
    }
    let seed = value("--seed").unwrap_or("0".to_string());
    let seconds = value("--seconds").unwrap_or("60".to_string());
    let status = Command::new(program).args([seed, seconds]).status();
    match status.expect("the program was built").success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
