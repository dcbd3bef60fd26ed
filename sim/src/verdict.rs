//! What a run comes to.

use std::fmt;

/// Everything that can be wrong with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The engine answered what is not so.
    WrongAnswer {
        /// What was asked.
        asked: String,
        /// What is so.
        expected: String,
        /// What it said.
        got: String,
    },
    /// Something that always holds did not.
    BrokenLaw {
        /// Which law.
        law: String,
        /// What was found.
        found: String,
    },
    /// The engine, or what runs it, panicked.
    Panic {
        /// What it said.
        message: String,
    },
    /// Nothing goes on, or it goes on without end.
    Stuck {
        /// What was waited for.
        waiting: String,
    },
    /// The same plan made two different runs.
    Diverged {
        /// The digest of the first.
        first: u64,
        /// The digest of the second.
        second: u64,
        /// The first event that differs, in both.
        at: String,
    },
}

/// Behind so many words an error names what is particular to it.
const SIGNATURE_WORDS_MAX: usize = 6;

impl Verdict {
    /// The law that was broken, and how.
    pub fn law(law: impl Into<String>, found: impl Into<String>) -> Verdict {
        Verdict::BrokenLaw {
            law: law.into(),
            found: found.into(),
        }
    }

    /// An answer that is not so.
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

    /// One of the five words for it.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::WrongAnswer { .. } => "wrong answer",
            Verdict::BrokenLaw { .. } => "broken law",
            Verdict::Panic { .. } => "panic",
            Verdict::Stuck { .. } => "stuck",
            Verdict::Diverged { .. } => "two runs that differ",
        }
    }

    /// What two verdicts share that come of the same bug: the kind, and the words without the
    /// numbers. Of a wrong answer, what came instead of what tells more than what was asked.
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

    /// The exit code of a command that found it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Verdict::WrongAnswer { .. } | Verdict::BrokenLaw { .. } | Verdict::Panic { .. } => 2,
            Verdict::Stuck { .. } => 3,
            Verdict::Diverged { .. } => 5,
        }
    }
}

/// The first words without a number.
fn words_of(text: &str) -> String {
    let is_word = |word: &&str| !word.contains(|letter: char| letter.is_ascii_digit());
    let words = text.split_whitespace().filter(is_word);
    let words: Vec<&str> = words.take(SIGNATURE_WORDS_MAX).collect();
    words.join(" ")
}

/// Those of them before the first comma: behind one stands what is particular.
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
                write!(f, "  parting   {at}")
            }
        }
    }
}
