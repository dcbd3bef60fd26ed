//! A bug that only coverage can lead to: the fuzzer must find it, or it is not looking.
#![no_main]
#![expect(clippy::disallowed_types, reason = "`fuzz_target!` names `File`")]

use libfuzzer_sys::fuzz_target;
use palimpsest_sim::fuzzing::check_canary;

fuzz_target!(|bytes: &[u8]| check_canary(bytes));
