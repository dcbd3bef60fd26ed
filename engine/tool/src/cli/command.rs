//! Parses the command line, carries out the command and returns its exit code.

use std::process::ExitCode;

use clap::Parser;

use super::args::{Command, CommandLine, DumpArgs, VerifyArgs};
use super::console;
use crate::dump::{Detail, dump};
use crate::exit::{CommandError, code};
use crate::form::Form;
use crate::verify::verify;

/// Carries out the command line, and returns the exit code.
pub fn main() -> ExitCode {
    ExitCode::from(obey())
}

fn obey() -> u8 {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => return tell_usage(&error),
    };
    let ended = match line.command {
        Command::Dump(args) => dump_path(&args),
        Command::Verify(args) => verify_path(&args),
    };
    ended.unwrap_or_else(|error| tell(&error))
}

fn tell(error: &CommandError) -> u8 {
    if let Some(text) = error.text() {
        console::complain(&format!("error: {text}"));
    }
    error.code()
}

/// Prints clap's text: help and version go to stdout; all else is wrong usage, to stderr.
fn tell_usage(error: &clap::Error) -> u8 {
    if error.use_stderr() {
        console::complain(error.to_string().trim_end());
        return code::WRONG_INPUT;
    }
    let text = error.to_string();
    let printed = console::with_stdout(|out| Ok(write!(out, "{text}")?));
    printed.map_or_else(|error| tell(&error), |()| code::ALL_RIGHT)
}

fn form(is_json: bool) -> Form {
    match is_json {
        true => Form::Json,
        false => Form::Text,
    }
}

fn dump_path(args: &DumpArgs) -> Result<u8, CommandError> {
    let detail = match args.verbose {
        true => Detail::Values,
        false => Detail::Places,
    };
    console::with_stdout(|out| dump(&args.path, out, (form(args.json), detail)))?;
    Ok(code::ALL_RIGHT)
}

fn verify_path(args: &VerifyArgs) -> Result<u8, CommandError> {
    console::with_stdout(|out| verify(&args.path, out, form(args.json)))
}
