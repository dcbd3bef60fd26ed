//! Reads plans and capsules from files, and writes them.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it reads and writes the files that the caller names, outside of any run"
)]

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::exit::CommandError;
use crate::capsule::{self, Capsule, CapsuleError, Which};
use crate::plan::{Plan, PlanError};

/// The longest file that is read, in bytes: no plan that can be run is longer.
const FILE_LEN_MAX: u64 = 256 << 20;

/// The remedy in messages about an argument that cannot be read.
const REMEDY: &str = "name a seed, or a file with what `cargo sim plan SEED` prints, or a capsule";

/// The plan that an argument names.
#[derive(Debug)]
pub enum PlanInput {
    /// The seed that draws the plan.
    Seed(u64),
    /// The plan of a file.
    Plan(Box<Plan>),
    /// A capsule with its plans.
    Capsule(Box<Capsule>),
}

impl PlanInput {
    /// The plan; of a capsule, the shrunk one.
    ///
    /// # Errors
    /// `Unfit` if it is a capsule of another release.
    pub fn plan(&self) -> Result<Plan, CommandError> {
        match self {
            PlanInput::Seed(seed) => Ok(Plan::draw(*seed)),
            PlanInput::Plan(plan) => Ok((**plan).clone()),
            PlanInput::Capsule(capsule) => capsule.plan(Which::Shrunk).map_err(|error| {
                let revision = &capsule.origin.revision;
                CommandError::Unfit(format!(
                    "the capsule does not fit this build: its plan was made by revision \
                     {revision}, and cannot be run here: {error}"
                ))
            }),
        }
    }
}

/// Reads an argument: digits are a seed; else it is a file, told apart by its first line.
///
/// # Errors
/// `Input` if it is neither.
pub fn read(name: &OsStr) -> Result<PlanInput, CommandError> {
    let text = name.to_string_lossy();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let path = Path::new(name);
        let text = read_text(path, REMEDY)?;
        return match text.starts_with(capsule::TITLE) {
            true => parse_capsule(path, &text).map(|it| PlanInput::Capsule(Box::new(it))),
            false => parse_plan(path, &text).map(|it| PlanInput::Plan(Box::new(it))),
        };
    }
    let seed = text.parse().map_err(|_| {
        CommandError::Input(format!(
            "{text} is no seed: the last is {}; a file of that name is ./{text}",
            u64::MAX
        ))
    })?;
    Ok(PlanInput::Seed(seed))
}

/// Reads a capsule.
///
/// # Errors
/// `Input` if the file is no capsule.
pub fn read_capsule(path: &Path) -> Result<Capsule, CommandError> {
    parse_capsule(path, &read_text(path, REMEDY)?)
}

fn parse_capsule(path: &Path, text: &str) -> Result<Capsule, CommandError> {
    let parsed = text.parse();
    parsed.map_err(|error: CapsuleError| refuse(path, &error))
}

fn parse_plan(path: &Path, text: &str) -> Result<Plan, CommandError> {
    let parsed = text.parse();
    parsed.map_err(|error: PlanError| refuse(path, &error))
}

/// The error of a file.
pub fn refuse(path: &Path, why: &dyn Display) -> CommandError {
    let path = quoted(path.as_os_str());
    CommandError::Input(format!("{path}: {why}"))
}

/// Reads the plan of a file.
///
/// # Errors
/// `Input` if the file is no plan.
pub fn read_file(path: &Path) -> Result<Plan, CommandError> {
    parse_plan(path, &read_text(path, REMEDY)?)
}

/// Reads a text of at most 256 MiB; `remedy` says in an error what to name instead.
///
/// # Errors
/// `Input` if it cannot be read, is longer, or is not UTF-8.
pub fn read_text(path: &Path, remedy: &str) -> Result<String, CommandError> {
    let refuse = |why: &dyn Display| refuse(path, why);
    let bytes = read_bytes(path)
        .map_err(|error| refuse(&format_args!("cannot be read: {error}; {remedy}")))?;
    if FILE_LEN_MAX < bytes.len() as u64 {
        let most = FILE_LEN_MAX >> 20;
        return Err(refuse(&format_args!("longer than {most} MiB; {remedy}")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        refuse(&format_args!(
            "not a text: byte {at} is not UTF-8; {remedy}"
        ))
    })
}

/// Reads a file up to one byte beyond the longest plan.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(FILE_LEN_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a plan with a comment below its title, and creates the folder if it does not exist.
///
/// # Errors
/// `Input` if it cannot be written.
pub fn write(path: &Path, plan: &Plan, comment: &str) -> Result<(), CommandError> {
    write_text(path, &commented(plan, comment))
}

/// Writes a file, and creates the folder if it does not exist.
///
/// # Errors
/// `Input` if it cannot be written.
pub fn write_text(path: &Path, text: &str) -> Result<(), CommandError> {
    let written = (|| {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)
    })();
    written.map_err(|error| {
        let path = quoted(path.as_os_str());
        CommandError::Input(format!("{path}: cannot be written: {error}"))
    })
}

/// The plan's text with a comment below its title.
fn commented(plan: &Plan, comment: &str) -> String {
    let text = plan.to_string();
    let (title, rest) = text.split_once('\n').expect("a title stands on a line");
    let lines = comment.lines().map(|line| format!("# {line}\n"));
    format!("{title}\n{}{rest}", lines.collect::<String>())
}

/// Quotes a name so that a shell reads it as one word.
pub fn quoted(name: &OsStr) -> String {
    let name = name.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !name.is_empty() && name.chars().all(is_plain) {
        return name.into_owned();
    }
    format!("'{}'", name.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_a_name_for_one_word() {
        assert_eq!(quoted(OsStr::new("plans/7.plan")), "plans/7.plan");
        assert_eq!(quoted(OsStr::new("my plan")), "'my plan'");
        assert_eq!(quoted(OsStr::new("it's")), r"'it'\''s'");
    }

    #[test]
    fn a_comment_changes_no_plan() {
        let plan = Plan::draw(7);
        let text = commented(&plan, "wrong answer\n  got  #1\n\nops");
        assert!(text.lines().nth(1).unwrap().starts_with("# wrong"));
        assert_eq!(text.parse(), Ok(plan));
    }
}
