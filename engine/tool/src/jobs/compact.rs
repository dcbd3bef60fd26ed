//! `palimpsest compact`.

use std::io::Write;
use std::path::Path;

use palimpsest::{Mode, Progress, block_on};

use super::outcome::Outcome;
use crate::exit::CommandError;
use crate::form::Form;
use crate::session::{Session, SessionOptions};

/// Compacts all L0s, and with `has_images` creates images of the keys that lie under enough deltas.
///
/// # Errors
/// Those of the engine.
pub fn compact(
    root: &Path,
    (options, has_images): (&SessionOptions, bool),
    (out, form): (&mut dyn Write, Form),
) -> Result<(), CommandError> {
    block_on(async {
        let session = Session::open(root, options).await?;
        let timeline = &session.timeline;
        let mut outcome = Outcome::begin("compact", timeline);
        let mut run_count = 0;
        let mut progress = timeline.compact(Mode::Forced).await?;
        while progress == Progress::Done {
            run_count += 1;
            progress = timeline.compact(Mode::Forced).await?;
        }
        outcome.field("runs", run_count);
        if has_images {
            let images = timeline.create_images(Mode::Forced).await?;
            outcome.progress("images", images.progress);
        }
        outcome.print(timeline, (out, form))?;
        session.close().await
    })
}
