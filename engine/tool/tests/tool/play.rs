//! `palimpsest play`: what it prints and exits with, and what it makes of wrong input.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::Value as Json;

use crate::program::{Called, call};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/play/history.play");

const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/play/history.answers");

fn play(script: &Path, options: &[&str]) -> Called {
    let mut arguments = vec![OsStr::new("play"), script.as_os_str()];
    arguments.extend(options.iter().map(OsStr::new));
    call(&arguments)
}

/// A line of JSON with a script that reads what it has written, and with an answer.
fn recording(seed: u64, answer: &str) -> String {
    let key = "0".repeat(36);
    let put = format!("put {key} 0x18 image str:a");
    let script = format!(r#"["open 0x10","{put}","get {key} 0x18"]"#);
    format!("{{\"seed\":{seed},\"script\":{script},\"answers\":[{answer}]}}\n")
}

const ANSWER: &str = r#"[1,"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"]"#;

#[test]
fn a_script_is_answered_a_line_of_json_each() {
    let called = play(Path::new(SCRIPT), &[]);
    assert_eq!(called.stdout, std::fs::read_to_string(ANSWERS).unwrap());
    assert_eq!((called.code, called.stderr.as_str()), (0, ""));
}

#[test]
fn a_directory_that_is_given_is_made_and_stays() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("stage");
    let options = ["--dir", dir.to_str().unwrap()];
    assert_eq!(play(Path::new(SCRIPT), &options).code, 0);
    let verified = call(&["verify".as_ref(), dir.join("engine").as_os_str()]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    let again = play(Path::new(SCRIPT), &options);
    assert_eq!(again.code, 1);
    assert!(
        again.stderr.ends_with("name a directory that is new\n"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_wrong_answer_is_told_and_exits_with_2() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("peer.jsonl");
    std::fs::write(&file, recording(7, ANSWER)).unwrap();
    let called = play(&file, &[]);
    assert_eq!(called.code, 0, "{}", called.stderr);
    let both = recording(7, ANSWER) + &recording(8, r#""missing""#);
    std::fs::write(&file, both).unwrap();
    let called = play(&file, &[]);
    assert_eq!(called.code, 2);
    assert!(
        called.stdout.contains("line 3: expected \"missing\""),
        "{}",
        called.stdout
    );
    let called = play(&file, &["--json"]);
    assert_eq!(called.code, 2);
    let lines = called
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Json> = lines.collect();
    let counts: Vec<(&str, u64)> = lines
        .iter()
        .map(|line| {
            (
                line["type"].as_str().unwrap(),
                line["differ"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(counts, [("script", 0), ("script", 1), ("played", 1)]);
    assert_eq!(
        (&lines[1]["seed"], &lines[1]["line"]),
        (&Json::from(8), &Json::from(2))
    );
    assert_eq!(lines[1]["findings"].as_array().unwrap().len(), 1);
    assert_eq!(lines[2]["scripts"], 2);
}

/// Every cut of a line of JSON, and every byte of it changed: an error that names the line, or an
/// answer that differs.
#[test]
fn a_damaged_recording_is_refused_with_its_line() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("peer.jsonl");
    let whole = recording(7, ANSWER);
    for len in (1..whole.len() - 1).step_by(7) {
        std::fs::write(&file, &whole[..len]).unwrap();
        let called = play(&file, &[]);
        assert_eq!(called.code, 1, "{}", called.stdout);
        let place = format!("error: {}: line 1: ", file.display());
        assert!(called.stderr.starts_with(&place), "{}", called.stderr);
    }
    for place in (0..whole.len() - 1).step_by(5) {
        let mut damaged = whole.clone().into_bytes();
        damaged[place] ^= 0x01;
        std::fs::write(&file, &damaged).unwrap();
        let called = play(&file, &[]);
        assert!([0, 1, 2].contains(&called.code), "{}", called.stderr);
        assert_eq!(
            called.code == 1,
            called.stderr.starts_with("error: "),
            "{}",
            called.stderr
        );
    }
}

#[test]
fn wrong_files_and_arguments_are_told() {
    let temp = tempfile::tempdir().unwrap();
    let cases: [(&str, &[u8], &str); 5] = [
        ("a", b"\xFD7zXZ\0", "it is packed: pipe it in, xzcat "),
        ("b", b"open \xFF", "name a file of text"),
        ("c.jsonl", b"open 0x10", "c.jsonl: line 1: this is not JSON"),
        (
            "d",
            b"open 0x10\nfrob",
            "d: line 2: \"frob\" is no command: write one of conf",
        ),
        (
            "e",
            b"",
            "the script opens nothing: start it with `open LSN`",
        ),
    ];
    for (name, bytes, expected) in cases {
        let file = temp.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let called = play(&file, &[]);
        assert_eq!((called.code, called.stdout.as_str()), (1, ""), "{name}");
        assert!(called.stderr.contains(expected), "{}", called.stderr);
    }
    let called = play(temp.path(), &[]);
    assert_eq!(called.code, 1);
    assert!(
        called.stderr.contains("name a file that can be read"),
        "{}",
        called.stderr
    );
    for arguments in [&["play"][..], &["play", "a", "b"], &["play", "--frob", "a"]] {
        assert_eq!(call(arguments).code, 1, "{arguments:?}");
    }
}
