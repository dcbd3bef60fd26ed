//! One map of a timeline at one moment.

use std::fmt::Write;

use palimpsest::base::{Key, KeyRange, Lsn, LsnRange};

use super::axes::{Axes, LEFT, RIGHT, WIDTH};
use super::{LayerKind, escape};

/// The style sheet of maps. It gives colours to names, for a light and for a dark page.
pub const STYLE: &str = include_str!("style.css");

/// The smallest distance between labels on an axis.
const LABEL_GAP: f64 = 13.0;
const KEY_LABEL_GAP: f64 = 25.0;

/// The width of a character of a label, and the space between two labels.
const CHARACTER: f64 = 6.0;
const LABEL_SPACE: f64 = 6.0;

/// The margin by which a layer is drawn smaller, so that neighbours are told apart.
const INSET: f64 = 1.5;

/// The largest height of an image, which covers one LSN only.
const IMAGE_HEIGHT: f64 = 7.0;

/// The smallest width and height of a layer with a label.
const LABEL_ROOM: (f64, f64) = (40.0, 13.0);

/// The margin around a map that is a file of its own.
const MARGIN: f64 = 16.0;

/// The height of the title of a map that is a file of its own.
const TITLE: f64 = 22.0;

/// One map, to be drawn.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// The accessible title of the picture.
    pub title: String,
    /// The layers.
    pub layers: Vec<MapLayer>,
    /// The LSNs that are drawn as lines across the map.
    pub marks: Vec<Mark>,
    /// What stands on the timeline or keeps it readable at an LSN: a short name, and words.
    pub branches: Vec<(Lsn, String, String)>,
    /// The read that the map shows, if it shows one.
    pub walk: Option<Walk>,
}

/// One layer of a map.
#[derive(Clone, Debug)]
pub struct MapLayer {
    /// The kind of the layer.
    pub kind: LayerKind,
    /// The keys that it covers.
    pub keys: KeyRange,
    /// The LSNs that it covers.
    pub lsns: LsnRange,
    /// What there is to say of it.
    pub text: String,
    /// Whether a map of another moment has it too.
    pub change: Change,
}

/// The change of a layer between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is there at both, or there is one moment only.
    None,
    /// It is there at the earlier one only.
    Gone,
    /// It is there at the later one only.
    New,
}

/// An LSN that is drawn as a line: the class in a page is also the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The class: `last`, `durable` or `cutoff`.
    pub class: &'static str,
    /// The LSN.
    pub lsn: Lsn,
}

/// The read of one key, and the layers that it visits.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The key.
    pub key: Key,
    /// The visits on this timeline.
    pub steps: Vec<WalkStep>,
    /// The LSN of the read and the words for it, if this timeline was read.
    pub asked: Option<(Lsn, String)>,
}

/// One visit of a read.
#[derive(Clone, Debug)]
pub struct WalkStep {
    /// The number of the visit.
    pub number: usize,
    /// The LSNs that it looks for.
    pub lsns: LsnRange,
    /// What there is to say of it.
    pub text: String,
}

impl Change {
    fn class_and_words(self) -> (&'static str, &'static str) {
        match self {
            Change::None => ("", ""),
            Change::Gone => (" gone", ", gone at the other moment"),
            Change::New => (" new", ", new since the other moment"),
        }
    }
}

impl Map {
    /// The map as an element of a page, which has the style sheet.
    pub fn svg(&self, axes: &Axes) -> String {
        let (width, height, title) = (WIDTH, axes.height, escape(&self.title));
        let mut svg = format!(
            "<svg class=\"map\" viewBox=\"0 0 {width} {height:.0}\" role=\"img\" \
             aria-label=\"{title}\"><title>{title}</title>\n"
        );
        self.draw(&mut svg, axes);
        svg.push_str("</svg>\n");
        svg
    }

