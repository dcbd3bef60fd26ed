//! `palimpsest import`.

use std::path::Path;

use palimpsest::{Engine, Lsn, Options, OsIo, TimelineId, block_on};

use crate::assemble::{Checksums, TENANT};
use crate::inputs;
use crate::program::{Called, call};

const TIMELINE: TimelineId = TimelineId([0x33; 16]);

/// A peer's layers, under the names that a peer gives them.
fn peers_layers(dir: &Path) {
    let image = inputs::image_sizes_zstd().write(Checksums::Without);
    let delta = inputs::delta_variants().write(Checksums::Without);
    let names = [
        "000000067F00000001000000AE0000000000-000000067F00000001000000AE0000001000\
         __0000000100000028-00000001",
        "000000067F00000001000000AE0000000000-000000067F00000001000000AE0000000004\
         __0000000000000010-0000000000001000-v1-00000007",
    ];
    for (name, file) in names.iter().zip([image, delta]) {
        std::fs::write(dir.join(name), file).unwrap();
    }
}

fn import(layers: &Path, root: &Path) -> Called {
    let timeline = TIMELINE.to_string();
    call(&[
        "import".as_ref(),
        layers.as_os_str(),
        root.as_os_str(),
        "--timeline".as_ref(),
        timeline.as_ref(),
    ])
}

/// A directory with the folder of a peer's layers, and the path of an engine that is to be made.
fn peers_dir() -> (tempfile::TempDir, [std::path::PathBuf; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let [layers, root] = ["layers", "pages"].map(|name| dir.path().join(name));
    std::fs::create_dir(&layers).unwrap();
    peers_layers(&layers);
    (dir, [layers, root])
}

#[test]
fn a_peers_layers_become_a_timeline_that_can_be_read() {
    let (_dir, [layers, root]) = peers_dir();
    let imported = import(&layers, &root);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert!(
        imported.stdout.contains("layers                   2\n"),
        "{}",
        imported.stdout
    );
    let read = block_on(async {
        let options = Options {
            tenant: TENANT,
            ..Options::default()
        };
        let engine = Engine::open(OsIo::new(), &root, options).await?;
        let timeline = engine.open_timeline(TIMELINE).await?;
        let mut read = Vec::new();
        for (key, value) in inputs::image_sizes_zstd().entries {
            read.push(timeline.get(key, Lsn(0x1_0000_0028)).await? == Some(value));
        }
        engine.shutdown().await.map(|()| read)
    });
    assert!(read.unwrap().iter().all(|is_right| *is_right));
    assert_eq!(call(&["verify".as_ref(), root.as_os_str()]).code, 0);
    // What opens the engine does so for the tenant that the layers name.
    assert_eq!(call(&["stat".as_ref(), root.as_os_str()]).code, 0);
    let again = import(&layers, &root);
    assert_eq!(again.code, 1);
    assert!(
        again.stderr.contains("is there already"),
        "{}",
        again.stderr
    );
}

#[test]
fn nothing_is_written_of_layers_that_are_damaged_or_of_two_tenants() {
    let (_dir, [layers, root]) = peers_dir();
    let path = std::fs::read_dir(&layers)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let file = std::fs::read(&path).unwrap();
    let mut other = file.clone();
    other[4] ^= 1;
    std::fs::write(&path, other).unwrap();
    let called = import(&layers, &root);
    assert_eq!(called.code, 1);
    assert!(
        called.stderr.contains("expected tenant"),
        "{}",
        called.stderr
    );
    std::fs::write(&path, &file[..file.len() - 100]).unwrap();
    assert_eq!(import(&layers, &root).code, 2);
    assert!(!root.exists());
}

/// An interrupted import leaves layers without an index.
#[test]
fn an_import_that_was_interrupted_is_called_again() {
    let (_dir, [layers, root]) = peers_dir();
    assert_eq!(import(&layers, &root).code, 0);
    let timeline = root.join(TIMELINE.to_string());
    std::fs::remove_file(timeline.join("index")).unwrap();
    let again = import(&layers, &root);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(call(&["verify".as_ref(), root.as_os_str()]).code, 0);
}
