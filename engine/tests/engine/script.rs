//! Scripts: a user's calls on timelines, and the engine's answers.
//!
//! Steps are separated by newlines or semicolons. A step that succeeds has no answer, unless it is
//! a question.
//!
//! ```text
//! create 10                   a timeline whose first record stands above 10
//! open   shutdown   delete    the current timeline; opens an engine if none is open
//! branch b at 20              a branch `b` of the current timeline, which becomes the current one
//! on main                     makes another open timeline the current one; the first is `main`
//! open b   shutdown b   delete b                        another timeline than the current one
//! put a@20=x b@20+y c@30!z    one batch: an image, an append, an append to an empty page
//! put a@30?x                  and `!` is appended if the page is x; x*9 is xxxxxxxxx everywhere
//! get a@25 b@30               a@25 = x, b@30 none
//! many a b@30   scan a..c@30  a@30 = x: keys without history are left out
//! hold a..c@30   next   release                         a scan that stays open
//! visits a@30                 the layers that a get visits
//! freeze   flush   plan       the plan of a flush
//! lease 20 for 60   leases     leases an LSN for some seconds; the LSNs of those that stand
//! declare a..c e..f           declares the keys that there are
//! compact [forced]   images [forced]   gc   maintain    answers how it ended, unless it is done
//! gc-compact [a..c] [from 20] [to 40] [dry]   answers what it wrote in place of how many layers
//! gc-compact all [forced]   reduced     in sub-jobs; how far that has come
//! strategy [tiered|l0-to-l1]  how compactions merge from now on, or how they do
//! layers   lsns   cutoff   generation   timelines   files
//! depths   forecast   counted  the layers of a read, of a collection, and of the last jobs
//! claim                       becomes the writer, as the first put does by itself
//! engine                      opens another engine on the directory, for a moment
//! drop [writer|timeline|engine]    drops one of them, or all
//! kill                        drops all, as if the process was killed: no task runs
//! fail sync 2   heal          the second sync from now fails; answers if it was never reached
//! late create                 spawned tasks run before the next call of this kind
//! drop@3 flush                polls a step three times and drops it: dropped, or done
//! rounds get a@30             how often a step waits, where each call of it takes one round
//! park gc index write         from now on these calls wait
//! start gc                    starts a job: it ends, is parked at such a call, or waits
//! resume   end                releases the parked calls; answers how all jobs ended
//! watch   changes             the calls since then that change files
//! leave FILE   lose FILE   cut FILE   flip FILE 0   set FILE 11 2    as in `file.rs`
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use palimpsest::base::{KeyRange, KeySpace};
use palimpsest::format::GcCompaction;
use palimpsest::io::{Job as JobKind, Op};
use palimpsest::timeline::{Collected, KeyValue, Mode, Scan as TimelineScan, plan_flush};
use palimpsest::{Batch, Engine, Error, Options, Timeline, TimelineId, Writer, block_on, store};
use tempfile::TempDir;

use crate::aside::{Answer, Aside, Job, poll_times, poll_to_the_end};
use crate::faulty::{Call, FaultyIo, Pace, Tasks};
use crate::jobs::{gc_compact, images, progress, strategy};
use crate::words::{key, keys, lsn, point, text, value, word};
use crate::{figures, file, layer, words};

type Scan = TimelineScan<store::DirStore<FaultyIo>>;

pub const TIMELINE: TimelineId = TimelineId([0x71; 16]);

/// Runs a script with the default options.
#[track_caller]
pub fn check(script: &str, expected: &str) {
    check_with(Options::default(), script, expected);
}

#[track_caller]
pub fn check_with(options: Options, script: &str, expected: &str) {
    let found = run(options, script);
    let expected: Vec<&str> = steps(expected).collect();
    assert_eq!(found, expected, "of the script: {script}");
}

/// Options that keep history for this many LSNs, and for no time.
pub fn keep(gc_distance: u64) -> Options {
    Options {
        gc_distance,
        gc_age: Duration::ZERO,
        ..Options::default()
    }
}

/// Runs a script and returns the engine's answers.
pub fn run(options: Options, script: &str) -> Vec<String> {
    Stage::new(options).play_all(script)
}

