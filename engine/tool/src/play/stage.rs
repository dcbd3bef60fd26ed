//! The stage: an engine on real files that plays a script and records its answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use palimpsest::base::LayerName;
use palimpsest::format::{BLOCK_LEN, ChecksumSection};
use palimpsest::{
    Batch, Effect, Engine, Error, HistoryRange, Key, KeyRange, KeySpace, Lsn, Mode, Options, OsIo,
    Timeline, TimelineId, block_on,
};

use super::answer::{Answer, Digested, Layers, Question};
use super::script::{Command, Conf, Step};
use super::value::Change;
use crate::exit::CommandError;

/// The timeline that `open` creates.
const FIRST: TimelineId = TimelineId([
    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
]);

/// The byte that marks the ids of branches that a script creates.
const BRANCH: u8 = 0xBB;

/// The byte that marks the ids of branches that only keep an LSN readable.
const RETAINING: u8 = 0xCC;

/// The first of the keys that a peer's gc compaction leaves as they are.
const SPARSE_START: Key = Key {
    field1: 0x60,
    ..Key::MIN
};

/// An answer, with its question and the state at that time.
#[derive(Clone, Debug)]
pub struct Played {
    pub line: usize,
    pub question: Question,
    pub answer: Answer,
    pub scene: Scene,
}

/// The state that a peer's layers depend on, at the time of a question.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The LSN that the first timeline was opened at.
    pub start: Lsn,
    /// The keys that the timeline has declared.
    pub keys: KeySpace,
    pub checkpoint_distance: u64,
    pub layer_len_target: u64,
    /// Whether there was a `cutoff`, which may have removed layers.
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
                scene: stage.scene(),
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

/// The options that the script has set.
struct Settings {
    options: Options,
    checkpoint_distance: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        // The script alone says when jobs run: nothing depends on the clock.
        let options = Options {
            freeze_age_max: Duration::MAX,
            l0_delay: Duration::ZERO,
            gc_age: Duration::ZERO,
            ..Options::default()
        };
        Settings {
            checkpoint_distance: options.freeze_len_max,
            options,
        }
    }
}

impl Settings {
    fn choose(&mut self, conf: Conf) {
        let options = &mut self.options;
        match conf {
            Conf::CheckpointDistance(len) => {
                self.checkpoint_distance = len;
                options.freeze_len_max = len;
                options.freeze_distance_max = len;
            }
            Conf::CompactionTargetSize(len) => options.layer_len_target = len,
            Conf::CompactionThreshold(count) => options.l0_count_trigger = count,
            Conf::ImageCreationThreshold(count) => options.image_delta_count_trigger = count,
            Conf::ImageCreationPreemptThreshold(count) => options.image_preempt_l0_count = count,
            Conf::MaxVectoredReadBytes(len) => options.read_len_max = len,
            Conf::WithoutCounterpart => {}
        }
    }
}

struct Stage {
    root: PathBuf,
    options: Options,
    checkpoint_distance: u64,
    start: Lsn,
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
            checkpoint_distance: settings.checkpoint_distance,
            start,
            timeline: timeline.map_err(of_engine)?,
            engine,
            keys: BTreeMap::new(),
            branch_count: 0,
            retained: BTreeSet::new(),
            is_cut: false,
        })
    }

    fn scene(&self) -> Scene {
        let keys = self.keys.get(&self.timeline.id());
        Scene {
            start: self.start,
            keys: keys.cloned().unwrap_or_default(),
            checkpoint_distance: self.checkpoint_distance,
            layer_len_target: self.options.layer_len_target,
            is_cut: self.is_cut,
        }
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
                let id = branch_id(BRANCH, self.branch_count)?;
                self.branch(id, *lsn).await?;
            }
            Command::Use(id) => self.take_up(*id).await?,
            Command::GcCompact => {
                let keys = KeyRange::new(Key::MIN, SPARSE_START);
                let range = HistoryRange {
                    keys,
                    ..HistoryRange::ALL
                };
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

    /// Moves the cutoff to `lsn`. The engine has to be reopened with other options for that.
    async fn cut_off(mut self, lsn: Lsn, retained: &[Lsn]) -> Result<Stage, CommandError> {
        let last = self.timeline.flush().await.map_err(of_engine)?;
        let Some(distance) = last.0.checked_sub(lsn.0) else {
            return Err(CommandError::input(format!(
                "the last record stands at {last}: write a cutoff that is not above it"
            )));
        };
        let current = self.timeline.id();
        for retained in retained {
            if self.retained.insert((current, *retained)) {
                let id = branch_id(RETAINING, self.retained.len())?;
                self.branch(id, *retained).await?;
            }
        }
        self.options.gc_distance = distance;
        self.engine.shutdown().await.map_err(of_engine)?;
        // The directory's lock is released only when the timeline and the engine are dropped.
        drop((self.timeline, self.engine));
        let engine = open_engine(&self.root, &self.options).await?;
        let timeline = engine.open_timeline(current).await.map_err(of_engine)?;
        let mut stage = Stage {
            engine,
            timeline,
            is_cut: true,
            ..self
        };
        stage.take_up(current).await?;
        let collected = stage.timeline.gc().await.map_err(of_engine)?;
        assert!(lsn <= collected.cutoff);
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

fn branch_id(mark: u8, count: usize) -> Result<TimelineId, CommandError> {
    let Ok(count) = u8::try_from(count) else {
        return Err(CommandError::input(
            "one branch too many: a script may have 255",
        ));
    };
    let mut id = [mark; 16];
    id[15] = count;
    Ok(TimelineId(id))
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
