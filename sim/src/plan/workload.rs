//! The records of a real log, of which the batches of plans are made.
//!
//! | of the log | in a plan |
//! |---|---|
//! | the order of the records, and which of them share a page | kept |
//! | the distance between two LSNs | kept, up to [`GAP_MAX`] |
//! | pages | keys of the plan's layout, in the order of the pages' own keys |
//! | an image of a page | an image of 8192 bytes |
//! | `+INIT` | a record that needs no base, as long as the log's |
//! | another record | a patch as long as the log's, somewhere on its page |
//! | a page that begins without a base | begins empty, one LSN below its first record |

use std::fmt;

use palimpsest_tool::waldump::{WalRecord, parse_line};

pub(super) use palimpsest_tool::waldump::{Change, PageChange};

/// The largest distance between two records, in LSNs: what a log leaves out would take a plan
/// beyond the last LSN.
const GAP_MAX: u64 = 1 << 33;

/// The distance of the first record from the one before it, which is not in the log.
const FIRST_GAP: u64 = 8;

/// The most pages that a record of PostgreSQL names.
const PAGE_COUNT_MAX: usize = 33;

/// A log, as far as its records name pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    records: Vec<LogRecord>,
}

/// A record that names pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogRecord {
    /// The distance of its LSN from the record's before it that names a page.
    pub gap: u64,
    /// Its length without images of pages, in bytes.
    pub len: u32,
    /// The pages that it changes, each once.
    pub pages: Vec<PageChange>,
}

/// Why a text is no log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadError {
    /// The number of the line, from 1; none if it is about all of them.
    line: Option<usize>,
    what: String,
}

impl Workload {
    /// Reads what `pg_waldump` has printed.
    ///
    /// # Errors
    /// `WorkloadError` says which line is no record, or has an LSN that is not above the one before
    /// it; or that no record names a page.
    pub fn read(text: &str) -> Result<Workload, WorkloadError> {
        let mut records = Vec::new();
        let (mut last, mut last_with_pages) = (None, None);
        for (line, text) in (1..).zip(text.lines()) {
            let of_line = |what| WorkloadError {
                line: Some(line),
                what,
            };
            let Some(record) = parse_line(text).map_err(of_line)? else {
                continue;
            };
            if last.is_some_and(|last| record.lsn <= last) {
                let last = last.unwrap_or_default();
                let what = format!("expected an LSN above {last}, found {}", record.lsn);
                return Err(of_line(what));
            }
            if PAGE_COUNT_MAX < record.pages.len() {
                let count = record.pages.len();
                let what = format!("expected at most {PAGE_COUNT_MAX} pages, found {count}");
                return Err(of_line(what));
            }
            last = Some(record.lsn);
            if !record.pages.is_empty() {
                let gap = last_with_pages.map_or(FIRST_GAP, |last| record.lsn.0 - last);
                last_with_pages = Some(record.lsn.0);
                records.push(LogRecord::new(record, gap));
            }
        }
        match records.is_empty() {
            true => Err(WorkloadError {
                line: None,
                what: "no record names a page".to_owned(),
            }),
            false => Ok(Workload { records }),
        }
    }

    /// The number of records that name pages, at least 1.
    pub(super) fn record_count(&self) -> usize {
        self.records.len()
    }

    /// A record by its index; behind the last comes the first again.
    pub(super) fn record(&self, index: usize) -> &LogRecord {
        &self.records[index % self.records.len()]
    }
}

impl LogRecord {
    fn new(record: WalRecord, gap: u64) -> LogRecord {
        LogRecord {
            gap: gap.min(GAP_MAX),
            len: record.len,
            pages: record.pages,
        }
    }
}

impl fmt::Display for WorkloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        let remedy = "give what `pg_waldump` printed of one log, from any record on";
        write!(f, "{}; {remedy}", self.what)
    }
}

impl std::error::Error for WorkloadError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(lsn: &str, rest: &str) -> String {
        format!("rmgr: Heap len (rec/tot): 60/60, tx: 1, lsn: {lsn}, prev 0/0, desc: X{rest}\n")
    }

    #[test]
    fn distances_reach_over_records_that_name_no_page() {
        let page = ", blkref #0: rel 1/2/3 blk 4";
        let text = [
            line("0/100", page),
            line("0/140", ""),
            "\n".to_owned(),
            line("0/180", page),
            line("7/0", page),
        ];
        let workload = Workload::read(&text.concat()).unwrap();
        assert_eq!(workload.record_count(), 3);
        let gaps = [0, 1, 2, 3].map(|index| workload.record(index).gap);
        assert_eq!(gaps, [FIRST_GAP, 0x80, GAP_MAX, FIRST_GAP]);
        assert_eq!(workload.record(1).len, 60);
    }

    #[test]
    fn what_is_no_log_is_refused_with_its_line() {
        let page = |number: usize| format!(", blkref #{number}: rel 1/2/3 blk {number}");
        let pages: String = (0..34).map(page).collect();
        let cases = [
            (line("0/100", ""), "no record names a page; give what"),
            (String::new(), "no record names a page"),
            (
                line("0/100", "") + "lsn\n",
                "line 2: expected a line of pg_waldump",
            ),
            (
                line("0/100", &page(0)) + "\n" + &line("0/100", &page(0)),
                "line 3: expected an LSN above 0/100, found 0/100; give what `pg_waldump` printed",
            ),
            (
                line("0/100", &pages),
                "line 1: expected at most 33 pages, found 34",
            ),
        ];
        for (text, expected) in cases {
            let error = Workload::read(&text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
