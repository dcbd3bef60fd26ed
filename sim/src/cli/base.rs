//! `cargo sim base`: adds, lists, shows and rechecks the capsules in a folder.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run, and notes the time of day"
)]

use std::time::SystemTime;

use super::args::{BaseArgs, BaseCommand};
use super::exit::{CommandError, code};
use super::{console, plan_file};
use crate::capsule::{Base, BaseEntry, BaseError, replay};
use crate::text::columns;
use crate::text::counted;

/// The number of digits of a revision that are shown.
const REVISION_LEN: usize = 10;

/// Carries out a command on a base, and returns the exit code.
///
/// # Errors
/// `Input` if a capsule or the base cannot be read, or the base cannot be written.
pub fn base(args: &BaseArgs) -> Result<u8, CommandError> {
    let base = Base::new(&args.base);
    match &args.command {
        BaseCommand::Add { files } => {
            // All are read before any is added.
            let capsules = files.iter().map(|file| plan_file::read_capsule(file));
            let capsules = capsules.collect::<Result<Vec<_>, _>>()?;
            for capsule in &capsules {
                let entry = base.add(capsule, &time_of_day()).map_err(refusal)?;
                let kept = entry.kept.map_err(refusal)?;
                let failures = counted(kept.count, "failure");
                console::print(&format!("{}  {failures}\n", entry.id))?;
            }
            Ok(code::ALL_RIGHT)
        }
        BaseCommand::List => list(&base),
        BaseCommand::Show { id } => show(&base, id),
        BaseCommand::Recheck if !args.base.is_dir() => Err(CommandError::Input(format!(
            "{}: there is no such folder; `base add` makes one",
            plan_file::quoted(args.base.as_os_str())
        ))),
        BaseCommand::Recheck => recheck(&base),
    }
}

fn refusal(error: BaseError) -> CommandError {
    CommandError::Input(error.to_string())
}

fn list(base: &Base) -> Result<u8, CommandError> {
    let entries = base.entries().map_err(refusal)?;
    if entries.is_empty() {
        console::print("it is empty: `cargo sim base add CAPSULE` adds one\n")?;
        return Ok(code::ALL_RIGHT);
    }
    let heading = [
        "id",
        "failures",
        "first seen",
        "at revision",
        "lines",
        "signature",
    ];
    let mut rows = vec![heading.map(str::to_string).to_vec()];
    for entry in entries {
        let (lines, signature) = match &entry.capsule {
            Ok(capsule) => (
                capsule.shrunk_plan.len().to_string(),
                capsule.signature.clone(),
            ),
            Err(error) => ("-".to_string(), format!("cannot be read: {error}")),
        };
        let (count, first_seen, revision) = match entry.kept {
            Ok(kept) => {
                let revision = kept.first_revision.chars().take(REVISION_LEN).collect();
                (kept.count.to_string(), kept.first_seen, revision)
            }
            Err(error) => {
                console::complain(&error.to_string());
                ("-".to_string(), "-".to_string(), "-".to_string())
            }
        };
        rows.push(vec![
            entry.id, count, first_seen, revision, lines, signature,
        ]);
    }
    console::print(&columns(&rows))?;
    Ok(code::ALL_RIGHT)
}

fn show(base: &Base, id: &str) -> Result<u8, CommandError> {
    let entries = base.entries().map_err(refusal)?;
    let is_meant = |entry: &&BaseEntry| entry.id == id || entry.id.starts_with(id);
    let mut meant: Vec<&BaseEntry> = entries.iter().filter(is_meant).collect();
    if let Some(exact) = meant.iter().find(|entry| entry.id == id).copied() {
        meant = vec![exact];
    }
    let [entry] = meant[..] else {
        let many = match meant.is_empty() {
            true => "no capsule",
            false => "more than one capsule",
        };
        return Err(CommandError::Input(format!(
            "{many} has an id that begins with {id}; `cargo sim base list` lists all"
        )));
    };
    match &entry.capsule {
        Ok(capsule) => {
            console::print(&capsule.to_string())?;
            Ok(code::ALL_RIGHT)
        }
        Err(error) => Err(CommandError::Input(error.to_string())),
    }
}

/// Runs every capsule again. The exit code is that of a capsule that still fails, if there is one;
/// otherwise of one that cannot be read, or of one that does not fit this build.
fn recheck(base: &Base) -> Result<u8, CommandError> {
    let entries = base.entries().map_err(refusal)?;
    let mut rows = vec![["id", "now", "signature now"].map(str::to_string).to_vec()];
    let mut codes = Vec::new();
    for entry in &entries {
        let (now, signature, code) = match &entry.capsule {
            Ok(capsule) => {
                let replayed = replay(capsule);
                let verdict = replayed.replay().and_then(|it| it.outcome.verdict.clone());
                let signature = verdict.map_or(String::new(), |verdict| verdict.signature());
                (replayed.name().to_string(), signature, replayed.exit_code())
            }
            Err(error) => (
                "cannot be read".to_string(),
                error.to_string(),
                code::WRONG_INPUT,
            ),
        };
        rows.push(vec![entry.id.clone(), now, signature]);
        codes.push(code);
    }
    let failing = codes
        .iter()
        .filter(|code| ![0, code::WRONG_INPUT, code::UNFIT].contains(code));
    let failing_count = failing.clone().count();
    let others = codes.iter().filter(|code| **code != 0);
    let ended = failing.min().or(others.min()).copied();
    let capsules = counted(codes.len() as u64, "capsule");
    let summary = format!("\n{capsules}, of which {failing_count} still fail\n");
    console::print(&format!("{}{summary}", columns(&rows)))?;
    Ok(ended.unwrap_or(code::ALL_RIGHT))
}

/// The time of day in UTC, as text.
fn time_of_day() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    date(since.map_or(0, |since| since.as_secs()))
}

/// Formats seconds since 1970 as a date.
fn date(seconds: u64) -> String {
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    // Here years begin in March, so that the leap day is the last of its year; an era is 400 years.
    let days = day + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_the_date_that_they_are() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_767_225_600), "2026-01-01 00:00 UTC");
    }
}
