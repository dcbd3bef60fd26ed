//! The command: verify, copy, name in an index.
#![expect(
    clippy::disallowed_types,
    reason = "it copies files that the caller named, outside of any run"
)]

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use palimpsest::base::FileName;
use palimpsest::format::Index;
use palimpsest::io::{Job, Op};
use palimpsest::store::{DirStore, Store};
use palimpsest::{Engine, Options, OsIo, TimelineId, block_on};

use super::source::{GENERATION, Source};
use crate::exit::CommandError;

/// What to import, and where.
pub struct ImportRequest<'a> {
    /// The directory of the layers.
    pub layers: &'a Path,
    /// The directory of the engine.
    pub root: &'a Path,
    /// The timeline, which must not be there yet.
    pub timeline: TimelineId,
}

/// Imports layers as a timeline, opens it, and prints what it has.
///
/// # Errors
/// `Damaged` if a layer is; `Input` if the timeline is there, or if the layers are not all of one
/// tenant. Those of the engine.
pub fn import(request: &ImportRequest<'_>, out: &mut dyn Write) -> Result<(), CommandError> {
    let source = Source::read(request.layers)?;
    let options = Options {
        tenant: source.tenant,
        ..Options::default()
    };
    block_on(async {
        // It holds the directory's lock meanwhile.
        let engine = Engine::open(OsIo::new(), request.root, options).await?;
        let store = DirStore::new(OsIo::new(), request.root);
        let op = Op::new(Some(request.timeline), Job::Open, 1);
        if store.load_index(op, request.timeline).await?.is_some() {
            let text = format!("timeline {} is there already", request.timeline);
            return Err(CommandError::Input(text));
        }
        store.create(op, request.timeline).await?;
        copy_all(&source, &store.dir(request.timeline))?;
        let index = index_of(&source, request.timeline);
        store
            .put_layers(op, request.timeline, &index.layers)
            .await?;
        store.save_index(op, &index, 1).await?;
        store.acknowledge(op, request.timeline).await?;
        let timeline = engine.open_timeline(request.timeline).await?;
        let count = timeline.layers().files().len();
        writeln!(out, "timeline                 {}", timeline.id())?;
        writeln!(out, "tenant                   {}", source.tenant)?;
        writeln!(out, "layers                   {count}")?;
        writeln!(
            out,
            "durable up to            {}",
            timeline.disk_consistent_lsn()
        )?;
        engine.shutdown().await?;
        Ok(())
    })
}

fn index_of(source: &Source, timeline: TimelineId) -> Index {
    Index {
        tenant: source.tenant,
        timeline,
        generation: GENERATION,
        ancestor: None,
        disk_consistent_lsn: source.last,
        gc_cutoff: palimpsest::Lsn::ZERO,
        is_deleted: false,
        layers: source.layers.iter().map(|(layer, _)| *layer).collect(),
        kept: None,
        times: Default::default(),
        leases: Default::default(),
        shard: Default::default(),
        gc_compaction: Default::default(),
        sparse_keys: Default::default(),
        strategy: Default::default(),
        policy: Default::default(),
    }
}

fn copy_all(source: &Source, dir: &Path) -> Result<(), CommandError> {
    for (layer, path) in &source.layers {
        let (name, generation) = (layer.name, layer.generation);
        let to = dir.join(FileName::Layer { name, generation }.to_string());
        let copied = copy(path, &to);
        copied.map_err(|error| {
            CommandError::Machine(format!("{} to {}: {error}", path.display(), to.display()))
        })?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    io::copy(&mut from, &mut to)?;
    to.sync_all()
}
