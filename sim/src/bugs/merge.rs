//! Many planted bugs in one build, each behind a switch.
//!
//! ```text
//!  fn f() {            fn f() {                  fn f() {
//!      old      and        new       make            if switches::is_on(7) { new } else { old }
//!  }                   }                         }
//! ```
//!
//! It reads lines and no syntax: sources are formatted, so that a function's body stands between
//! the line of its `{` and a `}` with the indent of its `fn`. A bug that changes something else
//! than bodies of functions, or a body that another bug changes, is refused.
#![expect(
    clippy::disallowed_methods,
    reason = "it reads the repository, outside of any run"
)]

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use super::{Bug, Trouble};

/// The most bugs of one build: as many as a mask has bits.
pub const BUG_COUNT_MAX: usize = 64;

/// The engine's crate root, and the module that the copy has on top.
const ROOT: &str = "engine/src/lib.rs";
const SWITCHES: &str = "engine/src/switches.rs";

/// The module of the copy's engine that holds the switches. A run stays on its thread.
const SWITCHES_TEXT: &str = "\
//! The switches of the planted bugs, for the runs of this thread.

thread_local! {
    static ON: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Turns these bugs on, and all others off.
pub fn turn_on(bugs: u64) {
    ON.set(bugs);
}

/// Whether this bug is on.
pub fn is_on(bug: u32) -> bool {
    ON.get() >> bug & 1 == 1
}
";

/// The files of the repository at `root` that differ where it has all of `bugs`, each behind the
/// switch of its index, with their contents.
///
/// # Errors
/// `Input` names the bug that does not apply, or that cannot be behind a switch.
pub fn merge(root: &Path, bugs: &[Bug]) -> Result<Vec<(String, String)>, Trouble> {
    assert!(bugs.len() <= BUG_COUNT_MAX);
    let mut files: BTreeMap<String, Switched> = BTreeMap::new();
    for (number, bug) in bugs.iter().enumerate() {
        for (path, planted) in bug.apply(root)? {
            if !files.contains_key(&path) {
                files.insert(path.clone(), Switched::new(read(root, &path)?));
            }
            let file = files.get_mut(&path).expect("it was inserted");
            let refuse = |why| Trouble::Input(format!("bug {}: {path}: {why}", bug.id));
            file.plant(number, &planted).map_err(refuse)?;
        }
    }
    let rendered = files.into_iter().map(|(path, file)| (path, file.render()));
    let mut merged: BTreeMap<String, String> = rendered.collect();
    let root_text = match merged.remove(ROOT) {
        Some(text) => text,
        None => read(root, ROOT)?,
    };
    merged.insert(
        ROOT.to_string(),
        format!("{root_text}\n#[allow(missing_docs)]\npub mod switches;\n"),
    );
    merged.insert(SWITCHES.to_string(), SWITCHES_TEXT.to_string());
    Ok(merged.into_iter().collect())
}

fn read(root: &Path, path: &str) -> Result<String, Trouble> {
    fs::read_to_string(root.join(path)).map_err(|error| Trouble::Input(format!("{path}: {error}")))
}

/// A file, and the other bodies that its functions have where a bug is on.
struct Switched {
    text: String,
    /// By the index of the function: the number of the bug, and its body.
    planted: BTreeMap<usize, (usize, String)>,
}

impl Switched {
    fn new(text: String) -> Switched {
        Switched {
            text,
            planted: BTreeMap::new(),
        }
    }

    fn plant(&mut self, bug: usize, planted: &str) -> Result<(), &'static str> {
        let (old, new) = (lines(&self.text), lines(planted));
        let (old_bodies, new_bodies) = (bodies(&old), bodies(&new));
        let is_same = outside(&old, &old_bodies) == outside(&new, &new_bodies);
        if old_bodies.len() != new_bodies.len() || !is_same {
            return Err("it changes more than bodies of functions");
        }
        for (index, (old_body, new_body)) in old_bodies.into_iter().zip(new_bodies).enumerate() {
            if old[old_body] == new[new_body.clone()] {
                continue;
            }
            let body = new[new_body].concat();
            if self.planted.insert(index, (bug, body)).is_some() {
                return Err("it changes a function that another bug changes");
            }
        }
        Ok(())
    }

    fn render(&self) -> String {
        let lines = lines(&self.text);
        let (mut text, mut next) = (String::new(), 0);
        for (index, body) in bodies(&lines).into_iter().enumerate() {
            let Some((bug, planted)) = self.planted.get(&index) else {
                continue;
            };
            text += &lines[next..body.start].concat();
            let old = lines[body.clone()].concat();
            text += &format!("if crate::switches::is_on({bug}) {{\n{planted}}} else {{\n{old}}}\n");
            next = body.end;
        }
        text + &lines[next..].concat()
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// What stands outside of the bodies.
fn outside<'a>(lines: &[&'a str], bodies: &[Range<usize>]) -> Vec<&'a str> {
    let mut rest = Vec::new();
    let mut next = 0;
    for body in bodies {
        rest.extend(&lines[next..body.start]);
        next = body.end;
    }
    rest.extend(&lines[next..]);
    rest
}