    /// The map as a file of its own, with its title above it.
    pub fn document(&self, axes: &Axes) -> String {
        let (width, height) = (WIDTH + 2.0 * MARGIN, axes.height + 2.0 * MARGIN + TITLE);
        let (title, baseline) = (escape(&self.title), MARGIN + TITLE / 2.0);
        let top = MARGIN + TITLE;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"map\" viewBox=\"0 0 {width} \
             {height:.0}\" width=\"{width}\" height=\"{height:.0}\">\n<style>\n{STYLE}\
             .map {{ background: var(--card); }}\n</style>\n\
             <text class=\"name\" x=\"{MARGIN}\" y=\"{baseline}\">{title}</text>\n\
             <g transform=\"translate({MARGIN} {top})\">\n"
        );
        self.draw(&mut svg, axes);
        svg.push_str("</g>\n</svg>\n");
        svg
    }

    fn draw(&self, svg: &mut String, axes: &Axes) {
        self.draw_grid(svg, axes);
        let is_image = |layer: &&MapLayer| layer.kind == LayerKind::Image;
        let (images, deltas): (Vec<&MapLayer>, Vec<&MapLayer>) =
            self.layers.iter().partition(is_image);
        // Images are drawn over the deltas that contain them; they are too thin to hide a line.
        for layer in deltas {
            draw_layer(svg, axes, layer);
        }
        self.draw_marks(svg, axes);
        for layer in images {
            draw_layer(svg, axes, layer);
        }
        self.draw_branches(svg, axes);
        if let Some(walk) = &self.walk {
            walk.draw(svg, axes);
        }
    }

    fn draw_grid(&self, svg: &mut String, axes: &Axes) {
        let bottom = axes.lsns.at(axes.lsns.values()[0]);
        let mut last = f64::INFINITY;
        for lsn in axes.lsns.values() {
            let y = axes.lsns.at(*lsn);
            put(
                svg,
                format_args!("<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>"),
            );
            if LABEL_GAP <= last - y {
                let text = axes.lsn_text(*lsn);
                let (x, y) = (LEFT - 6.0, y + 3.5);
                let label =
                    format_args!("<text class=\"tick\" x=\"{x}\" y=\"{y:.1}\">{text}</text>");
                put(svg, label);
                last = y - 3.5;
            }
        }
        let mut last = f64::NEG_INFINITY;
        for (x, name) in &axes.labels {
            // Labels are centred: half of this one and half of the one before lie between them.
            let width = CHARACTER * name.chars().count() as f64 + LABEL_SPACE;
            if KEY_LABEL_GAP.max(width) <= x - last {
                let (name, y) = (escape(name), bottom + 15.0);
                let label =
                    format_args!("<text class=\"key\" x=\"{x:.1}\" y=\"{y:.1}\">{name}</text>");
                put(svg, label);
                last = *x;
            }
        }
    }

    /// Draws the LSNs that are lines: the last record, the durable one, the cutoff.
    fn draw_marks(&self, svg: &mut String, axes: &Axes) {
        let mut marks = self.marks.clone();
        // From top to bottom; labels move down so that they do not overlap.
        marks.sort_by_key(|mark| std::cmp::Reverse(mark.lsn));
        let mut label_y = f64::NEG_INFINITY;
        for Mark { class, lsn } in marks {
            let y = axes.lsn(lsn);
            put(
                svg,
                format_args!(
                    "<path class=\"{class}\" d=\"M{LEFT} {y:.1}H{RIGHT}\"><title>{class} {lsn}\
                     </title></path>"
                ),
            );
            label_y = f64::max(label_y + LABEL_GAP, y + 3.5);
            let x = RIGHT + 7.0;
            put(
                svg,
                format_args!("<text class=\"mark\" x=\"{x}\" y=\"{label_y:.1}\">{class}</text>"),
            );
        }
    }

    fn draw_branches(&self, svg: &mut String, axes: &Axes) {
        for (lsn, name, words) in &self.branches {
            let (y, name, words) = (axes.lsn(*lsn), escape(name), escape(words));
            let (left, right) = (RIGHT - 4.5, RIGHT + 4.5);
            put(
                svg,
                format_args!(
                    "<path class=\"branch\" d=\"M{left} {y:.1}L{RIGHT} {:.1}L{right} {y:.1}\
                     L{RIGHT} {:.1}Z\"><title>{words}</title></path>",
                    y - 4.5,
                    y + 4.5,
                ),
            );
            let (x, y) = (RIGHT - 13.0, y + 3.5);
            put(
                svg,
                format_args!("<text class=\"branch-name\" x=\"{x}\" y=\"{y:.1}\">{name}</text>"),
            );
        }
    }
}

fn draw_layer(svg: &mut String, axes: &Axes, layer: &MapLayer) {
    let (left, right) = (axes.keys.at(layer.keys.start), axes.keys.at(layer.keys.end));
    let (mut top, mut bottom) = (axes.lsns.at(layer.lsns.end), axes.lsns.at(layer.lsns.start));
    if layer.kind == LayerKind::Image {
        let middle = (top + bottom) / 2.0;
        let half = ((bottom - top) / 2.0).min(IMAGE_HEIGHT / 2.0 + INSET);
        (top, bottom) = (middle - half, middle + half);
    }
    let (x, y) = (left + INSET, top + INSET);
    let (width, height) = (right - left - 2.0 * INSET, bottom - top - 2.0 * INSET);
    let (width, height) = (width.max(1.0), height.max(1.0));
    let (class, change) = layer.change.class_and_words();
    let kind = layer.kind.name();
    let title = escape(&format!("{}{change}", layer.text));
    put(
        svg,
        format_args!(
            "<rect class=\"layer {kind}{class}\" x=\"{x:.1}\" y=\"{y:.1}\" \
             width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2.5\"><title>{title}</title>\
             </rect>"
        ),
    );
    let has_room = LABEL_ROOM.0 <= width && LABEL_ROOM.1 <= height;
    if has_room && layer.kind != LayerKind::Image {
        let (x, y) = (x + 6.0, y + height / 2.0 + 3.7);
        let label = format_args!("<text class=\"name\" x=\"{x:.1}\" y=\"{y:.1}\">{kind}</text>");
        put(svg, label);
    }
}

impl Walk {
    /// Draws the key and LSN of the read, and the layers that it visited.
    fn draw(&self, svg: &mut String, axes: &Axes) {
        let x = axes.key(self.key);
        for WalkStep { number, lsns, text } in &self.steps {
            let (top, bottom) = (axes.lsns.at(lsns.end), axes.lsns.at(lsns.start));
            let middle = (top + bottom) / 2.0;
            let title = escape(text);
            put(
                svg,
                format_args!(
                    "<g class=\"walk\"><title>{title}</title><path d=\"M{x:.1} {top:.1}V{bottom:.1}\
                     \"/><circle cx=\"{x:.1}\" cy=\"{middle:.1}\" r=\"6.5\"/><text x=\"{x:.1}\" \
                     y=\"{:.1}\">{number}</text></g>",
                    middle + 3.3,
                ),
            );
        }
        if let Some((lsn, text)) = &self.asked {
            let y = axes.lsns.at(lsn.visible_end());
            let title = escape(text);
            put(
                svg,
                format_args!(
                    "<path class=\"asked\" d=\"M{:.1} {y:.1}h12\"><title>{title}</title></path>",
                    x - 6.0
                ),
            );
        }
    }
}

/// Adds a line to a page.
pub fn put(page: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(page, "{line}").expect("a string takes any text");
}
