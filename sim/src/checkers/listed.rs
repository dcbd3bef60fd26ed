//! Checks that a list of the timelines names what can be opened, and all of it.
//!
//! * Verified: each timeline that the engine lists has an index on the raw disk that does not say
//!   "deleted", and each timeline that is open is listed.
//! * Not verified: anything where an index is wrong or was not read. Such a timeline is listed, and
//!   an attempt to open it says what is wrong.
//!
//! It has no state.

use std::pin::pin;

use palimpsest::Engine;

use super::{Answers, Sight};
use crate::keys;
use crate::laws;
use crate::verdict::Verdict;
use crate::world::SimIo;

/// Checks what the engine lists now.
///
/// # Errors
/// The broken law, with the timeline.
pub fn check(sight: &Sight, answers: &mut Answers, engine: &Engine<SimIo>) -> Result<(), Verdict> {
    if sight.judge.has_unread_index() {
        return Ok(());
    }
    let listed = answers.at_once(sight, pin!(engine.timelines()));
    let listed = listed
        .map_err(|error| Verdict::wrong("list the timelines", "a list", error.to_string()))?;
    for timeline in &listed {
        let index = laws::index(&mut sight.world.state().disk, *timeline);
        if !index.is_ok_and(|index| !index.is_deleted) {
            let law = "a list names what can be opened";
            return Err(Verdict::law(law, timeline.to_string()));
        }
    }
    let mut open = sight.open.keys();
    match open.find(|label| !listed.contains(&keys::timeline(**label))) {
        None => Ok(()),
        Some(label) => {
            let law = "a list names every timeline that is open";
            Err(Verdict::law(law, format!("{label} is not in it")))
        }
    }
}
