//! A read that went wrong, and what it looked into.

use palimpsest::base::{Key, Lsn, LsnRange};
use palimpsest::layer::LayerId;

use crate::label::Letter;

/// A read that went wrong, made again for one key alone.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The timeline that was asked.
    pub letter: Letter,
    /// The key.
    pub key: Key,
    /// Its name in the plan, if it has one.
    pub key_name: Option<String>,
    /// The LSN.
    pub lsn: Lsn,
    /// What the engine says when it is asked for this key alone.
    pub alone: String,
    /// What the model has of the key up to there, from the newest on.
    pub model: Vec<String>,
    /// The layers that it looks into, in order.
    pub visits: Vec<VisitView>,
    /// Why they cannot be told, if they cannot.
    pub trouble: Option<String>,
}

/// One layer that a read looks into.
#[derive(Clone, Debug)]
pub struct VisitView {
    /// The timeline that it belongs to.
    pub letter: Letter,
    /// Which.
    pub layer: LayerId,
    /// Which of its LSNs.
    pub lsns: LsnRange,
    /// What is in it, the key's own first, as many as are shown.
    pub contents: Vec<String>,
}

impl Reading {
    /// The key as the plan calls it, or its digits.
    pub fn key_text(&self) -> String {
        let name = self.key_name.clone();
        name.unwrap_or_else(|| self.key.to_string())
    }

    /// The reading as text, one line for each thing.
    pub fn lines(&self) -> Vec<String> {
        let letter = char::from(self.letter.0);
        let mut lines = vec![
            format!("get {letter} {} at {}", self.key_text(), self.lsn),
            format!("asked alone: {}", self.alone),
        ];
        lines.push(match self.model.is_empty() {
            true => "the model has nothing of it".to_string(),
            false => "the model has, from the newest on:".to_string(),
        });
        lines.extend(self.model.iter().map(|line| format!("  {line}")));
        if let Some(trouble) = &self.trouble {
            lines.push(format!("its walk cannot be told: {trouble}"));
        }
        for (number, visit) in (1..).zip(&self.visits) {
            let on = char::from(visit.letter.0);
            lines.push(format!(
                "visit {number}: {on} {} for {}",
                visit.layer, visit.lsns
            ));
            lines.extend(visit.contents.iter().map(|line| format!("  {line}")));
        }
        lines
    }
}
