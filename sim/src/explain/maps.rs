//! The layers of every timeline, at the last good moment and at the first bad one.

use palimpsest::base::Lsn;
use palimpsest::layer::LayerId;
use palimpsest_tool::map::{Change, Map, MapLayer, Mark, Walk, WalkStep};

use super::axes::{axes, branch_points};
use super::{Names, Story, escape, put};
use crate::label::TimelineLabel;
use crate::plan::Plan;
use crate::text::grouped;
use crate::witness::{LayerKind, LayerView, Moment, Reading, Scene, SceneSource, TimelineView};

/// One of the two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MapSide {
    /// The last good moment.
    Good,
    /// The first bad moment.
    Bad,
}

/// The section of the page with the maps.
pub fn maps(names: &Names, plan: &Plan, story: &Story) -> String {
    let scenes: Vec<(MapSide, &Scene)> = [(MapSide::Good, &story.good), (MapSide::Bad, &story.bad)]
        .into_iter()
        .filter_map(|(side, scene)| Some((side, scene.as_ref()?)))
        .collect();
    let mut labels = Vec::new();
    for view in scenes.iter().flat_map(|(_, scene)| &scene.timelines) {
        if !labels.contains(&view.label) {
            labels.push(view.label);
        }
    }
    let mut html = String::from("<section id=\"layers\">\n<h2>The layers</h2>\n");
    if labels.is_empty() {
        html.push_str("<p class=\"hint\">There was no timeline yet.</p>\n");
    } else {
        html.push_str(&legend(story));
    }
    for label in labels {
        let stage = Stage {
            names,
            plan,
            story,
            scenes: &scenes,
        };
        html.push_str(&stage.timeline(label));
    }
    html.push_str("</section>\n");
    html
}

/// The state that all timelines share.
struct Stage<'a> {
    names: &'a Names,
    plan: &'a Plan,
    story: &'a Story,
    scenes: &'a [(MapSide, &'a Scene)],
}

impl Stage<'_> {
    fn timeline(&self, label: TimelineLabel) -> String {
        let Stage {
            names,
            plan,
            story,
            scenes,
        } = *self;
        let only: Vec<&Scene> = scenes.iter().map(|(_, scene)| *scene).collect();
        let axes = axes(&plan.knobs, label, &only, story.reading.as_ref());
        let name = char::from(label.0);
        let views = || scenes.iter().filter_map(|(_, scene)| view(scene, label));
        let stands_on = views().find_map(|view| view.ancestor);
        let mut html = format!("<h3>Timeline {name}");
        if let Some((on, lsn)) = stands_on {
            let on = char::from(on.0);
            put(
                &mut html,
                format_args!(" <small>stands on {on} at {lsn}</small>"),
            );
        }
        html.push_str("</h3>\n");
        if let Some(base) = axes.lsn_base {
            put(
                &mut html,
                format_args!("<p class=\"hint\">LSNs are counted from {base}.</p>"),
            );
        }
        let branches = branch_points(&only, label);
        let class = if scenes.len() == 1 {
            "pair single"
        } else {
            "pair"
        };
        put(&mut html, format_args!("<div class=\"{class}\">"));
        for (side, scene) in scenes {
            let other = scenes.iter().find(|(other, _)| other != side);
            let other = other.map(|(_, scene)| view(scene, label));
            let moment = heading((plan, story), *side, scene);
            put(&mut html, format_args!("<figure><figcaption>{moment}"));
            let Some(view) = view(scene, label) else {
                let why = "It is not open, and its index cannot be read.";
                put(
                    &mut html,
                    format_args!("</figcaption><p class=\"hint\">{why}</p></figure>"),
                );
                continue;
            };
            if view.source == SceneSource::Disk {
                html.push_str(" <small>as its index on the disk says</small>");
            }
            html.push_str("</figcaption>\n");
            let reading = story.reading.as_ref().filter(|_| *side == MapSide::Bad);
            let map = Map {
                title: format!("Timeline {name} {}: {}", scene.moment, counts(view)),
                layers: layers(names, view, (*side, other.flatten())),
                marks: marks(view),
                branches: branches.iter().map(branch).collect(),
                walk: reading.map(|reading| walk(view, reading)),
            };
            html.push_str(&map.svg(&axes));
            put(
                &mut html,
                format_args!("<p class=\"counts\">{}</p></figure>", counts(view)),
            );
        }
        html.push_str("</div>\n");
        html
    }
}

fn view(scene: &Scene, label: TimelineLabel) -> Option<&TimelineView> {
    scene.timelines.iter().find(|view| view.label == label)
}

