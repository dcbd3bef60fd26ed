//! `palimpsest gc`.

use std::io::Write;
use std::path::Path;

use palimpsest::block_on;

use super::outcome::Outcome;
use crate::exit::CommandError;
use crate::form::Form;
use crate::session::{Session, SessionOptions};

/// Moves the cutoff up and collects whole layers below it.
///
/// # Errors
/// Those of the engine.
pub fn gc(
    root: &Path,
    options: &SessionOptions,
    (out, form): (&mut dyn Write, Form),
) -> Result<(), CommandError> {
    block_on(async {
        let session = Session::open(root, options).await?;
        let timeline = &session.timeline;
        let mut outcome = Outcome::begin("gc", timeline);
        let collected = timeline.gc().await?;
        outcome.field("cutoff", collected.cutoff);
        outcome.field("layers collected", collected.layer_count);
        outcome.print(timeline, (out, form))?;
        session.close().await
    })
}
