//! `palimpsest gc-compact`.

use std::io::Write;
use std::path::Path;

use palimpsest::{Effect, HistoryRange, block_on};

use super::outcome::Outcome;
use crate::exit::CommandError;
use crate::form::Form;
use crate::session::{Session, SessionOptions};

/// Rewrites the history below the cutoff so that only what can be read stays.
///
/// # Errors
/// Those of the engine.
pub fn gc_compact(
    root: &Path,
    (options, effect): (&SessionOptions, Effect),
    (out, form): (&mut dyn Write, Form),
) -> Result<(), CommandError> {
    block_on(async {
        let session = Session::open(root, options).await?;
        let timeline = &session.timeline;
        let mut outcome = Outcome::begin("gc-compact", timeline);
        let compacted = timeline.gc_compact(HistoryRange::ALL, effect).await?;
        let stats = &compacted.stats;
        outcome.progress("progress", compacted.progress);
        outcome.field("horizon", compacted.horizon);
        outcome.field("layers replaced", compacted.replaced.len());
        outcome.field("layers written", compacted.written.len());
        outcome.field("keys", stats.key_count);
        outcome.field("keys left as they are", stats.left_out_count);
        outcome.field("records read", stats.records);
        outcome.field("images read", stats.images);
        outcome.field("kept", stats.kept);
        outcome.field("dropped", stats.dropped);
        outcome.field("images made", stats.made);
        outcome.print(timeline, (out, form))?;
        session.close().await
    })
}
