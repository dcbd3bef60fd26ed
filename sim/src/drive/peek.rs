//! Opening to read alone: it answers as an opening to write would, and writes nothing.

use std::path::Path;

use palimpsest::base::Generation;
use palimpsest::{Engine, Error, ShardIdentity};

use super::Driver;
use super::options::options;
use crate::checkers::response_one;
use crate::dice::mix;
use crate::keys;
use crate::label::TimelineLabel;
use crate::laws;
use crate::oracle::{Allowed, Existence};
use crate::paths::ROOT;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// One plan in so many does it, by its seed.
const ONE_IN: u64 = 4;

impl Driver {
    /// Opens every timeline to be read alone, where no engine is open and no fault is left, and
    /// checks what it answers and that its index stays.
    pub(super) async fn peek(&self) -> Result<(), Verdict> {
        let knobs = self.knobs();
        let is_drawn = knobs.seed != 0 && mix(knobs.seed).is_multiple_of(ONE_IN);
        if !is_drawn || knobs.device.may_be_wrong() || self.judge.has_unread_index() {
            return Ok(());
        }
        let io = SimIo::new(&self.world);
        let engine = Engine::open(io, Path::new(ROOT), options(&knobs)).await;
        let engine = engine.map_err(failed)?;
        for label in self.labels() {
            let existence = self.with_expected(label, |expected| expected.existence);
            if existence == Existence::Exists {
                self.peek_at(&engine, label).await?;
            }
        }
        self.session().tally.did("open to read alone");
        engine.shutdown().await.map_err(failed)
    }

    async fn peek_at(&self, engine: &Engine<SimIo>, label: TimelineLabel) -> Result<(), Verdict> {
        let before = self.generation_on_disk(label)?;
        let opened = engine.open_timeline_to_read(keys::timeline(label)).await;
        let timeline = opened.map_err(failed)?;
        let lsn = timeline.last_record_lsn();
        let shard = self.knobs().shard.into();
        for key in keys::all(&self.knobs()) {
            let (answer, is_optional) = self.with_expected(label, |expected| {
                let mut optional = expected.optional.iter();
                let is_optional = optional.any(|(other, _)| *other == key);
                (expected.history.answer(key, lsn), is_optional)
            });
            if is_optional || !ShardIdentity::holds(&shard, key) {
                continue;
            }
            let found = response_one(timeline.get(key, lsn).await);
            let allowed = Allowed {
                answers: vec![answer],
                not_yet: false,
                below: false,
            };
            found.judge(
                || format!("read {key} of {label}, opened to be read"),
                &allowed,
            )?;
        }
        let refused = timeline.flush().await;
        if !matches!(refused, Err(Error::Refused { .. })) {
            let asked = "flush what is open to be read alone";
            return Err(Verdict::wrong(asked, "a refusal", format!("{refused:?}")));
        }
        let after = self.generation_on_disk(label)?;
        if before != after {
            let law = "what is open to be read alone writes nothing";
            return Err(Verdict::law(law, format!("an index of generation {after}")));
        }
        Ok(())
    }

    fn generation_on_disk(&self, label: TimelineLabel) -> Result<Generation, Verdict> {
        let index = laws::index(&mut self.world.state().disk, keys::timeline(label))?;
        Ok(index.generation)
    }
}

fn failed(error: Error) -> Verdict {
    let asked = "open to read alone, with no fault left";
    Verdict::wrong(asked, "it is done", error.to_string())
}
