//! Leasing an LSN of a timeline.

use std::time::Duration;

use palimpsest::Error;
use palimpsest::io::Io;

use super::Driver;
use crate::checkers::durable::Acknowledged;
use crate::checkers::leases::Asked;
use crate::checkers::racing;
use crate::keys;
use crate::label::TimelineLabel;
use crate::plan::How;
use crate::verdict::Verdict;
use crate::world::SimIo;

impl Driver {
    /// Leases an LSN, at an offset from the last record, for some time.
    pub(super) async fn lease(
        &self,
        label: TimelineLabel,
        (offset, length): (i64, Duration),
        how: How,
    ) -> Result<(), Verdict> {
        let Some(timeline) = self.timeline(label) else {
            return Ok(());
        };
        let io = SimIo::new(&self.world);
        let mut asked = Asked {
            label,
            lsn: self.with_expected(label, |expected| keys::shifted(expected.last, offset)),
            length,
            began: Some(io.now()),
        };
        let clock_count = self.session().clock_count;
        let guard = self.judge.begin(Some(label));
        let lsn = asked.lsn;
        let view = self.look(|sight, _| racing::view(sight, (label, lsn), |_| ()))?;
        // It flushes what lies at the LSN or below.
        let closing = self.with_expected(label, |expected| {
            expected.leases.begin(lsn);
            expected.begin_close()
        });
        let result = self.call(how, timeline.lease(lsn, length)).await;
        let granted = match &result {
            Some(Ok(lease)) => Some(lease.valid_until),
            _ => None,
        };
        self.with_expected(label, |expected| {
            expected.leases.end(lsn, granted);
            let has_flushed = granted.is_some() && closing <= lsn;
            expected.end_close(has_flushed.then_some(closing));
        });
        let end = self.look(|sight, _| racing::view(sight, (label, lsn), |_| ()))?;
        let allowed = view.until(end);
        match result {
            Some(Ok(lease)) => {
                guard.check_done("lease")?;
                if self.session().clock_count != clock_count {
                    asked.began = None;
                }
                asked.check_granted(&allowed, lease)?;
                if io.now() <= lease.valid_until {
                    let promise = Acknowledged::Leased(lsn, lease.valid_until);
                    self.check_durable(label, &promise)?;
                }
                self.session().tally.did("lease");
                self.with_expected(label, |expected| {
                    let durable = lsn.max(expected.acknowledged);
                    expected.acknowledge(durable)
                })
            }
            Some(Err(
                error @ (Error::Refused { .. } | Error::NotYet { .. } | Error::BelowCutoff { .. }),
            )) => self.look(|sight, _| asked.check_refused(sight, &allowed, &error)),
            Some(Err(error)) => guard.check(&asked.text(), &error),
            None => Ok(()),
        }
    }
}
