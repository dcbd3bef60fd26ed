//! The command: from a file to what is printed.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it reads a file and makes directories that the caller named, outside of any run"
)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::compare::Tally;
use super::recording::{self, Recording};
use super::report::Report;
use super::script;
use super::stage::perform;
use crate::exit::{CommandError, code};
use crate::form::Form;
use crate::progress::{Progress, Unit};

/// The bytes that an xz file starts with.
const XZ_MAGIC: &[u8] = b"\xFD7zXZ";

/// The longest input, in bytes: it is in memory as a whole.
const INPUT_LEN_MAX: u64 = 1 << 30;

/// What to play, and where.
pub struct PlayRequest<'a> {
    /// A script, or lines of JSON; `-` is the standard input.
    pub script: &'a Path,
    /// The directory of the engines, which is created and kept; a temporary one, if none is given.
    pub dir: Option<&'a Path>,
}

/// Plays one script and prints its answers, or many and compares the answers; returns the exit
/// code.
///
/// # Errors
/// `Input` if the input cannot be read or played: nothing is played of lines of JSON if one of them
/// cannot be read. Those of the engine.
pub fn play(
    request: &PlayRequest<'_>,
    out: &mut dyn Write,
    form: Form,
) -> Result<u8, CommandError> {
    let name = request.script.display();
    let text = read(request.script)?;
    let is_json = request.script.extension().is_some_and(|it| it == "jsonl")
        || text.trim_start().starts_with('{');
    let played = Roots::new(request.dir).and_then(|roots| match is_json {
        true => compare_all(&roots, &text, (out, form)),
        false => answer_all(&roots, &text, out),
    });
    played.map_err(|error| error.at(name))
}

fn read(path: &Path) -> Result<String, CommandError> {
    let of_path = |error: io::Error| {
        let what = format!("{}: {error}: name a file that can be read", path.display());
        CommandError::Input(what)
    };
    let wrong = |what: &str| CommandError::Input(format!("{}: {what}", path.display()));
    let input: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(of_path)?),
    };
    let mut bytes = Vec::new();
    let mut input = input.take(INPUT_LEN_MAX);
    input.read_to_end(&mut bytes).map_err(of_path)?;
    if bytes.len() as u64 == INPUT_LEN_MAX {
        return Err(wrong("it is a GiB or more: give its lines in parts"));
    }
    if bytes.starts_with(XZ_MAGIC) {
        let file = path.display();
        return Err(wrong(&format!(
            "it is packed: pipe it in, xzcat {file} | … play -"
        )));
    }
    let text = String::from_utf8(bytes);
    text.map_err(|error| wrong(&format!("{error}: name a file of text")))
}

/// Where engines work.
pub(super) struct Roots(Option<PathBuf>);

/// The directory of one engine; a temporary one is removed when this is dropped.
enum Root {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Roots {
    /// Creates the directory, if one is given.
    pub(super) fn new(dir: Option<&Path>) -> Result<Roots, CommandError> {
        if let Some(dir) = dir
            && let Err(error) = std::fs::create_dir(dir)
        {
            let what = format!("{error}: name a directory that is new");
            return Err(CommandError::Input(what).at(dir.display()));
        }
        Ok(Roots(dir.map(Path::to_path_buf)))
    }

    fn root(&self, name: &str) -> Result<Root, CommandError> {
        match &self.0 {
            Some(dir) => Ok(Root::Kept(dir.join(name))),
            None => tempfile::tempdir().map(Root::Temporary).map_err(|error| {
                let what = format!("no temporary directory: {error}: name one with --dir");
                CommandError::Machine(what)
            }),
        }
    }
}

impl Root {
    fn path(&self) -> PathBuf {
        match self {
            Root::Kept(path) => path.clone(),
            Root::Temporary(dir) => dir.path().join("engine"),
        }
    }
}

/// Plays one script; prints the answers, a line of JSON each.
pub(super) fn answer_all(
    roots: &Roots,
    text: &str,
    out: &mut dyn Write,
) -> Result<u8, CommandError> {
    let steps = script::parse(text.lines())?;
    let played = perform(&roots.root("engine")?.path(), &steps)?;
    for played in &played {
        writeln!(out, "{}", played.answer.to_json())?;
    }
    Ok(code::ALL_RIGHT)
}

/// Plays many scripts whose answers are known; prints what differs.
pub(super) fn compare_all(
    roots: &Roots,
    text: &str,
    (out, form): (&mut dyn Write, Form),
) -> Result<u8, CommandError> {
    let recordings = recording::parse(text)?;
    let mut progress = Progress::of(Unit::Script, "played", recordings.len() as u64);
    let mut report = Report::new(out, form);
    for recording in recordings {
        let Recording { line, seed, .. } = recording;
        let root = roots.root(&format!("engine-{line}"))?;
        let played = perform(&root.path(), &recording.steps);
        let played = played.map_err(|error| error.at(format!("line {line}: script {seed}")))?;
        report.add(&recording, &Tally::of(&played, &recording))?;
        progress.add(1);
    }
    progress.finish();
    Ok(report.finish()?)
}
