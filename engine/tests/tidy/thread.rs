//! What threads share: the engine names it in one file, which `engine/races` replaces. A lock from
//! elsewhere would be one step there, and no race at it could be seen.

use crate::floor::{is_path_sep, names};
use crate::source::{Finding, Source};

/// The files that may name it: the seam, and the contract, which is a test of backends.
const DOORS: [&str; 2] = ["engine/src/sync.rs", "engine/src/io/contract/"];

/// What is std's in `engine/races` too.
const UNSHARED: [&str; 2] = ["Arc", "Weak"];

pub fn check(source: &Source) -> Vec<Finding> {
    let is_door = DOORS.iter().any(|door| source.path.starts_with(door));
    if !source.path.starts_with("engine/src/") || source.is_tests() || is_door {
        return Vec::new();
    }
    let code = &source.code;
    let mut findings = Vec::new();
    for index in 0..code.len() {
        if source.around(index).any(|item| item.is_test) {
            continue;
        }
        let is_std = code[index].is_word("std") && is_path_sep(code, index + 1);
        let found = match code.get(index + 3).filter(|_| is_std) {
            Some(token) if token.is_word("sync") && is_path_sep(code, index + 4) => {
                names(code, index + 6)
            }
            Some(token) if token.is_word("thread") => names(code, index + 3),
            _ if code[index].is_word("event_listener") => names(code, index),
            _ => continue,
        };
        for reference in found {
            if !UNSHARED.contains(&reference.name) {
                let what = format!("`{}`: threads share it, use crate::sync", reference.name);
                findings.push(source.finding(code[reference.index].line, what));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::report;

    #[test]
    fn what_threads_share_comes_through_the_seam() {
        for text in [
            "use std::sync::{Arc, Weak};\nuse crate::sync::{Mutex, atomic::AtomicBool};",
            "#[cfg(test)]\nmod tests { use std::sync::Mutex; }",
        ] {
            assert_eq!(report("engine/src/layer/a.rs", text), "");
        }
        for (text, name) in [
            ("use std::sync::{Arc, Mutex};", "Mutex"),
            ("use std::sync::atomic::AtomicBool;", "atomic"),
            ("fn f() { std::thread::yield_now(); }", "thread"),
            ("use event_listener::Event;", "event_listener"),
        ] {
            let what = format!("engine/src/layer/a.rs:1: `{name}`: threads share it");
            let found = report("engine/src/layer/a.rs", text);
            assert_eq!(found, format!("{what}, use crate::sync"));
            assert_eq!(report("engine/src/sync.rs", text), "");
            assert_eq!(report("engine/src/layer/tests/a.rs", text), "");
        }
    }
}
