//! The program for people who have files of the engine before them.

use std::process::ExitCode;

fn main() -> ExitCode {
    palimpsest_tool::cli::main()
}
