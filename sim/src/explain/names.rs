//! Short names: a key by its number, a layer by its kind and ranges, a timeline by its letter.

use palimpsest::base::{FileName, Key, KeyRange, LayerName};

use super::escape;
use crate::keys;
use crate::label::TimelineLabel;
use crate::plan::{KeyIndex, Knobs};

/// The short names of a plan's keys and timelines.
pub struct Names {
    /// The keys and their names, sorted by key.
    keys: Vec<(Key, String)>,
}

impl Names {
    /// The names for a plan with these knobs.
    pub fn new(knobs: &Knobs) -> Names {
        let numbers = 0..knobs.key_count;
        let mut named: Vec<_> = numbers
            .map(|number| (keys::key(knobs, KeyIndex(number)), format!("k{number}")))
            .collect();
        named.sort();
        Names { keys: named }
    }

    /// The short name of a key, if the plan has the key.
    fn key(&self, key: Key) -> Option<&str> {
        let found = self.keys.binary_search_by_key(&key, |(key, _)| *key);
        found.ok().map(|index| self.keys[index].1.as_str())
    }

    /// The first and the last of the plan's keys in a range.
    fn key_range(&self, range: KeyRange) -> String {
        if range.is_all() {
            return "all keys".to_string();
        }
        let inside: Vec<&str> = self
            .keys
            .iter()
            .filter(|(key, _)| range.contains(*key))
            .map(|(_, name)| name.as_str())
            .collect();
        match inside[..] {
            [] => "no keys".to_string(),
            [only] => only.to_string(),
            [first, .., last] => format!("{first} to {last}"),
        }
    }

    /// The short name of a layer.
    pub fn layer(&self, layer: &LayerName) -> String {
        let keys = self.key_range(layer.keys());
        match layer {
            LayerName::Image { lsn, .. } => format!("image of {keys} at {lsn}"),
            LayerName::Delta { lsns, .. } if layer.is_l0() => format!("L0 {lsns}"),
            LayerName::Delta { lsns, .. } => format!("L1 of {keys} {lsns}"),
        }
    }

    /// The text, with short names where there are any.
    pub fn shorten(&self, text: &str) -> String {
        let words: Vec<String> = text.split(' ').map(|word| self.word(word)).collect();
        words.join(" ")
    }

    /// The short text as HTML, with the full text as its tooltip.
    pub fn html(&self, text: &str) -> String {
        let short = self.shorten(text);
        match short == text {
            true => escape(text),
            false => format!("<span title=\"{}\">{}</span>", escape(text), escape(&short)),
        }
    }

    fn word(&self, word: &str) -> String {
        let bare = word.trim_end_matches([':', ',']);
        let rest = &word[bare.len()..];
        let parts: Vec<String> = bare.split('/').map(|part| self.part(part)).collect();
        format!("{}{rest}", parts.join("/"))
    }

    /// Shortens a part of a path, or a key.
    fn part(&self, part: &str) -> String {
        if let Some(label) = label(part) {
            return label.to_string();
        }
        if let Some(name) = part.parse().ok().and_then(|key| self.key(key)) {
            return name.to_string();
        }
        match FileName::parse(part) {
            Some(FileName::Layer { name, .. }) => format!("{{{}}}", self.layer(&name)),
            Some(FileName::LayerTemp { name, .. }) => format!("{{{}}} temp", self.layer(&name)),
            Some(FileName::Ephemeral { ordinal, .. }) => format!("ephemeral {ordinal}"),
            Some(FileName::IndexTemp { .. }) => "index temp".to_string(),
            _ => match LayerName::parse(part) {
                Some(name) => format!("{{{}}}", self.layer(&name)),
                None => part.to_string(),
            },
        }
    }
}

/// The letter of a timeline, from the digits of its id.
fn label(digits: &str) -> Option<char> {
    let mut labels = b'a'..=b'z';
    let found = labels.find(|label| keys::timeline(TimelineLabel(*label)).to_string() == digits);
    found.map(char::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn what_has_a_short_name_is_called_by_it() {
        let mut knobs = Plan::draw(7).knobs;
        knobs.key_count = 4;
        let names = Names::new(&knobs);
        let key = |number| keys::key(&knobs, KeyIndex(number));
        let mut ends = [key(1), key(2)];
        ends.sort();
        let image = LayerName::Image {
            keys: KeyRange::new(ends[0], ends[1]),
            lsn: palimpsest::Lsn(0x28),
        };
        let id = keys::timeline(TimelineLabel(b'b'));
        let text = format!("/{id}/{image}-v1-00000001 has {}: 3", ends[0]);
        let name = names.key(ends[0]).unwrap();
        let expected = format!("/b/{{image of {name} at 0/28}} has {name}: 3");
        assert_eq!(names.shorten(&text), expected);
        assert_eq!(names.shorten("bytes 0..8192 of /x"), "bytes 0..8192 of /x");
    }
}