/// The layers of a timeline; those that the timeline at the other moment has not are told apart.
fn layers(
    names: &Names,
    view: &TimelineView,
    (side, other): (MapSide, Option<&TimelineView>),
) -> Vec<MapLayer> {
    let layer = |layer: &LayerView| {
        let is_in_other = other.is_none_or(|other| {
            let mut others = other.layers.iter();
            others.any(|it| it.id == layer.id)
        });
        MapLayer {
            kind: layer.kind,
            keys: layer.keys,
            lsns: layer.lsns,
            text: told(names, layer),
            change: match (is_in_other, side) {
                (true, _) => Change::None,
                (false, MapSide::Good) => Change::Gone,
                (false, MapSide::Bad) => Change::New,
            },
        }
    };
    view.layers.iter().map(layer).collect()
}

/// A layer as text.
fn told(names: &Names, layer: &LayerView) -> String {
    let (kind, len) = (layer.kind.name(), grouped(layer.len));
    match layer.id {
        LayerId::File(name) => format!("{}, {len} bytes\n{name}", names.layer(&name)),
        LayerId::Memory(_) => format!("{kind} layer in memory for {}, {len} bytes", layer.lsns),
    }
}

/// The last record, the cutoff and the durable LSN.
fn marks(view: &TimelineView) -> Vec<Mark> {
    let mark = |class, lsn| Mark { class, lsn };
    let mut marks = vec![mark("last", view.last)];
    if Lsn::ZERO < view.cutoff {
        marks.push(mark("cutoff", view.cutoff));
    }
    marks.push(mark("durable", view.durable));
    marks
}

fn branch((label, lsn): &(TimelineLabel, Lsn)) -> (Lsn, String, String) {
    let name = char::from(label.0).to_string();
    let words = format!("{name} branches off at {lsn}");
    (*lsn, name, words)
}

/// The part of a read that is on this timeline.
fn walk(view: &TimelineView, reading: &Reading) -> Walk {
    let visits = (1..).zip(&reading.visits);
    let here = visits.filter(|(_, visit)| visit.label == view.label);
    let steps = here.map(|(number, visit)| WalkStep {
        number,
        lsns: visit.lsns,
        text: format!("visit {number}: {} for {}", visit.layer, visit.lsns),
    });
    let asked = format!("get {} at {}", reading.key_text(), reading.lsn);
    Walk {
        key: reading.key,
        steps: steps.collect(),
        asked: (reading.label == view.label).then_some((reading.lsn, asked)),
    }
}

fn heading((plan, story): (&Plan, &Story), side: MapSide, scene: &Scene) -> String {
    let words = match (side, &story.bad) {
        (MapSide::Good, Some(_)) => "The last good moment",
        (MapSide::Good, None) => "The end of the plan",
        (MapSide::Bad, _) => "The first bad moment",
    };
    let moment = match scene.moment {
        Moment::Verdict { line } if plan.ops.len() < line => {
            "at the verdict, after the last line".to_string()
        }
        moment => moment.to_string(),
    };
    format!("<b>{words}</b> {}", escape(&moment))
}

/// The number of layers of each kind, as text.
fn counts(view: &TimelineView) -> String {
    let count = |kind| {
        view.layers
            .iter()
            .filter(|layer| layer.kind == kind)
            .count()
    };
    let counts = LayerKind::ALL.map(|kind| (kind, count(kind))).into_iter();
    let counts: Vec<String> = counts
        .filter(|(_, count)| 0 < *count)
        .map(|(kind, count)| format!("{count} {}", kind.name()))
        .collect();
    match counts.is_empty() {
        true => "no layers".to_string(),
        false => counts.join(" · "),
    }
}

fn legend(story: &Story) -> String {
    let mut html = String::from("<ul class=\"legend\">\n");
    for kind in LayerKind::ALL {
        let (class, words) = (kind.name(), words(kind));
        put(
            &mut html,
            format_args!(
                "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><rect class=\"layer {class}\" \
                 x=\"1\" y=\"1\" width=\"20\" height=\"10\" rx=\"2\"/></svg>{words}</li>"
            ),
        );
    }
    let mut lines = vec![
        ("durable", "durable"),
        ("cutoff", "cutoff"),
        ("last", "last record"),
    ];
    if story.reading.is_some() {
        lines.push(("asked", "the wrong read"));
    }
    for (class, words) in lines {
        put(
            &mut html,
            format_args!(
                "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"{class}\" \
                 d=\"M1 6H21\"/></svg>{words}</li>"
            ),
        );
    }
    html.push_str(
        "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path class=\"branch\" \
         d=\"M6.5 6L11 1.5L15.5 6L11 10.5Z\"/></svg>a branch stands here</li>\n",
    );
    if story.bad.is_some() {
        html.push_str(
            "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><rect class=\"layer new\" \
             x=\"1.5\" y=\"1.5\" width=\"19\" height=\"9\" rx=\"2\"/></svg>only at \
             this moment</li>\n",
        );
    }
    html.push_str("</ul>\n");
    html
}

fn words(kind: LayerKind) -> &'static str {
    match kind {
        LayerKind::Open => "open, in memory",
        LayerKind::Frozen => "frozen, in memory",
        LayerKind::L0 => "L0 delta",
        LayerKind::L1 => "L1 delta",
        LayerKind::Image => "image",
    }
}
