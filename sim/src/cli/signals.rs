//! Signals that end a command gracefully.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::exit::CommandError;

/// The signals that end a command gracefully, each with its exit code.
const SIGNALS: [(i32, usize); 2] = [(SIGINT, 130), (SIGTERM, 143)];

/// Records the first signal that arrives.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// The exit code of the signal that arrived, or 0.
    code: Arc<AtomicUsize>,
}

impl Signals {
    /// Installs the handlers. The first signal is recorded; a second one ends the process at once.
    ///
    /// # Errors
    /// `Harness` if a handler cannot be installed.
    pub fn heed() -> Result<Signals, CommandError> {
        let refused = |error| CommandError::Harness(format!("cannot heed signals: {error}"));
        let signals = Signals::default();
        let is_second = Arc::new(AtomicBool::new(false));
        for (signal, code) in SIGNALS {
            flag::register_conditional_default(signal, is_second.clone()).map_err(refused)?;
            flag::register(signal, is_second.clone()).map_err(refused)?;
            flag::register_usize(signal, signals.code.clone(), code).map_err(refused)?;
        }
        Ok(signals)
    }

    /// The exit code of the signal that arrived, if one did.
    pub fn interrupted(&self) -> Option<u8> {
        let code = self.code.load(Ordering::Relaxed);
        u8::try_from(code).ok().filter(|code| 0 < *code)
    }
}
