//! Panics of a run: what was said and where, told in the verdict and not on the terminal.
//!
//! A panic's payload does not say where it comes from; only the hook knows. So the hook keeps both
//! for a thread that has a run under way, and hands every other panic to the hook before it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::PanicHookInfo;
use std::sync::Once;

thread_local! {
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
    static FIRST: RefCell<Option<String>> = const { RefCell::new(None) };
}

static INSTALLED: Once = Once::new();

/// While it lives, a panic on this thread is kept and not shown.
pub struct Quiet(());

/// Keeps what panics on this thread from now on.
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
        // It passes on through whoever was quiet, so nobody else will tell.
        if std::thread::panicking()
            && let Some(text) = FIRST.take()
        {
            eprintln!("panicked: {text}");
        }
    }
}

/// What the first panic since the last call said, and where. Of those that follow it, most are
/// only its consequence.
pub fn take(payload: &(dyn Any + Send)) -> String {
    // A payload that was sent on by hand has passed no hook.
    FIRST
        .take()
        .unwrap_or_else(|| said(payload).unwrap_or("it said nothing").to_string())
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
    let message = said(panic.payload()).unwrap_or("it said nothing");
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
        assert_eq!(caught(|| resume_unwind(Box::new(3))), "it said nothing");
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
