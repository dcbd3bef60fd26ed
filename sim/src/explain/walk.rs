//! The wrong read: the model's records, and the contents of the layers that the read visited.

use palimpsest::layer::LayerId;

use super::{Names, Story, escape, put};
use crate::verdict::Verdict;
use crate::witness::VisitView;

/// The section of the page with the walk; empty if no read went wrong.
pub fn walk(names: &Names, story: &Story) -> String {
    let Some(reading) = &story.reading else {
        return String::new();
    };
    let asked = match &story.outcome.verdict {
        Some(Verdict::WrongAnswer { asked, .. }) => asked.as_str(),
        _ => "",
    };
    let (label, key) = (char::from(reading.label.0), escape(&reading.key_text()));
    let (lsn, alone) = (reading.lsn, escape(&reading.alone));
    let mut html = String::from("<section id=\"walk\">\n<h2>The walk of the wrong read</h2>\n");
    put(
        &mut html,
        format_args!(
            "<p>Asked for <code>{key}</code> of timeline <code>{label}</code> at \
             <code>{lsn}</code> alone, the engine answers <code>{alone}</code>.</p>"
        ),
    );
    if !asked.starts_with(&format!("get {label} ")) {
        html.push_str(
            "<p class=\"hint\">The wrong answer was to another question than this one: the failure \
             may depend on the other keys that were read with it.</p>\n",
        );
    }
    if let Some(trouble) = &reading.trouble {
        let trouble = escape(trouble);
        put(
            &mut html,
            format_args!("<p class=\"hint\">Its walk is not known: {trouble}</p>"),
        );
    }
    let class = match reading.visits.is_empty() {
        true => "walk-columns single",
        false => "walk-columns",
    };
    put(&mut html, format_args!("<div class=\"{class}\">"));
    if !reading.visits.is_empty() {
        html.push_str("<div>\n<h3>The layers that it visits, in this order</h3>\n");
        html.push_str(&visits(names, &reading.visits));
        html.push_str("</div>\n");
    }
    put(
        &mut html,
        format_args!(
            "<div class=\"model\"><h3>What the model has of {key}</h3>{}</div>\n</div>\n</section>",
            listing(&reading.model)
        ),
    );
    html
}

fn visits(names: &Names, visits: &[VisitView]) -> String {
    let mut html = String::from("<ol class=\"visits\">\n");
    for visit in visits {
        let on = char::from(visit.label.0);
        let (layer, lsns) = (visit.layer, visit.lsns);
        let short = match layer {
            LayerId::File(name) => names.layer(&name),
            LayerId::Memory(start) => format!("memory from {start}"),
        };
        let (layer, short) = (escape(&layer.to_string()), escape(&short));
        put(
            &mut html,
            format_args!(
                "<li><p><b>{on}</b> {short}<small class=\"file\">for {lsns}</small><small \
                 class=\"file full\">{layer}</small></p>{}</li>",
                listing(&visit.contents)
            ),
        );
    }
    html.push_str("</ol>\n");
    html
}

fn listing(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    match lines.is_empty() {
        true => "<p class=\"hint\">Nothing.</p>".to_string(),
        false => format!("<pre>{}</pre>", lines.join("\n")),
    }
}
