//! What `pg_waldump` prints, as records for the engine.
//!
//! ```text
//! rmgr: Heap  len (rec/tot): 54/ 8150, tx: 729, lsn: 0/0194ADD8, prev …, desc: LOCK …, blkref #0:
//!                                                         rel 1663/16384/16397 fork vm blk 0 FPW
//!
//! key    of a page   00 · tablespace · database · relation · fork · block, as a peer has it
//! value  FPW         an image of 8 KiB
//!        +INIT       a record of the record's length that needs no base, for the first page
//!        otherwise   a record of the record's length
//! ```
//!
//! A log has more than is printed: the bytes are made up here, from key and LSN. Half of them are
//! zeros, so that a page compresses as pages do.

mod line;
mod pages;
mod value;

pub use line::{Change, PageChange, WalRecord, parse_line};
pub use pages::{Converter, Counts, PageValue};
