//! The choices that a power loss left open, as a number makes them.

/// How the open choices of a disk are made, and how many alternatives each had.
#[derive(Clone, Debug, Default)]
pub(super) struct Choices {
    rest: u64,
    counts: Vec<u64>,
    is_bounded: bool,
}

impl Choices {
    /// Those that a number makes.
    pub(super) fn new(case: u64) -> Choices {
        Choices {
            rest: case,
            ..Choices::default()
        }
    }

    /// Makes the next choice, among so many alternatives.
    pub(super) fn choose(&mut self, count: usize) -> usize {
        if count <= 1 {
            return 0;
        }
        let count = count as u64;
        let choice = self.rest % count;
        self.rest /= count;
        self.counts.push(count);
        choice as usize
    }

    /// How many alternatives each choice had, in the order in which they were made.
    pub(super) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Whether there are more alternatives than are tried.
    pub(super) fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    /// Notes whether alternatives were left out.
    pub(super) fn note_bounds(&mut self, is_bounded: bool) {
        self.is_bounded |= is_bounded;
    }
}
