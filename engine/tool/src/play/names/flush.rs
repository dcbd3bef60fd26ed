//! Timelines: what is put into one, and how it becomes L0s.

use palimpsest::base::LsnRange;
use palimpsest::{Key, KeyRange, Lsn, TimelineId, Value};

use super::layer::{Layer, Records};
use crate::play::settings::Settings;

/// A timeline.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The timeline below, which is read up to `start`.
    pub ancestor: Option<TimelineId>,
    /// The LSN that it was opened or branched at.
    pub start: Lsn,
    /// The declared keys.
    pub keys: Vec<KeyRange>,
    pub layers: Vec<Layer>,
    /// All records that were put, whatever became of them.
    pub log: Records,
    pub cutoff: Lsn,
    /// The LSNs that were retained, ascending.
    pub retained: Vec<Lsn>,
    /// Where the peer's last images stand.
    pub image_lsn: Lsn,
    /// Whether it has branches.
    pub is_branched: bool,
    /// The exclusive end of the frozen layers.
    frozen_end: Lsn,
    frozen: Vec<Layer>,
    open: Records,
    open_len: u64,
    last: Lsn,
}

impl Timeline {
    pub fn new(ancestor: Option<TimelineId>, (start, cutoff): (Lsn, Lsn)) -> Timeline {
        Timeline {
            ancestor,
            start,
            keys: Vec::new(),
            layers: Vec::new(),
            log: Records::new(),
            cutoff,
            retained: Vec::new(),
            image_lsn: start,
            is_branched: false,
            frozen_end: start.visible_end(),
            frozen: Vec::new(),
            open: Records::new(),
            open_len: 0,
            last: start,
        }
    }

    /// The LSN up to which all is in layers.
    pub fn flushed(&self) -> Lsn {
        Lsn(self.frozen_end.0 - 1)
    }

    pub fn put(&mut self, (key, lsn): (Key, Lsn), value: &Value, settings: &Settings) {
        let len = value.encoded_len() as u64;
        let options = &settings.options;
        let is_long = options.freeze_len_max <= self.open_len.saturating_add(len);
        let is_wide = options.freeze_distance_max <= lsn.0.saturating_sub(self.frozen_end.0);
        if is_long || is_wide {
            self.freeze();
        }
        for records in [&mut self.open, &mut self.log] {
            records.entry(key).or_default().push((lsn, value.clone()));
        }
        self.open_len += len;
        self.last = lsn;
    }

    fn freeze(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let lsns = LsnRange::new(self.frozen_end, self.last.visible_end());
        let records = std::mem::take(&mut self.open);
        let layer = Layer::delta((KeyRange::ALL, lsns), &records);
        self.frozen.push(layer);
        self.frozen_end = lsns.end;
        self.open_len = 0;
    }

    pub fn flush(&mut self) {
        self.freeze();
        self.layers.append(&mut self.frozen);
    }
}
