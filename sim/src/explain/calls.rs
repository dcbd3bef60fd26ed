//! The calls to the device around the last crash, or before the verdict: which were synced, and
//! what became of the others.

use super::rows::{Gap, class, groups, rows};
use super::{CallView, Names, Story, What, escape, put};
use crate::disk::Fate;
use crate::faults::Crash;
use crate::text::counted;
use crate::world::{CrashSeen, Effect, End};

/// The largest number of rows before the crash, or before the verdict if there was no crash.
const BEFORE: usize = 46;

/// The number of rows after the crash.
const AFTER: usize = 14;

/// The number of rows before the verdict, if rows in between are left out.
const LAST: usize = 16;

/// The largest number of older unsynced changes that are listed.
const OLDER_MAX: usize = 40;

/// The part of the page with the calls.
pub fn calls(names: &Names, story: &Story) -> String {
    let all: Vec<&CallView> = story.steps.iter().filter_map(call_of).collect();
    let crash = story.crashes.last().copied();
    let (before, after): (Vec<&CallView>, Vec<&CallView>) = match crash {
        None => (all.clone(), Vec::new()),
        Some(crash) => all.iter().partition(|call| call.index < crash.call_count),
    };
    let mut shown = groups(&before);
    shown.drain(..shown.len().saturating_sub(BEFORE));
    let first = shown.first().map_or(0, |group| group.first.index);
    let mut after = groups(&after);
    let gap = Gap {
        at: shown.len() + AFTER,
        count: after.len().saturating_sub(AFTER + LAST),
    };
    if 0 < gap.count {
        after.drain(AFTER..AFTER + gap.count);
    }
    shown.extend(after);
    let mut html = String::from("<section id=\"calls\">\n");
    let heading = match crash {
        Some(_) => "The calls around the last crash",
        None => "The last calls",
    };
    put(&mut html, format_args!("<h2>{heading}</h2>"));
    if shown.is_empty() {
        html.push_str("<p class=\"hint\">There were none.</p>\n</section>\n");
        return html;
    }
    if let Some(crash) = crash {
        html.push_str(&summary(story, crash, &before));
    }
    html.push_str(&rows((names, story), &shown, gap));
    if let Some(crash) = crash {
        html.push_str(&older(names, &waiting(story, crash, &before), first));
    }
    html.push_str("</section>\n");
    html
}

fn call_of(step: &crate::explain::StoryStep) -> Option<&CallView> {
    match &step.what {
        What::Call(call) => Some(call),
        _ => None,
    }
}

/// The changes that were unsynced when a crash came.
fn waiting<'a>(
    story: &Story,
    crash: CrashSeen,
    before: &[&'a CallView],
) -> Vec<(&'a CallView, &'a Effect, Fate)> {
    let crashes = story.crashes.iter().map(|crash| crash.call_count);
    let start = crashes.filter(|count| *count < crash.call_count).max();
    let of_its_life = before
        .iter()
        .filter(|call| start.unwrap_or(0) <= call.index);
    let met = of_its_life.filter_map(|call| {
        let effect = call.effect.as_ref()?;
        match effect.end {
            End::PowerLoss(fate) => Some((*call, effect, fate)),
            _ => None,
        }
    });
    met.collect()
}

fn summary(story: &Story, crash: CrashSeen, before: &[&CallView]) -> String {
    let waiting = waiting(story, crash, before);
    let count = |fate| {
        waiting
            .iter()
            .filter(|(_, _, found)| *found == fate)
            .count()
    };
    let fates = [Fate::Kept, Fate::Lost, Fate::Torn, Fate::Unnamed].into_iter();
    let parts = fates.filter(|fate| 0 < count(*fate));
    let parts: Vec<String> = parts
        .map(|fate| format!("{} {}", count(fate), fate.name()))
        .collect();
    let told = match (crash.crash, waiting.is_empty()) {
        (Crash::Kill, _) => {
            "The process was killed: all that was handed to the system is there.".to_string()
        }
        (Crash::Power(_), true) => "When the power failed, nothing waited for a sync.".to_string(),
        (Crash::Power(_), false) => format!(
            "When the power failed, {} waited for a sync: {}.",
            counted(waiting.len() as u64, "change"),
            parts.join(", "),
        ),
    };
    format!(
        "<p>{told} A row is a call; its dot is on the lane of the task that made it. Passes \
         are left out.</p>\n"
    )
}

/// The changes that the crash found unsynced and that are older than the first row.
fn older(names: &Names, waiting: &[(&CallView, &Effect, Fate)], first: usize) -> String {
    let older = waiting.iter().filter(|(call, _, _)| call.index < first);
    let older: Vec<_> = older.rev().collect();
    if older.is_empty() {
        return String::new();
    }
    let count = older.len();
    let changes = counted(count as u64, "change");
    let mut html = format!(
        "<details><summary>{changes} had waited for longer</summary>\n<ul class=\"older\">\n"
    );
    for (call, effect, fate) in older.into_iter().take(OLDER_MAX) {
        let (address, path) = (escape(&call.address), names.html(&effect.path));
        let (what, class, name) = (names.html(&effect.what), class(*fate), fate.name());
        put(
            &mut html,
            format_args!(
                "<li><b class=\"pill {class}\">{name}</b> <code>{what}</code> <small \
                 class=\"file\">{path}</small> <small>{address}</small></li>"
            ),
        );
    }
    if OLDER_MAX < count {
        put(
            &mut html,
            format_args!("<li>… {} more</li>", count - OLDER_MAX),
        );
    }
    html.push_str("</ul></details>\n");
    html
}