/// The lines of the bodies of all functions, without their braces; of a function that is one
/// `async move` block, the lines of that: two futures have two types.
fn bodies(lines: &[&str]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut next = 0;
    while next < lines.len() {
        let body = body(lines, next);
        next = body.as_ref().map_or(next, |body| body.end) + 1;
        found.extend(body.map(|body| narrowed(lines, body)));
    }
    found
}

/// The body of the function whose head begins on this line.
fn body(lines: &[&str], head: usize) -> Option<Range<usize>> {
    let line = lines[head];
    let indent = &line[..line.len() - line.trim_start().len()];
    if !is_head(line.trim()) {
        return None;
    }
    let is_end = |line: &str| {
        let rest = line.strip_prefix(indent).unwrap_or_default();
        rest.starts_with([')', '{'])
    };
    let last = (head..lines.len()).find(|&at| {
        let is_last = at == head || is_end(lines[at]);
        is_last && lines[at].trim_end().ends_with(['{', ';', '}'])
    })?;
    if !lines[last].trim_end().ends_with('{') {
        return None;
    }
    let is_closing = |line: &str| line.trim_end().strip_prefix(indent) == Some("}");
    let end = (last + 1..lines.len()).find(|&at| is_closing(lines[at]))?;
    Some(last + 1..end)
}

fn is_head(line: &str) -> bool {
    let mut words = line.split(' ').skip_while(|word| {
        word.starts_with("pub") || word.ends_with(')') || matches!(*word, "const" | "async")
    });
    words.next() == Some("fn")
}

fn narrowed(lines: &[&str], body: Range<usize>) -> Range<usize> {
    let is_block = lines[body.start].trim() == "async move {" && 1 < body.len();
    match is_block && lines[body.end - 1].trim() == "}" {
        true => body.start + 1..body.end - 1,
        false => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "\
impl A {
    /// One.
    pub(crate) fn one(&self) -> u8 {
        1
    }

    fn declared(&self);

    fn two(
        self,
    ) -> impl Future<Output = u8>
    where
        Self: Send,
    {
        async move {
            if self.is_b() {
                2
            }
        }
    }
}
";

    #[test]
    fn a_body_is_chosen_by_its_switch() {
        let mut file = Switched::new(OLD.to_string());
        file.plant(5, &OLD.replace(" 1\n", " 10\n")).unwrap();
        file.plant(7, &OLD.replace(" 2\n", " 20\n")).unwrap();
        let merged = file.render();
        let one = "    pub(crate) fn one(&self) -> u8 {
if crate::switches::is_on(5) {
        10
} else {
        1
}
    }
";
        assert!(merged.contains(one), "{merged}");
        let two = "        async move {
if crate::switches::is_on(7) {
            if self.is_b() {
                20
            }
} else {
";
        assert!(merged.contains(two), "{merged}");
        assert_eq!(file.plant(9, OLD), Ok(()));
    }

    #[test]
    fn what_is_no_body_or_another_bugs_is_refused() {
        let mut file = Switched::new(OLD.to_string());
        let planted = OLD.replace("one(&self)", "one(self)");
        let outside = "it changes more than bodies of functions";
        assert_eq!(file.plant(0, &planted), Err(outside));
        assert_eq!(file.plant(0, &OLD.replace(" 1\n", " 10\n")), Ok(()));
        let planted = OLD.replace(" 1\n", " 11\n");
        let twice = "it changes a function that another bug changes";
        assert_eq!(file.plant(1, &planted), Err(twice));
    }
}
