//! Reading a tree in key order. The caller feeds it blocks, from wherever they are.
//!
//! ```text
//!            ┌───────── feed ─────────┐
//!            ▼                        │
//!         at a node ── next ──▶ needs a block
//!          │  ▲  │
//!     next │  │  └── next ──▶ end
//!          ▼  │
//!         entry
//! ```
//!
//! Damage cannot make a cursor skip entries unnoticed, or loop. A child is one level lower than its
//! parent and in a lower block, it starts with the key that the parent has for it, and it ends
//! before the parent's next one: so a cursor meets each block once at most, and its keys only
//! ascend or descend.

use std::ops::RangeInclusive;

use smallvec::SmallVec;

use super::super::BLOCK_LEN;
use super::Node;
use crate::base::DecodeError;

/// The usual length of a path, in nodes: a root and a leaf.
const PATH_LEN: usize = 2;

/// The next step of a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<const L: usize> {
    /// The cursor needs this block, counted from the index's start: `feed` it.
    Need(u32),
    /// The next entry: key and value.
    Entry([u8; L], u64),
    /// There is no further entry.
    End,
}

/// Walks over the entries of a tree in a range of keys, up or down.
///
/// # Shape
/// Asks only for blocks that can hold an entry of the range, and for none twice. To look up one
/// key, give it the range of that key alone: the first step that needs no block has the answer.
#[derive(Clone, Debug)]
pub struct Cursor<const L: usize> {
    first: [u8; L],
    last: [u8; L],
    direction: Direction,
    /// The nodes from the root down to where the cursor is.
    path: SmallVec<[CursorPlace<L>; PATH_LEN]>,
    wanted: Option<Wanted<L>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

/// A node of the path, and the gap between its keys that the cursor is at: `position` keys lie left
/// of it.
#[derive(Clone, Debug)]
struct CursorPlace<const L: usize> {
    node: Node<L>,
    position: usize,
    block: u32,
    /// The exclusive end of the node's keys, if a node follows it.
    end: Option<[u8; L]>,
}

/// A block that the cursor waits for, and what its parent says of it.
#[derive(Clone, Copy, Debug)]
struct Wanted<const L: usize> {
    block: u32,
    end: Option<[u8; L]>,
    below: Option<Below<L>>,
}

#[derive(Clone, Copy, Debug)]
struct Below<const L: usize> {
    level: u8,
    first_key: [u8; L],
}

impl<const L: usize> Cursor<L> {
    /// A cursor that ascends, from the first key at or above the start of `keys`.
    pub fn forward(root_block: u32, keys: RangeInclusive<[u8; L]>) -> Cursor<L> {
        Cursor::new(root_block, keys, Direction::Forward)
    }

    /// A cursor that descends, from the last key at or below the end of `keys`.
    pub fn backward(root_block: u32, keys: RangeInclusive<[u8; L]>) -> Cursor<L> {
        Cursor::new(root_block, keys, Direction::Backward)
    }

    fn new(root_block: u32, keys: RangeInclusive<[u8; L]>, direction: Direction) -> Cursor<L> {
        let (first, last) = keys.into_inner();
        let root = Wanted {
            block: root_block,
            end: None,
            below: None,
        };
        Cursor {
            first,
            last,
            direction,
            path: SmallVec::new(),
            wanted: (first <= last).then_some(root),
        }
    }