fn steps(script: &str) -> impl Iterator<Item = &str> {
    let steps = script.split([';', '\n']).map(str::trim);
    steps.filter(|step| !step.is_empty())
}

/// The state of a script that is played.
pub struct Stage {
    aside: Aside,
    scan: Option<Scan>,
    /// The current timeline.
    timeline: TimelineId,
    writers: BTreeMap<TimelineId, Writer<FaultyIo>>,
    timelines: BTreeMap<TimelineId, Timeline<FaultyIo>>,
    engine: Option<Arc<Engine<FaultyIo>>>,
    options: Options,
    io: FaultyIo,
    root: TempDir,
}

pub const DONE: Answer = Ok(None);

pub fn say(answer: impl ToString) -> Answer {
    Ok(Some(answer.to_string()))
}

impl Stage {
    pub fn new(options: Options) -> Stage {
        Stage {
            aside: Aside::default(),
            scan: None,
            timeline: TIMELINE,
            writers: BTreeMap::new(),
            timelines: BTreeMap::new(),
            engine: None,
            // Its calls would be counted and refused as those of the steps are.
            options: Options {
                reserve_len: 0,
                ..options
            },
            io: FaultyIo::new(),
            root: tempfile::tempdir().expect("a directory"),
        }
    }

    /// Plays steps and returns the answers.
    pub fn play_all(&mut self, script: &str) -> Vec<String> {
        steps(script).flat_map(|step| self.play(step)).collect()
    }

    fn play(&mut self, step: &str) -> Option<String> {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        let played = match verb.strip_prefix("drop@") {
            Some(poll_count) => self.play_partly(poll_count.parse().unwrap(), rest),
            None if verb == "rounds" => self.play_slowly(rest),
            None => block_on(self.step(verb, rest)),
        };
        self.timelines.values().for_each(Timeline::check_laws);
        let answer = played.map_err(|error| format!("{verb}: {}", word(&error)));
        answer.unwrap_or_else(Some)
    }

    fn play_partly(&mut self, poll_count: usize, step: &str) -> Answer {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        self.io.set_pace(Pace::Slow);
        let played = poll_times(self.step(verb, rest), poll_count);
        self.io.set_pace(Pace::Prompt);
        match played {
            Some(Ok(_)) => say("done"),
            Some(Err(error)) => Err(error),
            None => say("dropped"),
        }
    }

    /// Plays a step whose calls pend once each, and counts how often it waits for some.
    fn play_slowly(&mut self, step: &str) -> Answer {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        self.io.set_pace(Pace::Slow);
        let (count, played) = poll_to_the_end(self.step(verb, rest));
        self.io.set_pace(Pace::Prompt);
        let answer = played?.unwrap_or_default();
        say(format!("{count} rounds: {answer}"))
    }

    async fn step(&mut self, verb: &str, rest: &str) -> Answer {
        match verb {
            "create" | "open" | "branch" | "delete" | "timelines" | "engine" => {
                self.catalog(verb, rest).await
            }
            "put" => self.put(rest).await,
            "claim" => self.claim(),
            "get" | "many" | "scan" | "hold" | "next" | "visits" => self.read(verb, rest).await,
            "flush" | "compact" | "images" | "gc" | "gc-compact" | "lease" | "maintain"
            | "shutdown" | "strategy" => self.job(verb, rest).await,
            "start" | "park" | "resume" | "end" => self.set_aside(verb, rest),
            "freeze" => self.timeline().freeze().await.map(|()| None),
            "on" | "declare" | "plan" | "layers" | "lsns" | "cutoff" | "leases" | "generation"
            | "reduced" | "depths" | "forecast" | "counted" => self.look(verb, rest),
            "drop" | "kill" | "release" => self.release(verb, rest),
            "fail" | "heal" | "late" | "watch" | "changes" => self.order(verb, rest),
            _ => self.touch(verb, rest),
        }
    }

    /// Options for the next engine.
    pub fn set_options(&mut self, options: Options) {
        self.options = options;
    }

    /// The current timeline.
    pub fn timeline(&self) -> &Timeline<FaultyIo> {
        let current = self.timelines.get(&self.timeline);
        current.expect("the script has opened it")
    }

