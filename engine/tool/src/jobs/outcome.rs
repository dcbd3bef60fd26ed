//! What a job came to: the layers before it and after it, and the fields of its own.

use std::fmt::Display;
use std::io::{self, Write};

use palimpsest::Progress;
use serde_json::{Map, Value as Json, json};

use super::counted;
use crate::clock::Stopwatch;
use crate::form::Form;
use crate::map::LayerKind;
use crate::session::Timeline;

/// The layers in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layers {
    l0s: u64,
    l1s: u64,
    images: u64,
    len: u64,
}

impl Layers {
    pub(super) fn of(timeline: &Timeline) -> Layers {
        let mut layers = Layers::default();
        for (name, layer) in timeline.layers().files().iter() {
            layers.len += layer.entry().len;
            match LayerKind::of(&name) {
                LayerKind::Image => layers.images += 1,
                LayerKind::L0 => layers.l0s += 1,
                _ => layers.l1s += 1,
            }
        }
        layers
    }

    fn text(&self) -> String {
        let Layers {
            l0s,
            l1s,
            images,
            len,
        } = self;
        format!("{l0s} L0 · {l1s} L1 · {images} image, {len} bytes")
    }

    fn json(&self) -> Json {
        let (l0s, l1s, images, len) = (self.l0s, self.l1s, self.images, self.len);
        json!({"l0": l0s, "l1": l1s, "image": images, "len": len})
    }
}

/// What is printed of a job, field by field.
pub(super) struct Outcome {
    job: &'static str,
    before: Layers,
    watch: Stopwatch,
    fields: Vec<(&'static str, String, Json)>,
}

impl Outcome {
    /// Of a job that begins now.
    pub(super) fn begin(job: &'static str, timeline: &Timeline) -> Outcome {
        Outcome {
            job,
            before: Layers::of(timeline),
            watch: Stopwatch::start(),
            fields: Vec::new(),
        }
    }

    /// Adds a field.
    pub(super) fn field(&mut self, name: &'static str, value: impl Display) {
        let text = value.to_string();
        let json = match text.parse::<u64>() {
            Ok(number) => Json::from(number),
            Err(_) => Json::from(text.clone()),
        };
        self.fields.push((name, text, json));
    }

    /// Adds how a part of the job ended.
    pub(super) fn progress(&mut self, name: &'static str, progress: Progress) {
        let text = match progress {
            Progress::Idle => "nothing to do",
            Progress::Done => "done",
            Progress::Superseded => "overtaken by another job",
            Progress::Preempted => "stopped for L0s that wait",
        };
        self.field(name, text);
    }

    /// Prints all of it.
    pub(super) fn print(
        self,
        timeline: &Timeline,
        (out, form): (&mut dyn Write, Form),
    ) -> io::Result<()> {
        let (after, seconds) = (Layers::of(timeline), self.watch.seconds());
        if form == Form::Json {
            let mut line = Map::new();
            line.insert("type".to_owned(), Json::from(self.job));
            line.insert("before".to_owned(), self.before.json());
            line.insert("after".to_owned(), after.json());
            line.insert("seconds".to_owned(), Json::from(seconds));
            line.insert("jobs".to_owned(), counted::json_of(&timeline.job_runs()));
            let fields = self.fields.into_iter();
            line.extend(fields.map(|(name, _, json)| (name.replace([' ', '-'], "_"), json)));
            return writeln!(out, "{}", Json::Object(line));
        }
        let mut field = |name: &str, value: &str| writeln!(out, "{name:<24} {value}");
        for (name, text, _) in &self.fields {
            field(name, text)?;
        }
        field("before", &self.before.text())?;
        field("after", &after.text())?;
        field("seconds", &format!("{seconds:.2}"))?;
        counted::print(&timeline.job_runs(), out)
    }
}
