//! Scripts of our own, comparisons with a peer's answers, and errors for wrong input.
#![expect(
    clippy::disallowed_methods,
    reason = "it reads scripts of the repository, outside of any run"
)]

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::answer::{Answer, Question};
use super::command::{Roots, answer_all, compare_all};
use super::explain::{Difference, explain};
use super::recording;
use super::script;
use super::stage::{Scene, perform};
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

#[test]
fn each_script_of_ours_is_answered_as_written_down() {
    let mut count = 0;
    for entry in std::fs::read_dir(scripts()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "play")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let expected = std::fs::read_to_string(path.with_extension("answers")).unwrap();
            assert_eq!(answers(&text), expected, "{}", path.display());
            count += 1;
        }
    }
    assert_eq!(count, 4);
}

#[test]
fn no_job_of_our_scripts_changes_an_answer() {
    for entry in std::fs::read_dir(scripts()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "play")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let is_kept = |line: &&str| !line.starts_with("compact") && *line != "layers";
            let without: Vec<&str> = text.lines().filter(is_kept).collect();
            let expected = answers(&text);
            let reads = expected.lines().filter(|line| !line.starts_with('{'));
            let reads: String = reads.map(|line| format!("{line}\n")).collect();
            assert_eq!(answers(&without.join("\n")), reads, "{}", path.display());
        }
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

/// The differences between a peer's layers and ours at the third `layers` of `reshape.play`.
fn differences(theirs: &str) -> Vec<String> {
    let text = std::fs::read_to_string(scripts().join("reshape.play")).unwrap();
    let temp = tempfile::tempdir().unwrap();
    let steps = script::parse(text.lines()).unwrap();
    let played = perform(&temp.path().join("engine"), &steps).unwrap();
    let mut lists = played.iter().filter(|it| it.question == Question::Layers);
    let ours = lists.nth(2).unwrap();
    let theirs = Answer::of_json(Question::Layers, &serde_json::from_str(theirs).unwrap());
    let (Answer::Layers(ours), Answer::Layers(theirs), scene) =
        (&ours.answer, &theirs.unwrap(), &ours.scene)
    else {
        panic!("both are lists of layers");
    };
    named(explain(theirs, ours, scene), scene)
}

/// The reasons, each with its count; an unexplained difference is printed itself.
fn named(differences: Vec<Difference>, scene: &Scene) -> Vec<String> {
    assert!(!scene.is_cut);
    let names = differences.into_iter();
    let mut names: Vec<String> = names
        .map(|difference| match difference.reason {
            Some(reason) => reason.name().to_owned(),
            None => difference.what,
        })
        .collect();
    names.sort();
    let runs = names.chunk_by(|left, right| left == right);
    runs.map(|run| format!("{}x {}", run.len(), run[0]))
        .collect()
}

/// A peer's layers at the third `layers` of `reshape.play`, by its rules.
fn peer_layers() -> String {
    let a = "05000000000000000000000000000000000";
    let first = "01000000000000000000000000000000000";
    let cuts = [
        format!("{}0-{first}1", "0".repeat(35)),
        format!("{first}1-010000000200000000000000000000000001"),
        "010000000200000000000000000000000001-020000000000000000000000000000000001".to_owned(),
        "020000000000000000000000000000000001-030000000000000000000000000000000002".to_owned(),
        format!("030000000000000000000000000000000002-{a}2"),
        format!("{a}2-{a}4"),
        format!("{a}4-{a}5"),
    ];
    let at = |cuts: &[String], lsn: &str| -> Vec<String> {
        let names = cuts
            .iter()
            .map(|keys| format!("{keys}__00000000000000{lsn}"));
        names.map(|name| format!(r#"["{name}",24576]"#)).collect()
    };
    let mut layers = at(&cuts[..4], "10");
    layers.extend(at(&cuts, "49"));
    layers.push(format!(
        r#"["{a}0-{a}5__0000000000000011-0000000000000049",24576]"#
    ));
    let layers = layers.join(",");
    format!(r#"{{"layers":[{layers}],"disk_consistent_lsn":"0/48","gc_cutoff":"0/10"}}"#)
}

#[test]
fn a_peers_layers_differ_for_reasons_that_are_known() {
    assert_eq!(
        differences(&peer_layers()),
        ["1x first cutoff", "4x first keys", "10x images"]
    );
}

#[test]
fn a_change_to_a_peers_layers_has_no_reason() {
    let delta = "0500000000000000000000000000000000";
    let delta = format!("{delta}00-{delta}05__0000000000000011-0000000000000049");
    let shorter =
        peer_layers().replace(&format!(r#"{delta}",24576"#), &format!(r#"{delta}",8192"#));
    let found = differences(&shorter);
    assert!(found.contains(&format!("1x {delta}: theirs has 8192 bytes, ours 24576")));
    let later = peer_layers().replace(r#"lsn":"0/48""#, r#"lsn":"0/50""#);
    let found = differences(&later);
    assert!(found.contains(&"1x disk_consistent_lsn: theirs 0/50, ours 0/48".to_owned()));
    let cut_elsewhere = peer_layers().replace("0000000000004", "0000000000003");
    let found = differences(&cut_elsewhere);
    assert!(!found.contains(&"10x images".to_owned()), "{found:?}");
    let at_once = peer_layers().replace("__0000000000000010", "__0000000000000012");
    let found = differences(&at_once);
    assert!(!found.contains(&"4x first keys".to_owned()), "{found:?}");
}

/// Wrong scripts and their errors. KEY is a key, and AT opens a timeline and starts a `put` of KEY.
const WRONG_SCRIPTS: [(&str, &str); 24] = [
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
        answers(&format!("conf compaction_threshold 2\nopen 0x10\n{lines}"));
    }
}

/// A line of a script, of few keys: NOW stands for an LSN above those of all lines before it.
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
    let kind = prop_oneof![
        "image str:a",
        "image rnd:9000:1",
        "append b",
        "init c",
        "clear d"
    ];
    prop_oneof![
        9 => (key.clone(), kind).prop_map(|(key, kind)| format!("put {key} NOW {kind}")),
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
