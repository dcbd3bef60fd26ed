//! `palimpsest rewrite-summary`.

use std::path::Path;

use crate::assemble::Checksums;
use crate::inputs;
use crate::program::{Called, call};

const TENANT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const TIMELINE: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// The ids of the golden files.
const OLD_TENANT: &str = "0123456789abcdef0123456789abcdef";
const OLD_TIMELINE: &str = "11223344556677881122334455667788";

fn rewrite(from: &Path, to: &Path, (tenant, timeline): (&str, &str)) -> Called {
    call(&[
        "rewrite-summary".as_ref(),
        from.as_os_str(),
        "-o".as_ref(),
        to.as_os_str(),
        "--tenant".as_ref(),
        tenant.as_ref(),
        "--timeline".as_ref(),
        timeline.as_ref(),
    ])
}

#[test]
fn a_file_that_is_rewritten_there_and_back_is_the_file_that_it_was() {
    for checksums in [Checksums::With, Checksums::Without] {
        for file in [
            inputs::delta_variants().write(checksums),
            inputs::delta_one().write(checksums),
            inputs::image_small(0x2000).write(checksums),
            inputs::image_sizes_zstd().write(checksums),
            inputs::image_one_key().write(checksums),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let [first, second, third] = ["a", "b", "c"].map(|name| dir.path().join(name));
            std::fs::write(&first, &file).unwrap();
            let there = rewrite(&first, &second, (TENANT, TIMELINE));
            assert_eq!(there.code, 0, "{}", there.stderr);
            assert!(there.stdout.contains(TENANT) && there.stdout.contains(TIMELINE));
            assert_eq!(call(&["verify".as_ref(), second.as_os_str()]).code, 0);
            let other = std::fs::read(&second).unwrap();
            assert_eq!(other.len(), file.len());
            assert_eq!(other[4..36], [[0xAA; 16], [0xBB; 16]].concat());
            assert_eq!(rewrite(&second, &third, (OLD_TENANT, OLD_TIMELINE)).code, 0);
            assert!(std::fs::read(&third).unwrap() == file);
        }
    }
}

#[test]
fn a_damaged_file_is_not_rewritten_and_no_file_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["a", "b"].map(|name| dir.path().join(name));
    let mut file = inputs::image_small(0x2000).write(Checksums::With);
    std::fs::write(&from, &file).unwrap();
    std::fs::write(&to, "mine").unwrap();
    assert_eq!(rewrite(&from, &to, (TENANT, TIMELINE)).code, 1);
    assert_eq!(std::fs::read(&to).unwrap(), b"mine");
    std::fs::remove_file(&to).unwrap();
    file[3 * 8192] ^= 1;
    std::fs::write(&from, &file).unwrap();
    assert_eq!(rewrite(&from, &to, (TENANT, TIMELINE)).code, 2);
    assert!(!to.exists());
}
