//! Bytes in, a plan out of them, and no law may break while it runs.
#![no_main]
#![expect(clippy::disallowed_types, reason = "`fuzz_target!` names `File`")]

use libfuzzer_sys::fuzz_target;
use palimpsest_sim::fuzzing::check_plan;

fuzz_target!(|bytes: &[u8]| check_plan(bytes));
