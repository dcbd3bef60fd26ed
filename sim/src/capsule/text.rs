//! Prints and parses a capsule.

use std::fmt;
use std::str::FromStr;

use super::{Capsule, Origin};
use crate::dice::mix;

/// The format that this build reads and writes.
const FORMAT: u64 = 1;

/// The words before the number of the format.
pub const TITLE: &str = "palimpsest capsule";

/// The indentation of the lines of a section.
const INDENT: &str = "  ";

/// The longest quote of found text in a message, in characters.
const QUOTE_LEN_MAX: usize = 40;

/// A text is no capsule, or was truncated or edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapsuleError {
    /// The line that does not parse, from 1.
    pub line: usize,
    /// What does not parse.
    pub problem: String,
    /// What the user can do.
    pub remedy: String,
}

impl std::error::Error for CapsuleError {}

impl fmt::Display for CapsuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CapsuleError {
            line,
            problem,
            remedy,
        } = self;
        write!(f, "line {line}: {problem}; {remedy}")
    }
}

/// The remedy for a capsule that was truncated or edited.
const COPY_AGAIN: &str = "copy it again, or make it anew with `cargo sim shrink`";

impl fmt::Display for Capsule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.body();
        let (len, checksum) = (body.len(), hash(body.as_bytes()));
        writeln!(f, "{body}end {len} bytes {checksum:016x}")
    }
}

impl Capsule {
    /// The text without its last line.
    fn body(&self) -> String {
        let mut text = format!("{TITLE} {FORMAT}\n");
        let seed = self
            .seed
            .map_or("none".to_string(), |seed| seed.to_string());
        let fields = [
            ("seed", seed),
            ("revision", one_line(&self.origin.revision)),
            ("lock", format!("{:016x}", self.origin.lock)),
            ("verdict", one_line(&self.verdict)),
            ("signature", one_line(&self.signature)),
            ("full-digest", format!("{:016x}", self.full_digest)),
            ("shrunk-digest", format!("{:016x}", self.shrunk_digest)),
        ];
        for (name, value) in fields {
            text.push_str(&format!("{name} {value}\n"));
        }
        let sections = [
            ("failure", &self.failure),
            ("rules", &self.rules),
            ("read", &self.read),
            ("steps", &self.steps),
            ("shrunk-plan", &self.shrunk_plan),
            ("full-plan", &self.full_plan),
        ];
        for (name, lines) in sections {
            text.push_str(&format!("{name}:\n"));
            for line in lines {
                text.push_str(&format!("{INDENT}{}\n", one_line(line)));
            }
        }
        text
    }
}

/// Replaces line ends, which fields and lines of a section cannot hold.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// A hash that detects damage. It is no protection against forgery.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let start = mix(bytes.len() as u64);
    bytes.chunks(8).fold(start, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash ^ u64::from_le_bytes(word))
    })
}

impl FromStr for Capsule {
    type Err = CapsuleError;

    /// Parses a whole capsule.
    ///
    /// # Errors
    /// `CapsuleError`: the text is no capsule, has another format, was truncated, or was edited.
    fn from_str(text: &str) -> Result<Capsule, CapsuleError> {
        check_title(text)?;
        let body = check_end(text)?;
        let mut reader = CapsuleReader {
            lines: body.lines().collect(),
            at: 1,
        };
        let capsule = Capsule {
            seed: reader.seed()?,
            origin: Origin {
                revision: reader.field("revision")?.to_string(),
                lock: reader.hex("lock")?,
            },
            verdict: reader.field("verdict")?.to_string(),
            signature: reader.field("signature")?.to_string(),
            full_digest: reader.hex("full-digest")?,
            shrunk_digest: reader.hex("shrunk-digest")?,
            failure: reader.section("failure:")?,
            rules: reader.section("rules:")?,
            read: reader.section("read:")?,
            steps: reader.section("steps:")?,
            shrunk_plan: reader.section("shrunk-plan:")?,
            full_plan: reader.section("full-plan:")?,
        };
        match reader.lines.get(reader.at) {
            None => Ok(capsule),
            Some(_) => Err(reader.expected("the end")),
        }
    }
}

