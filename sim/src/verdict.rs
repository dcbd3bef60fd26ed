//! The verdict of a run.

use std::fmt;

/// A failure of a run, of one of five kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The engine gave a wrong answer.
    WrongAnswer {
        /// The question.
        asked: String,
        /// The answer of the model.
        expected: String,
        /// The answer of the engine.
        got: String,
    },
    /// An invariant did not hold.
    BrokenLaw {
        /// The law that states it.
        law: String,
        /// What was found.
        found: String,
    },
    /// The engine or the simulator panicked.
    Panic {
        /// The message of the panic.
        message: String,
    },
    /// No task makes progress, or tasks make steps without end.
    Stuck {
        /// What the run waits for.
        waiting: String,
    },
    /// Two runs of one plan differ.
    Diverged {
        /// The digest of the first run.
        first: u64,
        /// The digest of the second run.
        second: u64,
        /// The first event that differs, in both runs.
        at: String,
    },
}

/// The number of words in a signature; later words of an error are particular to one failure.
const SIGNATURE_WORDS_MAX: usize = 6;

impl Verdict {
    /// A broken law, and what was found instead.
    pub fn law(law: impl Into<String>, found: impl Into<String>) -> Verdict {
        Verdict::BrokenLaw {
            law: law.into(),
            found: found.into(),
        }
    }

    /// A wrong answer.
    pub fn wrong(
        asked: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Verdict {
        Verdict::WrongAnswer {
            asked: asked.into(),
            expected: expected.into(),
            got: got.into(),
        }
    }

    /// The name of the verdict's kind.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::WrongAnswer { .. } => "wrong answer",
            Verdict::BrokenLaw { .. } => "broken law",
            Verdict::Panic { .. } => "panic",
            Verdict::Stuck { .. } => "stuck",
            Verdict::Diverged { .. } => "two runs that differ",
        }
    }

    /// A text that is equal for failures that come of the same bug: the kind, and the first words
    /// without numbers. Of a wrong answer it has the expected and the given answer, not the
    /// question.
    pub fn signature(&self) -> String {
        let words = match self {
            Verdict::WrongAnswer { expected, got, .. } => {
                let (expected, got) = (first_words(expected), first_words(got));
                return match expected.as_str() {
                    "no error" => format!("{}: {got}", self.name()),
                    expected => format!("{}: {got} for {expected}", self.name()),
                };
            }
            Verdict::BrokenLaw { law, .. } => law,
            Verdict::Panic { message } => message,
            Verdict::Stuck { waiting } => waiting,
            Verdict::Diverged { .. } => "",
        };
        format!("{}: {}", self.name(), words_of(words))
    }

    /// Whether it may stand for another failure while a plan is shrunk: one with the same
    /// signature; or, of wrong answers, one with the same kind of answer in place of the same kind
    /// of answer, for one value or for many. So a get may take the place of the scan that failed.
    pub fn is_like(&self, other: &Verdict) -> bool {
        match (self, other) {
            (
                Verdict::WrongAnswer { expected, got, .. },
                Verdict::WrongAnswer {
                    expected: other_expected,
                    got: other_got,
                    ..
                },
            ) => kind_of(expected) == kind_of(other_expected) && kind_of(got) == kind_of(other_got),
            _ => self.signature() == other.signature(),
        }
    }

    /// The exit code of a command with this verdict.
    pub fn exit_code(&self) -> u8 {
        match self {
            Verdict::WrongAnswer { .. } | Verdict::BrokenLaw { .. } | Verdict::Panic { .. } => 2,
            Verdict::Stuck { .. } => 3,
            Verdict::Diverged { .. } => 5,
        }
    }
}

/// The kind of an answer: of values, whether there are any; of an error, its first words.
fn kind_of(answer: &str) -> String {
    let answer = first_words(answer);
    match answer.as_str() {
        // `9 bytes, …` and `5 values, …`, without their numbers.
        "bytes" | "values" => "values".to_string(),
        _ => answer,
    }
}

/// The first words of a text, without those that contain a digit.
fn words_of(text: &str) -> String {
    let is_word = |word: &&str| !word.contains(|label: char| label.is_ascii_digit());
    let words = text.split_whitespace().filter(is_word);
    let words: Vec<&str> = words.take(SIGNATURE_WORDS_MAX).collect();
    words.join(" ")
}

/// The first words before the first comma: what comes behind it is particular to one failure.
fn first_words(text: &str) -> String {
    words_of(text.split(',').next().unwrap_or(text))
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name())?;
        match self {
            Verdict::WrongAnswer {
                asked,
                expected,
                got,
            } => {
                writeln!(f, "  asked     {asked}")?;
                writeln!(f, "  expected  {expected}")?;
                write!(f, "  got       {got}")
            }
            Verdict::BrokenLaw { law, found } => {
                writeln!(f, "  expected  {law}")?;
                write!(f, "  got       {found}")
            }
            Verdict::Panic { message } => {
                writeln!(f, "  expected  no panic")?;
                write!(f, "  got       {message}")
            }
            Verdict::Stuck { waiting } => {
                writeln!(f, "  expected  an end")?;
                write!(f, "  got       {waiting}")
            }
            Verdict::Diverged { first, second, at } => {
                writeln!(f, "  expected  digest {first:016x}, of the first run")?;
                writeln!(f, "  got       digest {second:016x}, of the second")?;
                write!(f, "  diverges  {at}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_value_is_like_wrong_values_and_not_like_an_error() {
        let wrong = |expected: &str, got: &str| Verdict::wrong("get", expected, got);
        let one = wrong("9 bytes, 01 02…", "7 bytes, 03…");
        let many = wrong("5 values, k: 9 bytes", "5 values, k: 7 bytes");
        let corrupt = wrong("5 values", "corrupt layer, block 7");
        let corrupt_one = wrong("12 bytes, 00…", "corrupt layer, block 9");
        assert!(one.is_like(&many) && corrupt.is_like(&corrupt_one));
        assert!(!one.is_like(&corrupt) && !corrupt.is_like(&Verdict::law("a", "b")));
        assert!(!one.is_like(&wrong("no history", "7 bytes, 03…")));
    }
}
