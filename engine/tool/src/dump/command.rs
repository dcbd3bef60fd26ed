//! The command: one file after another.

use std::io::Write;
use std::path::Path;

use palimpsest::base::FileName;
use palimpsest::format::{Index, dump_index};
use serde_json::{Value as Json, json};

use super::{Detail, dump_json, dump_text};
use crate::bytes::DiskFile;
use crate::exit::CommandError;
use crate::form::Form;
use crate::index_file;
use crate::layer::LayerReader;
use crate::place::{Place, index_path, layer_files};

/// Prints what stands at a path: a file, or all files of a directory.
///
/// # Errors
/// `Input` if the path cannot be read, `Damaged` at the first fault.
pub fn dump(
    path: &Path,
    out: &mut dyn Write,
    (form, detail): (Form, Detail),
) -> Result<(), CommandError> {
    let mut printer = Printer { out, form, detail };
    match Place::at(path)? {
        Place::Layer(path) => printer.layer(&path),
        Place::Index(path) => printer.index(&path).map(|_| ()),
        Place::Timeline(dir) => printer.timeline(&dir),
        Place::Layers(dir) => {
            for (_, name) in layer_files(&dir)? {
                printer.titled_layer(&dir.join(name))?;
            }
            Ok(())
        }
        Place::Engine(dir, timelines) => {
            for timeline in timelines {
                printer.timeline(&dir.join(timeline.to_string()))?;
            }
            Ok(())
        }
    }
}

struct Printer<'a> {
    out: &'a mut dyn Write,
    form: Form,
    detail: Detail,
}

impl Printer<'_> {
    /// Prints an index, and the layers that it names.
    fn timeline(&mut self, dir: &Path) -> Result<(), CommandError> {
        let path = index_path(dir);
        self.title(&path)?;
        let index = self.index(&path)?;
        for layer in &index.layers {
            let (name, generation) = (layer.name, layer.generation);
            let name = FileName::Layer { name, generation };
            self.titled_layer(&dir.join(name.to_string()))?;
        }
        Ok(())
    }

    fn titled_layer(&mut self, path: &Path) -> Result<(), CommandError> {
        self.title(path)?;
        self.layer(path)
    }

    /// Prints the path of one of several files. A line of JSON has the name of its file.
    fn title(&mut self, path: &Path) -> Result<(), CommandError> {
        if self.form == Form::Text {
            writeln!(self.out, "\n== {}", path.display())?;
        }
        Ok(())
    }

    fn layer(&mut self, path: &Path) -> Result<(), CommandError> {
        let file = DiskFile::open(path).map_err(|error| CommandError::of_path(path, &error))?;
        let of_fault = |fault| CommandError::of_fault(path, &fault);
        let mut reader = LayerReader::open(file).map_err(of_fault)?;
        let dumped = match self.form {
            Form::Text => dump_text(&mut reader, self.out, self.detail),
            Form::Json => dump_json(path, &mut reader, self.out, self.detail),
        };
        dumped.map_err(|stop| CommandError::of_stop(path, stop))
    }

    fn index(&mut self, path: &Path) -> Result<Index, CommandError> {
        let bytes = index_file::read(path)?;
        let index = index_file::decode(path, &bytes)?;
        match self.form {
            Form::Text => {
                let text = dump_index(&bytes);
                let text = text.map_err(|error| CommandError::of_fault(path, &error.into()))?;
                write!(self.out, "{text}")?;
            }
            Form::Json => self.index_lines(&index)?,
        }
        Ok(index)
    }

    fn index_lines(&mut self, index: &Index) -> Result<(), CommandError> {
        let ancestor = index.ancestor.map(|ancestor| {
            json!({
                "timeline_id": ancestor.timeline.to_string(),
                "lsn": ancestor.lsn.to_string(),
            })
        });
        let leases = index.leases.iter().map(
            |(lsn, valid_until)| json!({"lsn": lsn.to_string(), "valid_until": valid_until.0}),
        );
        let kept = index.kept.iter().flatten().map(ToString::to_string);
        let kept = index.kept.as_ref().map(|_| kept.collect::<Vec<String>>());
        let times = index.times.iter();
        let times = times.map(|(time, lsn)| json!({"time": time.0, "lsn": lsn.to_string()}));
        let line = json!({
            "type": "index",
            "tenant_id": index.tenant.to_string(),
            "timeline_id": index.timeline.to_string(),
            "generation": index.generation.0,
            "ancestor": ancestor,
            "disk_consistent_lsn": index.disk_consistent_lsn.to_string(),
            "gc_cutoff": index.gc_cutoff.to_string(),
            "is_deleted": index.is_deleted,
            "leases": leases.collect::<Vec<Json>>(),
            "kept": kept,
            "times": times.collect::<Vec<Json>>(),
        });
        writeln!(self.out, "{line}")?;
        for layer in &index.layers {
            let line = json!({
                "type": "layer",
                "name": layer.name.to_string(),
                "generation": layer.generation.0,
                "len": layer.len,
                "checksum": layer.checksum.map(|checksum| format!("{checksum:08x}")),
            });
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }
}
