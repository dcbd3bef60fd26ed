//! The command line as its users see it: the binary, its output, its exit code. No test asserts a
//! measured time.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the binary is run and files are written outside of any run of a plan"
)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use insta::{Settings, assert_snapshot};
use palimpsest_sim::faults::FaultClass;
use palimpsest_sim::probes::PROBES;
use palimpsest_sim::report::Failure;
use palimpsest_sim::{Plan, Verdict};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_palimpsest-sim"));
    command.args(args);
    command
}

fn output(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// The output of a command that exits with 0.
fn printed(args: &[&str]) -> String {
    let output = output(args);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {complaints}");
    String::from_utf8(output.stdout).unwrap()
}

/// The figure next to a label of a table.
fn figure(table: &str, label: &str) -> String {
    let lines = table.lines().map(str::trim_start);
    let figures = lines.filter_map(|line| line.strip_prefix(label)?.strip_prefix("  "));
    let found: Vec<&str> = figures.map(str::trim).collect();
    assert_eq!(found.len(), 1, "{label} in:\n{table}");
    found[0].to_string()
}

/// A path for a test's own files.
fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn check_snapshot(name: &str, text: &str) {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(name, text));
}

#[test]
fn help_says_what_each_command_does() {
    check_snapshot("help_of_the_simulator", &printed(&["--help"]));
    let names = [
        "run", "shrink", "replay", "explain", "base", "exhaust", "plan", "matrix", "meta", "life",
        "bugs", "syncs", "weaken", "diff",
    ];
    for name in names {
        check_snapshot(&format!("help_of_{name}"), &printed(&[name, "--help"]));
    }
    for name in ["add", "list", "show", "recheck"] {
        let help = printed(&["base", name, "--help"]);
        check_snapshot(&format!("help_of_base_{name}"), &help);
    }
}

