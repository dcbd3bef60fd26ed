//! Timelines whose index the device took or made wrong: who cannot open one removes nothing of it.

use std::collections::{BTreeMap, BTreeSet};

use palimpsest::base::FileName;

use super::Driver;
use crate::keys;
use crate::label::Letter;
use crate::laws;
use crate::oracle::Existence;
use crate::paths;
use crate::verdict::Verdict;

/// The files of layers of the timelines whose index the device took or made wrong.
pub(super) type AtRisk = BTreeMap<Letter, BTreeSet<FileName>>;

impl Driver {
    /// Of the timelines that were acknowledged. Those in doubt may be half deleted.
    pub(super) fn at_risk(&self) -> AtRisk {
        self.judge.forget_dropped();
        let is_at_risk = |letter: &Letter| {
            let existence = self.truth(*letter, |truth| truth.existence);
            existence == Existence::Exists && self.judge.has_bad_index(keys::timeline(*letter))
        };
        let mut letters = self.letters();
        letters.retain(is_at_risk);
        let mut state = self.world.state();
        let with_files = letters.into_iter();
        with_files
            .map(|letter| {
                let files = laws::layer_files(&mut state.disk, keys::timeline(letter));
                (letter, files)
            })
            .collect()
    }

    /// Behind an open: what it could not open has every layer that it had before. Where there are
    /// layers, that an index is not there means that it was lost.
    pub(super) fn check_nothing_removed(&self, before: &AtRisk) -> Result<(), Verdict> {
        for (letter, files) in before {
            if self.timeline(*letter).is_some() {
                continue;
            }
            let name = char::from(letter.0);
            let is_there = self.truth(*letter, |truth| truth.existence) == Existence::Exists;
            if !is_there && !files.is_empty() {
                let asked = format!("open timeline {name}, whose index is lost");
                let expected = "it is corrupt, for there are layers";
                return Err(Verdict::wrong(asked, expected, "there is no such timeline"));
            }
            let found = {
                let mut state = self.world.state();
                laws::layer_files(&mut state.disk, keys::timeline(*letter))
            };
            // The instance before it may still let go of what it had given up.
            let dir = paths::timeline_dir(keys::timeline(*letter));
            let was_dropped =
                |file: &&FileName| self.judge.was_dropped(&dir.join(file.to_string()));
            if let Some(gone) = files.difference(&found).find(|file| !was_dropped(file)) {
                let law = "nothing is removed of a timeline that cannot be opened";
                return Err(Verdict::law(law, format!("{gone} of {name} is gone")));
            }
        }
        Ok(())
    }
}
