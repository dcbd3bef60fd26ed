//! The page as a whole.

use palimpsest_tool::map::STYLE as MAP_STYLE;

use super::calls::calls;
use super::lines::lines;
use super::maps::maps;
use super::walk::walk;
use super::{Names, Story, escape, put};
use crate::plan::Plan;
use crate::text::counted;
use crate::text::counted_as;
use crate::verdict::Verdict;

/// The style sheet of all but the maps, which is part of the page.
const STYLE: &str = include_str!("style.css");

/// The plan that a page is about.
pub struct PageSubject {
    /// The plan's name, for the title.
    pub name: String,
    /// The command that replays the plan.
    pub replay: String,
    /// Facts about the plan's origin: a label and a text each.
    pub facts: Vec<(String, String)>,
    /// The rules, each with whether it was necessary; from a capsule.
    pub rules: Vec<String>,
}

/// Makes the page about a run of a plan.
pub fn page(subject: &PageSubject, plan: &Plan, story: &Story) -> String {
    let verdict = story.outcome.verdict.as_ref();
    let words = verdict.map_or("all right", Verdict::name);
    let names = Names::new(&plan.knobs);
    let title = escape(&format!("{}: {words}", subject.name));
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
         name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta \
         name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n\
         {MAP_STYLE}{STYLE}\
         </style>\n</head>\n<body>\n<main>\n"
    );
    html.push_str(&header(subject, &names, plan, story));
    html.push_str(&maps(&names, plan, story));
    html.push_str(&walk(&names, story));
    html.push_str(&calls(&names, story));
    html.push_str(&lines(&names, plan, story));
    html.push_str(&rules(&subject.rules));
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn header(subject: &PageSubject, names: &Names, plan: &Plan, story: &Story) -> String {
    let verdict = story.outcome.verdict.as_ref();
    let (class, words) = match verdict {
        Some(verdict) => ("wrong", verdict.name()),
        None => ("right", "all right"),
    };
    let name = escape(&subject.name);
    let mut html = format!(
        "<header>\n<p class=\"eyebrow\">{name}</p>\n<h1 class=\"{class}\">{}</h1>\n",
        escape(&capital(words))
    );
    if let Some(verdict) = verdict {
        html.push_str("<dl class=\"verdict\">\n");
        for (label, text) in findings(verdict) {
            let text = names.html(&text);
            put(
                &mut html,
                format_args!("<div><dt>{label}</dt><dd>{text}</dd></div>"),
            );
        }
        html.push_str("</dl>\n");
    }
    let tally = &story.outcome.tally;
    let carried_out = match tally.operations {
        count if count == plan.ops.len() as u64 => counted(count, "operation"),
        count => format!("{count} of {}", counted(plan.ops.len() as u64, "operation")),
    };
    let mut facts = vec![
        (
            "run".to_string(),
            format!(
                "{carried_out}, {}, {}",
                counted_as(tally.crashes, "crash", "crashes"),
                counted(story.outcome.counts.calls, "call"),
            ),
        ),
        (
            "digest".to_string(),
            format!("{:016x}", story.outcome.digest),
        ),
    ];
    facts.extend(subject.facts.iter().cloned());
    facts.push(("again".to_string(), subject.replay.clone()));
    html.push_str("<dl class=\"facts\">\n");
    for (label, text) in facts {
        let (label, text) = (escape(&label), escape(&text));
        put(
            &mut html,
            format_args!("<div><dt>{label}</dt><dd>{text}</dd></div>"),
        );
    }
    html.push_str("</dl>\n</header>\n");
    html
}

/// The parts of a verdict, each with its label.
fn findings(verdict: &Verdict) -> Vec<(&'static str, String)> {
    match verdict.clone() {
        Verdict::WrongAnswer {
            asked,
            expected,
            got,
        } => vec![("asked", asked), ("expected", expected), ("got", got)],
        Verdict::BrokenLaw { law, found } => vec![("law", law), ("found", found)],
        Verdict::Panic { message } => vec![("said", message)],
        Verdict::Stuck { waiting } => vec![("waiting", waiting)],
        Verdict::Diverged { first, second, at } => vec![
            ("first", format!("digest {first:016x}")),
            ("second", format!("digest {second:016x}")),
            ("at", at),
        ],
    }
}

fn capital(words: &str) -> String {
    let mut labels = words.chars();
    let first = labels.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(labels).collect()
}

fn rules(rules: &[String]) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<section id=\"rules\">\n<h2>Which faults were necessary</h2>\n<ul class=\"rules\">\n",
    );
    for rule in rules {
        put(
            &mut html,
            format_args!("<li><code>{}</code></li>", escape(rule)),
        );
    }
    html.push_str("</ul>\n</section>\n");
    html
}
