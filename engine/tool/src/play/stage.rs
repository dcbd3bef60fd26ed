//! The stage: an engine on real files that plays a script and records its answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use palimpsest::base::LayerName;
use palimpsest::format::{BLOCK_LEN, ChecksumSection};
use palimpsest::io::{Job, Op};
use palimpsest::store::{DirStore, Store};
use palimpsest::{
    Batch, Effect, Engine, Error, HistoryRange, Key, KeyRange, KeySpace, Lsn, Mode, Options, OsIo,
    Timeline, TimelineId, block_on,
};

use super::answer::{Answer, Digested, Layers, Question};
use super::script::{Command, FIRST, Step, branch_id, numbered_id};
use super::settings::Settings;
use super::value::Change;
use crate::exit::CommandError;

/// The byte that marks the ids of branches that only keep an LSN readable.
const RETAINING: u8 = 0xCC;

/// An answer, with its question.
#[derive(Clone, Debug)]
pub struct Played {
    pub line: usize,
    pub question: Question,
    pub answer: Answer,
    /// Whether there was a `cutoff`: what a read below it answers is not defined.
    pub is_cut: bool,
}

/// Plays a script in the directory `root`, which it creates, and returns the answers in order.
pub fn perform(root: &Path, steps: &[Step]) -> Result<Vec<Played>, CommandError> {
    let mut settings = Settings::default();
    let mut stage: Option<Stage> = None;
    let mut played = Vec::new();
    for step in steps {
        let place = |error: CommandError| error.at(format!("line {}", step.line));
        let next = block_on(play_step(root, (&mut settings, stage), &step.command));
        let (next, answer) = next.map_err(place)?;
        if let (Some(stage), Some((question, answer))) = (&next, answer) {
            played.push(Played {
                line: step.line,
                question,
                answer,
                is_cut: stage.is_cut,
            });
        }
        stage = next;
    }
    let Some(stage) = stage else {
        return Err(CommandError::input(
            "the script opens nothing: start it with `open LSN`",
        ));
    };
    block_on(stage.engine.shutdown()).map_err(of_engine)?;
    Ok(played)
}

/// The stage after a step, and the answer if it was a question.
type Next = (Option<Stage>, Option<(Question, Answer)>);

async fn play_step(
    root: &Path,
    (settings, stage): (&mut Settings, Option<Stage>),
    command: &Command,
) -> Result<Next, CommandError> {
    let Some(mut stage) = stage else {
        return match command {
            Command::Conf(conf) => {
                settings.choose(*conf);
                Ok((None, None))
            }
            Command::Open(start) => Ok((Some(Stage::open(root, settings, *start).await?), None)),
            _ => Err(CommandError::input(
                "nothing is open: put `open LSN` before it",
            )),
        };
    };
    match command {
        Command::Conf(_) => Err(CommandError::input(
            "it comes too late: put it before `open`",
        )),
        Command::Open(_) => Err(CommandError::input(
            "it is open already: use one `open` a script",
        )),
        Command::Cutoff(lsn, retained) => Ok((Some(stage.cut_off(*lsn, retained).await?), None)),
        command => {
            let answer = stage.play(command).await?;
            Ok((Some(stage), answer))
        }
    }
}

struct Stage {
    root: PathBuf,
    options: Options,
    engine: Engine,
    timeline: Timeline,
    /// The keys that each timeline has declared.
    keys: BTreeMap<TimelineId, KeySpace>,
    branch_count: usize,
    /// The LSNs that have a branch that only keeps them readable.
    retained: BTreeSet<(TimelineId, Lsn)>,
    is_cut: bool,
}

impl Stage {
    async fn open(root: &Path, settings: &Settings, start: Lsn) -> Result<Stage, CommandError> {
        let options = settings.options.clone();
        let engine = open_engine(root, &options).await?;
        let timeline = engine.create_timeline(FIRST, start).await;
        Ok(Stage {
            root: root.to_path_buf(),
            options,
            timeline: timeline.map_err(of_engine)?,
            engine,
            keys: BTreeMap::new(),
            branch_count: 0,
            retained: BTreeSet::new(),
            is_cut: false,
        })
    }

