//! `cargo sim exhaust`: every crash of some plans, or of all short sequences of operations.
#![expect(
    clippy::disallowed_methods,
    reason = "it stands outside of any run, and goes by the clock"
)]

use std::ffi::OsStr;
use std::time::Instant;

use super::args::ExhaustArgs;
use super::exit::{CommandError, code};
use super::signals::Signals;
use super::{console, fleet, plan_file};
use crate::exhaust::{self, Certificate, Counterexample, ExhaustLimits};
use crate::faults::Device;
use crate::plan::Plan;
use crate::verdict::Verdict;

/// The interval of progress messages, in sequences.
const TOLD_ONE_IN: usize = 100;

/// Tries every crash and returns the exit code.
///
/// # Errors
/// `Input` if a plan cannot be read, or a counterexample not be written.
pub fn exhaust(args: &ExhaustArgs) -> Result<u8, CommandError> {
    let signals = Signals::heed()?;
    let limits = ExhaustLimits {
        depth: args.depth,
        deadline: args.time.map(|time| Instant::now() + time),
        thread_count: args.jobs.unwrap_or_else(fleet::core_count),
        is_interrupted: &|| signals.interrupted().is_some(),
        from_line: 0,
    };
    if let Some(length) = args.all_of {
        let code = tell(args, exhaust_all(length, limits))?;
        return Ok(ended(code, &signals));
    }
    let plans = args.plans.iter().map(|name| Ok((name, read(name)?)));
    let plans: Vec<_> = plans.collect::<Result<_, CommandError>>()?;
    for (name, plan) in plans {
        let (name, seconds) = (plan_file::quoted(name), args.time);
        let limits = ExhaustLimits {
            deadline: seconds.map(|time| Instant::now() + time),
            ..limits
        };
        console::print(&format!("{name}: "))?;
        let found = exhaust::exhaust(&plan, limits);
        let code = tell(args, found.unwrap_or_else(|verdict| failed(plan, verdict)))?;
        let code = ended(code, &signals);
        if code != code::ALL_RIGHT {
            return Ok(code);
        }
    }
    Ok(code::ALL_RIGHT)
}

/// Reads a plan. Its device must be posix, the one device whose crash states are all enumerated.
fn read(name: &OsStr) -> Result<Plan, CommandError> {
    let plan = plan_file::read(name)?.plan()?;
    match plan.knobs.device {
        Device::Posix => Ok(plan),
        device => Err(CommandError::Input(format!(
            "{}: its device is {}, and all cases are known only for posix: write `device posix`",
            plan_file::quoted(name),
            device.name()
        ))),
    }
}

/// Prints the certificate, writes its counterexample to a file, and returns the exit code.
fn tell(args: &ExhaustArgs, certificate: Certificate) -> Result<u8, CommandError> {
    console::print(&certificate.to_string())?;
    let Some(found) = &certificate.counterexample else {
        console::print("\n")?;
        return Ok(match certificate.is_complete() {
            true => code::ALL_RIGHT,
            false => code::SURVIVED,
        });
    };
    plan_file::write(&args.out, &found.plan, &found.verdict.to_string())?;
    let file = plan_file::quoted(args.out.as_os_str());
    console::print(&format!("\nreplay it with\n  cargo sim replay {file}\n"))?;
    Ok(found.verdict.exit_code())
}

fn ended(code: u8, signals: &Signals) -> u8 {
    match code {
        // After a signal, cases are missing: the result is incomplete.
        code::ALL_RIGHT | code::SURVIVED => signals.interrupted().unwrap_or(code),
        code => code,
    }
}

fn exhaust_all(length: u32, limits: ExhaustLimits<'_>) -> Certificate {
    let found = exhaust::exhaust_all(length, limits, |done, total| {
        if done.is_multiple_of(TOLD_ONE_IN) {
            console::complain(&format!("{done} of {total} sequences"));
        }
    });
    found.unwrap_or_else(|(verdict, plan)| failed(*plan, verdict))
}

/// A plan that fails without a crash, as a counterexample.
fn failed(plan: Plan, verdict: Verdict) -> Certificate {
    Certificate {
        counterexample: Some(Counterexample { plan, verdict }),
        ..Certificate::default()
    }
}
