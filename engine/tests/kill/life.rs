//! One life of the process that is killed: two threads that write, reshape and delete, and report
//! on the standard error, line by line, what they begin and what was acknowledged.
//!
//! ```text
//! ~ begin open                 ~ end open
//! ~ begin create T             ~ end create T
//! ~ begin branch T A LSN       ~ end branch T A LSN      ~ none branch T
//! ~ begin delete T             ~ end delete T
//! ~ begin put T LSN            ~ end put T LSN           the batch goes up to LSN
//! ~ begin flush T              ~ end flush T LSN         durable up to LSN
//! ~ begin compact T            ~ end compact T
//! ~ begin image T              ~ end image T
//! ~ begin gc T                 ~ end gc T LSN            the cutoff
//!                              ~ none flush T            and so on: the timeline was closed
//! ```
//!
//! Each line is one write: the parent reads each line whole, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use palimpsest::{Engine, Error, Lsn, Mode, OsIo, Timeline, block_on};

use crate::history::{Draw, Point, START, Tree, mix, timeline_id};
use crate::rest;

/// The highest number of timelines.
const TIMELINE_COUNT_MAX: usize = 6;

struct Life {
    engine: Engine,
    tree: Tree,
    /// The numbers of timelines that were deleted in this life. They are not used again in it: a
    /// late report of the second thread would be taken for the new timeline's.
    deleted: BTreeSet<u8>,
    draw: Draw,
}

/// The open timelines, which both threads share.
type Open = Mutex<BTreeMap<u8, Timeline>>;

/// Runs until it is killed, or until the parent closes the pipe.
pub fn live(root: &Path, seed: u64, life_index: u64) {
    let mut draw = Draw::new(mix(seed, life_index));
    let mut options = rest::options(&mut draw);
    if draw.below(2) == 0 {
        options.maintenance_period = Some(Duration::from_millis(draw.within(1, 5)));
    }
    say("begin", "open", "");
    let engine = block_on(Engine::open(OsIo::new(), root, options)).expect("it opens");
    let open = rest::open_all(&engine);
    say("end", "open", "");
    let mut tree = Tree::new(seed);
    for (&number, timeline) in &open {
        tree.add(number, rest::ancestor(timeline));
        declare(timeline, &mut draw);
    }
    let deleted = BTreeSet::new();
    let mut life = Life {
        engine,
        tree,
        deleted,
        draw,
    };
    let open = Mutex::new(open);
    let jobs = Draw::new(life.draw.next());
    thread::scope(|scope| {
        scope.spawn(|| work(&open, jobs));
        loop {
            life.step(&open);
        }
    });
}

/// Declares the keys on half of the timelines.
fn declare(timeline: &Timeline, draw: &mut Draw) {
    if draw.below(2) == 0 {
        timeline.declare_keys(rest::key_space());
    }
}

fn lock(open: &Open) -> MutexGuard<'_, BTreeMap<u8, Timeline>> {
    open.lock().expect("nothing panics while it is held")
}

/// Reports a line in one write, so that a kill leaves no half line. Panics if the parent does not
/// listen any more.
fn say(verb: &str, what: &str, rest: impl Display) {
    let line = format!("~ {verb} {what} {rest}\n");
    let said = std::io::stderr().write_all(line.as_bytes());
    said.expect("the parent listens");
}

/// The second thread: runs one job after another, each on a random timeline.
fn work(open: &Open, mut draw: Draw) {
    loop {
        let timelines: Vec<Timeline> = lock(open).values().cloned().collect();
        if timelines.is_empty() {
            thread::yield_now();
            continue;
        }
        let timeline = &timelines[draw.below(timelines.len() as u64) as usize];
        match job(timeline, &mut draw) {
            Ok(()) | Err(Error::Closed) => {}
            Err(error) => panic!("a job failed: {error}"),
        }
    }
}

/// Flushes, compacts, makes images or collects garbage.
fn job(timeline: &Timeline, draw: &mut Draw) -> Result<(), Error> {
    let number = timeline.id().0[0];
    let mode = draw.one_of(&[Mode::ByNeed, Mode::Forced]);
    let what = draw.one_of(&["flush", "compact", "compact", "image", "gc"]);
    say("begin", what, number);
    let done = match what {
        "flush" => block_on(timeline.flush()).map(|lsn| format!(" {}", lsn.0)),
        "compact" => block_on(timeline.compact(mode)).map(|_| String::new()),
        "image" => block_on(timeline.create_images(mode)).map(|_| String::new()),
        _ => block_on(timeline.gc()).map(|collected| format!(" {}", collected.cutoff.0)),
    };
    match &done {
        Ok(lsn) => say("end", what, format!("{number}{lsn}")),
        Err(_) => say("none", what, number),
    }
    done.map(|_| ())
}

