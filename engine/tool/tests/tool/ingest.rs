//! `palimpsest ingest`, and the jobs that reshape what it wrote.

use std::path::Path;

use palimpsest::{Engine, Error, Lsn, Options, OsIo, TimelineId, block_on};
use palimpsest_tool::waldump::{Change, parse_line};
use serde_json::Value as Json;

use crate::program::{Called, call};

/// Three thousand lines that `pg_waldump` printed of a run of pgbench: the first thousand, and two
/// thousand from the middle, where most pages have begun before.
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pgbench.waldump");

const TIMELINE: TimelineId = TimelineId([0x11; 16]);

fn run(command: &str, root: &Path, rest: &[&str]) -> Called {
    let mut arguments = vec![command.to_owned(), root.display().to_string()];
    arguments.extend(rest.iter().map(|word| word.to_string()));
    let called = call(&arguments);
    assert_eq!(called.code, 0, "{command}: {}", called.stderr);
    called
}

/// The line of JSON that a command prints.
fn told(command: &str, root: &Path, rest: &[&str]) -> Json {
    let called = run(command, root, &[rest, &["--json"]].concat());
    serde_json::from_str(&called.stdout).unwrap()
}

fn ingest(root: &Path, file: &str, rest: &[&str]) -> Json {
    told("ingest", root, &[&["--waldump", file], rest].concat())
}

/// Every page of the fixture at the last LSN: its length, or that it has no base.
fn pages(root: &Path) -> Vec<Option<usize>> {
    let text = std::fs::read_to_string(FIXTURE).unwrap();
    let records = text.lines().filter_map(|line| parse_line(line).unwrap());
    let pages = records.flat_map(|record| record.pages);
    let keys: std::collections::BTreeSet<_> = pages.map(|page| page.key).collect();
    let found = block_on(async {
        let engine = Engine::open(OsIo::new(), root, Options::default()).await?;
        let timeline = engine.open_timeline(TIMELINE).await?;
        let last = timeline.last_record_lsn();
        let mut found = Vec::new();
        for key in keys {
            found.push(match timeline.get(key, last).await {
                Ok(page) => Some(page.unwrap().len()),
                Err(Error::NoBase { .. }) => None,
                Err(error) => return Err(error),
            });
        }
        engine.shutdown().await.map(|()| found)
    });
    found.unwrap()
}

#[test]
fn a_log_is_ingested_once_and_its_pages_are_read() {
    let root = tempfile::tempdir().unwrap();
    let first = ingest(root.path(), FIXTURE, &["--zero-base", "--freeze-len", "1M"]);
    assert_eq!(
        (&first["records"], &first["skipped"]),
        (&Json::from(3000), &Json::from(0))
    );
    let baseless = first["baseless"].as_u64().unwrap();
    let text = std::fs::read_to_string(FIXTURE).unwrap();
    let records = text.lines().filter_map(|line| parse_line(line).unwrap());
    let changes = records
        .flat_map(|record| record.pages)
        .map(|page| page.change);
    let images = changes.filter(|change| *change == Change::Image).count();
    assert_eq!(first["images"], images as u64);
    let pages = pages(root.path());
    assert_eq!(first["pages"], pages.len() as u64);
    assert!(0 < baseless);
    assert!(pages.iter().all(|page| *page == Some(8192)));
    // The last record changes no page, so the timeline does not know it.
    let again = ingest(root.path(), FIXTURE, &["--zero-base"]);
    assert_eq!(
        (&again["records"], &again["skipped"]),
        (&Json::from(1), &Json::from(2999))
    );
    assert_eq!(again["durable"], first["durable"]);
}

#[test]
fn without_zeros_the_pages_without_a_base_are_counted_and_cannot_be_read() {
    let root = tempfile::tempdir().unwrap();
    let told = ingest(root.path(), FIXTURE, &[]);
    let pages = pages(root.path());
    // A full-page image later on makes some of them readable.
    let unreadable = pages.iter().filter(|page| page.is_none()).count() as u64;
    assert!(0 < unreadable);
    assert!(unreadable <= told["baseless"].as_u64().unwrap());
}

