//! How a process ends, and what of the disk survives.

use std::fmt;

/// The last life that a rule may crash: a plan must end.
pub(crate) const CRASHING_LIFE_MAX: u32 = 60;

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed; what it has written stays.
    Kill,
    /// The power fails; of the unsynced state, this is kept.
    Power(Survival),
}

impl Crash {
    /// Plainer crashes: all or nothing is plainer than a draw, and a kill plainer than both.
    pub(crate) fn plainer(self) -> &'static [Crash] {
        const ALL: [Crash; 3] = [
            Crash::Kill,
            Crash::Power(Survival::Nothing),
            Crash::Power(Survival::All),
        ];
        match self {
            Crash::Kill => &[],
            Crash::Power(Survival::Draw(_) | Survival::Case(_)) => &ALL,
            Crash::Power(_) => &ALL[..1],
        }
    }
}

/// What a power loss keeps of the unsynced state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Everything: `all`.
    All,
    /// Nothing: `none`.
    Nothing,
    /// Any subset in any order, torn, with garbage and zeros, drawn from a seed: `draw:SEED`.
    Draw(u64),
    /// One of all cases, by number; 0 is everything: `case:NUMBER`. Each choice is made when a call
    /// first depends on it, by the number's remainder.
    Case(u64),
}

/// The text behind the word `crash`.
impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Crash::Kill => write!(f, "kill"),
            Crash::Power(survival) => write!(f, "power {survival}"),
        }
    }
}

impl fmt::Display for Survival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Survival::All => write!(f, "all"),
            Survival::Nothing => write!(f, "none"),
            Survival::Draw(seed) => write!(f, "draw:{seed}"),
            Survival::Case(case) => write!(f, "case:{case}"),
        }
    }
}