    pub fn dir(&self) -> PathBuf {
        self.root.path().join("db").join(self.timeline.to_string())
    }

    async fn catalog(&mut self, verb: &str, rest: &str) -> Answer {
        let root = self.root.path().join("db");
        let open = || Engine::open(self.io.clone(), &root, self.options.clone());
        if verb == "engine" {
            return open().await.map(|_| None);
        }
        if self.engine.is_none() {
            self.engine = Some(Arc::new(open().await?));
        }
        let engine = self.engine.as_ref().expect("it was opened");
        let named = match rest {
            "" => self.timeline,
            _ => words::timeline(rest.split(' ').next().expect("a name")),
        };
        let opened = match verb {
            "create" => engine.create_timeline(self.timeline, lsn(rest)).await?,
            "open" => engine.open_timeline(named).await?,
            "branch" => {
                let (_, at) = rest.split_once(" at ").expect("a name at an LSN");
                let at = lsn(at);
                engine.branch_timeline(named, self.timeline, at).await?
            }
            "delete" => return engine.delete_timeline(named).await.map(|()| None),
            _ => return say(format!("timelines {}", engine.timelines().await?.len())),
        };
        self.timeline = opened.id();
        self.writers.remove(&self.timeline);
        self.timelines.insert(self.timeline, opened);
        DONE
    }

    /// The future of a step that can wait while others are played.
    fn job(&self, verb: &str, rest: &str) -> Job {
        let mode = match rest {
            "forced" => Mode::Forced,
            _ => Mode::ByNeed,
        };
        if verb == "shutdown" {
            let engine = self.engine.clone().expect("the script has opened it");
            let named = (!rest.is_empty()).then(|| words::timeline(rest));
            return Box::pin(async move {
                match named {
                    Some(timeline) => engine.shutdown_timeline(timeline).await?,
                    None => engine.shutdown().await?,
                }
                DONE
            });
        }
        let timeline = self.timeline().clone();
        let rest = rest.to_owned();
        match verb {
            "strategy" => Box::pin(async move { strategy(&timeline, &rest).await }),
            "gc-compact" => Box::pin(async move { gc_compact(&timeline, &rest).await }),
            "flush" => Box::pin(async move { timeline.flush().await.map(|_| None) }),
            "compact" => {
                Box::pin(async move { progress("compact", timeline.compact(mode).await?) })
            }
            "images" => Box::pin(async move { images(&timeline, mode).await }),
            "lease" => {
                let (at, seconds) = rest.split_once(" for ").expect("an LSN for seconds");
                let (at, length) = (lsn(at), Duration::from_secs(seconds.parse().unwrap()));
                Box::pin(async move { timeline.lease(at, length).await.map(|_| None) })
            }
            "maintain" => Box::pin(async move { timeline.maintain().await.map(|()| None) }),
            _ => Box::pin(async move {
                let Collected {
                    cutoff,
                    layer_count,
                    ..
                } = timeline.gc().await?;
                say(format!("cutoff {}, {layer_count} gone", cutoff.0))
            }),
        }
    }