    async fn play(
        &mut self,
        command: &Command,
    ) -> Result<Option<(Question, Answer)>, CommandError> {
        let answer = match command {
            Command::Get(key, lsn) => (Question::Get, self.get(*key, *lsn).await),
            Command::Vget(keys, lsn) => (Question::Vget, self.vget(*keys, *lsn).await),
            Command::Layers => (Question::Layers, Answer::Layers(self.layers()?)),
            order => {
                self.run_command(order).await?;
                return Ok(None);
            }
        };
        Ok(Some(answer))
    }

    /// Runs a command that is no question.
    async fn run_command(&mut self, command: &Command) -> Result<(), CommandError> {
        match command {
            Command::KeySpace(keys) => {
                let keys = KeySpace::from_ranges([*keys]);
                self.keys.insert(self.timeline.id(), keys.clone());
                self.timeline.declare_keys(keys);
            }
            Command::Put(key, lsn, change) => self.put(*key, *lsn, change).await?,
            Command::Flush => {
                self.timeline.flush().await.map_err(of_engine)?;
            }
            Command::CompactL0s => {
                let compacted = self.timeline.compact(Mode::Forced).await;
                compacted.map_err(of_engine)?;
            }
            Command::CreateImages => {
                let compacted = self.timeline.compact(Mode::ByNeed).await;
                compacted.map_err(of_engine)?;
                let created = self.timeline.create_images(Mode::Forced).await;
                created.map_err(of_engine)?;
            }
            Command::Branch(lsn) => {
                self.branch_count += 1;
                let id = branch_id(self.branch_count)?;
                self.branch(id, *lsn).await?;
            }
            Command::Use(id) => self.take_up(*id).await?,
            Command::GcCompact => {
                let range = HistoryRange::ALL;
                let compacted = self.timeline.gc_compact(range, Effect::Write).await;
                compacted.map_err(of_engine)?;
            }
            Command::Conf(_) | Command::Open(_) | Command::Cutoff(..) => {
                unreachable!("they change the stage itself")
            }
            Command::Get(..) | Command::Vget(..) | Command::Layers => {
                unreachable!("they are questions")
            }
        }
        Ok(())
    }

    async fn put(&self, key: Key, lsn: Lsn, change: &Change) -> Result<(), CommandError> {
        let mut batch = Batch::new();
        batch
            .push(key, lsn, &change.to_value())
            .map_err(of_engine)?;
        let mut writer = self.timeline.writer().map_err(of_engine)?;
        writer.put_batch(&batch).await.map_err(of_engine)
    }

    async fn branch(&self, id: TimelineId, lsn: Lsn) -> Result<(), CommandError> {
        let branched = self.engine.branch_timeline(id, self.timeline.id(), lsn);
        branched.await.map(|_| ()).map_err(of_engine)
    }

    /// Opens a timeline, if it is not open, with the keys that it has declared before.
    async fn take_up(&mut self, id: TimelineId) -> Result<(), CommandError> {
        self.timeline = self.engine.open_timeline(id).await.map_err(of_engine)?;
        if let Some(keys) = self.keys.get(&id) {
            self.timeline.declare_keys(keys.clone());
        }
        Ok(())
    }

    /// Moves the cutoff to `lsn`, and keeps all layers: the index says so to the next open.
    async fn cut_off(mut self, lsn: Lsn, retained: &[Lsn]) -> Result<Stage, CommandError> {
        let last = self.timeline.flush().await.map_err(of_engine)?;
        if last < lsn {
            return Err(CommandError::input(format!(
                "the last record stands at {last}: write a cutoff that is not above it"
            )));
        }
        let current = self.timeline.id();
        for retained in retained {
            if self.retained.insert((current, *retained)) {
                let id = numbered_id(RETAINING, self.retained.len())?;
                self.branch(id, *retained).await?;
            }
        }
        self.engine.shutdown().await.map_err(of_engine)?;
        // The directory's lock is released only when the timeline and the engine are dropped.
        drop((self.timeline, self.engine));
        move_cutoff(&self.root, current, lsn).await?;
        let engine = open_engine(&self.root, &self.options).await?;
        let timeline = engine.open_timeline(current).await.map_err(of_engine)?;
        let mut stage = Stage {
            engine,
            timeline,
            is_cut: true,
            ..self
        };
        stage.take_up(current).await?;
        Ok(stage)
    }

