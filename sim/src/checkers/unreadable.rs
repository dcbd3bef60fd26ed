//! Whether timelines that cannot be opened are left as they are.
//!
//! * Verified: a timeline whose index the device took or made wrong keeps every layer across an
//!   open of the engine that cannot open it; and where it has layers, it is not said to be absent.
//! * Not verified: timelines in doubt, which may be half deleted. Nor files that the instance
//!   before it had given up, and that its last reader removes meanwhile.
//!
//! Its state is the files that there were before the open.

use std::collections::{BTreeMap, BTreeSet};

use palimpsest::base::FileName;

use super::Sight;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws;
use crate::oracle::{self, Existence};
use crate::paths::timeline_dir;
use crate::verdict::Verdict;

/// The files of layers of the timelines whose index the device took or made wrong.
pub struct Unreadable {
    files: BTreeMap<TimelineLabel, BTreeSet<FileName>>,
}

impl Unreadable {
    /// The engine is about to be opened.
    pub fn before_open(sight: &Sight) -> Unreadable {
        sight.judge.forget_dropped();
        let is_at_risk = |label: &TimelineLabel| {
            let existence = sight.expectations[label].existence;
            existence == Existence::Exists && sight.judge.has_bad_index(keys::timeline(*label))
        };
        let mut labels = oracle::ancestors_first(sight.expectations);
        labels.retain(is_at_risk);
        let mut state = sight.world.state();
        let with_files = labels.into_iter().map(|label| {
            let files = laws::layer_files(&mut state.disk, keys::timeline(label));
            (label, files)
        });
        Unreadable {
            files: with_files.collect(),
        }
    }

    /// Behind the open: what it could not open has every layer that it had before. Where there are
    /// layers, that an index is not there means that it was lost.
    ///
    /// # Errors
    /// The broken law, or a wrong answer of the open.
    pub fn check(&self, sight: &mut Sight) -> Result<(), Verdict> {
        for (&label, files) in &self.files {
            if sight.open.contains_key(&label) {
                continue;
            }
            let is_there = sight.expected(label).existence == Existence::Exists;
            if !is_there && !files.is_empty() {
                let asked = format!("open timeline {label}, whose index is lost");
                let expected = "it is corrupt, for there are layers";
                return Err(Verdict::wrong(asked, expected, "there is no such timeline"));
            }
            let id = keys::timeline(label);
            let found = laws::layer_files(&mut sight.world.state().disk, id);
            // The instance before it may still let go of what it had given up.
            let was_dropped = |file: &&FileName| {
                let path = timeline_dir(id).join(file.to_string());
                sight.judge.was_dropped(&path)
            };
            if let Some(gone) = files.difference(&found).find(|file| !was_dropped(file)) {
                let law = "nothing is removed of a timeline that cannot be opened";
                return Err(Verdict::law(law, format!("{gone} of {label} is gone")));
            }
        }
        Ok(())
    }
}
