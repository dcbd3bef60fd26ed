//! The end of a plan: no fault comes any more, and everything comes to rest.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use palimpsest::base::{Key, KeyRange, KeySpace, LayerName, Lsn, TimelineId};
use palimpsest::io::Io;
use palimpsest::timeline::{Mode, Progress};
use palimpsest::{Result, Timeline};

use super::Driver;
use super::check::Depth;
use super::job::l0_count;
use crate::faults::FaultOutcome;
use crate::keys;
use crate::label::Letter;
use crate::laws;
use crate::model::Answer;
use crate::oracle;
use crate::plan::{Housekeeping, How};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// How often a job may find something to do until it must have done everything.
const PASSES_MAX: u32 = 10_000;

/// Where everything has an image, no read looks into more layers.
const VISITS_MAX: usize = 2;

/// Whether a timeline came to rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Everything is done.
    Complete,
    /// As far as files are right.
    Rotten,
}

/// How long it may take to come to rest and to open again, by the clock of the run: no call takes
/// its time any more, and nobody has a reason to sleep but until history is old enough.
const REST_TIME_MAX: Duration = Duration::from_secs(10);

impl Driver {
    /// The plan is done: without further faults, everything must come to rest and stay true.
    pub(super) async fn finish(&self) -> Result<(), Verdict> {
        self.join().await?;
        self.world.heal();
        // What the device holds up still is not what coming to rest takes.
        self.world.settle_down().await?;
        let has_latched = self
            .letters()
            .iter()
            .any(|letter| self.judge.has_failed_sync(Some(*letter)));
        if has_latched || self.judge.has_unread_index() {
            self.restart().await?;
        }
        self.check_keepers().await?;
        let started = SimIo::new(&self.world).now();
        self.note_layers();
        // As much as may be read: coming to rest collects.
        self.note_answers();
        for letter in self.letters() {
            if let Some(timeline) = self.timeline(letter) {
                let last = self.truth(letter, |truth| truth.last);
                let durable = timeline.flush().await;
                let durable = durable.map_err(|error| {
                    Verdict::wrong("flush, with no fault left", "it is done", error.to_string())
                })?;
                self.truth(letter, |truth| truth.acknowledge(durable))?;
                laws::check_order(last, durable)?;
                match self.come_to_rest(letter, &timeline).await? {
                    Rest::Complete => {}
                    Rest::Rotten => self.count_done("rest among what is wrong"),
                }
                self.check_points(letter, Depth::Sample)?;
                self.explain(letter)?;
            }
        }
        let aged = self.come_of_age().await?;
        self.check_space().await?;
        self.judge.forget_failed_removals();
        self.restart_and_check(Depth::Full, How::Wait).await?;
        self.note_answers();
        self.judge.check_reported()?;
        self.check_space().await?;
        let elapsed = SimIo::new(&self.world).now().saturating_since(started);
        let elapsed = elapsed.saturating_sub(aged);
        if REST_TIME_MAX < elapsed {
            let waiting = format!("to come to rest and open again takes {elapsed:?}");
            return Err(Verdict::Stuck { waiting });
        }
        Ok(())
    }

    /// Where a cutoff waits until what it takes is old enough, it moves when that is so. Says how
    /// long that took.
    async fn come_of_age(&self) -> Result<Duration, Verdict> {
        let age = self.plan.knobs.gc_age;
        let is_clock_set = self.handles().opened.is_none();
        // What an engine does by itself meanwhile takes time outside.
        let is_long = self.world.wait_max() < age;
        if age.is_zero() || is_clock_set || is_long || self.judge.has_unread_index() {
            return Ok(Duration::ZERO);
        }
        // A collection takes note of what is last, once in a part of that time.
        for _ in 0..2 {
            SimIo::new(&self.world).sleep(age).await;
            for letter in self.letters() {
                if self.timeline(letter).is_some() {
                    self.gc(letter, How::Wait).await?;
                }
            }
        }
        for letter in self.letters() {
            let Some(timeline) = self.timeline(letter) else {
                continue;
            };
            let (found, due) = (timeline.gc_cutoff(), self.cutoff_by_distance(&timeline));
            if found < due {
                let law = format!("what is old enough is below the cutoff, {due}");
                return Err(Verdict::law(law, found.to_string()));
            }
            if self.plan.knobs.housekeeping == Housekeeping::Off {
                self.check_needless(letter, &timeline)?;
            }
        }
        Ok(age * 2)
    }