    async fn get(&self, key: Key, lsn: Lsn) -> Answer {
        match self.timeline.get(key, lsn).await {
            Ok(Some(value)) => Answer::Value(Digested::new(&value)),
            Ok(None) => Answer::Missing,
            Err(error) => of_failed(error),
        }
    }

    async fn vget(&self, keys: KeyRange, lsn: Lsn) -> Answer {
        let space = KeySpace::from_ranges([keys]);
        let values = match self.timeline.get_vectored(&space, lsn).await {
            Ok(values) => values,
            Err(error) => return of_failed(error),
        };
        if (values.len() as u64) < keys.start.distance_to(keys.end) {
            return Answer::Missing;
        }
        let mut digested = Vec::new();
        for (key, value) in values {
            match value {
                Ok(value) => digested.push((key, Digested::new(&value))),
                Err(error) => return of_failed(error),
            }
        }
        Answer::Values(digested)
    }

    fn layers(&self) -> Result<Layers, CommandError> {
        let map = self.timeline.layers();
        let layers = map.files().iter();
        let layers = layers.map(|(name, file)| Ok((name, bare_len(file.entry().len)?)));
        let mut layers: Vec<(LayerName, u64)> = layers.collect::<Result<_, CommandError>>()?;
        layers.sort_by_cached_key(|(name, _)| name.to_string());
        Ok(Layers {
            layers,
            disk_consistent_lsn: self.timeline.disk_consistent_lsn(),
            gc_cutoff: self.timeline.gc_cutoff(),
        })
    }
}

async fn open_engine(root: &Path, options: &Options) -> Result<Engine, CommandError> {
    let opened = Engine::open(OsIo::new(), root, options.clone()).await;
    opened.map_err(of_engine)
}

/// Moves the cutoff up in the index of a timeline that is not open.
async fn move_cutoff(root: &Path, timeline: TimelineId, lsn: Lsn) -> Result<(), CommandError> {
    let store = DirStore::new(OsIo::new(), root);
    let op = Op::new(Some(timeline), Job::Gc, 1);
    let index = store.load_index(op, timeline).await.map_err(of_engine)?;
    let mut index = index.expect("a timeline that was shut down has an index");
    index.gc_cutoff = index.gc_cutoff.max(lsn);
    // An attempt of the engine's own is counted from 1.
    let saved = store.save_index(op, &index, u32::MAX).await;
    saved.map_err(of_engine)
}

/// The length of a layer file without its checksum section.
///
/// # Shape
/// The length of the section depends on the number of blocks alone.
fn bare_len(len: u64) -> Result<u64, CommandError> {
    let block_len = BLOCK_LEN as u64;
    let block_count = len / (block_len + 4);
    let section_len = u32::try_from(block_count).map(ChecksumSection::encoded_len);
    match section_len {
        Ok(section_len) if block_count * block_len + section_len == len => {
            Ok(block_count * block_len)
        }
        _ => Err(CommandError::input(format!(
            "a layer file of {len} bytes is not blocks and a checksum section: report it"
        ))),
    }
}

/// The answer for an error.
fn of_failed(error: Error) -> Answer {
    match error {
        Error::NoBase { .. } => Answer::Missing,
        Error::BelowCutoff { .. } => Answer::BelowCutoff,
        error => Answer::Failed(error.to_string()),
    }
}

fn of_engine(error: Error) -> CommandError {
    CommandError::from(error).at("the engine says")
}
