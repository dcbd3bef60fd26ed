//! A planted bug that only coverage can lead to: if the fuzzer misses it, the fuzzer is broken.
#![cfg_attr(fuzzing, no_main)]
#![cfg_attr(
    fuzzing,
    expect(clippy::disallowed_types, reason = "`fuzz_target!` names `File`")
)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| palimpsest_sim::fuzzing::check_canary(bytes));

/// Built without libFuzzer, this binary has nothing to run.
#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    eprintln!("this was built without libFuzzer: run it with `cargo fuzz-run canary`");
    std::process::ExitCode::FAILURE
}