#[test]
fn what_few_plans_have_not_tried_is_a_gap() {
    let output = output(&["matrix", "--seeds", "0..2"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(said.contains("delivered: tolerated/reported"), "{said}");
    assert!(
        said.contains("never delivered: bit rot, image, reported"),
        "{said}"
    );
}

#[test]
fn a_search_that_was_cut_off_is_no_certificate() {
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/certified/gc.plan");
    let output = output(&["exhaust", plan, "--depth", "2", "--time", "1ms"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(said.contains("cut off"), "{said}");
}

#[test]
fn a_failure_says_what_was_expected_and_how_to_see_it_again() {
    let verdict = Verdict::wrong("get a at 0/28", "4 bytes, 0a0b0c0d", "2 bytes, 0a0b");
    let mut trace: Vec<String> = (1..=40).map(|step| format!("step {step}")).collect();
    trace.push(format!("put a {}", "+8 k0 clear, ".repeat(100)));
    let failure = Failure {
        verdict,
        trace,
        replay: "cargo sim replay 17".to_string(),
    };
    check_snapshot("failure_with_its_last_steps", &failure.to_string());
}

#[test]
fn a_life_is_lived_to_its_end_and_told_on_the_way() {
    let told = printed(&["life", "--operations", "3000", "--seed", "7"]);
    let rows = told.lines().filter(|line| line.contains(" %  ")).count();
    assert_eq!(rows, 20, "{told}");
    assert!(told.ends_with("all right: 3,000 operations\n"), "{told}");
}

#[test]
fn wrong_usage_ends_with_1_and_says_what_to_do() {
    let cases: [(&[&str], &str); 28] = [
        (&["walk"], "unrecognized subcommand 'walk'"),
        (&["run", "--sedes", "0..5"], "unexpected argument '--sedes'"),
        (&["run", "--seeds", "5..2"], "the range is empty"),
        (&["run", "--seeds", "5..5"], "5..1005"),
        (&["run", "--seeds", "5"], "0..1000"),
        (&["run", "--seeds", "a..b"], "`a` is no seed"),
        (&["run", "--jobs", "0"], "0 is not in 1..=1024"),
        (&["run", "--time", "0s"], "write 30s"),
        (&["run", "--time", "30"], "250ms, 30s, 5m, 1h"),
        (&["run", "--workload"], "--workload <FILE>"),
        (
            &["run", "--workload", "no-such-file"],
            "no-such-file: cannot be read",
        ),
        (&["meta"], "--seeds <A..B>"),
        (&["meta", "--seeds", "7.."], "write 7..1007"),
        (&["plan", "x"], "`x` is no seed"),
        (&["life", "--operations", "0"], "0 is not in 1.."),
        (&["replay"], "<SEED|FILE>"),
        (&["shrink"], "<SEED|FILE>"),
        (&["shrink", "no-such-file"], "no-such-file: cannot be read"),
        (&["bugs", "no-such-bug"], "no bug is called no-such-bug"),
        (&["bugs", "--budget", "0s"], "write 30s"),
        (&["bugs", "--bases", "0"], "0 is not in 1..=99"),
        (&["syncs", "no-such-sync"], "no sync has `no-such-sync`"),
        (
            &["meta", "--seeds", "0..1", "--other", "echo"],
            "echo is no simulator",
        ),
        (
            &["base", "--base", "no-such-base", "recheck"],
            "there is no such folder",
        ),
        (&["exhaust", "no-such-file"], "no-such-file: cannot be read"),
        (&["replay", "no-such-file"], "no-such-file: cannot be read"),
        (
            &["replay", env!("CARGO_TARGET_TMPDIR")],
            "name a seed, or a file",
        ),
        (
            &["replay", "18446744073709551616"],
            "the last is 18446744073709551615",
        ),
    ];
    for (args, complaint) in cases {
        check_refusal(args, complaint);
    }
}

fn check_refusal(args: &[&str], complaint: &str) {
    let output = output(args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
    assert!(said.contains(complaint), "{args:?}: {said}");
    assert!(output.stdout.is_empty(), "{args:?}");
}

#[test]
fn a_file_that_is_no_plan_is_refused_with_its_place() {
    let cases: [(&str, &[u8], &str); 3] = [
        (
            "other-format.plan",
            b"palimpsest plan 99\n",
            "line 1: plan format 99",
        ),
        ("no-text.plan", b"palimpsest\xFF", "byte 10 is not UTF-8"),
        ("empty.plan", b"", "line 1: "),
    ];
    for (name, bytes, complaint) in cases {
        let path = scratch(name);
        fs::write(&path, bytes).unwrap();
        let path = path.to_str().unwrap();
        check_refusal(&["replay", path], complaint);
        check_refusal(&["replay", path], path);
    }
}

/// What `pg_waldump` printed of a small `pgbench`.
const LOG: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../engine/tool/fixtures/pgbench.waldump"
);

#[test]
fn a_log_is_the_workload_of_plans() {
    let counts = |jobs: &str| {
        let args = ["run", "--seeds", "0..21", "--workload", LOG, "--jobs", jobs];
        let report = printed(&args);
        assert!(report.starts_with("all right: 21 plans in "), "{report}");
        assert_eq!(figure(&report, "of them twice"), "2");
        ["operations", "crashes"].map(|label| figure(&report, label))
    };
    assert_eq!(counts("1"), counts("2"));
}

#[test]
fn a_file_that_is_no_log_is_refused_with_its_place() {
    let whole = fs::read_to_string(LOG).unwrap();
    let lines: Vec<&str> = whole.lines().take(5).collect();
    let swapped = [lines[3], lines[4], lines[2]].join("\n");
    let cases: [(&str, &[u8], &str); 5] = [
        (
            "plan.waldump",
            b"palimpsest plan 99\n",
            "line 1: expected a line of pg_waldump",
        ),
        (
            "swapped.waldump",
            swapped.as_bytes(),
            "line 3: expected an LSN above",
        ),
        (
            "no-page.waldump",
            lines[0].as_bytes(),
            "no record names a page",
        ),
        ("no-text.waldump", b"rmgr:\xFF", "byte 5 is not UTF-8"),
        ("empty.waldump", b"", "give what `pg_waldump` printed"),
    ];
    for (name, bytes, complaint) in cases {
        let path = scratch(name);
        fs::write(&path, bytes).unwrap();
        let path = path.to_str().unwrap();
        let args = ["run", "--seeds", "0..1", "--workload", path];
        check_refusal(&args, complaint);
        check_refusal(&args, path);
    }
}

/// A plan whose device acknowledges syncs that it does not make.
fn lying_plan(name: &str) -> PathBuf {
    let drawn = Plan::draw(0).to_string();
    let (knobs, _) = drawn.split_once("ops\n").unwrap();
    let ops =
        "  create a 0\n  put a +8 k0 image:9:1\n  get a k0 0\n  flush a\n  crash power none\n";
    let rest = "  at life*/*/*/*/sync lie times 9\nschedule\n  then uniform 3\n";
    let path = scratch(name);
    fs::write(&path, format!("{knobs}ops\n{ops}faults\n{rest}")).unwrap();
    path
}

#[test]
fn a_plan_that_fails_is_shrunk_to_a_file_that_fails_alike() {
    let (plan, small) = (lying_plan("lying.plan"), scratch("lying.small.plan"));
    let output = output(&["shrink", plan.to_str().unwrap()]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let headline = "shrunk from 5 operations and 1 rule to ";
    assert!(said.starts_with(headline), "{said}");
    let replay = format!("cargo sim replay {}", small.display());
    assert!(said.trim_end().ends_with(&replay), "{said}");
    let text = fs::read_to_string(&small).unwrap();
    let verdict = "lying.plan, shrunk: wrong answer";
    assert!(text.lines().nth(1).unwrap().ends_with(verdict), "{text}");
    let again = self::output(&["replay", small.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(2));
}

#[test]
fn a_plan_that_passes_is_not_shrunk() {
    let said = printed(&["shrink", "7"]);
    assert!(said.starts_with("all right: 7 does not fail"), "{said}");
}

#[test]
fn help_and_version_were_asked_for() {
    assert!(printed(&["--version"]).starts_with("palimpsest-sim "));
    assert_eq!(printed(&["help", "run"]), printed(&["run", "--help"]));
}

#[test]
fn a_run_reports_every_fault_class_and_every_probe() {
    let report = printed(&["run", "--seeds", "0..20"]);
    assert!(report.starts_with("all right: 20 plans in "), "{report}");
    assert_eq!(figure(&report, "plans"), "20");
    assert_eq!(figure(&report, "of them twice"), "1");
    for class in FaultClass::SHOWN {
        figure(&report, class.name());
    }
    for probe in PROBES {
        assert_eq!(report.matches(probe).count(), 1, "{probe}");
    }
}

#[test]
fn the_counts_do_not_depend_on_the_number_of_threads() {
    let counts = |jobs: &str| {
        let report = printed(&["run", "--seeds", "30..40", "--jobs", jobs]);
        let is_time = |line: &str| {
            let heads = ["plans/s", "CPU-seconds"];
            line.contains("plans in") || heads.iter().any(|head| line.starts_with(head))
        };
        let is_count = |line: &&str| !is_time(line);
        let lines: Vec<&str> = report.lines().filter(is_count).collect();
        // The width of the columns depends on the rate.
        let words = lines
            .iter()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        words.collect::<Vec<_>>()
    };
    assert_eq!(counts("1"), counts("3"));
}

#[test]
fn whichever_bound_comes_first_ends_a_run() {
    let report = printed(&["run", "--seeds", "7..8", "--time", "1h"]);
    assert_eq!(figure(&report, "plans"), "1");
    // One plan is run, however short the time: a report of no plans would prove nothing.
    let report = printed(&["run", "--seeds", "7..18446744073709551615", "--time", "1ms"]);
    assert_ne!(figure(&report, "plans"), "0");
}

#[test]
fn meta_runs_every_plan_again() {
    let report = printed(&["meta", "--seeds", "1..4"]);
    assert_eq!(figure(&report, "plans"), "3");
    assert_eq!(figure(&report, "of them twice"), "3");
}

#[test]
fn meta_compares_the_runs_of_two_builds() {
    let this = env!("CARGO_BIN_EXE_palimpsest-sim");
    let report = printed(&["meta", "--seeds", "1..4", "--other", this]);
    assert_eq!(report, "all right: 3 plans, the same runs by both builds\n");
}

#[test]
fn a_printed_plan_is_the_plan() {
    let text = printed(&["plan", "7"]);
    assert_eq!(text.parse::<Plan>(), Ok(Plan::draw(7)));
    let path = scratch("seed 7.plan");
    fs::write(&path, &text).unwrap();
    let of_file = printed(&["replay", path.to_str().unwrap()]);
    assert!(of_file.starts_with("all right\n"), "{of_file}");
    assert_eq!(of_file, printed(&["replay", "7"]));
}

#[test]
fn a_trace_comes_before_the_report() {
    let report = printed(&["replay", "7"]);
    let traced = printed(&["replay", "7", "--trace"]);
    let trace = traced
        .strip_suffix(&report)
        .expect("the same report at the end");
    assert!(trace.starts_with("-- t0 is driver\n"), "{trace}");
    assert!(trace.contains(" life1/"), "{trace}");
}

#[test]
fn a_rule_that_never_fired_is_named() {
    let mut plan = Plan::draw(7);
    let rule = "at life9/a/flush#1/index#1/rename#1 eio";
    let with_rule = format!("faults\n  {rule}\n");
    plan.faults.clear();
    let text = plan.to_string().replace("faults\n", &with_rule);
    let path = scratch("silent.plan");
    fs::write(&path, text).unwrap();
    let report = printed(&["replay", path.to_str().unwrap()]);
    assert!(
        report.contains(&format!("rules that never fired\n  {rule}\n")),
        "{report}"
    );
    assert_eq!(figure(&report, "of them silent"), "100 %");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = command(&["replay", "7", "--trace"]);
    let child = child.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_ends_with_4() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(&["plan", "7"]).stdout(full).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.starts_with("error: cannot write the output: "),
        "{said}"
    );
}

#[test]
fn an_interrupted_run_writes_its_report_first() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut run = command(&["run", "--time", "1h", "--jobs", "1"]);
        let mut child = run
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The first output shows that it runs, and that its signal handlers are installed.
        let mut first = [0; 1];
        child
            .stderr
            .as_mut()
            .unwrap()
            .read_exact(&mut first)
            .unwrap();
        // The shell's built-in `kill`, because not every machine has the program.
        let line = format!("kill {signal} {}", child.id());
        let kill = Command::new("sh").args(["-c", &line]).status();
        assert!(kill.unwrap().success());
        let output = child.wait_with_output().unwrap();
        let report = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{report}");
        assert!(
            report.starts_with("interrupted, all right so far: "),
            "{report}"
        );
    }
}
