//! The end of a timeline's life in this process.

use super::Timeline;
use super::shared::Shared;
use crate::base::{Error, Result};
use crate::io::Io;
use crate::store::Store;

impl<S: Store> Timeline<S> {
    /// Makes everything durable and closes the timeline: from then on all calls are refused.
    /// Batches are refused from its beginning on, so that none is acknowledged and then lost.
    ///
    /// # Errors
    /// `Io` if the device refused: the timeline is open still, and it can be called again.
    /// `Latched` if a sync failed, now or before: then nothing is written, and the timeline is
    /// closed.
    pub async fn shutdown(&self) -> Result<()> {
        let _ending = Ending::begin(&self.shared);
        let flushed = self.flush().await;
        let _turn = match flushed {
            // No job may be under way when the layers are let go of.
            Ok(_) | Err(Error::Latched(_)) => self.shared.flush_turn.take().await,
            Err(error) => return Err(error),
        };
        if flushed.is_err() {
            self.shared
                .io()
                .reached("a shutdown writes nothing after a failed sync");
        }
        self.shared.close();
        flushed.map(|_| ())
    }
}

/// While it lives, no batch is taken.
struct Ending<'a, S: Store> {
    shared: &'a Shared<S>,
}

impl<'a, S: Store> Ending<'a, S> {
    fn begin(shared: &'a Shared<S>) -> Ending<'a, S> {
        shared.state().is_ending = true;
        Ending { shared }
    }
}

impl<S: Store> Drop for Ending<'_, S> {
    fn drop(&mut self) {
        // A timeline that was closed meanwhile stays so; one that was not goes on.
        self.shared.state().is_ending = false;
    }
}