impl Life {
    fn step(&mut self, open: &Open) {
        let timelines = self.tree.timelines();
        if timelines.is_empty() {
            return self.create(open);
        }
        let timeline = lock(open)[&self.draw.one_of(&timelines)].clone();
        match self.draw.below(40) {
            0 => self.create(open),
            1..=3 => self.branch(open, &timeline),
            11..=13 => self.delete(open),
            14 => block_on(timeline.freeze()).expect("it is open"),
            4..=9 => job(&timeline, &mut self.draw).expect("only this thread closes timelines"),
            10 => self.look(&timeline),
            _ => self.put(&timeline),
        }
    }

    fn put(&mut self, timeline: &Timeline) {
        let number = timeline.id().0[0];
        let first = timeline.last_record_lsn().0 + 1;
        let last = first + self.draw.below(3);
        say("begin", "put", format!("{number} {last}"));
        let batch = self.tree.batch(number, first, last);
        let mut writer = timeline.writer().expect("only this thread writes");
        block_on(writer.put_batch(&batch)).expect("it is open");
        say("end", "put", format!("{number} {last}"));
    }

    /// Reads at the end of the timeline, where nothing is collected.
    fn look(&self, timeline: &Timeline) {
        let at = Point {
            timeline: timeline.id().0[0],
            lsn: timeline.last_record_lsn().0,
        };
        let expected = self.tree.pages(at.timeline, at.lsn);
        match rest::scan(timeline, at.lsn) {
            Ok(found) => rest::check_equal(at, &found, &expected),
            Err(error) => panic!("{at:?}: {error}"),
        }
    }

    fn free_number(&self) -> Option<u8> {
        let is_free = |number: &u8| !self.tree.has(*number) && !self.deleted.contains(number);
        let count = self.tree.timelines().len();
        (1..u8::MAX).find(|number| is_free(number) && count < TIMELINE_COUNT_MAX)
    }

    /// Creates a root with a free number.
    fn create(&mut self, open: &Open) {
        let Some(number) = self.free_number() else {
            return;
        };
        say("begin", "create", number);
        let created = self.engine.create_timeline(timeline_id(number), Lsn(START));
        let created = block_on(created).expect("the number is free");
        say("end", "create", number);
        self.begin(open, created, None);
    }

    /// Creates a branch at any readable LSN.
    fn branch(&mut self, open: &Open, on: &Timeline) {
        let Some(number) = self.free_number() else {
            return;
        };
        let (number_on, last) = (on.id().0[0], on.last_record_lsn().0);
        let first = on.gc_cutoff().0.max(self.tree.start(number_on));
        let point = Point {
            timeline: number_on,
            lsn: self.draw.within(first, last),
        };
        let what = format!("{number} {} {}", point.timeline, point.lsn);
        say("begin", "branch", &what);
        let branched = self
            .engine
            .branch_timeline(timeline_id(number), on.id(), Lsn(point.lsn));
        match block_on(branched) {
            Ok(branch) => {
                say("end", "branch", &what);
                self.begin(open, branch, Some(point));
            }
            // The second thread has collected that LSN concurrently.
            Err(Error::BelowCutoff { .. }) => say("none", "branch", number),
            Err(error) => panic!("no branch at {point:?}: {error}"),
        }
    }

    fn begin(&mut self, open: &Open, timeline: Timeline, ancestor: Option<Point>) {
        let number = timeline.id().0[0];
        declare(&timeline, &mut self.draw);
        self.tree.add(number, ancestor);
        lock(open).insert(number, timeline);
    }

    /// Deletes a timeline that has no branch, but not the last one.
    fn delete(&mut self, open: &Open) {
        let timelines = self.tree.timelines();
        let number = self.draw.one_of(&timelines);
        if timelines.len() < 2 || self.tree.has_child(number) {
            return;
        }
        lock(open).remove(&number);
        say("begin", "delete", number);
        let id = timeline_id(number);
        block_on(self.engine.shutdown_timeline(id)).expect("it is open and has no branch");
        block_on(self.engine.delete_timeline(id)).expect("it is not open any more");
        say("end", "delete", number);
        self.tree.remove(number);
        self.deleted.insert(number);
    }
}
