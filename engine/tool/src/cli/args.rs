//! The arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "palimpsest", bin_name = "palimpsest", version)]
#[command(about = "Looks into the files of a storage engine for page versions")]
#[command(after_help = EXIT_CODES)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  all right
  1  wrong usage or input
  2  a file is damaged
  4  the machine failed: a device, or the output";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prints what stands in a layer's file, an index, or all files of a directory
    ///
    /// It reads a file as a stream, checks what it prints, and stops at the first fault. Files of a
    /// peer, which have no checksums, can be read too.
    Dump(DumpArgs),
    /// Reads every byte of a directory or a file, and reports each fault by file and offset
    ///
    /// It never writes and takes no lock. Files that no index names are noted: a crash leaves such
    /// files, and the next open removes them. An engine that has the directory open may do so
    /// meanwhile.
    Verify(VerifyArgs),
}

/// The arguments of `dump`.
#[derive(Debug, Args)]
pub struct DumpArgs {
    /// A layer's file, an index, or a directory of an engine, a timeline or layers
    #[arg(value_name = "FILE|DIR")]
    pub path: PathBuf,
    /// Prints a JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Prints the bytes of the values too
    #[arg(long, short)]
    pub verbose: bool,
}

/// The arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A directory of an engine, a timeline or layers; or one file
    #[arg(value_name = "DIR|FILE")]
    pub path: PathBuf,
    /// Prints a JSON object a line
    #[arg(long)]
    pub json: bool,
}
