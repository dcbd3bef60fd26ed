//! Defines the meaning of records: here a page is a counter, and a record adds to it.
//!
//! A redo runs whenever a read finds records above a base. It must depend on its arguments alone:
//! the same records over the same base are the same bytes, in every read and after every job.

use std::{error::Error, sync::Arc};

use palimpsest::format::{RecordRef, Redo, RedoError};
use palimpsest::{Batch, Engine, Key, Lsn, Options, OsIo, Record, TimelineId, Value, block_on};

struct Counters;

impl Redo for Counters {
    // What is refused here is never written, so no read comes to it.
    fn check(&self, _: Key, record: &RecordRef<'_>) -> Result<(), String> {
        match record {
            RecordRef::Postgres { rec, .. } if rec.len() == 8 => Ok(()),
            other => Err(format!("expected 8 bytes to add, found {other:?}")),
        }
    }

    fn redo(
        &self,
        _: Key,
        base: Option<&[u8]>,
        records: &[(Lsn, RecordRef<'_>)],
    ) -> Result<Vec<u8>, RedoError> {
        let mut sum = base.map_or(Ok(0), |page| decode(Lsn::ZERO, page))?;
        for (lsn, record) in records {
            let RecordRef::Postgres { will_init, rec } = record else {
                let why = format!("a counter knows no {}", record.kind());
                return Err(RedoError { lsn: *lsn, why });
            };
            // A `will_init` record needs nothing below it: the sum starts anew.
            sum = decode(*lsn, rec)? + if *will_init { 0 } else { sum };
        }
        Ok(sum.to_be_bytes().to_vec())
    }
}

fn decode(lsn: Lsn, bytes: &[u8]) -> Result<u64, RedoError> {
    let why = format!("expected 8 bytes, found {}", bytes.len());
    let bytes = bytes.try_into().map_err(|_| RedoError { lsn, why })?;
    Ok(u64::from_be_bytes(bytes))
}

fn add(will_init: bool, count: u64) -> Value {
    let rec = count.to_be_bytes().to_vec();
    Value::Record(Record::Postgres { will_init, rec })
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let options = Options {
        redo: Arc::new(Counters),
        ..Options::default()
    };
    block_on(async {
        let engine = Engine::open(OsIo::new(), dir.path(), options).await?;
        let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0));
        let timeline = timeline.await?;
        let mut batch = Batch::new();
        batch.push(Key::MIN, Lsn(10), &add(true, 5))?;
        batch.push(Key::MIN, Lsn(20), &add(false, 2))?;
        timeline.writer()?.put_batch(&batch).await?;
        for lsn in [Lsn(10), Lsn(20)] {
            let page = timeline.get(Key::MIN, lsn).await?.unwrap_or_default();
            println!("at LSN {lsn}: {}", decode(lsn, &page)?);
        }
        engine.shutdown().await?;
        Ok(())
    })
}
