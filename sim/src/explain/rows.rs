//! Calls as rows: the task that made each, its file, and its result.

use super::lanes::Lanes;
use super::{CallView, Names, Story, escape};
use crate::disk::Fate;
use crate::faults::{Crash, StepKind};
use crate::text::counted;
use crate::text::{counted_as, grouped};
use crate::world::{CrashSeen, End};

/// The smallest number of successive reads of one file that share a row.
const READS_MIN: usize = 3;

/// The result of a call: a style class and a text.
type Mark = (&'static str, String);

/// One call, or several successive reads of one file.
pub struct Group<'a> {
    /// The first call.
    pub first: &'a CallView,
    /// The number of calls.
    pub count: usize,
    /// The number of bytes that the reads returned.
    len: u64,
}

/// Rows that are left out.
#[derive(Clone, Copy)]
pub struct Gap {
    /// The index of the row after the gap.
    pub at: usize,
    /// The number of rows that are left out, or 0.
    pub count: usize,
}

/// Groups the calls into rows, in order, without `Pass` steps.
pub fn groups<'a>(calls: &[&'a CallView]) -> Vec<Group<'a>> {
    let calls = calls.iter().filter(|call| call.step != StepKind::Pass);
    let calls: Vec<&CallView> = calls.copied().collect();
    let mut groups = Vec::new();
    for run in calls.chunk_by(|left, right| is_alike(left, right)) {
        let len = run.iter().filter_map(|call| call.result?.ok()).sum();
        match run {
            [first, ..] if READS_MIN <= run.len() => groups.push(Group {
                first,
                count: run.len(),
                len,
            }),
            _ => groups.extend(run.iter().map(|call| Group {
                first: call,
                count: 1,
                len: 0,
            })),
        }
    }
    groups
}

/// Whether two calls are plain reads of one file by one task.
fn is_alike(left: &CallView, right: &CallView) -> bool {
    let is_plain = |call: &CallView| {
        call.step == StepKind::Read && call.fault.is_none() && matches!(call.result, Some(Ok(_)))
    };
    let file = |call: &CallView| {
        call.address
            .rsplit_once('/')
            .map(|(file, _)| file.to_string())
    };
    let is_one_task = (left.life, left.task) == (right.life, right.task);
    is_plain(left) && is_plain(right) && is_one_task && file(left) == file(right)
}

/// Renders all rows, with a band at each crash.
pub fn rows((names, story): (&Names, &Story), shown: &[Group<'_>], gap: Gap) -> String {
    let callers: Vec<&CallView> = shown.iter().map(|group| group.first).collect();
    let lanes = Lanes::new(&callers, &story.tasks);
    let mut html = String::from(
        "<div class=\"table\" role=\"table\" aria-label=\"Calls\">\n<div class=\"row head\" \
         role=\"row\"><span role=\"columnheader\">task</span><span \
         role=\"columnheader\">call</span><span role=\"columnheader\">on the disk</span><span \
         role=\"columnheader\">what became of it</span></div>\n",
    );
    let first = shown.first().map_or(0, |group| group.first.index);
    let mut crashes = story.crashes.iter().copied();
    let mut crash = crashes.find(|crash| first < crash.call_count);
    for (index, group) in shown.iter().enumerate() {
        if index == gap.at && 0 < gap.count {
            let rows = counted(gap.count as u64, "row");
            html.push_str(&format!(
                "<div class=\"gap\" role=\"row\"><span role=\"cell\">… {rows} are left out\
                 </span></div>\n"
            ));
        }
        while let Some(found) = crash.filter(|crash| crash.call_count <= group.first.index) {
            html.push_str(&band(found));
            crash = crashes.next();
        }
        html.push_str(&row(names, &lanes, group));
    }
    if let Some(found) = crash {
        html.push_str(&band(found));
    }
    html.push_str("</div>\n");
    html
}

/// Renders the band between two lives.
fn band(crash: CrashSeen) -> String {
    let text = escape(&crash_text(crash));
    format!("<div class=\"band\" role=\"row\"><span role=\"cell\">{text}</span></div>\n")
}

/// A crash as text.
pub fn crash_text(crash: CrashSeen) -> String {
    match crash.crash {
        Crash::Kill => "the process is killed".to_string(),
        Crash::Power(survival) => format!("the power fails, unsynced changes kept: {survival}"),
    }
}

fn row(names: &Names, lanes: &Lanes<'_>, group: &Group<'_>) -> String {
    let call = group.first;
    let name = escape(&lanes.name(call));
    let mut address = escape(&call.address);
    if 1 < group.count {
        address.push_str(&format!(" and {} more", group.count - 1));
    }
    let (path, what) = call
        .effect
        .as_ref()
        .map_or(("", ""), |effect| (&effect.path, &effect.what));
    let (path, what) = (names.html(path), names.html(what));
    let (class, mark) = match group.count {
        1 => mark(call),
        _ => ("plain", format!("{} bytes", grouped(group.len))),
    };
    let mark = escape(&mark);
    format!(
        "<div class=\"row\" role=\"row\"><span role=\"cell\">{}<small>{name}</small></span><span \
         role=\"cell\"><code>{address}</code></span><span role=\"cell\"><code>{what}</code><small \
         class=\"file\">{path}</small></span><span role=\"cell\"><b \
         class=\"pill {class}\">{mark}</b></span></div>\n",
        lanes.svg(call)
    )
}

fn mark(call: &CallView) -> Mark {
    if let Some(fault) = &call.fault {
        if fault.starts_with("crash") {
            return ("fault", "the crash".to_string());
        }
        return ("fault", fault.clone());
    }
    if let Some(Err(kind)) = call.result {
        return ("plain", kind.to_string());
    }
    let Some(effect) = &call.effect else {
        return match (call.step, call.result) {
            (StepKind::Sync | StepKind::SyncDir, _) => ("plain", "nothing to sync".to_string()),
            (StepKind::Read | StepKind::Len, Some(Ok(count))) => ("plain", counted(count, "byte")),
            (StepKind::List, Some(Ok(count))) => ("plain", counted_as(count, "entry", "entries")),
            _ => ("plain", String::new()),
        };
    };
    match effect.end {
        End::Waits => ("waits", "not synced".to_string()),
        End::Synced(_) => ("synced", "synced".to_string()),
        End::Dropped(_) => ("lost", "dropped by a failed sync".to_string()),
        End::Gone => ("plain", "its file is gone".to_string()),
        End::Sync => ("sync", "sync".to_string()),
        End::PowerLoss(fate) => (class(fate), fate.name().to_string()),
    }
}

/// The style class of a fate.
pub fn class(fate: Fate) -> &'static str {
    match fate {
        Fate::Kept => "kept",
        Fate::Lost | Fate::Unnamed => "lost",
        Fate::Torn => "torn",
    }
}
