//! Answers, and their JSON form.

use palimpsest::base::LayerName;
use palimpsest::{Key, Lsn};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::exit::CommandError;

/// The fingerprint of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digested {
    pub len: u64,
    pub sha256: String,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is no value, or a key of a range has none.
    Missing,
    Value(Digested),
    Values(Vec<(Key, Digested)>),
    Layers(Layers),
    /// The LSN is below the cutoff, so the history is gone.
    BelowCutoff,
    /// A read failed, with this message. No script expects that.
    Failed(String),
}

/// The layers of a timeline, in the order of their names as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    pub layers: Vec<(LayerName, u64)>,
    pub disk_consistent_lsn: Lsn,
    pub gc_cutoff: Lsn,
}

/// The kind of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    Get,
    Vget,
    Layers,
}

impl Digested {
    pub fn new(bytes: &[u8]) -> Digested {
        let sha256 = Sha256::digest(bytes);
        Digested {
            len: bytes.len() as u64,
            sha256: sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl Answer {
    pub fn to_json(&self) -> Value {
        match self {
            Answer::Missing => json!("missing"),
            Answer::Value(value) => json!([value.len, value.sha256]),
            Answer::Values(values) => {
                let lower = |key: &Key| key.to_string().to_lowercase();
                let values = values.iter();
                values
                    .map(|(key, value)| json!([lower(key), value.len, value.sha256]))
                    .collect()
            }
            Answer::Layers(layers) => json!({
                "layers": layers.layers.iter()
                    .map(|(name, len)| json!([name.to_string(), len]))
                    .collect::<Value>(),
                "disk_consistent_lsn": layers.disk_consistent_lsn.to_string(),
                "gc_cutoff": layers.gc_cutoff.to_string(),
            }),
            Answer::BelowCutoff => json!("below the cutoff"),
            Answer::Failed(why) => json!({ "error": why }),
        }
    }

    /// Parses a recorded answer to `question`.
    pub fn of_json(question: Question, json: &Value) -> Result<Answer, CommandError> {
        let answer = match (question, json.as_str()) {
            (Question::Get | Question::Vget, Some("missing")) => Some(Answer::Missing),
            (Question::Get | Question::Vget, Some("below the cutoff")) => Some(Answer::BelowCutoff),
            (Question::Get, _) => value(json).map(Answer::Value),
            (Question::Vget, _) => values(json).map(Answer::Values),
            (Question::Layers, _) => layers(json).map(Answer::Layers),
        };
        answer.ok_or_else(|| {
            let shape = match question {
                Question::Get => "[length, sha256] or \"missing\"",
                Question::Vget => "a list of [key, length, sha256] or \"missing\"",
                Question::Layers => {
                    "{\"layers\": [[name, length], …], \"disk_consistent_lsn\": \"0/10\", \
                     \"gc_cutoff\": \"0/10\"}"
                }
            };
            let found: String = json.to_string().chars().take(100).collect();
            CommandError::input(format!("{found} is not its answer: expected {shape}"))
        })
    }
}

fn value(json: &Value) -> Option<Digested> {
    let [len, sha256] = json.as_array()?.as_slice() else {
        return None;
    };
    digested(len, sha256)
}

fn digested(len: &Value, sha256: &Value) -> Option<Digested> {
    Some(Digested {
        len: len.as_u64()?,
        sha256: sha256.as_str()?.to_owned(),
    })
}

fn values(json: &Value) -> Option<Vec<(Key, Digested)>> {
    let values = json.as_array()?.iter();
    let values = values.map(|value| match value.as_array()?.as_slice() {
        [key, len, sha256] => Some((key.as_str()?.parse().ok()?, digested(len, sha256)?)),
        _ => None,
    });
    values.collect()
}

fn layers(json: &Value) -> Option<Layers> {
    let lsn = |name: &str| json.get(name)?.as_str()?.parse().ok();
    let layers = json.get("layers")?.as_array()?.iter();
    let layers = layers.map(|layer| match layer.as_array()?.as_slice() {
        [name, len] => Some((LayerName::parse(name.as_str()?)?, len.as_u64()?)),
        _ => None,
    });
    Some(Layers {
        layers: layers.collect::<Option<_>>()?,
        disk_consistent_lsn: lsn("disk_consistent_lsn")?,
        gc_cutoff: lsn("gc_cutoff")?,
    })
}
