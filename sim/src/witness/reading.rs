//! A read that went wrong, and the layers that it visited.

use palimpsest::base::{Key, Lsn, LsnRange};
use palimpsest::layer::LayerId;

use crate::label::TimelineLabel;

/// A read that went wrong, repeated for one key alone.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The timeline that was read.
    pub label: TimelineLabel,
    /// The key.
    pub key: Key,
    /// The key's name in the plan, if it has one.
    pub key_name: Option<String>,
    /// The LSN.
    pub lsn: Lsn,
    /// The engine's answer when it reads this key alone.
    pub alone: String,
    /// The model's changes of the key up to the LSN, the newest first.
    pub model: Vec<String>,
    /// The layers that the read visits, in order.
    pub visits: Vec<VisitView>,
    /// Why the visits are not known, if they are not.
    pub trouble: Option<String>,
}

/// One layer that a read visits.
#[derive(Clone, Debug)]
pub struct VisitView {
    /// The timeline that it belongs to.
    pub label: TimelineLabel,
    /// The layer.
    pub layer: LayerId,
    /// The LSNs of the layer that are read.
    pub lsns: LsnRange,
    /// The contents of the layer, those of the key first, as many as are shown.
    pub contents: Vec<String>,
}

impl Reading {
    /// The key's name in the plan, or its digits.
    pub fn key_text(&self) -> String {
        let name = self.key_name.clone();
        name.unwrap_or_else(|| self.key.to_string())
    }

    /// The read as lines of text.
    pub fn lines(&self) -> Vec<String> {
        let label = char::from(self.label.0);
        let mut lines = vec![
            format!("get {label} {} at {}", self.key_text(), self.lsn),
            format!("asked alone: {}", self.alone),
        ];
        lines.push(match self.model.is_empty() {
            true => "the model has nothing of it".to_string(),
            false => "the model has, from the newest on:".to_string(),
        });
        lines.extend(self.model.iter().map(|line| format!("  {line}")));
        if let Some(trouble) = &self.trouble {
            lines.push(format!("its walk is not known: {trouble}"));
        }
        for (number, visit) in (1..).zip(&self.visits) {
            let on = char::from(visit.label.0);
            lines.push(format!(
                "visit {number}: {on} {} for {}",
                visit.layer, visit.lsns
            ));
            lines.extend(visit.contents.iter().map(|line| format!("  {line}")));
        }
        lines
    }
}
