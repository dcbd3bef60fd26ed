//! A map of one timeline at one moment: keys from left to right, LSNs from bottom to top.

use std::fmt::Write;

use palimpsest::base::Lsn;
use palimpsest::layer::LayerId;

use super::axes::{Axes, LEFT, RIGHT, WIDTH};
use super::{Names, escape};
use crate::label::TimelineLabel;
use crate::text::grouped;
use crate::witness::{LayerKind, LayerView, Reading, TimelineView};

/// The smallest distance between labels on an axis.
const LABEL_GAP: f64 = 13.0;
const KEY_LABEL_GAP: f64 = 25.0;

/// The margin by which a layer is drawn smaller, so that neighbours are told apart.
const INSET: f64 = 1.5;

/// The largest height of an image, which covers one LSN only.
const IMAGE_HEIGHT: f64 = 7.0;

/// The smallest width and height of a layer with a label.
const LABEL_ROOM: (f64, f64) = (40.0, 13.0);

/// One map, to be drawn.
pub struct Map<'a> {
    /// The short names of keys and layers.
    pub names: &'a Names,
    /// The timeline.
    pub view: &'a TimelineView,
    /// The timeline at the other moment, to show which layers are new or gone.
    pub other: Option<&'a TimelineView>,
    /// The moment that the map shows.
    pub side: MapSide,
    /// The timelines that branch off from this one, with their LSNs.
    pub branches: &'a [(TimelineLabel, Lsn)],
    /// The read that went wrong, if this map shows it.
    pub reading: Option<&'a Reading>,
    /// The accessible title of the picture.
    pub title: String,
}

/// One of the two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapSide {
    /// The last good moment.
    Good,
    /// The first bad moment.
    Bad,
}

impl Map<'_> {
    /// The map as SVG.
    pub fn svg(&self, axes: &Axes) -> String {
        let (width, height, title) = (WIDTH, axes.height, escape(&self.title));
        let mut svg = format!(
            "<svg class=\"map\" viewBox=\"0 0 {width} {height:.0}\" role=\"img\" \
             aria-label=\"{title}\"><title>{title}</title>\n"
        );
        self.draw_grid(&mut svg, axes);
        let is_image = |layer: &&LayerView| layer.kind == LayerKind::Image;
        let (images, deltas): (Vec<&LayerView>, Vec<&LayerView>) =
            self.view.layers.iter().partition(is_image);
        // Images are drawn over the deltas that contain them; they are too thin to hide a line.
        for layer in deltas {
            self.draw_layer(&mut svg, axes, layer);
        }
        self.draw_probes(&mut svg, axes);
        for layer in images {
            self.draw_layer(&mut svg, axes, layer);
        }
        self.draw_branches(&mut svg, axes);
        if let Some(reading) = self.reading {
            self.draw_walk(&mut svg, axes, reading);
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// A layer as text.
    fn told(&self, layer: &LayerView) -> String {
        let (kind, len) = (layer.kind.name(), grouped(layer.len));
        match layer.id {
            LayerId::File(name) => format!("{}, {len} bytes\n{name}", self.names.layer(&name)),
            LayerId::Memory(_) => format!("{kind} layer in memory for {}, {len} bytes", layer.lsns),
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
            if KEY_LABEL_GAP <= x - last {
                let (name, y) = (escape(name), bottom + 15.0);
                let label =
                    format_args!("<text class=\"key\" x=\"{x:.1}\" y=\"{y:.1}\">{name}</text>");
                put(svg, label);
                last = *x;
            }
        }
    }

    fn draw_layer(&self, svg: &mut String, axes: &Axes, layer: &LayerView) {
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
        let is_in_other = self.other.is_none_or(|other| {
            let mut others = other.layers.iter();
            others.any(|it| it.id == layer.id)
        });
        let (class, change) = match (is_in_other, self.side) {
            (true, _) => ("", ""),
            (false, MapSide::Good) => (" gone", ", gone at the other moment"),
            (false, MapSide::Bad) => (" new", ", new since the other moment"),
        };
        let kind = layer.kind.name();
        let title = escape(&format!("{}{change}", self.told(layer)));
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
            let label =
                format_args!("<text class=\"name\" x=\"{x:.1}\" y=\"{y:.1}\">{kind}</text>");
            put(svg, label);
        }
    }

    /// Draws the cutoff, the durable LSN and the last record.
    fn draw_probes(&self, svg: &mut String, axes: &Axes) {
        let view = self.view;
        let mut probes = vec![("last", "last", view.last)];
        if Lsn::ZERO < view.cutoff {
            probes.push(("cutoff", "cutoff", view.cutoff));
        }
        probes.push(("durable", "durable", view.durable));
        // From top to bottom; labels move down so that they do not overlap.
        probes.sort_by_key(|(_, _, lsn)| std::cmp::Reverse(*lsn));
        let mut label_y = f64::NEG_INFINITY;
        for (class, name, lsn) in probes {
            let y = axes.lsn(lsn);
            put(
                svg,
                format_args!(
                    "<path class=\"{class}\" d=\"M{LEFT} {y:.1}H{RIGHT}\"><title>{name} {lsn}\
                     </title></path>"
                ),
            );
            label_y = f64::max(label_y + LABEL_GAP, y + 3.5);
            let x = RIGHT + 7.0;
            put(
                svg,
                format_args!("<text class=\"mark\" x=\"{x}\" y=\"{label_y:.1}\">{name}</text>"),
            );
        }
    }

    fn draw_branches(&self, svg: &mut String, axes: &Axes) {
        for (label, lsn) in self.branches {
            let (y, label) = (axes.lsn(*lsn), char::from(label.0));
            let (left, right) = (RIGHT - 4.5, RIGHT + 4.5);
            put(
                svg,
                format_args!(
                    "<path class=\"branch\" d=\"M{left} {y:.1}L{RIGHT} {:.1}L{right} {y:.1}\
                     L{RIGHT} {:.1}Z\"><title>{label} branches off at {lsn}</title></path>",
                    y - 4.5,
                    y + 4.5,
                ),
            );
            let (x, y) = (RIGHT - 13.0, y + 3.5);
            put(
                svg,
                format_args!("<text class=\"branch-name\" x=\"{x}\" y=\"{y:.1}\">{label}</text>"),
            );
        }
    }

    /// Draws the key and LSN of the read, and the layers that it visited.
    fn draw_walk(&self, svg: &mut String, axes: &Axes, reading: &Reading) {
        let x = axes.key(reading.key);
        for (number, visit) in (1..).zip(&reading.visits) {
            if visit.label != self.view.label {
                continue;
            }
            let (top, bottom) = (axes.lsns.at(visit.lsns.end), axes.lsns.at(visit.lsns.start));
            let middle = (top + bottom) / 2.0;
            let title = escape(&format!(
                "visit {number}: {} for {}",
                visit.layer, visit.lsns
            ));
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
        if reading.label == self.view.label {
            let y = axes.lsns.at(reading.lsn.visible_end());
            let title = escape(&format!("get {} at {}", reading.key_text(), reading.lsn));
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
