//! Another tenant opens the engine's directory, and is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use palimpsest::base::Lsn;
use palimpsest::{Engine, Error};

use super::Driver;
use crate::checkers::Depth;
use crate::keys;
use crate::label::TimelineLabel;
use crate::oracle::Existence;
use crate::paths::{INDEX, timeline_dir};
use crate::plan::How;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// The names of files, with their bytes.
type Files = BTreeMap<String, Arc<Vec<u8>>>;

impl Driver {
    /// Shuts the engine down and opens it as another tenant, to whom every timeline must be
    /// refused; then opens it again as its own. What the other one leaves of the files is checked.
    pub(super) async fn intrude(&self) -> Result<(), Verdict> {
        self.join().await?;
        self.shut_down().await?;
        self.world.settle_down().await?;
        let labels = self.labels();
        let before = labels.iter().map(|label| self.files_of(*label));
        let before: Vec<_> = before.collect();
        let mut knobs = self.next_knobs();
        knobs.tenant = (knobs.tenant + 1) % 256;
        // Maintenance has nothing to do where nothing is open.
        let engine = self.open_engine_with(&knobs, How::Wait).await?;
        for label in &labels {
            self.refuse_stranger(&engine, *label).await?;
        }
        drop(engine);
        self.world.settle_down().await?;
        for (label, before) in labels.iter().zip(before) {
            let after = self.files_of(*label);
            // A creation that did not come to its index has no tenant yet.
            if before.contains_key(INDEX) && before != after {
                let law = format!("another tenant changes no file of {label}");
                return Err(Verdict::law(law, changed_names(&before, &after)));
            }
        }
        self.session().tally.did("refuse another tenant");
        self.open_and_check(Depth::Sample, How::Wait).await
    }

    /// Asks for a timeline as another tenant: by an open, a deletion and a creation.
    async fn refuse_stranger(
        &self,
        engine: &Engine<SimIo>,
        label: TimelineLabel,
    ) -> Result<(), Verdict> {
        let id = keys::timeline(label);
        let exists = self.with_expected(label, |expected| expected.existence) == Existence::Exists;
        let guard = self.judge.begin(Some(label));
        let opened = engine.open_timeline(id).await.map(|_| ());
        let deleted = match exists {
            true => engine.delete_timeline(id).await,
            false => Ok(()),
        };
        let created = match exists {
            true => engine.create_timeline(id, Lsn::ZERO).await.map(|_| ()),
            false => Ok(()),
        };
        for (what, answer, may_work) in [
            ("open", opened, false),
            ("delete", deleted, !exists),
            ("create", created, !exists),
        ] {
            let asked = format!("{what} {label} as another tenant");
            match answer {
                Ok(()) if may_work => {}
                Ok(()) => return Err(Verdict::wrong(asked, "a refusal", "it was done")),
                Err(Error::Refused { .. }) => {}
                Err(Error::Busy { .. }) if self.judge.has_unread_index() => {}
                Err(error) => guard.check_with(&asked, &error, &[None])?,
            }
        }
        Ok(())
    }

    /// The files of a timeline with their bytes.
    fn files_of(&self, label: TimelineLabel) -> Files {
        let dir = timeline_dir(keys::timeline(label));
        let disk = &mut self.world.state().disk;
        let entries = disk.list(&dir).unwrap_or_default().into_iter();
        let files = entries.filter_map(|entry| {
            let bytes = disk.bytes(&dir.join(&entry.name)).ok()?;
            Some((entry.name, bytes))
        });
        files.collect()
    }
}

/// The names of the files that are not the same before and after.
fn changed_names(before: &Files, after: &Files) -> String {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter();
    let changed = changed.filter(|name| before.get(*name) != after.get(*name));
    changed.cloned().collect::<Vec<_>>().join(", ")
}
