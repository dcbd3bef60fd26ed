//! Scripts: what a user does to one timeline, and what the engine answers.
//!
//! Steps stand on lines of their own or behind semicolons. What succeeds says nothing, unless it
//! was asked something.
//!
//! ```text
//! create 10                   a timeline, whose first record stands above 10
//! open   shutdown   delete    the timeline, in an engine that is opened if there is none
//! put a@20=x b@20+y c@30!z    one batch: an image, an append, an append to an empty page
//! put a@30?x                  and `!` is appended if the page is x; x*9 is xxxxxxxxx everywhere
//! get a@25 b@30               a@25 = x, b@30 none
//! freeze   flush   plan       the plan of a flush
//! layers   lsns   generation   timelines   files
//! claim                       becomes the writer, as the first put does by itself
//! engine                      opens another engine on the directory, for a moment
//! drop [writer|timeline|engine]    lets go of one of them, or of all
//! kill                        lets go of all, as a process that is killed: no task runs
//! fail sync 2   heal          the second sync from now fails; says so if that was never reached
//! late create                 what is spawned comes before the next call of this kind
//! drop@3 flush                polls a step three times and drops it: dropped, or done
//! watch   changes             the calls since that change files
//! leave FILE   lose FILE   cut FILE   flip FILE 0   set FILE 11 2    as in `file.rs`
//! ```

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use palimpsest::io::{Job, Op};
use palimpsest::timeline::plan_flush;
use palimpsest::{
    Batch, Edit, Engine, Error, Key, Lsn, Options, Timeline, TimelineId, Value, Writer, block_on,
};
use tempfile::TempDir;

use crate::faulty::{Call, FaultyIo, Pace, Tasks};
use crate::file;

pub const TIMELINE: TimelineId = TimelineId([0x71; 16]);

/// Runs a script with the options that everybody has.
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

/// What the engine answers to a script.
pub fn run(options: Options, script: &str) -> Vec<String> {
    let mut stage = Stage::new(options);
    steps(script).flat_map(|step| stage.play(step)).collect()
}

fn steps(script: &str) -> impl Iterator<Item = &str> {
    let steps = script.split([';', '\n']).map(str::trim);
    steps.filter(|step| !step.is_empty())
}

/// Where a script is played.
struct Stage {
    writer: Option<Writer<FaultyIo>>,
    timeline: Option<Timeline<FaultyIo>>,
    engine: Option<Engine<FaultyIo>>,
    options: Options,
    io: FaultyIo,
    root: TempDir,
}

type Answer = Result<Option<String>, Error>;

const DONE: Answer = Ok(None);

fn say(answer: impl ToString) -> Answer {
    Ok(Some(answer.to_string()))
}

impl Stage {
    fn new(options: Options) -> Stage {
        Stage {
            writer: None,
            timeline: None,
            engine: None,
            options,
            io: FaultyIo::new(),
            root: tempfile::tempdir().expect("a directory"),
        }
    }