fn check_title(text: &str) -> Result<(), CapsuleError> {
    let line = text.lines().next().unwrap_or_default();
    let found = line.strip_prefix(TITLE).map(str::trim);
    let problem = match found.map(str::parse::<u64>) {
        Some(Ok(FORMAT)) => return Ok(()),
        Some(Ok(other)) => format!("capsule format {other}"),
        Some(Err(_)) | None => format!("the title is {}", quoted(line)),
    };
    Err(CapsuleError {
        line: 1,
        problem,
        remedy: format!(
            "this build reads `{TITLE} {FORMAT}`: use the release that wrote it, or run the plan \
             in it from a file of its own"
        ),
    })
}

/// Checks the length and checksum in the last line, and returns the text before it.
fn check_end(text: &str) -> Result<&str, CapsuleError> {
    let line = text.lines().count();
    let problem = |problem: String| CapsuleError {
        line,
        problem,
        remedy: COPY_AGAIN.to_string(),
    };
    let cut_off = || problem("the capsule was cut off: its last line is no `end`".to_string());
    let (body, last) = match text
        .strip_suffix('\n')
        .ok_or_else(cut_off)?
        .rsplit_once('\n')
    {
        Some((body, last)) => (&text[..body.len() + 1], last),
        None => return Err(cut_off()),
    };
    let end = last.strip_prefix("end ").ok_or_else(cut_off)?;
    let (len, checksum) = (body.len(), hash(body.as_bytes()));
    if end == format!("{len} bytes {checksum:016x}") {
        return Ok(body);
    }
    let is_same_len = end.split(' ').next() == Some(len.to_string().as_str());
    Err(problem(match is_same_len {
        true => "the capsule was changed: its checksum is not that of its text".to_string(),
        false => format!(
            "the capsule was changed: it has {len} bytes before {}",
            quoted(last)
        ),
    }))
}

fn quoted(text: &str) -> String {
    let start = text.chars().take(QUOTE_LEN_MAX);
    let mut quoted: String = start.flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTE_LEN_MAX).is_some() {
        quoted.push('…');
    }
    format!("`{quoted}`")
}

/// A cursor over the lines of a capsule.
struct CapsuleReader<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

impl<'a> CapsuleReader<'a> {
    fn expected(&self, what: &str) -> CapsuleError {
        let found = self.lines.get(self.at).copied().unwrap_or("end");
        CapsuleError {
            line: self.at + 1,
            problem: format!("expected {what}, found {}", quoted(found)),
            remedy: COPY_AGAIN.to_string(),
        }
    }

    fn field(&mut self, name: &str) -> Result<&'a str, CapsuleError> {
        let line = self.lines.get(self.at).copied();
        let value = line.and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.ok_or_else(|| self.expected(&format!("`{name}`")))?;
        self.at += 1;
        Ok(value)
    }

    fn hex(&mut self, name: &str) -> Result<u64, CapsuleError> {
        let wrong = self.expected(&format!("`{name}` and 16 hex digits"));
        let digits = self.field(name)?;
        u64::from_str_radix(digits, 16).map_err(|_| wrong)
    }

    fn seed(&mut self) -> Result<Option<u64>, CapsuleError> {
        let wrong = self.expected("`seed` and a whole number or none");
        match self.field("seed")? {
            "none" => Ok(None),
            number => number.parse().map(Some).map_err(|_| wrong),
        }
    }

    fn section(&mut self, name: &str) -> Result<Vec<String>, CapsuleError> {
        if self.lines.get(self.at) != Some(&name) {
            return Err(self.expected(&format!("`{name}`")));
        }
        self.at += 1;
        let rest = self.lines[self.at..].iter();
        let lines = rest.map_while(|line| line.strip_prefix(INDENT));
        let lines: Vec<String> = lines.map(str::to_string).collect();
        self.at += lines.len();
        Ok(lines)
    }
}
