//! Scripts of our own, comparisons with a peer's answers, and errors for wrong input.
#![expect(
    clippy::disallowed_methods,
    reason = "it reads scripts of the repository, outside of any run"
)]

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use palimpsest::base::LayerName;

use super::answer::{Answer, Layers};
use super::command::{Roots, answer_all, compare_all};
use super::names::{Rule, Rules, compute};
use super::recording;
use super::script;
use super::stage::perform;
use crate::exit::CommandError;
use crate::form::Form;

/// What was printed, or the error.
fn printed(done: Result<u8, CommandError>, out: Vec<u8>) -> (String, Option<u8>) {
    match done {
        Ok(code) => (String::from_utf8(out).unwrap(), Some(code)),
        Err(error) => (error.text().unwrap().to_owned(), None),
    }
}

/// Plays a script and returns its answers, a line each, or the error.
fn answers(text: &str) -> String {
    let (roots, mut out) = (Roots::new(None).unwrap(), Vec::new());
    let done = answer_all(&roots, text, &mut out);
    printed(done, out).0
}

/// The report on lines of JSON and the exit code, or the error.
fn compared(text: &str) -> (String, Option<u8>) {
    let (roots, mut out) = (Roots::new(None).unwrap(), Vec::new());
    let done = compare_all(&roots, text, (&mut out, Form::Text));
    printed(done, out)
}

/// A line of JSON with a script that writes `a` at 0x18 and reads it, and with an answer.
fn recording(answer: &str) -> String {
    let key = "0".repeat(36);
    let put = format!("put {key} 0x18 image str:a");
    let script = format!(r#"["open 0x10","{put}","get {key} 0x18"]"#);
    format!(r#"{{"seed":7,"script":{script},"answers":[{answer}]}}"#)
}

const SHA256_OF_A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/play")
}

/// The scripts of the repository, each with its path.
fn our_scripts() -> Vec<(PathBuf, String)> {
    let paths = std::fs::read_dir(scripts()).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path());
    let is_script = |path: &PathBuf| path.extension().is_some_and(|it| it == "play");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path, text)
    };
    let found: Vec<_> = paths.filter(is_script).map(read).collect();
    assert_eq!(found.len(), 4);
    found
}

#[test]
fn each_script_of_ours_is_answered_as_written_down() {
    for (path, text) in our_scripts() {
        let expected = std::fs::read_to_string(path.with_extension("answers")).unwrap();
        assert_eq!(answers(&text), expected, "{}", path.display());
    }
}

#[test]
fn no_job_of_our_scripts_changes_an_answer() {
    for (path, text) in our_scripts() {
        let is_kept = |line: &&str| !line.starts_with("compact") && *line != "layers";
        let without: Vec<&str> = text.lines().filter(is_kept).collect();
        let expected = answers(&text);
        let reads = expected.lines().filter(|line| !line.starts_with('{'));
        let reads: String = reads.map(|line| format!("{line}\n")).collect();
        assert_eq!(answers(&without.join("\n")), reads, "{}", path.display());
    }
}

