//! Parses the command line, carries out the command and returns its exit code.

use std::process::ExitCode;

use clap::Parser;

use palimpsest::Effect;

use super::args::{
    Command, CommandLine, CompactArgs, DrawArgs, DumpArgs, GcArgs, GcCompactArgs, ImportArgs,
    IngestArgs, PlayArgs, RewriteArgs, StatArgs, VerifyArgs,
};
use super::console;
use crate::draw::draw;
use crate::dump::{Detail, dump};
use crate::exit::{CommandError, code};
use crate::form::Form;
use crate::import::{ImportRequest, import};
use crate::ingest::{IngestRequest, ingest};
use crate::jobs::{compact, gc, gc_compact};
use crate::play::{PlayRequest, play};
use crate::rewrite::{NewIds, rewrite_summary};
use crate::session::SessionOptions;
use crate::stat::stat;
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
        Command::Draw(args) => draw_path(&args),
        Command::Stat(args) => stat_root(&args),
        Command::Ingest(args) => ingest_log(&args),
        Command::Import(args) => import_layers(&args),
        Command::RewriteSummary(args) => rewrite_layer(&args),
        Command::Compact(args) => compact_root(&args),
        Command::Gc(args) => collect_root(&args),
        Command::GcCompact(args) => reduce_root(&args),
        Command::Play(args) => play_script(&args),
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

fn draw_path(args: &DrawArgs) -> Result<u8, CommandError> {
    console::with_stdout(|out| draw(&args.path, args.out.as_deref(), out))?;
    Ok(code::ALL_RIGHT)
}

fn ingest_log(args: &IngestArgs) -> Result<u8, CommandError> {
    let request = IngestRequest {
        waldump: &args.waldump,
        root: &args.root,
        session: SessionOptions {
            freeze_len_max: args.freeze_len,
            ..args.timeline.session()
        },
        has_zero_base: args.zero_base,
    };
    console::with_stdout(|out| ingest(&request, out, form(args.timeline.json)))?;
    Ok(code::ALL_RIGHT)
}

fn compact_root(args: &CompactArgs) -> Result<u8, CommandError> {
    let options = SessionOptions {
        layer_len_target: args.layer_len,
        ..args.timeline.session()
    };
    let form = form(args.timeline.json);
    console::with_stdout(|out| compact(&args.root, (&options, args.images), (out, form)))?;
    Ok(code::ALL_RIGHT)
}

fn collect_root(args: &GcArgs) -> Result<u8, CommandError> {
    let options = SessionOptions {
        gc_distance: args.keep,
        ..args.timeline.session()
    };
    let form = form(args.timeline.json);
    console::with_stdout(|out| gc(&args.root, &options, (out, form)))?;
    Ok(code::ALL_RIGHT)
}

fn reduce_root(args: &GcCompactArgs) -> Result<u8, CommandError> {
    let effect = match args.dry_run {
        true => Effect::DryRun,
        false => Effect::Write,
    };
    let options = SessionOptions {
        layer_len_target: args.layer_len,
        ..args.timeline.session()
    };
    let form = form(args.timeline.json);
    console::with_stdout(|out| gc_compact(&args.root, (&options, effect), (out, form)))?;
    Ok(code::ALL_RIGHT)
}

fn stat_root(args: &StatArgs) -> Result<u8, CommandError> {
    let options = SessionOptions {
        gc_distance: args.keep,
        ..args.timeline.session()
    };
    let form = form(args.timeline.json);
    console::with_stdout(|out| stat(&args.root, &options, (out, form)))?;
    Ok(code::ALL_RIGHT)
}

fn import_layers(args: &ImportArgs) -> Result<u8, CommandError> {
    let request = ImportRequest {
        layers: &args.layers,
        root: &args.root,
        timeline: args.timeline,
    };
    console::with_stdout(|out| import(&request, out))?;
    Ok(code::ALL_RIGHT)
}

fn rewrite_layer(args: &RewriteArgs) -> Result<u8, CommandError> {
    let ids = NewIds {
        tenant: args.tenant,
        timeline: args.timeline,
    };
    console::with_stdout(|out| rewrite_summary((&args.from, &args.out), ids, out))?;
    Ok(code::ALL_RIGHT)
}

fn play_script(args: &PlayArgs) -> Result<u8, CommandError> {
    let request = PlayRequest {
        script: &args.script,
        dir: args.dir.as_deref(),
    };
    console::with_stdout(|out| play(&request, out, form(args.json)))
}
