//! `palimpsest dump`.

use crate::assemble::Checksums;
use crate::inputs;
use crate::program::call;
use crate::stage;

#[test]
fn a_dump_of_a_directory_has_its_index_and_each_layer() {
    let root = tempfile::tempdir().unwrap();
    stage::fill(root.path());
    let of_engine = call(&["dump".as_ref(), root.path().as_os_str()]);
    let dir = root.path().join(stage::TIMELINE.to_string());
    let of_timeline = call(&["dump".as_ref(), dir.as_os_str()]);
    assert_eq!(
        (of_engine.code, of_timeline.code),
        (0, 0),
        "{}",
        of_engine.stderr
    );
    assert_eq!(of_engine.stdout, of_timeline.stdout);
    let layers = stage::layers(root.path());
    assert!(1 < layers.len());
    for path in layers {
        let title = format!("\n== {}\n", path.display());
        assert!(of_engine.stdout.contains(&title));
        let alone = call(&["dump".as_ref(), path.as_os_str()]);
        assert!(
            of_engine
                .stdout
                .contains(&format!("{title}{}", alone.stdout))
        );
    }
    let lines = call(&["dump".as_ref(), "--json".as_ref(), dir.as_os_str()]);
    assert_eq!(lines.code, 0);
    let parsed = lines
        .stdout
        .lines()
        .map(serde_json::from_str::<serde_json::Value>);
    let kinds: Vec<String> = parsed
        .map(|line| line.unwrap()["type"].to_string())
        .collect();
    assert_eq!(kinds[0], "\"index\"");
    assert!(kinds.contains(&"\"entry\"".to_owned()));
}

#[test]
fn damage_is_told_with_its_file_and_offset_and_exits_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("000__damaged");
    let mut file = inputs::delta_variants().write(Checksums::With);
    file[8200] ^= 1;
    std::fs::write(&path, &file).unwrap();
    let dumped = call(&["dump".as_ref(), path.as_os_str()]);
    assert_eq!(dumped.code, 2);
    let told = format!(
        "error: {}: block at offset 8192: expected checksum",
        path.display()
    );
    assert!(dumped.stderr.starts_with(&told), "{}", dumped.stderr);
}

#[test]
fn what_is_no_file_of_the_engine_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    std::fs::write(&path, "no layer at all").unwrap();
    assert_eq!(call(&["dump".as_ref(), path.as_os_str()]).code, 2);
    let called = call(&["dump".as_ref(), dir.path().as_os_str()]);
    assert_eq!(called.code, 1);
    assert!(
        called.stderr.contains("neither an index"),
        "{}",
        called.stderr
    );
}
