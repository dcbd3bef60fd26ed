//! The arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use palimpsest::{TenantId, TimelineId};

use crate::play::LANGUAGE;
use crate::session::SessionOptions;

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
  2  a file is damaged, or an answer differs
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
    /// Draws the layers of a timeline as a picture: keys from left to right, LSNs upwards
    ///
    /// Equal distances on the picture are not equal distances of keys or LSNs: only their order is
    /// drawn. A browser shows the name of a layer where the pointer is.
    Draw(DrawArgs),
    /// Prints the figures of a timeline: its layers, the depth of reads, what a collection would do
    ///
    /// A depth is the number of layers that a read of the last record may visit, for each range of
    /// keys. Of each layer that a collection would keep, the reason is told.
    Stat(StatArgs),
    /// Writes what pg_waldump printed into a timeline: a value for each page that a record names
    ///
    /// A full-page image becomes an image of 8 KiB, any other record a record of its length; the
    /// bytes are made up, since none are printed. What the timeline has already is skipped, so that
    /// an interrupted ingest is called again.
    Ingest(IngestArgs),
    /// Makes a timeline of the layers' files in a directory, a peer's or ours
    ///
    /// All files are verified first, then copied. They belong to one tenant, which the engine is
    /// then opened for.
    Import(ImportArgs),
    /// Writes a copy of a layer's file for another tenant or timeline
    ///
    /// Its checksums fit, and all but block 0 is copied. An index that is to name the new file has
    /// to have the checksum that is printed.
    RewriteSummary(RewriteArgs),
    /// Compacts all L0 deltas of a timeline by key
    Compact(CompactArgs),
    /// Moves the cutoff of a timeline up and collects the layers that no read needs then
    Gc(GcArgs),
    /// Rewrites the history below the cutoff so that only what can be read stays
    GcCompact(GcCompactArgs),
    /// Plays a script against a new engine, and compares what it answers with what a peer answered
    ///
    /// A script is a command a line; each answer is printed as a line of JSON. Lines of JSON are
    /// scripts with a peer's answers, {"seed", "script", "answers"}: each answer is compared, and
    /// so are the layers, in which a peer may differ for reasons that are known and checked.
    Play(PlayArgs),
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

/// The arguments of `draw`.
#[derive(Debug, Args)]
pub struct DrawArgs {
    /// The directory of a timeline or of layers, an index, or a layer's file
    #[arg(value_name = "DIR|FILE")]
    pub path: PathBuf,
    /// The file to write, as SVG; without it, the standard output
    #[arg(long, short, value_name = "SVG")]
    pub out: Option<PathBuf>,
}

/// The arguments of `stat`.
#[derive(Debug, Args)]
pub struct StatArgs {
    /// The directory of the engine
    #[arg(value_name = "DIR")]
    pub root: PathBuf,
    /// The collection keeps history this far below the last record
    #[arg(long, value_name = "LSNS", value_parser = read_len)]
    pub keep: Option<u64>,
    /// Which timeline, and how it is told
    #[command(flatten)]
    pub timeline: TimelineArgs,
}

/// The arguments of `ingest`.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// The directory of the engine, which is created if it is not there
    #[arg(value_name = "DIR")]
    pub root: PathBuf,
    /// The output of pg_waldump; `-` is the standard input
    #[arg(long, value_name = "FILE")]
    pub waldump: PathBuf,
    /// Gives a page that begins without a base a page of zeros; without it, its reads fail
    #[arg(long)]
    pub zero_base: bool,
    /// The open layer is flushed before it is this long
    #[arg(long, value_name = "BYTES", value_parser = read_len)]
    pub freeze_len: Option<u64>,
    /// Which timeline, and how it is told
    #[command(flatten)]
    pub timeline: TimelineArgs,
}

/// The arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The directory of the layers' files
    #[arg(value_name = "LAYERS")]
    pub layers: PathBuf,
    /// The directory of the engine, which is created if it is not there
    #[arg(value_name = "DIR")]
    pub root: PathBuf,
    /// The timeline, which must not be there yet
    #[arg(long, value_name = "ID", value_parser = read_timeline)]
    pub timeline: TimelineId,
}

