//! The parent: it starts lives in one directory after another, kills each of them, and checks what
//! it finds against what was acknowledged.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use palimpsest::{Engine, OsIo, block_on};

use crate::history::{Draw, Point, START, Tree, mix};
use crate::rest;

/// The environment variables of a child: its directory, seed and number.
pub const CHILD: [&str; 3] = [
    "PALIMPSEST_KILL_DIR",
    "PALIMPSEST_KILL_SEED",
    "PALIMPSEST_KILL_LIFE",
];

/// The test that a child runs.
const CHILD_TEST: &str = "a_child_lives_until_it_is_killed";

/// The number of lives in one directory.
const LIFE_COUNT: u64 = 20;

/// The operations that a kill may be aimed at.
pub const AIMS: [&str; 9] = [
    "open", "create", "branch", "delete", "put", "flush", "compact", "image", "gc",
];

/// The line at which a life is killed if it never begins the operation that the kill is aimed at.
const LINE_COUNT_MAX: u64 = 400;

/// The time without a line after which a child counts as stuck.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The moment of a kill: a short time after the n-th beginning of an operation.
#[derive(Clone, Copy, Debug)]
struct Aim {
    what: &'static str,
    ordinal: u64,
    spin: Duration,
}

/// Counts where kills landed.
#[derive(Debug, Default)]
pub struct Tally {
    /// Kills after the beginning of the operation that they were aimed at, by operation.
    pub after_begin: BTreeMap<&'static str, u64>,
    /// Kills during an operation, by operation.
    pub inside: BTreeMap<String, u64>,
}

/// The knowledge about a timeline, from the reports.
struct Known {
    /// Whether it must exist.
    is_sure: bool,
    flushed: u64,
    cutoff: u64,
    /// The last LSN of the last put that was begun.
    written: u64,
}

/// One directory, through its lives.
struct Chain<'a> {
    seed: u64,
    root: &'a Path,
    tree: Tree,
    known: BTreeMap<u8, Known>,
    draw: Draw,
}

/// Prints how to reproduce a panic.
struct Story {
    seed: u64,
    life_index: u64,
    aim: Aim,
}

impl Drop for Story {
    fn drop(&mut self) {
        if thread::panicking() {
            let (life, aim) = (self.life_index, self.aim);
            eprintln!("seed {}: after life {life}, killed at {aim:?}", self.seed);
        }
    }
}

/// Kills `kill_count` lives, and verifies what each of them leaves. Two directories are used
/// concurrently, since most of the time is spent waiting for a disk.
pub fn kill(seed: u64, kill_count: u64) -> Tally {
    let tally = Mutex::default();
    let next = AtomicU64::new(0);
    let kill_next = || {
        loop {
            let first = next.fetch_add(LIFE_COUNT, Ordering::SeqCst);
            let end = kill_count.min(first + LIFE_COUNT);
            if end <= first {
                return;
            }
            kill_in_one_directory(seed, first..end, &tally);
        }
    };
    thread::scope(|scope| {
        let other = scope.spawn(kill_next);
        kill_next();
        other.join().expect("the other thread has not failed");
    });
    tally.into_inner().expect("nothing panics while it is held")
}

fn kill_in_one_directory(seed: u64, lives: Range<u64>, tally: &Mutex<Tally>) {
    let home = tempfile::tempdir().expect("a directory");
    let root = home.path().join("engine");
    let mut chain = Chain {
        seed,
        root: &root,
        tree: Tree::new(seed),
        known: BTreeMap::new(),
        draw: Draw::new(mix(seed, mix(lives.start, 1))),
    };
    for life_index in lives {
        let aim = chain.aim(life_index);
        let _story = Story {
            seed,
            life_index,
            aim,
        };
        let lines = chain.kill_one(life_index, aim, tally);
        lines.iter().for_each(|line| chain.hear(line));
        chain.verify();
    }
}

