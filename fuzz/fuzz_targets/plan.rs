//! Decodes bytes to a plan and runs it: no law may break.
#![cfg_attr(fuzzing, no_main)]
#![cfg_attr(
    fuzzing,
    expect(clippy::disallowed_types, reason = "`fuzz_target!` names `File`")
)]

#[cfg(fuzzing)]
use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};
#[cfg(fuzzing)]
use palimpsest_sim::fuzzing::{check_plan, cross_plans, edit_plan};

#[cfg(fuzzing)]
fuzz_target!(|bytes: &[u8]| check_plan(bytes));

#[cfg(fuzzing)]
fuzz_mutator!(|data: &mut [u8], len: usize, len_max: usize, seed: u32| {
    edit_plan(data, (len, len_max), seed, fuzzer_mutate)
});

#[cfg(fuzzing)]
fuzz_crossover!(|first: &[u8], second: &[u8], out: &mut [u8], seed: u32| {
    cross_plans((first, second), out, seed)
});

/// Built without libFuzzer, this binary has nothing to run.
#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    eprintln!("this was built without libFuzzer: run it with `cargo fuzz-run plan`");
    std::process::ExitCode::FAILURE
}
