//! The simulator's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    palimpsest_sim::cli::main()
}