#[test]
fn a_log_that_comes_in_two_parts_is_the_same_timeline() {
    let whole = tempfile::tempdir().unwrap();
    let parts = tempfile::tempdir().unwrap();
    let file = parts.path().join("part");
    let text = std::fs::read_to_string(FIXTURE).unwrap();
    let half: String = text.split_inclusive('\n').take(1500).collect();
    std::fs::write(&file, half).unwrap();
    let root = parts.path().join("engine");
    let all = ingest(whole.path(), FIXTURE, &["--zero-base"]);
    let first = ingest(&root, file.to_str().unwrap(), &["--zero-base"]);
    let second = ingest(&root, FIXTURE, &["--zero-base"]);
    let baseless = |told: &Json| told["baseless"].as_u64().unwrap();
    assert_eq!(baseless(&first) + baseless(&second), baseless(&all));
    assert_eq!(second["durable"], all["durable"]);
    assert_eq!(pages(whole.path()), pages(&root));
}

#[test]
fn the_jobs_say_what_they_did_and_change_no_page() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    ingest(root, FIXTURE, &["--zero-base", "--freeze-len", "512K"]);
    let before = pages(root);
    let ingested = told("stat", root, &[]);
    assert!(1 < ingested["read_depth_max"].as_u64().unwrap());
    let compacted = told("compact", root, &["--images", "--layer-len", "512K"]);
    assert!(1 < compacted["before"]["l0"].as_u64().unwrap());
    assert_eq!(compacted["after"]["l0"], 0);
    assert!(0 < compacted["after"]["image"].as_u64().unwrap());
    let job = &compacted["jobs"]["compact"];
    let count = |what: &str| job[what]["count"].as_u64().unwrap();
    assert_eq!(job["runs"], compacted["runs"]);
    assert_eq!(compacted["before"]["l0"], job["layers_removed"]["count"]);
    assert_eq!(compacted["after"]["l1"], job["layers_written"]["count"]);
    assert!(1 < count("visited"));
    assert_eq!((count("visited"), count("discarded")), (count("kept"), 0));
    assert!(
        0 < compacted["jobs"]["image"]["produced"]["count"]
            .as_u64()
            .unwrap()
    );
    let stats = told("stat", root, &["--keep", "1M"]);
    let counts = [
        &stats["l0"]["count"],
        &stats["l1"]["count"],
        &stats["image"]["count"],
    ];
    let after = &compacted["after"];
    assert_eq!(counts, [&after["l0"], &after["l1"], &after["image"]]);
    // Images of everything stand at the last record.
    assert_eq!(stats["read_depth_max"], 1);
    let collected = told("gc", root, &["--keep", "1M"]);
    assert_eq!(stats["collection"]["cutoff"], collected["cutoff"]);
    let taken = stats["collection"]["taken"].as_array().unwrap().len();
    assert_eq!(collected["layers_collected"], taken as u64);
    let cutoff: Lsn = collected["cutoff"].as_str().unwrap().parse().unwrap();
    assert!(Lsn::ZERO < cutoff);
    let dry = told("gc-compact", root, &["--dry-run"]);
    let reduced = told("gc-compact", root, &[]);
    assert_eq!(dry["dropped"], reduced["dropped"]);
    assert_eq!(dry["after"], dry["before"]);
    let len = |told: &Json, when: &str| told[when]["len"].as_u64().unwrap();
    assert!(len(&reduced, "after") < len(&reduced, "before"));
    assert!(pages(root) == before);
    run("verify", root, &[]);
}

#[test]
fn a_line_that_cannot_be_read_is_told_by_its_number_and_what_stands_before_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("log");
    let text = std::fs::read_to_string(FIXTURE).unwrap();
    let mut lines: Vec<&str> = text.split_inclusive('\n').take(100).collect();
    lines.push("rmgr: what is this\n");
    std::fs::write(&file, lines.concat()).unwrap();
    let root = dir.path().join("engine");
    let arguments = [
        "ingest".as_ref(),
        "--waldump".as_ref(),
        file.as_os_str(),
        root.as_os_str(),
    ];
    let called = call(&arguments);
    assert_eq!(called.code, 1);
    let told = format!("{}:101: expected `len", file.display());
    assert!(called.stderr.contains(&told), "{}", called.stderr);
    let again = ingest(&root, FIXTURE, &["--zero-base"]);
    assert!(90 < again["skipped"].as_u64().unwrap());
}
