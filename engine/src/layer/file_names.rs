//! Which names of layer files are taken: one name, one owner.
//!
//! A job that is given up leaves finished files behind, which tasks of their own remove; what is
//! made in its place writes files of the same names. Were a name not taken until its file is gone,
//! a late removal would take the new file for the old one.
//!
//! ```text
//!            ┌── a layer is made of an index's entry ─┐
//!  free ─────┤                                        ├──▶ a layer's ──dropped──▶ free
//!            └── a writer finishes ───────────────────┘        └─ a removal's ──ended──▶ free
//! ```

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use event_listener::Event;

use crate::base::FileName;

/// The names of a timeline's directory that a layer or a removal under way has.
#[derive(Default)]
pub struct FileNames {
    taken: Mutex<BTreeSet<FileName>>,
    freed: Event,
}

/// A name that nobody else has.
pub(crate) struct TakenName {
    names: Arc<FileNames>,
    name: FileName,
}

impl FileNames {
    /// No name is taken.
    pub fn new() -> FileNames {
        FileNames::default()
    }

    fn taken(&self) -> MutexGuard<'_, BTreeSet<FileName>> {
        self.taken.lock().expect("nothing panics while it is held")
    }

    /// Takes a name, once nobody else has it.
    pub(crate) async fn take(self: &Arc<FileNames>, name: FileName) -> TakenName {
        loop {
            if let Some(taken) = self.try_take(name) {
                return taken;
            }
            let listener = self.freed.listen();
            // Between the look and the listening it may have been freed.
            if let Some(taken) = self.try_take(name) {
                return taken;
            }
            listener.await;
        }
    }

    /// Takes a name, unless somebody has it.
    pub(crate) fn try_take(self: &Arc<FileNames>, name: FileName) -> Option<TakenName> {
        let is_free = self.taken().insert(name);
        is_free.then(|| TakenName {
            names: self.clone(),
            name,
        })
    }
}

impl TakenName {
    /// The name.
    pub(crate) fn name(&self) -> FileName {
        self.name
    }
}

impl Drop for TakenName {
    fn drop(&mut self) {
        let was_taken = self.names.taken().remove(&self.name);
        assert!(was_taken);
        // Each waits for a name of its own, so all of them look.
        self.names.freed.notify(usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::base::Generation;

    /// Names of one kind stand for those of layers.
    fn name(attempt: u32) -> FileName {
        let generation = Generation(1);
        FileName::IndexTemp {
            generation,
            attempt,
        }
    }

    #[test]
    fn a_name_has_one_owner_at_a_time() {
        let names = Arc::new(FileNames::new());
        let first = names.try_take(name(1)).unwrap();
        assert_eq!(first.name(), name(1));
        assert!(names.try_take(name(1)).is_none());
        assert!(names.try_take(name(2)).is_some());
        drop(first);
        assert!(names.try_take(name(1)).is_some());
    }

    /// A waiter for another name hears of it too, and waits on; one that leaves is not missed.
    #[test]
    fn a_freed_name_goes_to_one_that_waits_for_it() {
        let names = Arc::new(FileNames::new());
        let mut context = Context::from_waker(Waker::noop());
        let (one, two) = (names.try_take(name(1)), names.try_take(name(2)));
        let mut other = pin!(names.take(name(2)));
        assert!(other.as_mut().poll(&mut context).is_pending());
        let mut left = Box::pin(names.take(name(1)));
        assert!(left.as_mut().poll(&mut context).is_pending());
        let mut waiter = pin!(names.take(name(1)));
        assert!(waiter.as_mut().poll(&mut context).is_pending());
        drop(left);
        drop(one);
        assert!(other.as_mut().poll(&mut context).is_pending());
        let Poll::Ready(taken) = waiter.as_mut().poll(&mut context) else {
            panic!("nobody has it");
        };
        assert_eq!(taken.name(), name(1));
        drop(two);
        assert!(other.as_mut().poll(&mut context).is_ready());
    }
}