    fn set_aside(&mut self, verb: &str, rest: &str) -> Answer {
        match verb {
            "start" => {
                let (verb, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let before = self.io.waiting_count();
                let job = self.job(verb, rest);
                say(match self.aside.start(verb, job) {
                    true => format!("{verb} ended"),
                    false if before < self.io.waiting_count() => format!("{verb} parked"),
                    false => format!("{verb} waits"),
                })
            }
            "park" => {
                let meant: Vec<String> = rest.split(' ').map(str::to_owned).collect();
                let [job, part, call] = meant.try_into().expect("a job, a part and a call");
                self.io.park(move |at, op: Op| {
                    (op.job.name(), op.part.name()) == (&job, &part) && is_kind(at, &call)
                });
                DONE
            }
            "resume" => {
                assert!(0 < self.io.resume(), "no call was parked");
                DONE
            }
            _ => {
                let ended = self
                    .aside
                    .end()
                    .into_iter()
                    .map(|(verb, ended)| match ended {
                        None => format!("{verb} waits"),
                        Some(Err(error)) => format!("{verb}: {}", word(&error)),
                        Some(Ok(None)) => format!("{verb} done"),
                        Some(Ok(Some(answer))) => answer,
                    });
                say(ended.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn claim(&mut self) -> Answer {
        let writer = self.timeline().writer()?;
        self.writers.insert(self.timeline, writer);
        DONE
    }

    async fn put(&mut self, records: &str) -> Answer {
        let mut batch = Batch::new();
        for record in records.split_whitespace() {
            let (at, value) = record
                .split_once(['=', '+', '!', '?'])
                .expect("key@lsn=value");
            let (key, lsn) = point(at);
            batch.push(key, lsn, &self::value(record.as_bytes()[at.len()], value))?;
        }
        if !self.writers.contains_key(&self.timeline) {
            self.claim()?;
        }
        let writer = self.writers.get_mut(&self.timeline);
        let writer = writer.expect("it was claimed");
        writer.put_batch(&batch).await.map(|()| None)
    }

    async fn read(&mut self, verb: &str, rest: &str) -> Answer {
        match verb {
            "get" => self.get(rest).await,
            "visits" => {
                let (key, lsn) = point(rest);
                say(layer::visits(&self.timeline().visits(key, lsn).await?))
            }
            "many" => {
                let (names, at) = rest.split_once('@').expect("keys@lsn");
                let asked = names.split(' ').map(|name| KeyRange::single(key(name)));
                let keys = KeySpace::from_ranges(asked);
                let found = self.timeline().get_vectored(&keys, lsn(at)).await?;
                say(list(found, at))
            }
            "scan" | "hold" => {
                let (range, at) = rest.split_once('@').expect("keys@lsn");
                let mut scan = self.timeline().scan(keys(range), lsn(at)).await?;
                if verb == "hold" {
                    self.scan = Some(scan);
                    return DONE;
                }
                let mut found = Vec::new();
                while let Some(batch) = scan.next_batch().await? {
                    found.extend(batch);
                }
                say(list(found, at))
            }
            _ => {
                let scan = self.scan.as_mut().expect("the script holds it");
                match scan.next_batch().await? {
                    Some(batch) => say(list(batch, "held")),
                    None => say("end"),
                }
            }
        }
    }

    async fn get(&self, points: &str) -> Answer {
        let mut answers = Vec::new();
        for at in points.split_whitespace() {
            let (key, lsn) = point(at);
            let found = self.timeline().get(key, lsn).await;
            answers.push(tell(at, found));
        }
        say(answers.join(", "))
    }

    fn look(&mut self, verb: &str, rest: &str) -> Answer {
        if verb == "on" {
            self.timeline = words::timeline(rest);
            return DONE;
        }
        let timeline = self.timeline();
        let (last, durable) = (timeline.last_record_lsn(), timeline.disk_consistent_lsn());
        match verb {
            "declare" => {
                timeline.declare_keys(KeySpace::from_ranges(rest.split(' ').map(keys)));
                DONE
            }
            "lsns" => say(format!("last {}, durable {}", last.0, durable.0)),
            "cutoff" => say(format!("cutoff {}", timeline.gc_cutoff().0)),
            "leases" => {
                let leases = timeline.leases().into_iter();
                let leases = leases.map(|lease| format!(" {}", lease.lsn.0));
                say(format!("leases{}", leases.collect::<String>()))
            }
            "generation" => say(format!("generation {}", timeline.generation().0)),
            "reduced" => {
                let GcCompaction { reduced_lsn, run } = timeline.gc_compaction();
                say(match run {
                    None => format!("reduced {}", reduced_lsn.0),
                    Some(run) => format!(
                        "reduced {}, to {} from {}",
                        reduced_lsn.0,
                        run.horizon.0,
                        words::name(run.next)
                    ),
                })
            }
            "layers" => say(layer::list(&timeline.layers())),
            "counted" => say(figures::counted(&timeline.job_runs())),
            "depths" => say(figures::depths(&timeline.stats())),
            "forecast" => say(figures::forecast(&timeline.stats())),
            _ => say(match plan_flush(&timeline.layers()) {
                Some(plan) => plan.to_string(),
                None => "nothing to flush".to_owned(),
            }),
        }
    }

    fn release(&mut self, verb: &str, what: &str) -> Answer {
        self.scan = None;
        if verb == "release" {
            return DONE;
        }
        if verb == "kill" {
            self.io.set_tasks(Tasks::Never);
            self.aside = Aside::default();
        }
        if matches!(what, "" | "writer") {
            self.writers.clear();
        }
        if matches!(what, "" | "timeline") {
            self.timelines.clear();
        }
        self.engine.take_if(|_| matches!(what, "" | "engine"));
        self.io.set_tasks(Tasks::AtOnce);
        DONE
    }

    fn order(&self, verb: &str, rest: &str) -> Answer {
        match verb {
            "fail" => {
                let (kind, ordinal) = rest.split_once(' ').expect("a kind and a number");
                let kind = kind.to_owned();
                let is_meant = move |call, op: Op| is_job(&op) && is_kind(call, &kind);
                self.io.fail(ordinal.parse().unwrap(), is_meant);
                DONE
            }
            "heal" if self.io.heal() => DONE,
            "heal" => say("never reached"),
            "late" => {
                let kinds = [Call::Create, Call::Replace];
                let kind = kinds.into_iter().find(|kind| is_kind(*kind, rest));
                self.io.set_tasks(Tasks::Before(kind.expect("a kind")));
                DONE
            }
            "watch" => {
                self.io.take_calls();
                DONE
            }
            _ => {
                let calls = self.io.take_calls().into_iter();
                let is_change = |(call, op): &(Call, _)| !call.is_look() && is_job(op);
                let calls = calls.filter(is_change).map(|(call, _)| format!("{call:?}"));
                let calls: Vec<String> = calls.collect();
                match calls.is_empty() {
                    true => say("no change"),
                    false => say(calls.join(" ").to_lowercase()),
                }
            }
        }
    }

    fn touch(&self, verb: &str, rest: &str) -> Answer {
        if verb == "files" {
            return match names(&self.dir()) {
                names if names.is_empty() => say("no file"),
                names => say(names.join(" ")),
            };
        }
        let mut words = rest.split_whitespace();
        let path = self.dir().join(file::long(words.next().unwrap()));
        let numbers: Vec<usize> = words.map(|word| word.parse().unwrap()).collect();
        if verb == "lose" {
            std::fs::remove_file(path).unwrap();
            return DONE;
        }
        let mut bytes = match verb {
            "leave" => b"left".to_vec(),
            _ => std::fs::read(&path).unwrap(),
        };
        match (verb, numbers.as_slice()) {
            ("leave", []) => {}
            ("cut", []) => bytes.truncate(bytes.len() - 1),
            ("flip", &[at]) => bytes[at] ^= 1,
            ("set", &[at, byte]) => bytes[at] = u8::try_from(byte).unwrap(),
            _ => panic!("no such step: {verb} {rest}"),
        }
        std::fs::write(path, bytes).unwrap();
        DONE
    }
}

/// The answer to a read of one key.
fn tell(at: &str, found: Result<Option<Vec<u8>>, Error>) -> String {
    match found {
        Ok(Some(value)) => format!("{at} = {}", text(&value)),
        Ok(None) => format!("{at} none"),
        Err(error) => format!("{at}: {}", word(&error)),
    }
}

fn list(found: Vec<KeyValue>, at: &str) -> String {
    let tell = |(key, value): KeyValue| {
        let at = format!("{}@{at}", words::name(key));
        tell(&at, value.map(Some))
    };
    match found.is_empty() {
        true => "none".to_owned(),
        false => found.into_iter().map(tell).collect::<Vec<_>>().join(", "),
    }
}

/// Whether a call belongs to a job. The removal of a dropped file does not.
fn is_job(op: &Op) -> bool {
    op.job != JobKind::Drop
}

/// Whether a call is of this kind; `any` is any call whose failure loses nothing.
fn is_kind(call: Call, kind: &str) -> bool {
    match kind {
        "any" => !call.is_sync(),
        "sync" => call.is_sync(),
        _ => format!("{call:?}").to_lowercase() == kind,
    }
}

pub fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| file::short(&entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    names.sort();
    names
}