    /// Waits until only the driver is left, then looks at what lies on the disk. What a removal
    /// that failed in this life has left may lie there until the next.
    async fn check_space(&self) -> Result<(), Verdict> {
        self.world.settle_down().await?;
        if self.judge.has_failed_removal() {
            return Ok(());
        }
        let mut left_alone = self.letters();
        // What is left of a deletion, and cannot be read any more, nobody may remove.
        let remains: Vec<Letter> = {
            let session = self.session();
            let remains = session.truths.iter();
            let remains = remains.filter(|(_, truth)| truth.may_have_files);
            remains.map(|(letter, _)| *letter).collect()
        };
        let is_wrong = |letter: &Letter| self.judge.has_wrong_index(keys::timeline(*letter));
        left_alone.extend(remains.into_iter().filter(is_wrong));
        left_alone.retain(|letter| self.timeline(*letter).is_none());
        let left_alone: Vec<TimelineId> = left_alone.into_iter().map(keys::timeline).collect();
        let open: Vec<_> = {
            let handles = self.handles();
            let open = handles.timelines.iter().map(|(letter, timeline)| {
                let layers = timeline.layers();
                let memory_count = usize::from(layers.open().is_some()) + layers.frozen().len();
                (keys::timeline(*letter), memory_count)
            });
            open.collect()
        };
        laws::check_space(&mut self.world.state().disk, &open, &left_alone)
    }

    /// Everything asked for is done, in bounded time, and bounds what a read looks into.
    async fn come_to_rest(
        &self,
        letter: Letter,
        timeline: &Timeline<SimIo>,
    ) -> Result<Rest, Verdict> {
        timeline.declare_keys(KeySpace::from_ranges([KeyRange::ALL]));
        let by_need = Mode::ByNeed;
        let compacted = self.until_idle("compact", || timeline.compact(by_need));
        let compacted = compacted.await?;
        let (found, trigger) = (l0_count(timeline), self.plan.knobs.l0_count_trigger);
        if compacted == Rest::Complete && trigger <= found as u64 {
            let law = format!("compaction by need leaves fewer than {trigger} L0s");
            return Err(Verdict::law(law, format!("{found}")));
        }
        let imaged = self.until_idle("create images", || timeline.create_images(by_need));
        let imaged = imaged.await?;
        if self.plan.knobs.housekeeping == Housekeeping::Off {
            let mut state = self.world.state();
            laws::check_saved(&mut state.disk, timeline)?;
        }
        if compacted == Rest::Rotten {
            return Ok(Rest::Rotten);
        }
        if !self.judge.has_unread_index() {
            self.check_cutoff(letter, timeline).await?;
        }
        let forced = || timeline.create_images(Mode::Forced);
        let all_imaged = self.until_idle("create all images", forced).await?;
        if imaged == Rest::Rotten || all_imaged == Rest::Rotten {
            return Ok(Rest::Rotten);
        }
        self.check_visits(letter, timeline).await?;
        Ok(Rest::Complete)
    }

