use insta::{Settings, assert_snapshot};

use super::watch;
use super::*;
use crate::plan::Plan;

/// The elements whose text, and those whose class, is part of a skeleton.
const TOLD: [&str; 5] = ["h1", "h2", "h3", "dt", "figcaption"];
const NAMED: [&str; 2] = ["rect", "section"];

/// The elements without an end tag.
const VOID: [&str; 2] = ["meta", "!DOCTYPE"];

/// A page of a plan with these operations and rules.
fn page_of(ops: &str, rules: &str) -> String {
    let mut knobs = Plan::draw(0).knobs;
    knobs.key_count = 3;
    knobs.maintenance = crate::plan::Maintenance::Off;
    knobs.look = crate::plan::Look::All;
    let text = format!(
        "palimpsest plan {}\n{knobs}ops\n{ops}faults\n{rules}schedule\n  then in-order\n",
        format_number(),
    );
    let plan: Plan = text.parse().unwrap();
    let subject = PageSubject {
        name: "<script>alert(1)</script>".to_string(),
        replay: "cargo sim replay 'a & b'".to_string(),
        facts: vec![("drawn by".to_string(), "no seed".to_string())],
        rules: Vec::new(),
    };
    page(&subject, &plan, &watch(&plan))
}

/// The number of the current plan format.
fn format_number() -> String {
    let text = Plan::draw(0).to_string();
    let title = text.lines().next().unwrap();
    title.rsplit(' ').next().unwrap().to_string()
}

const HISTORY: &str = "  create a 0
  put a +8 k0 image:9:1, +8 k1 image:9:2
  flush a
  put a +8 k0 append:3:3
  flush a
  branch b a -8
  put b +8 k2 image:5:4
";

/// A page whose plan fails: a sync is acknowledged and not made, and the power fails.
fn wrong_page() -> String {
    let ops = format!("{HISTORY}  crash power none\n  get a k0 0\n");
    page_of(&ops, "  at life*/*/*/*/sync lie times 99\n")
}

/// The tags of a page, each with the text behind it.
fn tags(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let pieces = head.split('<').skip(1).chain(body.split('<').skip(1));
    pieces.map(|piece| piece.split_once('>').expect("a tag that is begun ends"))
}

fn skeleton(page: &str) -> String {
    let mut lines = Vec::new();
    for (tag, text) in tags(page) {
        let (name, rest) = tag.split_once(' ').unwrap_or((tag, ""));
        let class = rest
            .split("class=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let class = class.map_or(String::new(), |class| format!(" .{class}"));
        let is_caption = name == "b" && class.is_empty();
        if is_caption || TOLD.contains(&name) {
            lines.push(format!("{name}{class} {}", text.trim()));
        } else if NAMED.contains(&name) {
            lines.push(format!("{name}{class}"));
        }
    }
    lines.join("\n")
}

#[test]
fn a_page_has_this_skeleton() {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let skeleton = skeleton(&page_of(HISTORY, ""));
    settings.bind(|| assert_snapshot!("skeleton_of_an_explained_plan", skeleton));
}

#[test]
fn every_element_that_is_begun_ends_in_its_order() {
    for page in [page_of(HISTORY, ""), wrong_page()] {
        let mut open = Vec::new();
        for (tag, _) in tags(&page) {
            let name = tag.split([' ', '\n']).next().unwrap();
            match name.strip_prefix('/') {
                Some(ended) if ended != "style" => assert_eq!(open.pop(), Some(ended)),
                Some(_) => {}
                None if VOID.contains(&name) || tag.ends_with('/') => {}
                None => open.push(name),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

#[test]
fn a_page_asks_for_nothing_from_elsewhere_and_runs_nothing() {
    let page = wrong_page();
    for forbidden in [
        "<script", "http:", "https:", "//", "src=", "url(", "@import", " on",
    ] {
        let found = tags(&page).find(|(tag, _)| tag.contains(forbidden));
        assert_eq!(
            found.filter(|(tag, _)| !tag.contains("aria-label")),
            None,
            "{forbidden}"
        );
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("cargo sim replay &#39;a &amp; b&#39;"));
}

#[test]
fn a_page_of_a_failure_tells_what_a_crash_left() {
    let page = wrong_page();
    assert!(page.contains("waited for a sync: "), "{}", skeleton(&page));
    assert!(page.contains("the power fails, unsynced changes kept: none"));
    assert!(page.contains("<b class=\"pill lost\">"));
    assert!(page.contains("The last good moment"));
    assert!(page.contains("The first bad moment"));
    assert!(page.contains("class=\"line wrong\""));
}
