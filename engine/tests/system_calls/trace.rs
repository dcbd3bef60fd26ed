//! What `strace` wrote, as text that is equal on every machine.
//!
//! * A call of a family has one name: `open`, `openat` and `openat2` are `open`, and each way to
//!   ask for metadata is `stat`. Which one a C library uses depends on it and on the processor.
//! * Paths are relative to the child's directory, a descriptor is the path that it is open on, and
//!   bytes and lengths of directories are left out.
//! * Calls about memory, threads and the clock are left out, what a build of std with debug
//!   assertions asks of each descriptor before it closes it, and of equal calls in a row all but
//!   one. Anything else is shown, known here or not.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// The directory of the paths that mark a place in the trace. It does not exist.
const MARKS: &str = "/palimpsest-marks/";

/// The mark behind which nothing is shown.
const END: &str = "end";

/// Asks the system for a path that tells the trace what comes next.
pub fn mark(what: &str) {
    assert!(std::fs::metadata(format!("{MARKS}{what}")).is_err());
}

/// Tells the trace that what comes next is no method's, up to the next mark.
pub fn unmark() {
    mark(END);
}

/// Calls about memory, threads, signals and the clock.
const UNSHOWN: [&str; 20] = [
    "brk",
    "clock_gettime",
    "clock_nanosleep",
    "clone3",
    "exit",
    "futex",
    "gettid",
    "getpid",
    "madvise",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "prctl",
    "rseq",
    "rt_sigprocmask",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "sigaltstack",
];

/// One call: its name, its operands, and what it returned.
struct Call {
    name: String,
    operands: Vec<String>,
    result: String,
}

/// The calls of all threads, behind the mark that stands before them: a method waits for what other
/// threads do for it. Empty if there is no mark.
pub fn read(text: &str, dir: &Path) -> String {
    let mut shown = String::new();
    let dir = dir.to_str().expect("a temporary path is UTF-8");
    let mut is_inside = false;
    let mut last = String::new();
    for line in whole_lines(text) {
        if let Some((_, mark)) = line.split_once(MARKS) {
            let mark = mark.split('"').next().unwrap_or_default();
            is_inside = mark != END;
            last.clear();
            if is_inside {
                let _ = writeln!(shown, "{mark}");
            }
            continue;
        }
        let call = Call::read(&line).filter(|call| is_inside && call.is_shown());
        let Some(call) = call.map(|call| call.show(dir)) else {
            continue;
        };
        if call != last {
            let _ = writeln!(shown, "  {call}");
        }
        last = call;
    }
    shown
}

/// The calls, each on one line, in the order in which they returned: `strace` splits those during
/// which another thread calls.
fn whole_lines(text: &str) -> Vec<String> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(thread, start);
        } else if let Some((_, end)) = rest.split_once(" resumed>") {
            let start = begun.remove(thread).unwrap_or_default();
            lines.push(format!("{start}{end}"));
        } else {
            lines.push(rest.to_string());
        }
    }
    lines
}

impl Call {
    fn read(line: &str) -> Option<Call> {
        let (name, rest) = line.split_once('(')?;
        let (operands, result) = rest.rsplit_once(" = ")?;
        let operands = operands.trim_end().strip_suffix(')')?;
        Some(Call {
            name: name.to_string(),
            operands: split(operands),
            result: result.to_string(),
        })
    }

    fn is_shown(&self) -> bool {
        let is_check = self.operands.iter().any(|operand| operand == "F_GETFD");
        !is_check && !UNSHOWN.contains(&self.name.as_str())
    }

    fn show(&self, dir: &str) -> String {
        let is_removal = self
            .operands
            .iter()
            .any(|operand| operand == "AT_REMOVEDIR");
        let name = match self.name.as_str() {
            "open" | "openat" | "openat2" => "open",
            "rename" | "renameat" | "renameat2" => "rename",
            "mkdir" | "mkdirat" => "mkdir",
            "unlinkat" if is_removal => "rmdir",
            "unlink" | "unlinkat" => "unlink",
            "stat" | "fstat" | "lstat" | "newfstatat" | "statx" => "stat",
            name => name,
        };
        // What a look returns is long, and its length depends on the file system.
        let is_look = matches!(name, "stat" | "getdents64");
        let is_place = |operand: &&String| operand.contains(['"', '<']);
        let operands = self
            .operands
            .iter()
            .filter(|operand| !is_look || is_place(operand));
        let result = (!is_look).then(|| show_result(&self.result, dir)).flatten();
        let mut shown = name.to_string();
        for operand in operands.filter_map(|operand| show(operand, dir)) {
            let _ = write!(shown, " {operand}");
        }
        if let Some(result) = result {
            let _ = write!(shown, " = {result}");
        }
        shown
    }
}

/// The operands of a call, which a comma separates where it is not inside of a string, a structure
/// or a path.
fn split(operands: &str) -> Vec<String> {
    let (mut depth, mut is_quoted) = (0, false);
    let mut split = vec![String::new()];
    for c in operands.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            '{' | '[' | '<' if !is_quoted => depth += 1,
            '}' | ']' | '>' if !is_quoted => depth -= 1,
            _ => {}
        }
        match c == ',' && depth == 0 && !is_quoted {
            true => split.push(String::new()),
            false => split.last_mut().expect("there is one").push(c),
        }
    }
    split
        .iter()
        .map(|operand| operand.trim().to_string())
        .collect()
}

/// An operand as it is shown; `None` for the directory of the process, bytes, and an absent flag.
fn show(operand: &str, dir: &str) -> Option<String> {
    let is_bytes = operand.starts_with('[');
    if operand.starts_with("AT_FDCWD") || operand == "AT_REMOVEDIR" || operand == "0" || is_bytes {
        return None;
    }
    if let Some(path) = operand.strip_prefix('"') {
        let path = path.strip_suffix('"')?; // Bytes end with dots.
        return (!path.is_empty()).then(|| inside(path, dir));
    }
    if let Some(path) = descriptor(operand) {
        return Some(format!("<{}>", inside(path, dir)));
    }
    Some(operand.replace("|O_LARGEFILE", ""))
}

fn show_result(result: &str, dir: &str) -> Option<String> {
    match (result.strip_prefix("-1 "), descriptor(result)) {
        (Some(error), _) => error.split(' ').next().map(str::to_string),
        (None, Some(path)) => Some(format!("<{}>", inside(path, dir))),
        (None, None) => (result != "0").then(|| result.to_string()),
    }
}

/// The path that a descriptor is open on: `3</tmp/a>`.
fn descriptor(operand: &str) -> Option<&str> {
    let (number, path) = operand.split_once('<')?;
    let is_number = number.parse::<u32>().is_ok();
    let (path, _deleted) = path.rsplit_once('>')?;
    is_number.then_some(path)
}

fn inside(path: &str, dir: &str) -> String {
    match path.strip_prefix(dir) {
        Some("") => ".".to_string(),
        Some(inside) => inside.trim_start_matches('/').to_string(),
        None => path.to_string(),
    }
}
