//! Checks that timelines that cannot be opened keep their files.
//!
//! * Verified: a timeline whose index a power loss took or the device made wrong keeps every layer
//!   across an open of the engine that cannot open it; and where it has layers, the open does not
//!   report it as absent.
//! * Not verified: timelines in doubt, which may be half deleted. Nor files that the previous
//!   instance had replaced, which their last reader removes meanwhile.
//!
//! Its state is the set of files before the open.

use std::collections::{BTreeMap, BTreeSet};

use palimpsest::base::FileName;

use super::Sight;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws;
use crate::oracle::{self, Existence};
use crate::paths::timeline_dir;
use crate::verdict::Verdict;

/// The layer files of the timelines whose index was lost or made wrong.
pub struct Unreadable {
    files: BTreeMap<TimelineLabel, BTreeSet<FileName>>,
}

impl Unreadable {
    /// Notes the files before the engine is opened.
    pub fn before_open(sight: &Sight) -> Unreadable {
        sight.judge.forget_removed();
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

    /// Checks after the open that each timeline that it could not open has every layer that it had.
    /// Where there are layers, a missing index means that it was lost.
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
            // A reader of the previous instance may still release what that had replaced.
            let was_removed = |file: &&FileName| {
                let path = timeline_dir(id).join(file.to_string());
                sight.judge.was_removed(&path)
            };
            if let Some(gone) = files.difference(&found).find(|file| !was_removed(file)) {
                let law = "nothing is removed of a timeline that cannot be opened";
                return Err(Verdict::law(law, format!("{gone} of {label} is gone")));
            }
        }
        Ok(())
    }
}
