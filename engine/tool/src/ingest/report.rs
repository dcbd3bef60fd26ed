//! What was ingested.

use std::io::{self, Write};

use palimpsest::{Lsn, TimelineId};
use serde_json::json;

use crate::form::Form;
use crate::waldump::Counts;

/// The sums of an ingest.
pub(super) struct Report {
    pub(super) timeline: TimelineId,
    pub(super) durable: Lsn,
    pub(super) counts: Counts,
    pub(super) page_count: usize,
    /// The records that the timeline had already.
    pub(super) skipped: u64,
    pub(super) has_zero_base: bool,
    pub(super) seconds: f64,
}

impl Report {
    pub(super) fn print(&self, out: &mut dyn Write, form: Form) -> io::Result<()> {
        let counts = &self.counts;
        if form == Form::Json {
            let line = json!({
                "type": "ingested",
                "timeline_id": self.timeline.to_string(),
                "durable": self.durable.to_string(),
                "records": counts.records,
                "skipped": self.skipped,
                "pages": self.page_count,
                "images": counts.images,
                "inits": counts.inits,
                "changes": counts.changes,
                "value_len": counts.value_len,
                "baseless": counts.baseless,
                "seconds": self.seconds,
            });
            return writeln!(out, "{line}");
        }
        let mut field = |name: &str, value: String| writeln!(out, "{name:<24} {value}");
        field("timeline", self.timeline.to_string())?;
        field("durable up to", self.durable.to_string())?;
        field("records of the log", counts.records.to_string())?;
        field("there already", self.skipped.to_string())?;
        field("pages", self.page_count.to_string())?;
        field("images of pages", counts.images.to_string())?;
        field("records without a base", counts.inits.to_string())?;
        field("records on a page", counts.changes.to_string())?;
        field("bytes of values", counts.value_len.to_string())?;
        let fate = match self.has_zero_base {
            true => "they got a page of zeros",
            false => "their reads fail: see --zero-base",
        };
        field(
            "pages without a base",
            format!("{}, {fate}", counts.baseless),
        )?;
        field("seconds", format!("{:.2}", self.seconds))
    }
}
