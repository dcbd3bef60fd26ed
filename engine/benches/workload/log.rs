//! The records of a real log: what `pg_waldump` printed of a small `pgbench`, over and over.

use palimpsest::Lsn;

use super::engine::Put;
use super::waldump::{Converter, PageValue, WalRecord, parse_line};

const LOG: &str = include_str!("../../tool/fixtures/pgbench.waldump");

/// The distance from the last record of the log to the first, where it begins again, in LSNs; and
/// room for the zeros below the first record of a page.
const LSN_STEP: u64 = 16;

/// The first records of the log above `lsn`, as many as are asked for; behind the last comes the
/// first again. Each round changes the same pages, of which the first has images of some and zeros
/// below the others.
pub fn puts(lsn: Lsn, record_count: u32) -> Vec<Put> {
    let records = records();
    let (first, last) = (records[0].lsn.0, records[records.len() - 1].lsn.0);
    let round_len = last - first + LSN_STEP;
    let rounds = (0..).map(|round| lsn.0 + LSN_STEP + round * round_len);
    let each = rounds.flat_map(|start| records.iter().map(move |record| (start, record)));
    let mut converter = Converter::new(true);
    let values = each
        .take(record_count as usize)
        .flat_map(|(start, record)| {
            let lsn = Lsn(start + record.lsn.0 - first);
            converter.convert(&WalRecord {
                lsn,
                ..record.clone()
            })
        });
    let put = |PageValue { key, lsn, value }| Put { key, lsn, value };
    values.map(put).collect()
}

/// The number of pages that the log names.
pub fn page_count() -> u32 {
    let mut converter = Converter::new(true);
    records().iter().for_each(|record| {
        converter.convert(record);
    });
    u32::try_from(converter.page_count()).expect("the log is short")
}

fn records() -> Vec<WalRecord> {
    let lines = LOG.lines();
    let records = lines.filter_map(|line| parse_line(line).expect("it is a log"));
    records.collect()
}
