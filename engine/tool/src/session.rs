//! An engine in a directory, open for one command.

use std::path::{Path, PathBuf};
use std::time::Duration;

use palimpsest::{Engine, Lsn, Options, OsIo, TenantId, TimelineId};

use crate::exit::CommandError;
use crate::index_file;
use crate::place::{Place, index_path, listed};

/// A timeline of an engine.
pub type Timeline = palimpsest::Timeline<OsIo>;

/// What a command needs of an engine.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// The timeline; the only one of the directory, if none is named.
    pub timeline: Option<TimelineId>,
    /// The open layer is frozen before it is this long, in bytes; the engine's own default, if none
    /// is given.
    pub freeze_len_max: Option<u64>,
    /// Jobs cut layers at about this length, in bytes; the engine's own default, if none is given.
    pub layer_len_target: Option<u64>,
    /// A collection keeps this much history, in LSNs; the engine's own default, if none is given.
    pub gc_distance: Option<u64>,
}

/// An engine with one timeline open.
pub struct Session {
    engine: Engine<OsIo>,
    /// The timeline.
    pub timeline: Timeline,
    /// Whether this session created it.
    pub is_new: bool,
}

impl SessionOptions {
    /// The options of an engine that the timelines of a directory belong to: those of its tenant.
    fn engine_options(&self, root: &Path) -> Options {
        let mut options = Options {
            tenant: self.tenant_of(root),
            // A command that is called does what it says, whenever the records were written.
            gc_age: Duration::ZERO,
            freeze_age_max: Duration::MAX,
            ..Options::default()
        };
        options.freeze_len_max = self.freeze_len_max.unwrap_or(options.freeze_len_max);
        options.layer_len_target = self.layer_len_target.unwrap_or(options.layer_len_target);
        options.gc_distance = self.gc_distance.unwrap_or(options.gc_distance);
        options
    }
}

impl SessionOptions {
    /// The tenant of the timeline that is named, or of the first one; zeros where there is none, or
    /// where the engine will say what is wrong with it.
    fn tenant_of(&self, root: &Path) -> TenantId {
        let Ok(Place::Engine(root, timelines)) = Place::at(root) else {
            return TenantId::default();
        };
        let Some(timeline) = self.timeline.or(timelines.first().copied()) else {
            return TenantId::default();
        };
        let path = index_path(&root.join(timeline.to_string()));
        let index = index_file::read(&path).and_then(|bytes| index_file::decode(&path, &bytes));
        index.map_or(TenantId::default(), |index| index.tenant)
    }
}

impl Session {
    /// Opens the engine in a directory that exists, and a timeline of it.
    ///
    /// # Errors
    /// `Input` if there is no such timeline, or if it is not clear which one is meant. Those of the
    /// engine.
    pub async fn open(root: &Path, options: &SessionOptions) -> Result<Session, CommandError> {
        // The engine would create a directory that is not there.
        listed(root)?;
        let engine = Engine::open(OsIo::new(), root, options.engine_options(root)).await?;
        let timelines = engine.timelines().await?;
        let id = match (options.timeline, &timelines[..]) {
            (Some(id), _) => id,
            (None, [only]) => *only,
            (None, all) => return Err(not_one(root, all)),
        };
        let timeline = engine.open_timeline(id).await?;
        Ok(Session {
            engine,
            timeline,
            is_new: false,
        })
    }

    /// Opens the engine in a directory, and a timeline of it; what does not exist is created.
    /// The first record of a new timeline stands above `start`.
    ///
    /// # Errors
    /// `Input` if it is not clear which timeline is meant. Those of the engine.
    pub async fn open_or_create(
        root: &Path,
        options: &SessionOptions,
        start: Lsn,
    ) -> Result<Session, CommandError> {
        let engine = Engine::open(OsIo::new(), root, options.engine_options(root)).await?;
        let timelines = engine.timelines().await?;
        let id = match (options.timeline, &timelines[..]) {
            (Some(id), _) => id,
            (None, []) => FIRST,
            (None, [only]) => *only,
            (None, all) => return Err(not_one(root, all)),
        };
        let is_new = !timelines.contains(&id);
        let timeline = match is_new {
            true => engine.create_timeline(id, start).await?,
            false => engine.open_timeline(id).await?,
        };
        Ok(Session {
            engine,
            timeline,
            is_new,
        })
    }

    /// What is in the directory that is not the engine's.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn foreign_entries(&self) -> Result<Vec<PathBuf>, CommandError> {
        Ok(self.engine.foreign_entries().await?)
    }

    /// Makes everything durable and closes the engine.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn close(self) -> Result<(), CommandError> {
        Ok(self.engine.shutdown().await?)
    }
}

/// The timeline that is created where none is named.
const FIRST: TimelineId = TimelineId([0x11; 16]);

fn not_one(root: &Path, timelines: &[TimelineId]) -> CommandError {
    let listed: Vec<String> = timelines.iter().map(TimelineId::to_string).collect();
    let what = match listed.is_empty() {
        true => "no timeline is in it".to_owned(),
        false => format!(
            "name one of its timelines: --timeline {}",
            listed.join(" or ")
        ),
    };
    CommandError::Input(format!("{}: {what}", root.display()))
}
