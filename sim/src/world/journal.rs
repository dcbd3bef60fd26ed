//! What each call changed on the disk, and whether a sync or a crash came first. `explain` shows
//! it.
//!
//! It compares the disk between calls: a change that waits for a sync now, and did not before the
//! last call, was made by that call; one that waits no more was synced by it.

use std::collections::BTreeMap;

use crate::disk::{Disk, Fate, NodeId};
use crate::faults::Crash;

/// What each call changed.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    call_count: usize,
    /// The calls that made the changes which wait for a sync, by the file or directory they wait
    /// in.
    waiting: BTreeMap<NodeId, Vec<usize>>,
    effects: BTreeMap<usize, Effect>,
    crashes: Vec<CrashSeen>,
}

/// What a call changed on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The file or directory.
    pub path: String,
    /// The bytes or the entry; or how many changes a sync covered.
    pub what: String,
    /// What became of it.
    pub end: End,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing yet: no sync has covered it.
    Waits,
    /// The call with this index, from 0, was a sync of it.
    Synced(usize),
    /// The call with this index was a sync of it that failed: no later sync covers it.
    Dropped(usize),
    /// Its file was removed, and the change with it.
    Gone,
    /// A power loss came before a sync.
    PowerLoss(Fate),
    /// The call is a sync itself.
    Sync,
}

/// A crash, and its place among the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashSeen {
    /// How many calls there were before it, in all lives.
    pub call_count: usize,
    /// Which kind.
    pub crash: Crash,
}

impl Journal {
    /// The change made by the call with this index, from 0 and over all lives; `None` if it made
    /// none that a sync covers.
    pub fn effect(&self, call: usize) -> Option<&Effect> {
        self.effects.get(&call)
    }

    /// The crashes, in order.
    pub fn crashes(&self) -> &[CrashSeen] {
        &self.crashes
    }

    /// Notes that another call is about to run.
    pub(super) fn next_call(&mut self, disk: &Disk) {
        self.look(disk);
        self.call_count += 1;
    }

    /// Notes what the last call changed.
    pub fn look(&mut self, disk: &Disk) {
        let Some(call) = self.call_count.checked_sub(1) else {
            return;
        };
        let counts = disk.pending_counts();
        let is_changed =
            |(id, count): &(&NodeId, &usize)| self.waiting.get(id).map_or(0, Vec::len) != **count;
        let changed: Vec<_> = counts.iter().filter(is_changed).collect();
        let is_gone = |id: &&NodeId| !counts.contains_key(id);
        let gone: Vec<NodeId> = self.waiting.keys().filter(is_gone).copied().collect();
        for id in gone {
            self.end_all(id, End::Gone);
        }
        if changed.is_empty() {
            return;
        }
        let paths = disk.paths();
        for (id, count) in changed {
            let path = paths
                .get(id)
                .map_or("a file without a name", String::as_str);
            self.take_note(disk, call, (*id, *count, path));
        }
    }

    fn take_note(&mut self, disk: &Disk, call: usize, (id, count, path): (NodeId, usize, &str)) {
        let path = path.strip_prefix(crate::paths::ROOT).unwrap_or(path);
        let path = if path.is_empty() { "/" } else { path };
        let before = self.waiting.get(&id).map_or(0, Vec::len);
        if count < before {
            self.end_all(id, End::Synced(call));
            let effect = Effect {
                path: path.to_string(),
                what: format!("covers {}", crate::text::counted(before as u64, "change")),
                end: End::Sync,
            };
            self.effects.insert(call, effect);
        }
        let calls = self.waiting.entry(id).or_default();
        for index in calls.len()..count {
            calls.push(call);
            let effect = Effect {
                path: path.to_string(),
                what: disk.pending_text(id, index).unwrap_or_default(),
                end: End::Waits,
            };
            self.effects.insert(call, effect);
        }
    }

    fn end_all(&mut self, id: NodeId, end: End) {
        for call in self.waiting.remove(&id).unwrap_or_default() {
            if let Some(effect) = self.effects.get_mut(&call) {
                effect.end = end;
            }
        }
    }

    /// Notes a crash that turned the disk `before` into `after`.
    pub fn crashed(&mut self, crash: Crash, before: &Disk, after: &Disk) {
        self.look(before);
        self.crashes.push(CrashSeen {
            call_count: self.call_count,
            crash,
        });
        if crash == Crash::Kill {
            return;
        }
        let fates = before.fates(after);
        for (id, calls) in std::mem::take(&mut self.waiting) {
            let fates = fates.get(&id).map_or(&[][..], Vec::as_slice);
            for (call, fate) in calls.iter().zip(fates) {
                if let Some(effect) = self.effects.get_mut(call) {
                    effect.end = End::PowerLoss(*fate);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::faults::Survival;

    #[test]
    fn a_change_belongs_to_the_call_before_and_ends_with_a_sync_or_a_crash() {
        let (mut disk, mut journal) = (Disk::new(), Journal::default());
        journal.next_call(&disk);
        let id = disk.create(Path::new("/a")).unwrap();
        journal.next_call(&disk);
        disk.write(id, 0, b"abc").unwrap();
        journal.next_call(&disk);
        disk.sync(id).unwrap();
        let after = disk.crash(Survival::Nothing);
        journal.crashed(Crash::Power(Survival::Nothing), &disk, &after);
        let effect = |call| {
            let effect = journal.effect(call).unwrap();
            (effect.path.as_str(), effect.what.as_str(), effect.end)
        };
        assert_eq!(effect(0), ("/", "entry a", End::PowerLoss(Fate::Lost)));
        assert_eq!(effect(1), ("/a", "bytes 0..3", End::Synced(2)));
        assert_eq!(effect(2), ("/a", "covers 1 change", End::Sync));
        assert_eq!(journal.crashes()[0].call_count, 3);
    }
}
