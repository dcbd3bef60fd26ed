//! Help and wrong usage.

use crate::program::{call, check};

#[test]
fn help_is_what_was_reviewed() {
    let help = call(&["--help"]);
    assert_eq!(help.code, 0);
    check("help_of_the_tool", &help.stdout);
    let names = [
        "compact",
        "draw",
        "dump",
        "gc",
        "gc-compact",
        "import",
        "ingest",
        "play",
        "rewrite-summary",
        "stat",
        "verify",
    ];
    for name in names {
        let help = call(&[name, "--help"]);
        assert_eq!(help.code, 0);
        check(&format!("help_of_the_tools_{name}"), &help.stdout);
    }
}

#[test]
fn wrong_usage_is_told_and_exits_with_1() {
    for arguments in [&["dump"][..], &["none"], &[], &["dump", "/nowhere/at/all"]] {
        let called = call(arguments);
        assert_eq!(called.code, 1, "{arguments:?}");
        assert_eq!(called.stdout, "");
        assert_ne!(called.stderr, "");
    }
}
