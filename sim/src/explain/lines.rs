//! The plan beside its trace: each line with its steps.

use std::collections::BTreeMap;

use super::rows::crash_text;
use super::{CallView, Names, Story, StoryPart, StoryStep, What, escape, put};
use crate::plan::Plan;
use crate::text::counted;
use crate::witness::Moment;

/// The number of steps that are shown at the start, and again at the end, of a line.
const STEPS_SHOWN: usize = 30;

/// The length at which a step is cut, in characters.
const STEP_LEN_MAX: usize = 220;

/// The part of the page with the plan and its trace.
pub fn lines(names: &Names, plan: &Plan, story: &Story) -> String {
    let mut steps: BTreeMap<StoryPart, Vec<&StoryStep>> = BTreeMap::new();
    for step in &story.steps {
        steps.entry(step.part).or_default().push(step);
    }
    let wrong = match story.bad.as_ref().map(|scene| scene.moment) {
        Some(Moment::Verdict { line }) => Some(line),
        _ => None,
    };
    let last = story.parts.last().copied();
    let mut html = String::from(
        "<section id=\"plan\">\n<h2>The plan and its trace</h2>\n<p class=\"hint\">A line opens to \
         its steps. Concurrent work is listed under the line that started it.</p>\n\
         <div class=\"lines\">\n",
    );
    let mut reached = 0;
    for part in &story.parts {
        let own = steps.get(part).map_or(&[][..], Vec::as_slice);
        let is_wrong = wrong.is_some() && Some(*part) == last;
        let (number, text) = match part {
            StoryPart::Opening { life } => (String::new(), format!("life {life} opens")),
            StoryPart::Line { line, .. } => {
                reached = reached.max(*line);
                let text = plan.ops.get(line - 1).map(ToString::to_string);
                (line.to_string(), text.unwrap_or_default())
            }
        };
        let row = LineRow {
            number,
            text: escape(&text),
            class: match (part, is_wrong) {
                (_, true) => "wrong",
                (StoryPart::Opening { .. }, false) => "opening",
                (StoryPart::Line { .. }, false) => "",
            },
            after_all: is_last_line(plan, part) && plan.ops.len() < wrong.unwrap_or(usize::MAX),
        };
        html.push_str(&row.html(names, own));
    }
    for (index, line) in plan.ops.iter().enumerate().skip(reached) {
        let (number, text) = (index + 1, escape(&line.to_string()));
        put(
            &mut html,
            format_args!(
                "<div class=\"line unreached\"><span class=\"number\">{number}</span><code>{text}\
                 </code><span class=\"hint\">not reached</span></div>"
            ),
        );
    }
    html.push_str("</div>\n");
    html.push_str(&rest(plan, story));
    html.push_str("</section>\n");
    html
}

fn is_last_line(plan: &Plan, part: &StoryPart) -> bool {
    matches!(part, StoryPart::Line { line, .. } if *line == plan.ops.len())
}

/// One line with its steps.
struct LineRow {
    number: String,
    text: String,
    class: &'static str,
    /// Whether the steps after the last line are listed here too.
    after_all: bool,
}

impl LineRow {
    fn html(&self, names: &Names, steps: &[&StoryStep]) -> String {
        let LineRow {
            number,
            text,
            class,
            after_all,
        } = self;
        let open = if *class == "wrong" { " open" } else { "" };
        let mut html = format!(
            "<div class=\"line {class}\"><span class=\"number\">{number}</span><code>{text}</code>"
        );
        let behind = if *after_all {
            ", with the steps after the last line"
        } else {
            ""
        };
        let summary = format!("{}{behind}", summary(steps));
        match steps.is_empty() {
            true => put(
                &mut html,
                format_args!("<span class=\"hint\">{summary}</span></div>"),
            ),
            false => put(
                &mut html,
                format_args!(
                    "<details{open}><summary>{summary}</summary><pre>{}</pre></details></div>",
                    trace(names, steps)
                ),
            ),
        }
        html
    }
}

fn summary(steps: &[&StoryStep]) -> String {
    let calls = steps.iter().filter_map(|step| call_of(step));
    let faults = calls.clone().filter(|call| call.fault.is_some()).count() as u64;
    let mut parts = vec![counted(calls.count() as u64, "call")];
    if 0 < faults {
        parts.push(counted(faults, "fault"));
    }
    let is_crash = |step: &&&StoryStep| matches!(step.what, What::Crash(_));
    if steps.iter().any(|step| is_crash(&step)) {
        parts.push("a crash".to_string());
    }
    parts.join(", ")
}

fn call_of(step: &StoryStep) -> Option<&CallView> {
    match &step.what {
        What::Call(call) => Some(call),
        _ => None,
    }
}

fn trace(names: &Names, steps: &[&StoryStep]) -> String {
    let told = |step: &&StoryStep| {
        let text: String = names
            .shorten(&told(step))
            .chars()
            .take(STEP_LEN_MAX)
            .collect();
        escape(&text)
    };
    if steps.len() <= 2 * STEPS_SHOWN {
        let lines: Vec<String> = steps.iter().map(told).collect();
        return lines.join("\n");
    }
    let (start, end) = (&steps[..STEPS_SHOWN], &steps[steps.len() - STEPS_SHOWN..]);
    let mut lines: Vec<String> = start.iter().map(told).collect();
    lines.push(format!("… {} more", steps.len() - 2 * STEPS_SHOWN));
    lines.extend(end.iter().map(told));
    lines.join("\n")
}

fn told(step: &StoryStep) -> String {
    match &step.what {
        What::Note(text) => format!("— {text}"),
        What::Crash(crash) => format!("✕ {}", crash_text(*crash)),
        What::Call(call) => {
            let mut text = format!("{:>5}  t{} {}", call.index + 1, call.task, call.address);
            if let Some(fault) = &call.fault {
                text.push_str(&format!("  ← {fault}"));
            }
            match call.result {
                Some(Ok(0)) | None => {}
                Some(Ok(count)) => text.push_str(&format!("  = {count}")),
                Some(Err(kind)) => text.push_str(&format!("  = {kind}")),
            }
            text
        }
    }
}

/// The rest of the plan: rules, schedule and knobs.
fn rest(plan: &Plan, story: &Story) -> String {
    let mut html = String::new();
    if !plan.faults.is_empty() {
        html.push_str("<h3>Its rules</h3>\n<ul class=\"rules\">\n");
        for rule in &plan.faults {
            let text = rule.to_string();
            let is_silent = story.outcome.silent_rules.contains(&text);
            let hint = if is_silent {
                " <small>never fired</small>"
            } else {
                ""
            };
            put(
                &mut html,
                format_args!("<li><code>{}</code>{hint}</li>", escape(&text)),
            );
        }
        html.push_str("</ul>\n");
    }
    let text = plan.to_string();
    put(
        &mut html,
        format_args!(
            "<details><summary>The whole plan as text</summary><pre>{}</pre></details>",
            escape(&text)
        ),
    );
    html
}