#[test]
fn an_answer_that_agrees_is_all_right() {
    let (report, verdict) = compared(&recording(&format!(r#"[1,"{SHA256_OF_A}"]"#)));
    assert_eq!(
        report.lines().collect::<Vec<_>>(),
        [
            "script 7: 1 gets and 0 vgets agree; \
             layer lists: 0 equal, 0 explained, 0 unexplained",
            "1 scripts played; 1 gets and 0 vgets compared, 0 differ; \
             layer lists: 0 equal, 0 explained, 0 unexplained",
        ]
    );
    assert_eq!(verdict, Some(0));
}

#[test]
fn an_answer_that_differs_is_told_with_its_line() {
    for answer in [r#""missing""#, r#"[2,"00"]"#, r#""below the cutoff""#] {
        let (report, verdict) = compared(&recording(answer));
        let finding = format!(r#"line 3: expected {answer}, the engine says [1,"{SHA256_OF_A}"]"#);
        assert!(report.contains(&finding), "{report}");
        assert!(report.contains("1 differ"), "{report}");
        assert_eq!(verdict, Some(2));
    }
}

/// Five records below the cutoff, and two above it: the history up to there becomes one image.
#[test]
fn gc_compact_reduces_what_lies_below_the_cutoff() {
    let key = "0".repeat(36);
    let puts = (1..=7).map(|step| match step {
        1 => format!("put {key} 0x18 image str:a"),
        _ => format!("put {key} 0x{:x} append b", 0x10 + 8 * step),
    });
    let puts: Vec<String> = puts.collect();
    let text = format!(
        "open 0x10\n{}\nflush\ncutoff 0x38 0x20\nlayers\ngc_compact\nlayers\nget {key} 0x48\n\
         get {key} 0x20\nget {key} 0x28",
        puts.join("\n")
    );
    let found = answers(&text);
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 5, "{found}");
    assert_eq!(lines[0].matches("__").count(), 1, "{found}");
    assert_eq!(lines[1].matches("__").count(), 2, "{found}");
    assert!(lines[2].starts_with("[7,"), "{found}");
    assert!(lines[3].starts_with("[2,"), "{found}");
    assert_eq!(lines[4], r#""below the cutoff""#);
}

/// Two scripts with a peer's answers, which show every rule by which its layers differ from ours.
fn peer() -> String {
    std::fs::read_to_string(scripts().join("peer.jsonl")).unwrap()
}

#[test]
fn every_rule_makes_a_difference_to_a_peers_layers_and_explains_it() {
    let (report, code) = compared(&peer());
    assert_eq!(code, Some(0), "{report}");
    for rule in Rule::ALL {
        assert!(
            report.contains(&format!("\n{}: ", rule.name())),
            "{rule:?} in {report}"
        );
    }
    assert!(
        report.ends_with("10 explained, 0 unexplained\n"),
        "{report}"
    );
}

/// Each text of a peer's answers is made another one, which no rule leads to.
#[test]
fn a_peers_layers_that_the_rules_do_not_lead_to_are_unexplained() {
    let second = peer().lines().nth(1).unwrap().to_owned();
    let (start, answers) = second.split_once("\"answers\":").unwrap();
    let reduced = answers.rfind("__0000000000000088").unwrap();
    let last = answers[..reduced].rfind("{\"layers\"").unwrap();
    let (before, list) = answers.split_at(last);
    let key = "050000000000000000000000000000000005";
    let changes = [
        (format!("-{key}__"), format!("-{}4__", &key[..35])),
        (
            "__0000000000000088".to_owned(),
            "__0000000000000080".to_owned(),
        ),
        (
            "-00000000000002B9\"".to_owned(),
            "-00000000000002C1\"".to_owned(),
        ),
        (
            "\"gc_cutoff\":\"0/280".to_owned(),
            "\"gc_cutoff\":\"0/288".to_owned(),
        ),
        ("lsn\":\"0/".to_owned(), "lsn\":\"0/1".to_owned()),
    ];
    for (from, to) in changes {
        assert!(list.contains(&from), "{from} in {list}");
        let changed = list.replacen(&from, &to, 1);
        let (report, code) = compared(&format!("{start}\"answers\":{before}{changed}"));
        assert_eq!(code, Some(2), "{from} made {to}: {report}");
        assert!(report.contains(": unexplained: "), "{report}");
    }
}

#[test]
fn names_that_no_recording_has_shown_are_unexplained() {
    let put = format!("put {} 0x18 image str:a", key(0));
    let branch = format!("use {}01", "bb".repeat(15));
    let retaining = format!("use {}01", "cc".repeat(15));
    let cases = [
        (
            ["branch 0x18", &branch, "gc_compact"],
            "a gc_compact of a branch",
        ),
        (
            ["branch 0x18", "gc_compact", "flush"],
            "a gc_compact of a timeline with branches",
        ),
        (
            ["cutoff 0x18 0x18", &retaining, "flush"],
            "a use of what keeps an LSN readable",
        ),
    ];
    for (steps, gap) in cases {
        let script = [&["open 0x10", &put, "flush"][..], &steps, &["layers"]].concat();
        let list = r#"{"layers":[],"disk_consistent_lsn":"0/18","gc_cutoff":"0/20"}"#;
        let line = serde_json::json!({"seed": 1, "script": script, "answers": []});
        let line = line.to_string().replace("[]", &format!("[{list}]"));
        let (report, code) = compared(&line);
        assert_eq!(code, Some(2), "{report}");
        let finding = format!("line 7: unexplained: no names are computed behind {gap}");
        assert!(report.contains(&finding), "{report}");
    }
}

/// Holds the names that are computed by our rules against those of the engine; returns how many
/// lists there were. A script that the engine refuses has none.
fn check_names(text: &str) -> usize {
    let Ok(steps) = script::parse(text.lines()) else {
        return 0;
    };
    let temp = tempfile::tempdir().unwrap();
    let Ok(played) = perform(&temp.path().join("engine"), &steps) else {
        return 0;
    };
    let ours = Rules::path().last().unwrap();
    let lists = played.iter().filter_map(|played| match &played.answer {
        Answer::Layers(layers) => Some(layers),
        _ => None,
    });
    let lists: Vec<&Layers> = lists.collect();
    let computed = compute(&steps, ours);
    assert_eq!(computed.len(), lists.len());
    let known = computed
        .into_iter()
        .zip(&lists)
        .filter_map(|(list, layers)| Some((list.ok()?, layers)));
    let mut count = 0;
    for (computed, layers) in known {
        let names: Vec<LayerName> = layers.layers.iter().map(|(name, _)| *name).collect();
        assert_eq!(computed.names, names, "{text}");
        assert_eq!(computed.gc_cutoff, layers.gc_cutoff, "{text}");
        assert_eq!(
            computed.disk_consistent_lsn, layers.disk_consistent_lsn,
            "{text}"
        );
        count += 1;
    }
    count
}

#[test]
fn the_names_of_our_layers_are_what_the_rules_say() {
    let mut count = 0;
    for name in ["branches", "cutoff", "history", "reshape"] {
        let path = scripts().join(name).with_extension("play");
        count += check_names(&std::fs::read_to_string(path).unwrap());
    }
    assert!(5 < count, "{count} lists");
}

/// Wrong scripts and their errors. KEY is a key, and AT opens a timeline and starts a `put` of KEY.
const WRONG_SCRIPTS: [(&str, &str); 25] = [
    ("", "the script opens nothing: start it with `open LSN`"),
    (
        "open 0x10\n\n# a remark\nfrob 1",
        "line 4: \"frob\" is no command: write one of conf",
    ),
    (
        "open 10",
        "line 1: \"10\" is not an LSN: write 0x and 1 to 16 hex digits",
    ),
    (
        "open 0x10 0x20",
        "line 1: \"open 0x10 0x20\" is not how it is used: write open LSN",
    ),
    ("open 0xffffffffffffffff", "line 1: the engine says: "),
    ("flush", "line 1: nothing is open: put `open LSN` before it"),
    ("open 0x10\nopen 0x10", "line 2: it is open already"),
    (
        "open 0x10\nconf gc_period 1",
        "line 2: it comes too late: put it before `open`",
    ),
    ("conf frob 1", "line 1: \"frob\" is no option that is known"),
    (
        "conf checkpoint_distance 1k",
        "line 1: \"1k\" is no value for checkpoint_distance",
    ),
    (
        "conf compaction_threshold 0",
        "line 1: \"0\" is no value for compaction_threshold",
    ),
    (
        "open 0x10\nget 05 0x10",
        "line 2: \"05\" is not a key: expected 36 hex digits",
    ),
    ("open 0x10\nkeyspace KEY KEY", "line 2: no key is from 0000"),
    (
        "open 0x10\nkeyspace KEY 7f0000000000000000000000000000000000",
        "line 2: too many keys are from 0000",
    ),
    (
        "AT 0x18 image text",
        "line 2: \"text\" is no value: write str:TEXT or rnd:LEN:SEED",
    ),
    (
        "AT 0x18 image rnd:1:-1",
        "line 2: \"rnd:1:-1\" is no value: write str:TEXT",
    ),
    (
        "AT 0x18 image rnd:999999999:1",
        "line 2: a value of 999999999 bytes is too long",
    ),
    (
        "AT 0x18 set text",
        "line 2: \"set\" is no kind of value: write image, append",
    ),
    ("AT 0x18 append two words", "line 2: \"put 0000"),
    ("AT 0x8 init text", "line 2: the engine says: "),
    (
        "AT 0xffffffffffffffff init text",
        "line 2: the engine says: ",
    ),
    ("open 0x10\nbranch 0x20", "line 2: the engine says: "),
    (
        "open 0x10\nuse b",
        "line 2: \"b\" is not an id: expected 32 hex digits",
    ),
    (
        "open 0x10\ncutoff 0x20",
        "line 2: the last record stands at 0/10: write a cutoff",
    ),
    (
        "open 0x10\ncompact",
        "line 2: \"compact\" is not how it is used: write compact force_l0",
    ),
];

#[test]
fn wrong_scripts_are_told_with_their_line_and_what_to_do() {
    for (text, expected) in WRONG_SCRIPTS {
        let text = text.replace("AT", "open 0x10\nput KEY");
        let text = text.replace("KEY", &"0".repeat(36));
        let found = answers(&text);
        assert!(
            found.starts_with(expected),
            "{text:?} is answered with {found}"
        );
    }
}

#[test]
fn wrong_json_is_told_with_its_line_and_what_to_do() {
    let whole = recording(r#""missing""#);
    let cases = [
        (
            format!("{whole}\n{}", &whole[..whole.len() / 2]),
            "line 2: this is not JSON: EOF while",
        ),
        ("{}".to_owned(), "line 1: \"seed\" is not there"),
        ("[]".to_owned(), "line 1: \"seed\" is not there"),
        (
            whole.replace("script", "scripts"),
            "line 1: \"script\" is not there",
        ),
        (
            whole.replace("[\"open", "[1,\"open"),
            "line 1: \"script\" is not there",
        ),
        (
            whole.replace("answers", "answer"),
            "line 1: \"answers\" is not there",
        ),
        (
            whole.replace("get", "frob"),
            "line 1: script 7: line 3: \"frob\" is no command",
        ),
        (
            recording(""),
            "line 1: script 7 asks 1 questions and has 0 answers",
        ),
        (
            recording("7"),
            "line 1: script 7, line 3: 7 is not its answer: expected [length, sha256]",
        ),
        (
            recording("[1]"),
            "line 1: script 7, line 3: [1] is not its answer",
        ),
        (
            whole.replace("open 0x10", "flush"),
            "line 1: script 7: line 1: nothing is open",
        ),
        (
            "[".repeat(100_000),
            "line 1: this is not JSON: recursion limit exceeded",
        ),
    ];
    for (text, expected) in cases {
        let (found, verdict) = compared(&text);
        let start: String = text.chars().take(200).collect();
        assert!(
            found.starts_with(expected),
            "{start} is answered with {found}"
        );
        assert_eq!(verdict, None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(
        words in proptest::collection::vec("(conf|open|put|get|cutoff|0x1|[ -~é]{0,40})", 0..9)
    ) {
        let text = words.join(" ");
        let _ = script::parse([text.as_str()]);
        let _ = recording::parse(&text);
        let line = format!(r#"{{"seed":1,"script":["{text}"],"answers":[{text}]}}"#);
        let _ = recording::parse(&line);
    }

    #[test]
    fn no_script_makes_it_panic(lines in proptest::collection::vec(line(), 1..40)) {
        let lines = (0x18..).step_by(8).zip(lines);
        let lines: String = lines
            .map(|(now, line): (u64, _)| line.replace("NOW", &format!("{now:#x}")) + "\n")
            .collect();
        check_names(&format!("conf compaction_threshold 2\nopen 0x10\n{lines}layers\n"));
    }
}

proptest! {
    // Each case is many jobs on real files.
    #![proptest_config(ProptestConfig {
        cases: 12,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_names_of_any_script_are_what_the_rules_say(
        target in 1_u32..20,
        rounds in proptest::collection::vec(round(), 1..60),
    ) {
        let target = target * 4096;
        let confs = format!("conf compaction_threshold 2\nconf compaction_target_size {target}\n");
        let keys = format!("keyspace {} {}", key(0), key(8));
        let bases: String = (0..8)
            .map(|number| format!("put {} 0x{:x} image str:base\n", key(number), 0x18 + number))
            .collect();
        let mut now = 0x20;
        let rounds: String = rounds
            .into_iter()
            .map(|(step, round)| {
                let before = now;
                now += 8 * step;
                let round = round.replace("NOW", &format!("{now:#x}"));
                round.replace("BEFORE", &format!("{before:#x}")) + "\n"
            })
            .collect();
        let script = format!("{confs}open 0x10\n{keys}\n{bases}{rounds}layers\n");
        let list_count = script.matches("layers").count();
        prop_assert_eq!(check_names(&script), list_count, "{}", script);
    }
}

/// A line of any script, of few keys: NOW stands for an LSN above those of all lines before it.
fn line() -> impl Strategy<Value = String> {
    let key = (0_u8..4, 0_u8..3).prop_map(|(kind, number)| {
        let field1 = ["00", "05", "62", "7f"][usize::from(kind)];
        format!("{field1}{}{number}", "0".repeat(33))
    });
    let lsn = (0_u64..40).prop_map(|step| match step % 2 {
        0 => "NOW".to_owned(),
        _ => format!("0x{:x}", 0x10 + 8 * step),
    });
    let lsns = (lsn.clone(), lsn.clone());
    let id = prop_oneof![
        Just("11223344556677881122334455667788".to_owned()),
        (1_u8..4).prop_map(|n| format!("{}{n:02x}", "bb".repeat(15))),
    ];
    prop_oneof![
        9 => (key.clone(), kind()).prop_map(|(key, kind)| format!("put {key} NOW {kind}")),
        1 => (key.clone(), key.clone()).prop_map(|(a, b)| format!("keyspace {a} {b}")),
        2 => Just("flush".to_owned()),
        1 => Just("compact force_l0 only_l0".to_owned()),
        1 => Just("compact force_image force_repartition".to_owned()),
        1 => lsns.prop_map(|(cutoff, retained)| format!("cutoff {cutoff} {retained}")),
        1 => Just("gc_compact".to_owned()),
        1 => lsn.clone().prop_map(|lsn| format!("branch {lsn}")),
        1 => id.prop_map(|id| format!("use {id}")),
        1 => (key.clone(), lsn.clone()).prop_map(|(key, lsn)| format!("get {key} {lsn}")),
        1 => (key.clone(), key, lsn).prop_map(|(a, b, lsn)| format!("vget {a} {b} {lsn}")),
        1 => Just("layers".to_owned()),
    ]
}

/// The end of a `put`.
fn kind() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("image str:a"),
        Just("image rnd:9000:1"),
        Just("append bcd"),
        Just("init e"),
        Just("clear f"),
    ]
}

/// The n-th key of a script that has eight.
fn key(number: u8) -> String {
    format!("05{}{number}", "0".repeat(33))
}

/// A put that stands above all before it, at NOW, and a job behind it; the put before it stands at
/// BEFORE.
fn round() -> impl Strategy<Value = (u64, String)> {
    let put =
        (0_u8..8, kind()).prop_map(|(number, kind)| format!("put {} NOW {kind}", key(number)));
    let job = prop_oneof![
        6 => Just(""),
        4 => Just("\nflush"),
        1 => Just("\nflush\ncompact force_l0 only_l0\nlayers"),
        1 => Just("\ncompact force_image force_repartition\nlayers"),
        1 => Just("\nflush\ncompact force_image force_repartition\nlayers"),
        1 => Just("\ncutoff BEFORE\ngc_compact\nlayers"),
        1 => Just("\ncutoff NOW BEFORE\ngc_compact\nlayers"),
        1 => Just("\ncutoff NOW\ngc_compact\ngc_compact\nlayers"),
    ];
    let step = 1_u64..4;
    (step, put, job).prop_map(|(step, put, job)| (step, put + job))
}