    /// Moves the cursor, and returns the block that it needs or the entry that it came to.
    ///
    /// # Errors
    /// If the tree is damaged. Then the cursor is at its end.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator cannot ask for a block"
    )]
    pub fn next(&mut self) -> Result<Step<L>, DecodeError> {
        loop {
            if let Some(wanted) = &self.wanted {
                return Ok(Step::Need(wanted.block));
            }
            let Some(place) = self.path.last_mut() else {
                return Ok(Step::End);
            };
            let Some(entry_index) = place.advance(self.direction) else {
                self.path.pop();
                continue;
            };
            if place.is_behind(entry_index, self.direction, (&self.first, &self.last)) {
                self.path.clear();
                return Ok(Step::End);
            }
            if place.node.is_leaf() {
                let key = place.node.key(entry_index);
                return Ok(Step::Entry(key, place.node.value(entry_index)));
            }
            match place.child(entry_index) {
                Ok(wanted) => self.wanted = Some(wanted),
                Err(error) => return self.fail(error),
            }
        }
    }

    /// The value of the entry behind the one that `next` returned last, in key order; `None` if
    /// that entry is in another node.
    pub fn value_behind(&self) -> Option<u64> {
        let place = self.path.last().filter(|place| place.node.is_leaf())?;
        let behind = match self.direction {
            Direction::Forward => place.position,
            Direction::Backward => place.position + 1,
        };
        (behind < place.node.count()).then(|| place.node.value(behind))
    }

    /// Takes the block that `next` asked for.
    ///
    /// # Errors
    /// If the block is no node, or not the node that its parent points to. Then the cursor is at
    /// its end. The offset is counted from the index's start.
    /// # Panics
    /// If `next` did not ask for this block.
    pub fn feed(&mut self, block_index: u32, block: &[u8]) -> Result<(), DecodeError> {
        match Node::decode(block) {
            Ok(node) => self.feed_node(block_index, node),
            Err(error) => self.fail(error.at(offset_of(block_index))),
        }
    }

    /// Takes the block that `next` asked for, already decoded to a node.
    ///
    /// # Errors
    /// Those of `feed`.
    /// # Panics
    /// Those of `feed`.
    pub fn feed_node(&mut self, block_index: u32, node: Node<L>) -> Result<(), DecodeError> {
        let wanted = self.wanted.take().expect("next asked for a block");
        assert!(wanted.block == block_index);
        if let Err(error) = wanted.check(&node) {
            return self.fail(error.at(offset_of(block_index)));
        }
        let position = match (self.direction, node.is_leaf()) {
            (Direction::Forward, true) => node.count_below(&self.first),
            // The last child that starts at or below the first key: it may hold keys from there on.
            (Direction::Forward, false) => node.count_up_to(&self.first).saturating_sub(1),
            (Direction::Backward, _) => node.count_up_to(&self.last),
        };
        self.path.push(CursorPlace {
            node,
            position,
            block: block_index,
            end: wanted.end,
        });
        Ok(())
    }

    /// Ends the cursor with `error`.
    fn fail<T>(&mut self, error: DecodeError) -> Result<T, DecodeError> {
        self.wanted = None;
        self.path.clear();
        Err(error)
    }
}

impl<const L: usize> CursorPlace<L> {
    /// Moves over one key, and returns its index.
    fn advance(&mut self, direction: Direction) -> Option<usize> {
        match direction {
            Direction::Forward if self.position < self.node.count() => {
                self.position += 1;
                Some(self.position - 1)
            }
            Direction::Backward if 0 < self.position => {
                self.position -= 1;
                Some(self.position)
            }
            _ => None,
        }
    }

    /// Whether this entry, or all that this child holds, is past the end of the range.
    fn is_behind(
        &self,
        entry_index: usize,
        direction: Direction,
        (first, last): (&[u8; L], &[u8; L]),
    ) -> bool {
        match direction {
            Direction::Forward => *last < self.node.key(entry_index),
            Direction::Backward if self.node.is_leaf() => self.node.key(entry_index) < *first,
            Direction::Backward => self.end_of(entry_index).is_some_and(|end| end <= *first),
        }
    }

    /// The exclusive end of a child's keys, if a node follows it.
    fn end_of(&self, child_index: usize) -> Option<[u8; L]> {
        match child_index + 1 {
            next if next < self.node.count() => Some(self.node.key(next)),
            _ => self.end,
        }
    }

    fn child(&self, child_index: usize) -> Result<Wanted<L>, DecodeError> {
        let block = self.node.child_block(child_index);
        if self.block <= block {
            let problem = format!("expected a block below {}, found {block}", self.block);
            return Err(DecodeError::malformed(
                "child",
                offset_of(self.block),
                problem,
            ));
        }
        Ok(Wanted {
            block,
            end: self.end_of(child_index),
            below: Some(Below {
                level: self.node.level() - 1,
                first_key: self.node.key(child_index),
            }),
        })
    }
}

impl<const L: usize> Wanted<L> {
    fn check(&self, node: &Node<L>) -> Result<(), DecodeError> {
        let malformed = |what, problem| Err(DecodeError::malformed(what, 0, problem));
        let Some(below) = &self.below else {
            return Ok(());
        };
        if node.level() != below.level {
            let problem = format!("expected {}, found {}", below.level, node.level());
            return malformed("level", problem);
        }
        if node.count() == 0 {
            return malformed("count", "expected 1 or more, found 0".to_owned());
        }
        let (expected, first_key) = (&below.first_key, node.key(0));
        if first_key != *expected {
            let problem = format!("expected {expected:02x?}, found {first_key:02x?}");
            return malformed("first key", problem);
        }
        let last_key = node.key(node.count() - 1);
        if let Some(end) = self.end
            && end <= last_key
        {
            let problem = format!("expected one below {end:02x?}, found {last_key:02x?}");
            return malformed("last key", problem);
        }
        Ok(())
    }
}

fn offset_of(block_index: u32) -> u64 {
    u64::from(block_index) * BLOCK_LEN as u64
}
