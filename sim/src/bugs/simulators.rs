//! The simulators that planted bugs are hunted with: one that has a switch for each bug, as far as
//! that can be, and one for each other bug.
#![expect(
    clippy::disallowed_methods,
    reason = "it keeps a program, outside of any run"
)]

use std::fs;
use std::path::{Path, PathBuf};

use super::{Bug, Trouble, Worktree, merge_apart};

/// The fewest bugs that are built together.
const TOGETHER_MIN: usize = 2;
/// From so many on their hunts take longer than a build that is as fast as a release.
const FAST_MIN: usize = 16;

/// The simulators of some bugs.
#[derive(Debug)]
pub struct Simulators {
    worktree: Worktree,
    /// The simulator with switches, and the numbers of the bugs that it has.
    switched: Option<(PathBuf, Vec<usize>)>,
}

/// A simulator that has a planted bug.
#[derive(Clone, Debug)]
pub struct Simulator {
    /// The path of the program.
    pub program: PathBuf,
    /// The number of the bug's switch; `None` if the program has this bug alone.
    pub switch: Option<usize>,
}

impl Simulators {
    /// Builds the simulator with switches, from the sources at `root` into `folder`.
    ///
    /// # Errors
    /// `Input` if it does not compile, `Machine` if files cannot be copied.
    pub fn build(root: &Path, folder: &Path, bugs: &[Bug]) -> Result<Simulators, Trouble> {
        let worktree = Worktree::new(root, folder);
        let (files, numbers) = merge_apart(root, bugs)?;
        if numbers.len() < TOGETHER_MIN {
            let switched = None;
            return Ok(Simulators { worktree, switched });
        }
        let built = match numbers.len() < FAST_MIN {
            true => worktree.build_with(&files)?,
            false => {
                worktree.write(&files)?;
                worktree.compile_fast("palimpsest-sim")?
            }
        };
        // The next build replaces the program.
        let program = folder.join("switched-simulator");
        // One that still runs cannot be written over.
        let _ = fs::remove_file(&program);
        fs::copy(&built, &program).map_err(|error| {
            let (built, program) = (built.display(), program.display());
            Trouble::Machine(format!("cannot copy {built} to {program}: {error}"))
        })?;
        let switched = Some((program, numbers));
        Ok(Simulators { worktree, switched })
    }

    /// The simulator that has `bug`, which was the one of this number.
    ///
    /// # Errors
    /// `Input` if it does not apply or does not compile, `Machine` if files cannot be copied.
    pub fn of(&self, number: usize, bug: &Bug) -> Result<Simulator, Trouble> {
        match &self.switched {
            Some((program, numbers)) if numbers.contains(&number) => Ok(Simulator {
                program: program.clone(),
                switch: Some(number),
            }),
            _ => Ok(Simulator {
                program: self.worktree.build(bug)?,
                switch: None,
            }),
        }
    }
}
