//! Makes the choices that a power loss left open, from a number.

/// A sequence of choices, drawn from a number, with the number of alternatives of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Choices {
    rest: u64,
    counts: Vec<u64>,
    is_bounded: bool,
}

impl Choices {
    /// The sequence that a number encodes.
    pub(super) fn new(case: u64) -> Choices {
        Choices {
            rest: case,
            ..Choices::default()
        }
    }

    /// Makes the next choice, among `count` alternatives.
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

    /// The number of alternatives of each choice so far, in order.
    pub(super) fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Whether a choice had more alternatives than are tried.
    pub(super) fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    /// Records whether alternatives were left out.
    pub(super) fn note_bounds(&mut self, is_bounded: bool) {
        self.is_bounded |= is_bounded;
    }
}
