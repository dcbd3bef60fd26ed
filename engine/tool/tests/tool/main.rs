//! The program as it is called, and its parts over files of a peer and of ours, whole and damaged.
#![expect(
    clippy::disallowed_methods,
    reason = "it runs a program on real files, outside of any run"
)]

#[path = "../../../tests/format/assemble.rs"]
mod assemble;
mod damage;
mod draw;
mod dump_command;
mod dumps;
mod golden;
mod help;
mod hurt;
mod import;
mod ingest;
#[path = "../../../tests/format/inputs.rs"]
mod inputs;
mod play;
mod program;
mod rewrite;
mod stage;
mod verify;
