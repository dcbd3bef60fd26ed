//! Decodes bytes to a plan and runs it: no law may break.
#![cfg_attr(fuzzing, no_main)]
#![cfg_attr(
    fuzzing,
    expect(clippy::disallowed_types, reason = "`fuzz_target!` names `File`")
)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| palimpsest_sim::fuzzing::check_plan(bytes));

/// Built without libFuzzer, this binary has nothing to run.
#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    eprintln!("this was built without libFuzzer: run it with `cargo fuzz-run plan`");
    std::process::ExitCode::FAILURE
}
