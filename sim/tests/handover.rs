//! The artefacts of a failure, as users see them: capsules, bases of capsules, and pages.
#![expect(
    clippy::disallowed_methods,
    reason = "the binary is run and files are written outside of any run of a plan"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use palimpsest_sim::Plan;
use palimpsest_sim::capsule::Capsule;

/// The output of a command, and its exit code.
struct Response {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn say(args: &[&str]) -> Response {
    let mut command = Command::new(env!("CARGO_BIN_EXE_palimpsest-sim"));
    let output = command.args(args).output().unwrap();
    Response {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A path in an empty folder for one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A plan that fails because of these rules only.
fn plan(rules: &str) -> String {
    let drawn = Plan::draw(0).to_string();
    let (knobs, _) = drawn.split_once("ops\n").unwrap();
    let ops =
        "  create a 0\n  put a +8 k0 image:9:1\n  get a k0 0\n  flush a\n  crash power none\n";
    format!("{knobs}ops\n{ops}faults\n{rules}schedule\n  then uniform 3\n")
}

/// Shrinks a plan that fails, and returns its capsule's file.
fn capsule_in(folder: &Path) -> PathBuf {
    let (wrong, small) = (folder.join("wrong.plan"), folder.join("small.plan"));
    fs::write(&wrong, plan("  at life*/*/*/*/sync lie times 9\n")).unwrap();
    let said = say(&["shrink", text(&wrong), "--out", text(&small)]);
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    let capsule = folder.join("small.capsule");
    let told = format!("its capsule is {}", capsule.display());
    assert!(said.stdout.contains(&told), "{}", said.stdout);
    capsule
}

/// Writes a valid capsule with other plans in it.
fn with_plans(capsule: &Path, name: &str, plan: &str) -> PathBuf {
    let mut changed: Capsule = fs::read_to_string(capsule).unwrap().parse().unwrap();
    changed.shrunk_plan = plan.lines().map(str::to_string).collect();
    changed.full_plan = changed.shrunk_plan.clone();
    let path = capsule.with_file_name(name);
    fs::write(&path, changed.to_string()).unwrap();
    path
}

#[test]
fn a_capsule_is_replayed_as_the_same_as_fixed_or_as_not_fitting() {
    let folder = folder("capsule-replayed");
    let capsule = capsule_in(&folder);
    let same = say(&["replay", text(&capsule)]);
    assert_eq!(same.code, Some(2), "{}", same.stderr);
    assert!(same.stdout.starts_with("same failure\n"), "{}", same.stdout);
    assert!(same.stdout.contains("the run is the same, step by step"));

    let fixed = say(&[
        "replay",
        text(&with_plans(&capsule, "fixed.capsule", &plan(""))),
    ]);
    assert_eq!(fixed.code, Some(0), "{}", fixed.stderr);
    assert!(fixed.stdout.starts_with("fixed\n"), "{}", fixed.stdout);

    let old = with_plans(&capsule, "old.capsule", "palimpsest plan 1\n");
    let unfit = say(&["replay", text(&old)]);
    assert_eq!(unfit.code, Some(6), "{}", unfit.stderr);
    assert!(
        unfit.stdout.starts_with("does not fit this build\n"),
        "{}",
        unfit.stdout
    );
    for command in ["shrink", "explain"] {
        let unfit = say(&[command, text(&old)]);
        assert_eq!(unfit.code, Some(6), "{command}: {}", unfit.stderr);
        assert!(
            unfit.stderr.contains("line 1: plan format 1"),
            "{}",
            unfit.stderr
        );
    }
}

#[test]
fn a_base_gathers_capsules_and_runs_them_again() {
    let folder = folder("capsule-base");
    let capsule = capsule_in(&folder);
    let base = folder.join("base");
    let on = |args: &[&str]| say(&[&["base", "--base", text(&base)], args].concat());
    assert!(on(&["list"]).stdout.starts_with("it is empty"));
    assert!(
        on(&["add", text(&capsule)])
            .stdout
            .ends_with("  1 failure\n")
    );
    assert!(
        on(&["add", text(&capsule)])
            .stdout
            .ends_with("  2 failures\n")
    );
    let listed = on(&["list"]);
    let row = listed.stdout.lines().nth(1).unwrap().to_string();
    let id = row.split(' ').next().unwrap().to_string();
    assert_eq!(listed.stdout.lines().count(), 2, "{}", listed.stdout);
    let shown = on(&["show", &id[..id.len() - 3]]);
    assert_eq!(shown.stdout, fs::read_to_string(&capsule).unwrap());

    let failing = on(&["recheck"]);
    assert_eq!(failing.code, Some(2), "{}", failing.stdout);
    assert!(
        failing.stdout.contains("same failure"),
        "{}",
        failing.stdout
    );
    let kept = base.join(format!("{id}.capsule"));
    let fixed = with_plans(&capsule, "fixed.capsule", &plan(""));
    fs::copy(&fixed, &kept).unwrap();
    let fixed = on(&["recheck"]);
    assert_eq!(fixed.code, Some(0), "{}", fixed.stdout);
    assert!(fixed.stdout.ends_with("1 capsule, of which 0 still fail\n"));
    let old = with_plans(&capsule, "old.capsule", "palimpsest plan 1\n");
    fs::copy(&old, &kept).unwrap();
    assert_eq!(on(&["recheck"]).code, Some(6));
    fs::write(&kept, "palimpsest capsule 1\n").unwrap();
    let damaged = on(&["recheck"]);
    assert_eq!(damaged.code, Some(1), "{}", damaged.stdout);
    assert!(damaged.stdout.contains("was cut off"), "{}", damaged.stdout);
    assert!(
        on(&["show", "nothing"])
            .stderr
            .contains("`cargo sim base list` lists all")
    );
}

#[test]
fn a_page_is_written_of_a_capsule_a_plan_and_a_seed() {
    let folder = folder("capsule-explained");
    let capsule = capsule_in(&folder);
    let out = folder.join("page.html");
    let small = folder.join("small.plan");
    for (subject, code) in [(text(&capsule), 2), (text(&small), 2), ("7", 0)] {
        let said = say(&["explain", subject, "--out", text(&out)]);
        assert_eq!(said.code, Some(code), "{subject}: {}", said.stderr);
        let told = format!("{} shows it\n", out.display());
        assert!(said.stdout.ends_with(&told), "{}", said.stdout);
        let page = fs::read_to_string(&out).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    }
    let said = say(&["explain", text(&capsule)]);
    assert!(
        said.stdout.contains("small.html shows it"),
        "{}",
        said.stdout
    );
}

#[test]
fn wrong_files_of_every_kind_end_with_1_and_say_what_where_and_what_to_do() {
    let folder = folder("capsule-refused");
    let capsule = fs::read(capsule_in(&folder)).unwrap();
    let cut = &capsule[..capsule.len() / 2];
    let changed = String::from_utf8_lossy(&capsule).replace("signature ", "signature  ");
    let lost = plan("  at life0/a/flush/delta/write eio\n");
    let strange = plan("  at life1/a/flush/delta/jump eio\n");
    let cases: [(&str, &[u8], &str); 8] = [
        (
            "format.plan",
            b"palimpsest plan 99\n",
            "line 1: plan format 99; this build reads ",
        ),
        (
            "format.capsule",
            b"palimpsest capsule 9\n",
            "line 1: capsule format 9; this build reads",
        ),
        (
            "cut.capsule",
            cut,
            "the capsule was cut off: its last line is no `end`; copy it again",
        ),
        (
            "changed.capsule",
            changed.as_bytes(),
            "the capsule was changed: it has",
        ),
        ("life.plan", lost.as_bytes(), "life"),
        ("step.plan", strange.as_bytes(), "jump"),
        (
            "binary.plan",
            b"palimpsest\xFF",
            "byte 10 is not UTF-8; name a seed, or a file",
        ),
        ("empty.plan", b"", "line 1: "),
    ];
    for (name, bytes, complaint) in cases {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        for command in ["replay", "shrink", "explain"] {
            check_refusal(&[command, text(&path)], &path, complaint);
        }
    }
    let nothing = folder.join("no-such-file");
    for path in [&folder, &nothing] {
        for command in ["replay", "shrink", "explain"] {
            check_refusal(&[command, text(path)], path, "cannot be read");
        }
        check_refusal(&["base", "add", text(path)], path, "cannot be read");
    }
    let plan = folder.join("small.plan");
    check_refusal(
        &["base", "add", text(&plan)],
        &plan,
        "line 1: the title is `palimpsest plan",
    );
    let (file, inside) = (text(&plan), plan.join("base"));
    let said = say(&["base", "--base", text(&inside), "list"]);
    assert_eq!(said.code, Some(1), "{file}: {}", said.stderr);
    let said = say(&["explain", "7", "--out", text(&folder)]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stderr.contains("cannot be written"), "{}", said.stderr);
}

fn check_refusal(args: &[&str], path: &Path, complaint: &str) {
    let said = say(args);
    let stderr = &said.stderr;
    assert_eq!(said.code, Some(1), "{args:?}: {stderr}");
    assert!(stderr.contains(complaint), "{args:?}: {stderr}");
    assert!(stderr.contains(text(path)), "{args:?}: {stderr}");
    assert!(said.stdout.is_empty(), "{args:?}: {}", said.stdout);
}
