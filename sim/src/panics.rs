//! Captures panics of a run, with message and place, for the verdict instead of the terminal.
//!
//! A panic's payload does not contain its place; only the hook gets it. So the hook stores both for
//! a thread that makes a run, and passes every other panic on to the hook that was installed
//! before.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::PanicHookInfo;
use std::sync::Once;

thread_local! {
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
    static FIRST: RefCell<Option<String>> = const { RefCell::new(None) };
}

static INSTALLED: Once = Once::new();

/// A guard: while it lives, a panic on this thread is captured and not printed.
pub struct Quiet(());

/// Captures panics on this thread from now on.
pub fn quiet() -> Quiet {
    INSTALLED.call_once(install);
    assert!(!IS_RUNNING.get(), "one run a thread at a time");
    IS_RUNNING.set(true);
    FIRST.take();
    Quiet(())
}

impl Drop for Quiet {
    fn drop(&mut self) {
        IS_RUNNING.set(false);
        // The panic passes through the owner of this guard, and the hook has not printed it.
        if std::thread::panicking()
            && let Some(text) = FIRST.take()
        {
            eprintln!("panicked: {text}");
        }
    }
}

/// The message and place of the first panic since the last call. Later ones are usually only
/// consequences of it.
pub fn take(payload: &(dyn Any + Send)) -> String {
    // A payload that was passed to `resume_unwind` has passed no hook.
    FIRST
        .take()
        .unwrap_or_else(|| said(payload).unwrap_or("no message").to_string())
}

fn install() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if IS_RUNNING.get() {
            note(panic);
        } else {
            before(panic);
        }
    }));
}

fn note(panic: &PanicHookInfo<'_>) {
    let message = said(panic.payload()).unwrap_or("no message");
    let text = match panic.location() {
        Some(at) => format!("{message}, at {}:{}", at.file(), at.line()),
        None => message.to_string(),
    };
    FIRST.with_borrow_mut(|first| {
        first.get_or_insert(text);
    });
}

fn said(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
}

#[cfg(test)]
mod tests {
    use super::{quiet, take};
    use std::panic::{catch_unwind, resume_unwind};

    fn caught(panics: fn()) -> String {
        let quiet = quiet();
        let payload = catch_unwind(panics).unwrap_err();
        let text = take(&*payload);
        drop(quiet);
        text
    }

    #[test]
    fn a_panic_is_kept_with_its_place() {
        let line = line!() + 1;
        let text = caught(|| panic!("{} eggs", 3));
        assert_eq!(text, format!("3 eggs, at {}:{line}", file!()));
    }

    #[test]
    fn a_payload_that_passed_no_hook_is_told_as_it_is() {
        assert_eq!(caught(|| resume_unwind(Box::new("an egg"))), "an egg");
        assert_eq!(caught(|| resume_unwind(Box::new(3))), "no message");
    }

    #[test]
    fn nothing_is_left_over_for_the_next_run() {
        drop(catch_unwind(|| {
            let _quiet = quiet();
            panic!("an egg");
        }));
        assert_eq!(caught(|| resume_unwind(Box::new("a hen"))), "a hen");
    }
}
