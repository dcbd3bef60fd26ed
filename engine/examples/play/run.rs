//! The program: from its arguments to what it prints.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::compare::Tally;
use crate::peer::{self, Recording};
use crate::report::{Report, Verdict};
use crate::script;
use crate::stage::play;
use crate::wrong::Wrong;

const USAGE: &str = "\
usage: cargo run -p palimpsest --example play -- [--dir DIR] FILE
FILE is a script or lines of JSON, - is the standard input; engine/examples/play/main.rs tells all";

/// The magic bytes of an xz file.
const XZ: &[u8] = b"\xFD7zXZ";

/// The arguments of the command line.
struct Request {
    file: String,
    dir: Option<PathBuf>,
}

/// Runs the program with these arguments, and returns the text to print.
pub fn run(arguments: &[String]) -> Result<(String, Verdict), Wrong> {
    if arguments.iter().any(|argument| argument == "--help") {
        return Ok((format!("{USAGE}\n"), Verdict::AllRight));
    }
    let request = Request::parse(arguments)?;
    let input = read(&request.file)?;
    let temp = tempfile::tempdir();
    let temp = temp.map_err(|error| Wrong::new(format!("no temporary directory: {error}")))?;
    let root = match &request.dir {
        Some(dir) => {
            let made = std::fs::create_dir(dir);
            made.map_err(|error| Wrong::new(format!("{error}: name a directory that is new")))
                .map_err(|wrong| wrong.at(dir.display()))?;
            dir.as_path()
        }
        None => temp.path(),
    };
    let is_json = request.file.ends_with(".jsonl") || input.trim_start().starts_with('{');
    let done = match is_json {
        true => compare_all(root, &input),
        false => answer_all(root, &input),
    };
    done.map_err(|wrong| wrong.at(&request.file))
}

impl Request {
    fn parse(arguments: &[String]) -> Result<Request, Wrong> {
        let mut dir = None;
        let mut files = Vec::new();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--dir" => match words.next() {
                    Some(word) => dir = Some(PathBuf::from(word)),
                    None => return Err(Wrong::new(USAGE.to_string())),
                },
                option if option.starts_with('-') && option != "-" => {
                    let what = format!("{option} is no option that is known\n{USAGE}");
                    return Err(Wrong::new(what));
                }
                _ => files.push(word.clone()),
            }
        }
        match <[String; 1]>::try_from(files) {
            Ok([file]) => Ok(Request { file, dir }),
            Err(_) => Err(Wrong::new(USAGE)),
        }
    }
}

fn read(file: &str) -> Result<String, Wrong> {
    let mut bytes = Vec::new();
    let read = match file {
        "-" => std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ()),
        _ => std::fs::read(file).map(|found| bytes = found),
    };
    read.map_err(|error| Wrong::new(format!("{file}: {error}: name a file that can be read")))?;
    if bytes.starts_with(XZ) {
        let what = format!("{file}: it is packed: pipe it in, xzcat {file} | … -");
        return Err(Wrong::new(what));
    }
    let text = String::from_utf8(bytes);
    text.map_err(|error| Wrong::new(format!("{file}: {error}: name a file of text")))
}

/// Plays one script; returns the answers, a line of JSON each.
pub fn answer_all(root: &Path, text: &str) -> Result<(String, Verdict), Wrong> {
    let steps = script::parse(text.lines())?;
    let played = play(&root.join("engine"), &steps)?;
    let answers = played.iter().map(|played| played.answer.to_json());
    let text = answers.map(|answer| format!("{answer}\n")).collect();
    Ok((text, Verdict::AllRight))
}

/// Plays many scripts whose answers are known; returns the report.
pub fn compare_all(root: &Path, text: &str) -> Result<(String, Verdict), Wrong> {
    let mut report = Report::default();
    for recording in peer::parse(text)? {
        let Recording { line, seed, .. } = recording;
        let played = play(&root.join(format!("engine-{line}")), &recording.steps);
        let played = played.map_err(|wrong| wrong.at(format!("line {line}: script {seed}")))?;
        report.add(seed, &Tally::of(&played, &recording.answers));
    }
    Ok(report.finish())
}
