//! The checked sources: the files of the repository, and one file with its tokens and items.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::outline::{self, Item};
use crate::token::{self, Kind, Token};

/// The packages whose files are checked.
const PACKAGES: [&str; 3] = ["engine", "fuzz", "sim"];

/// Directories that tools leave in a checkout, and that are never committed.
const LEFT_BY_TOOLS: [&str; 5] = [".git", "target", "artifacts", "coverage", "sim-failures"];

/// Something out of measure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    /// A finding about a file as a whole.
    pub fn new(path: &str, what: &str) -> Finding {
        Finding {
            path: path.to_string(),
            line: 1,
            what: what.to_string(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// A file of Rust.
pub struct Source<'a> {
    /// The path from the repository's root, with slashes.
    pub path: &'a str,
    pub text: &'a str,
    /// The tokens but comments.
    pub code: Vec<Token<'a>>,
    pub comments: Vec<Token<'a>>,
    pub items: Vec<Item<'a>>,
}

impl<'a> Source<'a> {
    pub fn new(path: &'a str, text: &'a str) -> Source<'a> {
        let is_comment = |token: &Token| token.kind == Kind::Comment;
        let (comments, code): (Vec<_>, Vec<_>) =
            token::tokens(text).into_iter().partition(is_comment);
        let items = outline::items(&code);
        Source {
            path,
            text,
            code,
            comments,
            items,
        }
    }

    pub fn finding(&self, line: usize, what: String) -> Finding {
        Finding {
            path: self.path.to_string(),
            line,
            what,
        }
    }

    /// The functions, wherever they stand.
    pub fn functions(&self) -> impl Iterator<Item = &Item<'a>> {
        self.items.iter().filter(|item| item.keyword == "fn")
    }

    /// The items around the token at `index`, the outermost first.
    pub fn around(&self, index: usize) -> impl Iterator<Item = &Item<'a>> {
        self.items.iter().filter(move |item| item.holds(index))
    }

    /// Whether the whole file is compiled for tests only.
    pub fn is_tests(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

/// The repository's root.
pub fn root() -> PathBuf {
    let engine = Path::new(env!("CARGO_MANIFEST_DIR"));
    engine
        .parent()
        .expect("the engine is a member of a workspace")
        .to_path_buf()
}

/// Every file of the packages, by its path from the root.
pub fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut dirs: Vec<String> = PACKAGES.map(String::from).to_vec();
    while let Some(dir) = dirs.pop() {
        for (name, is_dir) in entries(&root.join(&dir)) {
            let path = format!("{dir}/{name}");
            match is_dir {
                true => dirs.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

/// The names at the top that belong to the repository: those that git tracks, or where there is no
/// git all but what tools leave.
pub fn top(root: &Path) -> Vec<String> {
    let listed = Command::new("git")
        .arg("ls-files")
        .current_dir(root)
        .output();
    let tracked = listed.map(|output| output.stdout).unwrap_or_default();
    let mut names: Vec<String> = String::from_utf8_lossy(&tracked)
        .lines()
        .map(|path| path.split('/').next().unwrap_or(path).to_string())
        .collect();
    if names.is_empty() {
        names.extend(entries(root).into_iter().map(|(name, _)| name));
    }
    names.sort();
    names.dedup();
    names
}

/// The names in a directory, and whether each is a directory; without what tools leave.
fn entries(dir: &Path) -> Vec<(String, bool)> {
    let found = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut names = Vec::new();
    for entry in found {
        let entry = entry.unwrap();
        let name = entry
            .file_name()
            .into_string()
            .expect("a name here is UTF-8");
        if !LEFT_BY_TOOLS.contains(&name.as_str()) {
            names.push((name, entry.file_type().unwrap().is_dir()));
        }
    }
    names
}
