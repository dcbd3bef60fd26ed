//! Whether the engine looks after itself: where housekeeping is on, nothing stays undone for long.

use std::time::Duration;

use palimpsest::Timeline;
use palimpsest::base::{LayerName, Lsn};
use palimpsest::io::Io;
use palimpsest::timeline::{Mode, Progress};

use super::Driver;
use super::job::l0_count;
use crate::label::Letter;
use crate::plan::Housekeeping;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// After so many looks, two periods apart, no housekeeper may have anything left to do.
const LOOKS_MAX: u32 = 100;

/// What housekeeping changes of a timeline.
#[derive(PartialEq, Eq)]
struct Kept {
    files: Vec<LayerName>,
    frozen_count: usize,
    cutoff: Lsn,
}

impl Kept {
    fn of(timeline: &Timeline<SimIo>) -> Kept {
        let map = timeline.layers();
        Kept {
            files: map.files().names().collect(),
            frozen_count: map.frozen().len(),
            cutoff: timeline.gc_cutoff(),
        }
    }
}

impl Driver {
    /// Nobody asks for anything, no fault comes, and the housekeepers come to rest: then there is
    /// nothing left to flush, to compact, to image or to collect.
    pub(super) async fn check_keepers(&self) -> Result<(), Verdict> {
        let Housekeeping::On { period, .. } = self.plan.knobs.housekeeping else {
            return Ok(());
        };
        // What is wrong stays undone, and with a timeline that cannot be opened all collections.
        let can_be_wrong = self.plan.knobs.device.may_be_wrong();
        if can_be_wrong || self.judge.has_unread_index() {
            return Ok(());
        }
        self.keepers_at_rest(period).await?;
        for letter in self.letters() {
            if let Some(timeline) = self.timeline(letter) {
                self.check_kept(letter, &timeline).await?;
            }
        }
        Ok(())
    }

    /// Waits until two looks find the same.
    async fn keepers_at_rest(&self, period: Duration) -> Result<(), Verdict> {
        let mut before = Vec::new();
        for _ in 0..LOOKS_MAX {
            SimIo::new(&self.world).sleep(period * 2).await;
            self.world.settle_down().await?;
            let letters = self.letters().into_iter();
            let open = letters.filter_map(|letter| self.timeline(letter));
            let found: Vec<Kept> = open.map(|timeline| Kept::of(&timeline)).collect();
            if found == before {
                return Ok(());
            }
            before = found;
        }
        let waiting = "housekeeping does not come to rest, although nobody asks for anything";
        Err(Verdict::Stuck {
            waiting: waiting.into(),
        })
    }

    async fn check_kept(&self, letter: Letter, timeline: &Timeline<SimIo>) -> Result<(), Verdict> {
        let broken = |left: String| {
            let law = "housekeeping leaves nothing undone";
            let name = char::from(letter.0);
            Err(Verdict::law(law, format!("timeline {name} has {left}")))
        };
        let kept = Kept::of(timeline);
        if 0 < kept.frozen_count {
            return broken(format!("{} frozen layers", kept.frozen_count));
        }
        let knobs = &self.plan.knobs;
        let l0s = l0_count(timeline);
        if knobs.l0_count_trigger <= l0s as u64 {
            return broken(format!("{l0s} L0s"));
        }
        let due = self.cutoff_by_distance(timeline);
        if knobs.gc_age == Duration::ZERO && kept.cutoff < due {
            return broken(format!("its cutoff at {}, not {due}", kept.cutoff));
        }
        self.check_needless(letter, timeline)?;
        for (what, progress) in [
            ("to compact", timeline.compact(Mode::ByNeed).await),
            ("to image", timeline.create_images(Mode::ByNeed).await),
        ] {
            match progress {
                Ok(Progress::Idle) => {}
                Ok(_) => return broken(format!("something {what}")),
                Err(error) => {
                    let asked = format!("find nothing {what}, with no fault left");
                    return Err(Verdict::wrong(asked, "it is done", error.to_string()));
                }
            }
        }
        Ok(())
    }
}