/// The arguments of `rewrite-summary`.
#[derive(Debug, Args)]
pub struct RewriteArgs {
    /// The layer's file
    #[arg(value_name = "FILE")]
    pub from: PathBuf,
    /// The file to write, which must not be there yet
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// The tenant that the new file belongs to
    #[arg(long, value_name = "ID", value_parser = read_tenant)]
    pub tenant: Option<TenantId>,
    /// The timeline that the new file is for
    #[arg(long, value_name = "ID", value_parser = read_timeline)]
    pub timeline: Option<TimelineId>,
}

/// The arguments of `compact`.
#[derive(Debug, Args)]
pub struct CompactArgs {
    /// The directory of the engine
    #[arg(value_name = "DIR")]
    pub root: PathBuf,
    /// Creates images too
    #[arg(long)]
    pub images: bool,
    /// Layers are cut at about this length
    #[arg(long, value_name = "BYTES", value_parser = read_len)]
    pub layer_len: Option<u64>,
    /// Which timeline, and how it is told
    #[command(flatten)]
    pub timeline: TimelineArgs,
}

/// The arguments of `gc`.
#[derive(Debug, Args)]
pub struct GcArgs {
    /// The directory of the engine
    #[arg(value_name = "DIR")]
    pub root: PathBuf,
    /// History this far below the last record is kept
    #[arg(long, value_name = "LSNS", value_parser = read_len)]
    pub keep: Option<u64>,
    /// Which timeline, and how it is told
    #[command(flatten)]
    pub timeline: TimelineArgs,
}

/// The arguments of `gc-compact`.
#[derive(Debug, Args)]
pub struct GcCompactArgs {
    /// The directory of the engine
    #[arg(value_name = "DIR")]
    pub root: PathBuf,
    /// Says what would be done, and does not do it
    #[arg(long)]
    pub dry_run: bool,
    /// Layers are cut at about this length
    #[arg(long, value_name = "BYTES", value_parser = read_len)]
    pub layer_len: Option<u64>,
    /// Which timeline, and how it is told
    #[command(flatten)]
    pub timeline: TimelineArgs,
}

/// The arguments of `play`.
#[derive(Debug, Args)]
#[command(after_long_help = LANGUAGE)]
pub struct PlayArgs {
    /// A script, or lines of JSON; `-` is the standard input
    #[arg(value_name = "SCRIPT")]
    pub script: PathBuf,
    /// The directory of the engine, which is created and kept; without it, a temporary one
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Prints a JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Which timeline a command is about, and how its outcome is told.
#[derive(Debug, Args)]
pub struct TimelineArgs {
    /// The timeline; the only one of the directory, if none is named
    #[arg(long, value_name = "ID", value_parser = read_timeline)]
    pub timeline: Option<TimelineId>,
    /// Prints a JSON object
    #[arg(long)]
    pub json: bool,
}

impl TimelineArgs {
    /// A session with this timeline and the engine's defaults.
    pub fn session(&self) -> SessionOptions {
        SessionOptions {
            timeline: self.timeline,
            ..SessionOptions::default()
        }
    }
}

/// Reads the name of a timeline: 32 hex digits.
fn read_timeline(text: &str) -> Result<TimelineId, String> {
    let id = text.parse::<TimelineId>();
    id.map_err(|_| "expected 32 hex digits".to_owned())
}

/// Reads the name of a tenant: 32 hex digits.
fn read_tenant(text: &str) -> Result<TenantId, String> {
    let id = text.parse::<TenantId>();
    id.map_err(|_| "expected 32 hex digits".to_owned())
}

/// Reads a length: a number, and `K`, `M` or `G` behind it.
fn read_len(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return Err("expected a number, and K, M or G behind it".to_owned()),
    };
    let number = digits.parse::<u64>().map_err(|error| error.to_string())?;
    let len = number.checked_mul(1 << shift);
    len.ok_or_else(|| "it is too large".to_owned())
}