/// Between fork and exec a child has all open files of the parent, also the lock of the other
/// thread's engine. So one child starts at a time: otherwise the next life in that engine's
/// directory could find it locked.
fn start(root: &Path, seed: u64, life_index: u64) -> Child {
    static START_LOCK: Mutex<()> = Mutex::new(());
    let _guard = START_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let program = std::env::current_exe().expect("a test is a program");
    let mut command = Command::new(program);
    command.args([CHILD_TEST, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(CHILD[0], root);
    command.env(CHILD[1], seed.to_string());
    command.env(CHILD[2], life_index.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::piped()).spawn().expect("it starts")
}

/// Forwards the lines of a child, until it is gone.
fn listen(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let said = BufReader::new(child.stderr.take().expect("it is piped"));
    thread::spawn(move || {
        for line in said.lines() {
            if sender.send(line.expect("the pipe can be read")).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Chain<'_> {
    fn aim(&mut self, life_index: u64) -> Aim {
        let spins = [0, 0, 30, 100, 300, 1000, 2000];
        let spin = self.draw.one_of(&spins);
        let what = AIMS[life_index as usize % AIMS.len()];
        Aim {
            what,
            ordinal: match what {
                "open" | "create" | "branch" | "delete" => 1,
                "put" => self.draw.within(1, 60),
                _ => self.draw.within(1, 5),
            },
            spin: Duration::from_micros(self.draw.within(0, spin)),
        }
    }

    /// Starts a life, kills it as `aim` says, and returns its lines.
    fn kill_one(&mut self, life_index: u64, aim: Aim, tally: &Mutex<Tally>) -> Vec<String> {
        let mut child = start(self.root, self.seed, life_index);
        let said = listen(&mut child);
        let is_aim = |line: &str| line.split(' ').skip(1).take(2).eq(["begin", aim.what]);
        let (mut lines, mut seen) = (Vec::new(), 0);
        while seen < aim.ordinal && (lines.len() as u64) < LINE_COUNT_MAX {
            match said.recv_timeout(SILENCE_MAX) {
                Ok(line) => {
                    seen += u64::from(is_aim(&line));
                    lines.push(line);
                }
                Err(error) => {
                    let _ = child.kill();
                    panic!(
                        "{error} in life {life_index}, which said:\n{}",
                        lines.join("\n")
                    );
                }
            }
        }
        let begin = Instant::now();
        while begin.elapsed() < aim.spin {
            std::hint::spin_loop();
        }
        child.kill().expect("it is ours");
        let status = child.wait().expect("it is ours");
        lines.extend(said);
        assert!(status.code().is_none(), "it ended: {}", lines.join("\n"));
        let mut tally = tally.lock().expect("nothing panics while it is held");
        if seen == aim.ordinal {
            *tally.after_begin.entry(aim.what).or_default() += 1;
        }
        for what in under_way(&lines) {
            *tally.inside.entry(what).or_default() += 1;
        }
        lines
    }

    /// Updates the knowledge from a line of the child.
    fn hear(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        if words.next() != Some("~") {
            assert!(!line.contains("panicked"), "{line}");
            return;
        }
        let (verb, what) = (words.next().expect("a verb"), words.next().expect("a job"));
        let numbers: Vec<u64> = words.map(|word| word.parse().expect("a number")).collect();
        let Some(&number) = numbers.first() else {
            return;
        };
        let number = number as u8;
        match (verb, what, &numbers[1..]) {
            ("begin", "create", _) => self.expect(number, None),
            ("begin", "branch", &[on, lsn]) => {
                let timeline = on as u8;
                self.expect(number, Some(Point { timeline, lsn }));
            }
            ("end", "create", _) => self.know(number).is_sure = true,
            ("end", "branch", &[on, lsn]) => {
                self.know(number).is_sure = true;
                let on = self.know(on as u8);
                on.flushed = on.flushed.max(lsn);
            }
            ("begin", "delete", _) => self.know(number).is_sure = false,
            ("none", "branch", _) | ("end", "delete", _) => self.forget(number),
            ("begin", "put", &[last]) => self.know(number).written = last,
            // The second thread may report this after the first has deleted the timeline.
            ("end", "flush", &[lsn]) => {
                if let Some(known) = self.known.get_mut(&number) {
                    known.flushed = known.flushed.max(lsn);
                }
            }
            ("end", "gc", &[cutoff]) => {
                if let Some(known) = self.known.get_mut(&number) {
                    known.cutoff = known.cutoff.max(cutoff);
                }
            }
            _ => {}
        }
    }

    fn know(&mut self, number: u8) -> &mut Known {
        self.known.get_mut(&number).expect("it was begun")
    }

    fn expect(&mut self, number: u8, ancestor: Option<Point>) {
        let start = ancestor.map_or(START, |point| point.lsn);
        let known = Known {
            is_sure: false,
            flushed: start,
            cutoff: 0,
            written: start,
        };
        self.tree.add(number, ancestor);
        self.known.insert(number, known);
    }

    fn forget(&mut self, number: u8) {
        self.tree.remove(number);
        self.known.remove(&number);
    }

    /// Opens the directory after the kill, checks it against the knowledge, and updates the
    /// knowledge.
    fn verify(&mut self) {
        let options = rest::options(&mut self.draw);
        let engine = block_on(Engine::open(OsIo::new(), self.root, options)).expect("it opens");
        let open = rest::open_all(&engine);
        for number in self.tree.timelines() {
            if !open.contains_key(&number) {
                assert!(!self.known[&number].is_sure, "timeline {number} is lost");
                self.forget(number);
            }
        }
        for (number, timeline) in &open {
            let known = self.known.get_mut(number);
            let known = known.unwrap_or_else(|| panic!("timeline {number} must not be there"));
            let durable = timeline.disk_consistent_lsn().0;
            let cutoff = timeline.gc_cutoff().0;
            assert_eq!(rest::ancestor(timeline), self.tree.ancestor(*number));
            assert_eq!(timeline.last_record_lsn().0, durable, "timeline {number}");
            assert!(
                known.flushed <= durable,
                "{number}: {} <= {durable}",
                known.flushed
            );
            assert!(
                durable <= known.written,
                "{number}: {durable} <= {}",
                known.written
            );
            assert!(
                known.cutoff <= cutoff,
                "{number}: {} <= {cutoff}",
                known.cutoff
            );
            assert!(cutoff <= durable, "{number}: {cutoff} <= {durable}");
            *known = Known {
                is_sure: true,
                flushed: durable,
                cutoff,
                written: durable,
            };
        }
        rest::check_files(self.root, &open);
        rest::check_answers(&open, &self.tree, &mut self.draw);
        if self.draw.below(2) == 0 {
            block_on(engine.shutdown()).expect("no branch or call prevents it");
        }
    }
}

/// The operations that had begun and not ended when the child was killed.
fn under_way(lines: &[String]) -> Vec<String> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["~", "begin", what, ..] => *counts.entry(what).or_default() += 1,
            ["~", "end" | "none", what, ..] => *counts.entry(what).or_default() -= 1,
            _ => {}
        }
    }
    let open = counts.into_iter().filter(|(_, count)| 0 < *count);
    open.map(|(what, _)| what.to_owned()).collect()
}
