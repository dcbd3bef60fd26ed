//! Reads that race with other tasks: judged by all that was true from their start to their end.

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use palimpsest::base::{KeyRange, Lsn, ShardIdentity};
use palimpsest::io::Io;
use palimpsest::timeline::KeyValue;
use palimpsest::{Error, Timeline};

use super::Driver;
use super::options::options;
use crate::checkers::bounds::Batched;
use crate::checkers::foreign;
use crate::checkers::racing::Racing;
use crate::checkers::{Describe, Response, response_many, response_one, values};
use crate::keys;
use crate::label::TimelineLabel;
use crate::model::History;
use crate::plan::{How, KeyIndex};
use crate::verdict::Verdict;
use crate::world::SimIo;

/// How long a scan that runs beside others pauses after each batch.
const BETWEEN_BATCHES: Duration = Duration::from_millis(1);
/// How often a scan retries a batch that failed.
const SCAN_FAILURES_MAX: u32 = 3;

impl Driver {
    pub(super) async fn get(
        &self,
        label: TimelineLabel,
        (index, offset): (KeyIndex, i64),
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let key = keys::key(&self.plan.knobs, index);
        let lsn = self.with_expected(label, |expected| keys::shifted(expected.last, offset));
        let asked = || format!("get {} {key} at {lsn}", char::from(label.0));
        let shard = ShardIdentity::from(self.knobs().shard);
        if !shard.holds(key) {
            let Some(found) = self.call(how, timeline.get(key, lsn)).await else {
                return Ok(());
            };
            return foreign::check(shard, key, asked(), found);
        }
        let get = async { response_one(timeline.get(key, lsn).await) };
        let ask = |history: &History| history.answer(key, lsn);
        let read = self.read((label, lsn), asked, (how, get), ask).await;
        read.inspect_err(|_| self.witness_read((label, key), lsn))
    }

    pub(super) async fn get_many(
        &self,
        label: TimelineLabel,
        keys: (KeyIndex, u16),
        offset: i64,
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let (keys, lsn) = (
            keys::some(&self.knobs(), keys),
            self.with_expected(label, |expected| keys::shifted(expected.last, offset)),
        );
        let count = keys.len();
        let asked = || format!("get {count} keys of {} at {lsn}", char::from(label.0));
        let space = keys::space(&keys);
        let get = async { response_many(timeline.get_vectored(&space, lsn).await) };
        let ask = |history: &History| values(history, &keys, lsn);
        self.read((label, lsn), asked, (how, get), ask).await
    }

    pub(super) async fn scan(
        &self,
        label: TimelineLabel,
        offset: i64,
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let (keys, lsn) = (
            keys::all(&self.knobs()),
            self.with_expected(label, |expected| keys::shifted(expected.last, offset)),
        );
        let asked = || format!("scan {} at {lsn}", char::from(label.0));
        // A cancel hits one batch of it, which is retried.
        let longest = Mutex::new(Batched::default());
        let scan = async { response_many(self.scan_all(&timeline, (lsn, how), &longest).await) };
        let ask = |history: &History| values(history, &keys, lsn);
        let how = match how {
            How::DropAt(_) => How::Wait,
            how => how,
        };
        self.read((label, lsn), asked, (how, scan), ask).await?;
        self.session().tally.did("scans");
        let longest = longest.into_inner().expect("one task has it");
        longest.check(&options(&self.knobs()))
    }

    /// All values of a scan, and notes the longest batch. A batch that failed or was cancelled is
    /// retried.
    async fn scan_all(
        &self,
        timeline: &Timeline<SimIo>,
        (lsn, how): (Lsn, How),
        longest: &Mutex<Batched>,
    ) -> Result<Vec<KeyValue>, Error> {
        let mut scan = timeline.scan(KeyRange::ALL, lsn).await?;
        let mut all = Vec::new();
        let mut failure_count = 0;
        loop {
            let batch = match self.call(how, scan.next_batch()).await {
                Some(batch) => batch,
                None => scan.next_batch().await,
            };
            match batch {
                Ok(Some(batch)) => {
                    {
                        let mut longest = longest.lock().expect("one task has it");
                        *longest = longest.max(Batched::of(&batch));
                    }
                    all.extend(batch);
                    if how == How::Beside {
                        // The reader of a scan takes its time.
                        SimIo::new(&self.world).sleep(BETWEEN_BATCHES).await;
                    }
                }
                Ok(None) => return Ok(all),
                Err(Error::Io(_)) if failure_count < SCAN_FAILURES_MAX => failure_count += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn read<T: Describe + PartialEq>(
        &self,
        point: (TimelineLabel, Lsn),
        asked: impl Fn() -> String,
        (how, read): (How, impl Future<Output = Response<T>>),
        ask: impl Fn(&History) -> T,
    ) -> Result<(), Verdict> {
        let guard = self.judge.begin(Some(point.0)).with_layers();
        let racing = self.look(|sight, _| Racing::begin(sight, point, &ask))?;
        let response = self.call(how, read).await;
        let raced = self.show(|sight, _| racing.end(sight, &ask));
        let Some(response) = response else {
            return Ok(());
        };
        let allowed = self.look(|sight, checkers| {
            checkers.answers.count();
            raced.allowed(sight, &ask)
        })?;
        match &response {
            Response::Error(error) => guard.check(&asked(), error),
            _ => response.judge(asked, &allowed).inspect_err(|_| {
                if let Some(key) = response.culprit(&allowed) {
                    self.witness_read((point.0, key), point.1);
                }
            }),
        }
    }
}
