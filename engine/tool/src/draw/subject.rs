//! What is drawn: the layers that an index names, or those that stand in a directory.

use std::path::Path;

use palimpsest::base::{LayerName, Lsn};
use palimpsest::format::Index;

use crate::bytes::DiskFile;
use crate::exit::CommandError;
use crate::index_file;
use crate::layer::LayerReader;
use crate::map::{Change, LayerKind, Map, MapLayer, Mark};
use crate::place::{Place, file_len, index_path, layer_files};

/// The map of what stands at a path.
pub(super) fn subject(path: &Path) -> Result<Map, CommandError> {
    match Place::at(path)? {
        Place::Index(path) => of_index(&path),
        Place::Timeline(dir) => of_index(&index_path(&dir)),
        Place::Engine(dir, timelines) => match timelines[..] {
            [timeline] => of_index(&index_path(&dir.join(timeline.to_string()))),
            _ => {
                let count = timelines.len();
                let what = format!("{count} timelines are in it: name the directory of one");
                Err(CommandError::Input(format!("{}: {what}", dir.display())))
            }
        },
        Place::Layers(dir) => {
            let mut layers = Vec::new();
            for (name, file) in layer_files(&dir)? {
                layers.push((name, file_len(&dir.join(file))?));
            }
            Ok(map_of(&dir.display().to_string(), &layers))
        }
        Place::Layer(path) => {
            let file =
                DiskFile::open(&path).map_err(|error| CommandError::of_path(&path, &error))?;
            let reader = LayerReader::open(file);
            let reader = reader.map_err(|fault| CommandError::of_fault(&path, &fault))?;
            let layer = (reader.summary().name(), reader.file_len());
            let title = format!("written for timeline {}", reader.summary().timeline());
            Ok(map_of(&title, &[layer]))
        }
    }
}

fn of_index(path: &Path) -> Result<Map, CommandError> {
    let index = index_file::decode(path, &index_file::read(path)?)?;
    let layers = index.layers.iter().map(|layer| (layer.name, layer.len));
    let layers: Vec<(LayerName, u64)> = layers.collect();
    let mut map = map_of(&format!("timeline {}", index.timeline), &layers);
    map.marks = marks(&index);
    map.branches = index.leases.keys().map(|lsn| lease(*lsn)).collect();
    Ok(map)
}

fn marks(index: &Index) -> Vec<Mark> {
    let mark = |class, lsn| Mark { class, lsn };
    let mut marks = vec![mark("durable", index.disk_consistent_lsn)];
    if Lsn::ZERO < index.gc_cutoff {
        marks.push(mark("cutoff", index.gc_cutoff));
    }
    marks
}

fn lease(lsn: Lsn) -> (Lsn, String, String) {
    (
        lsn,
        "lease".to_owned(),
        format!("a lease keeps {lsn} readable"),
    )
}

/// The map of layers, each with the length of its file.
fn map_of(title: &str, layers: &[(LayerName, u64)]) -> Map {
    let drawn = layers.iter().map(|(name, len)| MapLayer {
        kind: LayerKind::of(name),
        keys: name.keys(),
        lsns: name.lsns(),
        text: format!("{}, {len} bytes\n{name}", LayerKind::of(name).name()),
        change: Change::None,
    });
    let count = |kind| {
        let names = layers.iter().map(|(name, _)| name);
        names.filter(|name| LayerKind::of(name) == kind).count()
    };
    let counts = [LayerKind::L0, LayerKind::L1, LayerKind::Image]
        .map(|kind| format!("{} {}", count(kind), kind.name()));
    Map {
        title: format!("{title}: {}", counts.join(" · ")),
        layers: drawn.collect(),
        ..Map::default()
    }
}
