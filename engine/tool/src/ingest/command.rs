//! The command: lines become records, records become batches.

use std::io::Write;
use std::path::Path;

use palimpsest::{Batch, Error, Lsn, OsIo, block_on};

use super::lines::Lines;
use super::report::Report;
use crate::clock::Stopwatch;
use crate::exit::CommandError;
use crate::form::Form;
use crate::progress::Progress;
use crate::session::{Session, SessionOptions};
use crate::waldump::{Change, Converter, PageValue, WalRecord, parse_line};

/// A batch is put once its values are this long, in bytes.
const BATCH_LEN: usize = 1 << 20;

type Writer = palimpsest::Writer<OsIo>;

/// What to ingest, and into what.
pub struct IngestRequest<'a> {
    /// The output of `pg_waldump`; `-` is the standard input.
    pub waldump: &'a Path,
    /// The directory of the engine.
    pub root: &'a Path,
    /// The timeline, and how it is written.
    pub session: SessionOptions,
    /// Whether a page that begins without a base gets a page of zeros.
    pub has_zero_base: bool,
}

/// Ingests a log, makes it durable and prints what was done.
///
/// # Errors
/// `Input` if a line cannot be read; what stands before it is durable. Those of the engine.
pub fn ingest(
    request: &IngestRequest<'_>,
    out: &mut dyn Write,
    form: Form,
) -> Result<(), CommandError> {
    let watch = Stopwatch::start();
    let mut lines = Lines::open(request.waldump)?;
    let mut progress = Progress::new("ingested", lines.len);
    let Some(first) = next_record(&mut lines, &mut progress)? else {
        return Err(lines.wrong("there is no record"));
    };
    let done = block_on(async {
        let start = Lsn(first.lsn.0.saturating_sub(2));
        let session = Session::open_or_create(request.root, &request.session, start).await?;
        let mut run = Run::new(&session, request.has_zero_base)?;
        let ingested = run.take_all(first, (&mut lines, &mut progress)).await;
        progress.finish();
        let report = Report {
            timeline: session.timeline.id(),
            durable: session.timeline.flush().await?,
            counts: run.converter.counts(),
            page_count: run.converter.page_count(),
            skipped: run.skipped,
            has_zero_base: request.has_zero_base,
            seconds: watch.seconds(),
        };
        drop(run);
        session.close().await?;
        ingested.map(|()| report)
    })?;
    Ok(done.print(out, form)?)
}

/// The next record; `None` after the last.
fn next_record(
    lines: &mut Lines,
    progress: &mut Progress,
) -> Result<Option<WalRecord>, CommandError> {
    while let Some(line) = lines.next()? {
        progress.add(line.len() as u64);
        if let Some(record) = parse_line(&line).map_err(|what| lines.wrong(&what))? {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

struct Run<'a> {
    session: &'a Session,
    writer: Writer,
    converter: Converter,
    batch: Batch,
    batch_len: usize,
    /// The last record that was taken.
    last: Lsn,
    skipped: u64,
}

impl<'a> Run<'a> {
    fn new(session: &'a Session, has_zero_base: bool) -> Result<Run<'a>, CommandError> {
        Ok(Run {
            session,
            writer: session.timeline.writer()?,
            converter: Converter::new(has_zero_base),
            batch: Batch::new(),
            batch_len: 0,
            last: session.timeline.last_record_lsn(),
            skipped: 0,
        })
    }

    async fn take_all(
        &mut self,
        first: WalRecord,
        (lines, progress): (&mut Lines, &mut Progress),
    ) -> Result<(), CommandError> {
        let mut next = Some(first);
        let mut is_behind = false;
        while let Some(record) = next {
            if record.lsn <= self.last {
                // Only what comes first can have been taken by an earlier command.
                if is_behind {
                    let what = format!("expected an LSN above {}, found {}", self.last, record.lsn);
                    return Err(lines.wrong(&what));
                }
                self.skipped += 1;
            } else {
                is_behind = true;
                self.last = record.lsn;
                self.take(&record).await?;
            }
            next = match next_record(lines, progress) {
                Ok(next) => next,
                Err(error) => {
                    self.put().await?;
                    return Err(error);
                }
            };
        }
        self.put().await
    }

    async fn take(&mut self, record: &WalRecord) -> Result<(), CommandError> {
        if !self.session.is_new {
            self.recall(record).await?;
        }
        for PageValue { key, lsn, value } in self.converter.convert(record) {
            self.batch_len += value.encoded_len();
            self.batch.push(key, lsn, &value)?;
        }
        match BATCH_LEN <= self.batch_len {
            true => self.put().await,
            false => Ok(()),
        }
    }

    /// Looks whether the timeline has a base for the pages that are met for the first time.
    async fn recall(&mut self, record: &WalRecord) -> Result<(), CommandError> {
        let timeline = &self.session.timeline;
        let at = timeline.last_record_lsn();
        let records = record
            .pages
            .iter()
            .filter(|page| page.change == Change::Record);
        for page in records {
            if self.converter.is_known(page.key) {
                continue;
            }
            match timeline.get(page.key, at).await {
                Ok(Some(_)) => self.converter.know(page.key),
                Ok(None) | Err(Error::NoBase { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn put(&mut self) -> Result<(), CommandError> {
        let batch = std::mem::replace(&mut self.batch, Batch::new());
        self.batch_len = 0;
        Ok(self.writer.put_batch(&batch).await?)
    }
}