    fn play(&mut self, step: &str) -> Option<String> {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        let played = match verb.strip_prefix("drop@") {
            Some(poll_count) => self.play_partly(poll_count.parse().unwrap(), rest),
            None => block_on(self.step(verb, rest)),
        };
        if let Some(timeline) = &self.timeline {
            timeline.check_laws();
        }
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

    async fn step(&mut self, verb: &str, rest: &str) -> Answer {
        match verb {
            "create" | "open" | "shutdown" | "delete" | "timelines" | "engine" => {
                self.catalog(verb, rest).await
            }
            "put" => self.put(rest).await,
            "claim" => self.claim(),
            "get" => self.get(rest).await,
            "freeze" => self.timeline().freeze().await.map(|()| None),
            "flush" => self.timeline().flush().await.map(|_| None),
            "plan" | "layers" | "lsns" | "generation" => self.look(verb),
            "drop" | "kill" => self.let_go(verb, rest),
            "fail" | "heal" | "late" | "watch" | "changes" => self.order(verb, rest),
            _ => self.touch(verb, rest),
        }
    }

    fn timeline(&self) -> &Timeline<FaultyIo> {
        self.timeline.as_ref().expect("the script has opened it")
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("db").join(TIMELINE.to_string())
    }

    async fn catalog(&mut self, verb: &str, rest: &str) -> Answer {
        let root = self.root.path().join("db");
        let open = || Engine::open(self.io.clone(), &root, self.options.clone());
        if verb == "engine" {
            return open().await.map(|_| None);
        }
        if self.engine.is_none() {
            self.engine = Some(open().await?);
        }
        let engine = self.engine.as_ref().expect("it was opened");
        let opened = match verb {
            "create" => engine.create_timeline(TIMELINE, lsn(rest)).await?,
            "open" => engine.open_timeline(TIMELINE).await?,
            "shutdown" => return engine.shutdown().await.map(|()| None),
            "delete" => return engine.delete_timeline(TIMELINE).await.map(|()| None),
            _ => return say(format!("timelines {}", engine.timelines().await?.len())),
        };
        self.writer = None;
        self.timeline = Some(opened);
        DONE
    }

    fn claim(&mut self) -> Answer {
        self.writer = Some(self.timeline().writer()?);
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
        if self.writer.is_none() {
            self.claim()?;
        }
        let writer = self.writer.as_mut().expect("it was claimed");
        writer.put_batch(&batch).await.map(|()| None)
    }

    async fn get(&self, points: &str) -> Answer {
        let mut answers = Vec::new();
        for at in points.split_whitespace() {
            let (key, lsn) = point(at);
            answers.push(match self.timeline().get(key, lsn).await {
                Ok(Some(value)) => format!("{at} = {}", text(&value)),
                Ok(None) => format!("{at} none"),
                Err(error) => format!("{at}: {}", word(&error)),
            });
        }
        say(answers.join(", "))
    }

    fn look(&self, verb: &str) -> Answer {
        let timeline = self.timeline();
        let (last, durable) = (timeline.last_record_lsn(), timeline.disk_consistent_lsn());
        match verb {
            "lsns" => say(format!("last {}, durable {}", last.0, durable.0)),
            "generation" => say(format!("generation {}", timeline.generation().0)),
            "layers" => say(picture(timeline)),
            _ => say(match plan_flush(&timeline.layers()) {
                Some(plan) => plan.to_string(),
                None => "nothing to flush".to_owned(),
            }),
        }
    }

    fn let_go(&mut self, verb: &str, what: &str) -> Answer {
        if verb == "kill" {
            self.io.set_tasks(Tasks::Never);
        }
        let is_meant = |it| what.is_empty() || what == it;
        self.writer.take_if(|_| is_meant("writer"));
        self.timeline.take_if(|_| is_meant("timeline"));
        self.engine.take_if(|_| is_meant("engine"));
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

/// Polls `future` so many times and drops it; its result, if it came to that.
fn poll_times<F: Future>(future: F, count: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..count).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// What drops a file is no job.
fn is_job(op: &Op) -> bool {
    op.job != Job::Drop
}

/// `any` is any call whose failure loses nothing.
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

/// From the oldest layer on.
fn picture(timeline: &Timeline<FaultyIo>) -> String {
    let map = timeline.layers();
    let deltas = map.l0s();
    let deltas = deltas.iter().map(|delta| ("delta", delta.lsns()));
    let frozen = map.frozen().iter().map(|layer| {
        let lsns = layer.lsns().expect("it is frozen");
        ("frozen", lsns)
    });
    let mut layers: Vec<String> = deltas
        .chain(frozen)
        .map(|(kind, lsns)| format!("{kind} {}..{}", lsns.start.0, lsns.end.0))
        .collect();
    layers.extend(map.open().map(|open| format!("open {}..", open.start().0)));
    match layers.is_empty() {
        true => "no layer".to_owned(),
        false => layers.join(", "),
    }
}

fn point(at: &str) -> (Key, Lsn) {
    let (key, lsn) = at.split_once('@').expect("key@lsn");
    (self::key(key), self::lsn(lsn))
}

/// `a` is a key, and so is each other letter; `MAX` is the end of all.
pub fn key(name: &str) -> Key {
    match name {
        "MAX" => Key::MAX,
        _ => Key::MIN.add(u32::from(name.as_bytes()[0])),
    }
}

fn lsn(text: &str) -> Lsn {
    match text {
        "MAX" => Lsn::MAX,
        "MAX-1" => Lsn(u64::MAX - 1),
        _ => Lsn(text.parse().unwrap()),
    }
}

fn value(kind: u8, text: &str) -> Value {
    let suffix = match text.split_once('*') {
        Some((text, count)) => text.repeat(count.parse().unwrap()).into_bytes(),
        None => text.as_bytes().to_vec(),
    };
    match kind {
        b'=' => Value::Image(suffix),
        b'+' => Value::Record(Edit::Append { suffix }.into_record()),
        b'?' => Value::Record(append_if(suffix).into_record()),
        _ => Value::Record(Edit::Append { suffix }.into_init_record()),
    }
}

fn append_if(only_if: Vec<u8>) -> Edit {
    let suffix = b"!".to_vec();
    Edit::AppendIf { only_if, suffix }
}

/// The bytes as text, where nine or more of one kind are x*9.
fn text(bytes: &[u8]) -> String {
    let runs = bytes.chunk_by(|a, b| a == b);
    let runs = runs.map(|run| match (char::from(run[0]), run.len()) {
        (letter, len @ 9..) => format!("{letter}*{len}"),
        (letter, len) => letter.to_string().repeat(len),
    });
    runs.collect()
}

/// What is to be done about it, in a word or two.
fn word(error: &Error) -> String {
    let file = |file: &String| {
        let name = file.strip_prefix(&format!("{TIMELINE}/"));
        self::file::short(name.expect("relative to the engine's directory"))
    };
    match error {
        Error::Corrupt { file: name, .. } => format!("corrupt {}", file(name)),
        Error::Unsupported { file: name, .. } => format!("unsupported {}", file(name)),
        Error::BelowCutoff { .. } => "below the cutoff".to_owned(),
        Error::NotYet { .. } => "not yet".to_owned(),
        Error::NoBase { .. } => "no base".to_owned(),
        Error::Redo { .. } => "redo".to_owned(),
        Error::Refused { .. } => "refused".to_owned(),
        Error::Busy { .. } => "busy".to_owned(),
        Error::Closed => "closed".to_owned(),
        Error::Io(failure) => format!("io {}", failure.source),
        Error::Latched(failure) => format!("latched {}", failure.source),
        other => other.to_string(),
    }
}