    /// Calls a job until there is nothing to do, or until it comes to what is wrong.
    async fn until_idle<F: Future<Output = Result<Progress>>>(
        &self,
        what: &str,
        job: impl Fn() -> F,
    ) -> Result<Rest, Verdict> {
        for _ in 0..PASSES_MAX {
            self.judge.end_operation(FaultOutcome::Tolerated);
            match job().await {
                Ok(Progress::Idle) => return Ok(Rest::Complete),
                Ok(Progress::Done | Progress::Preempted | Progress::Superseded) => {}
                Err(error) if self.judge.is_reported_rot(&error) => {
                    self.judge.end_operation(FaultOutcome::Reported);
                    return Ok(Rest::Rotten);
                }
                Err(error) => {
                    let asked = format!("{what}, with no fault left");
                    return Err(Verdict::wrong(asked, "it is done", error.to_string()));
                }
            }
        }
        Err(Verdict::Stuck {
            waiting: format!("{what} has something to do again and again"),
        })
    }

    /// A collection moves the cutoff as far as it may.
    async fn check_cutoff(
        &self,
        letter: Letter,
        timeline: &Timeline<SimIo>,
    ) -> Result<(), Verdict> {
        let before = timeline.gc_cutoff();
        self.gc(letter, How::Wait).await?;
        let knobs = &self.plan.knobs;
        let expected = before.max(self.cutoff_by_distance(timeline));
        let found = timeline.gc_cutoff();
        let durable = self.truth(letter, |truth| truth.cutoff.durable());
        let is_right = match knobs.gc_age {
            Duration::ZERO => found == expected,
            _ => before <= found && found <= expected,
        };
        if is_right && found == durable {
            // Where others work too, somebody may have made something meanwhile.
            return match knobs.housekeeping {
                Housekeeping::Off => self.check_needless(letter, timeline),
                Housekeeping::On { .. } => Ok(()),
            };
        }
        let law = format!("a collection makes {expected} the cutoff, durably");
        Err(Verdict::law(
            law,
            format!("{found}, and {durable} is durable"),
        ))
    }

    /// How far a collection may go, but for the age of what it would take.
    pub(super) fn cutoff_by_distance(&self, timeline: &Timeline<SimIo>) -> Lsn {
        let last = timeline.last_record_lsn().0;
        let kept_from = Lsn(last.saturating_sub(self.plan.knobs.gc_distance));
        kept_from.min(timeline.disk_consistent_lsn())
    }

    /// A collection has left nothing that nobody needs.
    pub(super) fn check_needless(
        &self,
        letter: Letter,
        timeline: &Timeline<SimIo>,
    ) -> Result<(), Verdict> {
        let retained = oracle::retained(&self.session().truths, letter).all();
        let map = timeline.layers();
        let names: Vec<LayerName> = map.files().names().collect();
        laws::check_needless(&names, timeline.gc_cutoff(), &retained)
    }

    /// Behind an image of everything, a read looks into one layer, or two.
    async fn check_visits(
        &self,
        letter: Letter,
        timeline: &Timeline<SimIo>,
    ) -> Result<(), Verdict> {
        let lsn = timeline.last_record_lsn();
        for key in self.all_keys() {
            let answer = self.truth(letter, |truth| truth.history.answer(key, lsn));
            if matches!(answer, Answer::NoBase | Answer::NoRedo) {
                // No image can stand for it.
                continue;
            }
            let checked = self.check_visits_of((key, lsn), timeline).await;
            checked.inspect_err(|_| self.witness_read((letter, key), lsn))?;
        }
        Ok(())
    }

    async fn check_visits_of(
        &self,
        (key, lsn): (Key, Lsn),
        timeline: &Timeline<SimIo>,
    ) -> Result<(), Verdict> {
        let asked = || format!("visits of {key} at {lsn}");
        let visits = self.at_once(pin!(timeline.visits(key, lsn)));
        if visits.as_ref().is_err_and(|error| self.judge.is_rot(error)) {
            return Ok(());
        }
        let visits =
            visits.map_err(|error| Verdict::wrong(asked(), "its layers", error.to_string()))?;
        if visits.len() <= VISITS_MAX {
            return Ok(());
        }
        let law = format!(
            "where all have images, {} are at most {VISITS_MAX}",
            asked()
        );
        let names: Vec<String> = visits.iter().map(ToString::to_string).collect();
        Err(Verdict::law(law, names.join(", ")))
    }
}
