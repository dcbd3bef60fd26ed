//! The thread that creates branches of the permanent timelines, writes, reshapes and reads there,
//! and deletes them.

use std::collections::BTreeMap;

use palimpsest::{Engine, Error, Lsn, Mode, Timeline, block_on};

use crate::history::{Draw, Point, START, Tree, timeline_id};
use crate::judge::Ground;
use crate::rest;
use crate::round::BACKLOG_MAX;

/// The branches of this thread, which no other thread uses.
pub struct Branches<'a> {
    engine: &'a Engine,
    ground: &'a Ground,
    /// The permanent timelines, and this thread's branches.
    pub tree: Tree,
    ours: BTreeMap<u8, Timeline>,
    draw: Draw,
    pub made_count: u64,
}

impl<'a> Branches<'a> {
    pub fn new(engine: &'a Engine, ground: &'a Ground, draw: Draw) -> Branches<'a> {
        Branches {
            engine,
            ground,
            tree: ground.tree.clone(),
            ours: BTreeMap::new(),
            draw,
            made_count: 0,
        }
    }

    pub fn step(&mut self) {
        let ours: Vec<u8> = self.ours.keys().copied().collect();
        if ours.is_empty() {
            return self.branch_off_ground();
        }
        let number = self.draw.one_of(&ours);
        match self.draw.below(6) {
            _ if BACKLOG_MAX <= self.ours[&number].layers().backlog() => self.reshape(number),
            0 => self.branch_off_ground(),
            1 => self.branch_off_ours(number),
            2 => self.delete(number),
            3 => self.reshape(number),
            _ => self.write_and_read(number),
        }
    }

    /// A free number, while there are few branches.
    fn free_number(&self) -> Option<u8> {
        let mut numbers = 100..106;
        numbers.find(|number| !self.tree.has(*number))
    }

    /// Branches off a permanent timeline at any LSN, legal or not, while it is written and
    /// collected.
    fn branch_off_ground(&mut self) {
        let Some(number) = self.free_number() else {
            return;
        };
        let timelines = self.ground.tree.timelines();
        let timeline = self.draw.one_of(&timelines);
        let on = &self.ground.timelines[&timeline];
        let first = match self.draw.below(3) {
            0 => START,
            _ => on.gc_cutoff().0.max(START),
        };
        let last = on.last_record_lsn().0 + self.draw.below(3);
        let lsn = self.draw.within(first, last.max(first));
        let at = Point { timeline, lsn };
        let before = self.ground.before(at);
        self.ground.note_branch(at);
        match self.branch(number, at) {
            Ok(()) => self.ground.check_readable(&before),
            Err(error) => self.ground.check_refused(&before, &error),
        }
    }

    /// Branches off one of this thread's branches, at its end.
    fn branch_off_ours(&mut self, timeline: u8) {
        let Some(number) = self.free_number() else {
            return;
        };
        let lsn = self.ours[&timeline].last_record_lsn().0;
        let branched = self.branch(number, Point { timeline, lsn });
        branched.expect("the end can be read");
    }

    fn branch(&mut self, number: u8, at: Point) -> Result<(), Error> {
        let on = timeline_id(at.timeline);
        let branched = self
            .engine
            .branch_timeline(timeline_id(number), on, Lsn(at.lsn));
        let branch = block_on(branched)?;
        self.tree.add(number, Some(at));
        self.check_end(&branch);
        self.ours.insert(number, branch);
        self.made_count += 1;
        Ok(())
    }

    fn write_and_read(&mut self, number: u8) {
        let branch = self.ours[&number].clone();
        let mut writer = branch.writer().expect("there is no other");
        for _ in 0..self.draw.below(8) {
            let first = branch.last_record_lsn().0 + 1;
            let batch = self.tree.batch(number, first, first + self.draw.below(3));
            block_on(writer.put_batch(&batch)).expect("it is open");
        }
        self.check_end(&branch);
    }

    fn reshape(&mut self, number: u8) {
        let branch = &self.ours[&number];
        let done = match self.draw.below(4) {
            0 => block_on(branch.flush()).map(|_| ()),
            1 => block_on(branch.compact(Mode::Forced)).map(|_| ()),
            2 => block_on(branch.create_images(Mode::Forced)).map(|_| ()),
            _ => block_on(branch.gc()).map(|_| ()),
        };
        done.expect("it is open");
        self.check_end(branch);
    }

    /// Deletes one of this thread's branches. If it has a branch itself, its shutdown must be
    /// refused.
    fn delete(&mut self, number: u8) {
        let id = timeline_id(number);
        if self.tree.has_child(number) {
            let ended = block_on(self.engine.shutdown_timeline(id));
            assert!(matches!(ended, Err(Error::Busy { .. })), "{ended:?}");
            return;
        }
        block_on(self.engine.shutdown_timeline(id)).expect("it is open");
        block_on(self.engine.delete_timeline(id)).expect("it is not open any more");
        let closed = rest::scan(&self.ours[&number], self.tree.start(number));
        assert!(matches!(closed, Err(Error::Closed)), "{closed:?}");
        self.ours.remove(&number);
        self.tree.remove(number);
    }

    /// Checks a read at the end of one of this thread's branches, which is always readable: no
    /// other thread moves its cutoff.
    fn check_end(&self, branch: &Timeline) {
        let at = Point {
            timeline: branch.id().0[0],
            lsn: branch.last_record_lsn().0,
        };
        let expected = self.tree.pages(at.timeline, at.lsn);
        match rest::scan(branch, at.lsn) {
            Ok(found) => rest::check_equal(at, &found, &expected),
            Err(error) => panic!("{at:?}: {error}"),
        }
    }

    /// The last LSN of each of this thread's branches.
    pub fn ends(&self) -> BTreeMap<u8, u64> {
        let end = |(number, branch): (&u8, &Timeline)| (*number, branch.last_record_lsn().0);
        self.ours.iter().map(end).collect()
    }
}
