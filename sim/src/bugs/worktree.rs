//! A copy of the sources, in which bugs are planted.
#![expect(
    clippy::disallowed_methods,
    reason = "it copies the repository and builds it, outside of any run"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Bug, Trouble};

/// The files of the repository that a build of the simulator needs.
const SOURCES: [&str; 8] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "engine",
    "fuzz",
    "rust-toolchain.toml",
    "sim",
];

/// A copy of the sources, and its build.
///
/// # Shape
/// Files are written only where they differ, so that a build compiles only what a bug has changed.
#[derive(Debug)]
pub struct Worktree {
    root: PathBuf,
    copy: PathBuf,
    target: PathBuf,
}

impl Worktree {
    /// A worktree under `folder` for the repository at `root`.
    pub fn new(root: &Path, folder: &Path) -> Worktree {
        Worktree::with_target(root, folder, folder.join("target"))
    }

    /// A worktree under `folder` that builds into `target`.
    pub fn with_target(root: &Path, folder: &Path, target: PathBuf) -> Worktree {
        Worktree {
            root: root.to_path_buf(),
            copy: folder.join("sources"),
            target,
        }
    }

    /// Plants a bug, and only this one, and builds the simulator with it. Returns the program.
    ///
    /// # Errors
    /// `Input` if it does not apply or does not compile, `Machine` if files cannot be copied.
    pub fn build(&self, bug: &Bug) -> Result<PathBuf, Trouble> {
        let built = self.build_with(&bug.apply(&self.root)?);
        built.map_err(|trouble| match trouble {
            Trouble::Input(why) => Trouble::Input(format!("bug {}: {why}", bug.id)),
            machine @ Trouble::Machine(_) => machine,
        })
    }

    /// Builds the simulator over the sources with these files in place of theirs. Returns the
    /// program.
    ///
    /// # Errors
    /// `Input` if it does not compile, `Machine` if files cannot be copied.
    pub fn build_with(&self, planted: &[(String, String)]) -> Result<PathBuf, Trouble> {
        let is_source = |path: &str| SOURCES.iter().any(|source| path.starts_with(source));
        if let Some((path, _)) = planted.iter().find(|(path, _)| !is_source(path)) {
            let why = format!("{path} is no source of the simulator or the engine");
            return Err(Trouble::Input(why));
        }
        self.write(planted)?;
        // By default most of the build would go to debug information and to code that the bug does
        // not change. Without optimisation across units a build takes a fifth of the time, and the
        // simulator runs at two thirds of the speed.
        let profile = [
            ("CARGO_INCREMENTAL", "1"),
            ("CARGO_PROFILE_RELEASE_LTO", "off"),
            ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
        ];
        self.compile("palimpsest-sim", &profile)
    }

    /// Makes the copy equal to the sources, but for the files that are planted.
    ///
    /// # Errors
    /// `Machine` if files cannot be copied.
    pub fn write(&self, planted: &[(String, String)]) -> Result<(), Trouble> {
        let failed = |error: io::Error| self.cannot_copy(&error);
        let planted = planted.iter().map(|(path, text)| (Path::new(path), text));
        let planted: BTreeMap<&Path, &String> = planted.collect();
        let mut wanted = self.sources()?;
        wanted.extend(planted.keys().map(|path| path.to_path_buf()));
        let mut present = BTreeSet::new();
        if self.copy.is_dir() {
            files_under(&self.copy, Path::new(""), &mut present).map_err(failed)?;
        }
        for gone in present.difference(&wanted) {
            fs::remove_file(self.copy.join(gone)).map_err(failed)?;
        }
        for path in &wanted {
            let bytes = match planted.get(path.as_path()) {
                Some(text) => text.as_bytes().to_vec(),
                None => fs::read(self.root.join(path)).map_err(failed)?,
            };
            write_if_other(&self.copy.join(path), &bytes).map_err(failed)?;
        }
        Ok(())
    }

    /// Builds a program of the copy's simulator as a release is built.
    ///
    /// # Errors
    /// `Input` if it does not compile.
    pub fn compile_fast(&self, program: &str) -> Result<PathBuf, Trouble> {
        self.compile(program, &[])
    }

    fn compile(&self, program: &str, profile: &[(&str, &str)]) -> Result<PathBuf, Trouble> {
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let mut command = Command::new(&cargo);
        command.current_dir(&self.copy).arg("build");
        command.args(["--release", "--offline", "--quiet", "-p", "palimpsest-sim"]);
        command.args(["--bin", program]);
        command.arg("--target-dir").arg(&self.target);
        command.envs(profile.iter().copied());
        let built = command.output().map_err(|error| {
            Trouble::Machine(format!("cannot start {}: {error}", cargo.to_string_lossy()))
        })?;
        if !built.status.success() {
            let said = String::from_utf8_lossy(&built.stderr);
            return Err(Trouble::Input(format!("it does not build:\n{said}")));
        }
        Ok(self.target.join("release").join(program))
    }

    fn sources(&self) -> Result<BTreeSet<PathBuf>, Trouble> {
        let mut sources = BTreeSet::new();
        for source in SOURCES {
            let found = files_under(&self.root, Path::new(source), &mut sources);
            found.map_err(|error| self.cannot_copy(&error))?;
        }
        Ok(sources)
    }

    fn cannot_copy(&self, error: &io::Error) -> Trouble {
        let (root, copy) = (self.root.display(), self.copy.display());
        let remedy = "see that both can be read and written, or name another --worktree";
        Trouble::Machine(format!("cannot copy {root} to {copy}: {error}; {remedy}"))
    }
}

/// Collects all files at or under `path`, relative to `root`.
fn files_under(root: &Path, path: &Path, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let whole = root.join(path);
    if !whole.is_dir() {
        found.insert(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(whole)? {
        let name = entry?.file_name();
        // Builds of the fuzz targets may be there.
        if name != "target" {
            files_under(root, &path.join(name), found)?;
        }
    }
    Ok(())
}

fn write_if_other(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}
