//! How a process ends, and what of the disk survives that.

use std::fmt;

/// A life after so many does not crash by a rule: a plan ends.
pub(crate) const CRASHING_LIFE_MAX: u32 = 60;

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process is killed; what the system was handed stays.
    Kill,
    /// The power fails; of what was not synced, this is kept.
    Power(Survival),
}

impl Crash {
    /// Of what a power loss keeps, all or nothing is plainer than a draw, and a kill than both.
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

/// What of the unsynced a power loss keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Everything: `all`.
    All,
    /// Nothing: `none`.
    Nothing,
    /// Any subset in any order, torn, with garbage and zeros, drawn from a seed: `draw:SEED`.
    Draw(u64),
    /// One of all cases, by number; 0 is everything: `case:NUMBER`. A choice is made when somebody
    /// looks at what it is about, by the number's remainder.
    Case(u64),
}

/// What stands behind the word `crash`.
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
