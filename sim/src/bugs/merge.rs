//! Many planted bugs in one build, each behind a switch.
//!
//! ```text
//!  fn f() {            fn f() {                  fn f() {
//!      old      and        new       make            if switches::is_on(7) { new } else { old }
//!  }                   }                         }
//! ```
//!
//! The switches are those of a thread, which may turn on any number of bugs at a time; or the
//! environment of a process names one bug, and then several may change the same function.
//!
//! It reads lines and no syntax: sources are formatted, so that a function's body stands between
//! the line of its `{` and a `}` with the indent of its `fn`. A bug that changes something else
//! than bodies of functions is refused, and so is a `const fn`, which can ask for no switch.
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

/// The variable of the environment that names the bug of a process, by its number.
pub(super) const SWITCH: &str = "PLANTED_BUG";

/// The module of the copy's engine where a process has one bug.
const ONE_SWITCH_TEXT: &str = "\
//! The planted bug of this process, if it has one.

static ON: std::sync::LazyLock<Option<u32>> =
    std::sync::LazyLock::new(|| std::env::var(\"PLANTED_BUG\").ok()?.parse().ok());

/// Whether this bug is on.
pub fn is_on(bug: u32) -> bool {
    *ON == Some(bug)
}
";

/// Files relative to the repository, with their contents.
type Files = Vec<(String, String)>;

/// The files of the repository at `root` that differ where it has all of `bugs`, each behind the
/// switch of its index; a thread turns on as many as it likes.
///
/// # Errors
/// `Input` names the bug that does not apply, or that cannot be behind a switch.
pub fn merge(root: &Path, bugs: &[Bug]) -> Result<Files, Trouble> {
    assert!(bugs.len() <= BUG_COUNT_MAX);
    let mut sources = Sources::default();
    for (number, bug) in bugs.iter().enumerate() {
        let bodies = sources.bodies(root, bug)?;
        if let Some(body) = bodies.iter().find(|body| sources.has(body)) {
            let why = "it changes a function that another bug changes";
            let (id, path) = (&bug.id, &body.path);
            return Err(Trouble::Input(format!("bug {id}: {path}: {why}")));
        }
        sources.plant(number, bodies);
    }
    sources.render(root, SWITCHES_TEXT)
}

/// The files of the repository at `root` that differ where it has those of `bugs` that can be
/// behind switches, each behind that of its index, and these indexes. The environment of a process
/// names the one that is on.
///
/// # Errors
/// `Input` if a file cannot be read.
pub fn merge_apart(root: &Path, bugs: &[Bug]) -> Result<(Files, Vec<usize>), Trouble> {
    let mut sources = Sources::default();
    let mut merged = Vec::new();
    for (number, bug) in bugs.iter().enumerate() {
        if let Ok(bodies) = sources.bodies(root, bug) {
            sources.plant(number, bodies);
            merged.push(number);
        }
    }
    Ok((sources.render(root, ONE_SWITCH_TEXT)?, merged))
}

fn read(root: &Path, path: &str) -> Result<String, Trouble> {
    fs::read_to_string(root.join(path)).map_err(|error| Trouble::Input(format!("{path}: {error}")))
}

/// The body that a function of a file has where a bug is on.
struct PlantedBody {
    path: String,
    /// The index of the function in its file.
    function: usize,
    text: String,
}

/// The files that have planted bodies.
#[derive(Default)]
struct Sources {
    files: BTreeMap<String, Switched>,
}

impl Sources {
    /// The bodies that a bug plants.
    fn bodies(&mut self, root: &Path, bug: &Bug) -> Result<Vec<PlantedBody>, Trouble> {
        let mut found = Vec::new();
        for (path, planted) in bug.apply(root)? {
            if !self.files.contains_key(&path) {
                let file = Switched::new(read(root, &path)?);
                self.files.insert(path.clone(), file);
            }
            let bodies = self.files[&path].bodies(&planted).map_err(|why| {
                let id = &bug.id;
                Trouble::Input(format!("bug {id}: {path}: {why}"))
            })?;
            found.extend(bodies.into_iter().map(|(function, text)| PlantedBody {
                path: path.clone(),
                function,
                text,
            }));
        }
        Ok(found)
    }

    /// Whether another bug changes the same function.
    fn has(&self, body: &PlantedBody) -> bool {
        self.files[&body.path].planted.contains_key(&body.function)
    }

    fn plant(&mut self, bug: usize, bodies: Vec<PlantedBody>) {
        for body in bodies {
            let file = self.files.get_mut(&body.path).expect("it was read");
            let planted = file.planted.entry(body.function).or_default();
            planted.push((bug, body.text));
        }
    }

    /// All files, and the module of the switches.
    fn render(self, root: &Path, switches: &str) -> Result<Files, Trouble> {
        let files = self.files.into_iter();
        let files = files.map(|(path, file)| (path, file.render()));
        let mut rendered: BTreeMap<String, String> = files.collect();
        let root_text = match rendered.remove(ROOT) {
            Some(text) => text,
            None => read(root, ROOT)?,
        };
        let root_text = format!("{root_text}\n#[allow(missing_docs)]\npub mod switches;\n");
        rendered.insert(ROOT.to_string(), root_text);
        rendered.insert(SWITCHES.to_string(), switches.to_string());
        Ok(rendered.into_iter().collect())
    }
}

/// A file, and the other bodies that its functions have where a bug is on.
struct Switched {
    text: String,
    /// By the index of the function: the number of each bug that changes it, and its body.
    planted: BTreeMap<usize, Vec<(usize, String)>>,
}

impl Switched {
    fn new(text: String) -> Switched {
        Switched {
            text,
            planted: BTreeMap::new(),
        }
    }

    /// The functions that have another body in `planted`, by their indexes, and these bodies.
    fn bodies(&self, planted: &str) -> Result<Vec<(usize, String)>, &'static str> {
        let (old, new) = (lines(&self.text), lines(planted));
        let (old_bodies, new_bodies) = (bodies(&old), bodies(&new));
        let is_same = outside(&old, &old_bodies) == outside(&new, &new_bodies);
        if old_bodies.len() != new_bodies.len() || !is_same {
            return Err("it changes more than bodies of functions");
        }
        let pairs = old_bodies.into_iter().zip(new_bodies).enumerate();
        let changed = pairs
            .filter(|(_, (old_body, new_body))| old[old_body.clone()] != new[new_body.clone()]);
        Ok(changed
            .map(|(function, (_, body))| (function, new[body].concat()))
            .collect())
    }

    fn render(&self) -> String {
        let lines = lines(&self.text);
        let (mut text, mut next) = (String::new(), 0);
        for (function, body) in bodies(&lines).into_iter().enumerate() {
            let Some(planted) = self.planted.get(&function) else {
                continue;
            };
            text += &lines[next..body.start].concat();
            for (bug, planted) in planted {
                let head = format!("if crate::switches::is_on({bug})");
                text += &format!("{head} {{\n{planted}}} else ");
            }
            let old = lines[body.clone()].concat();
            text += &format!("{{\n{old}}}\n");
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
    let mut words = line
        .split(' ')
        .skip_while(|word| word.starts_with("pub") || word.ends_with(')') || *word == "async");
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

    /// A file in which the one bug after the other is planted.
    fn planted(bugs: &[(usize, String)]) -> Result<String, &'static str> {
        let mut file = Switched::new(OLD.to_string());
        for (bug, text) in bugs {
            for (function, body) in file.bodies(text)? {
                file.planted.entry(function).or_default().push((*bug, body));
            }
        }
        Ok(file.render())
    }

    #[test]
    fn a_body_is_chosen_by_its_switch() {
        let bugs = [
            (5, OLD.replace(" 1\n", " 10\n")),
            (7, OLD.replace(" 2\n", " 20\n")),
            (9, OLD.to_string()),
        ];
        let merged = planted(&bugs).unwrap();
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
    }

    #[test]
    fn a_function_has_a_body_for_each_bug_that_changes_it() {
        let bugs = [
            (0, OLD.replace(" 1\n", " 10\n")),
            (1, OLD.replace(" 1\n", " 11\n")),
        ];
        let both = "if crate::switches::is_on(0) {
        10
} else if crate::switches::is_on(1) {
        11
} else {
        1
}
";
        let merged = planted(&bugs).unwrap();
        assert!(merged.contains(both), "{merged}");
    }

    #[test]
    fn what_is_no_body_is_refused() {
        let outside = Err("it changes more than bodies of functions");
        let head = OLD.replace("one(&self)", "one(self)");
        assert_eq!(planted(&[(0, head)]), outside);
    }

    #[test]
    fn a_constant_function_has_no_switch() {
        let old = "const fn one() -> u8 {\n    1\n}\n";
        assert!(bodies(&lines(old)).is_empty());
    }
}
