//! The names of layer files that are in use: each name has one owner.
//!
//! A cancelled job leaves finished files, which spawned tasks remove; its retry writes files of the
//! same names. So a name stays taken until its file is removed: otherwise a late removal would
//! remove the new file.
//!
//! A removal may run after the timeline is closed, and after the engine is dropped. So the owner of
//! a name also holds the lock of the engine's directory: no other engine opens it before the last
//! name is free.
//!
//! ```text
//!            ┌── a layer is made of an index's entry ─┐
//!  free ─────┤                                        ├──▶ a layer's ──dropped──▶ free
//!            └── a writer finishes ───────────────────┘        └─ a removal's ──ended──▶ free
//! ```

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::FileName;
use crate::sync::{Event, Mutex, MutexGuard};

/// The names in a timeline's directory that a layer or a removal in flight has.
#[derive(Default)]
pub struct FileNames {
    taken: Mutex<Taken>,
    freed: Event,
    /// The lock of the engine's directory.
    _lock: Option<Arc<dyn Any + Send + Sync>>,
}

#[derive(Default)]
struct Taken {
    /// Each name, with whether a removal has it.
    names: BTreeMap<FileName, bool>,
    /// The number of names that removals have.
    removal_count: usize,
}

/// A taken name. Dropping it frees the name.
pub(crate) struct TakenName {
    names: Arc<FileNames>,
    name: FileName,
    /// Whether a removal has the name.
    is_removal: bool,
}

impl FileNames {
    /// An empty set, which holds no lock.
    pub fn new() -> FileNames {
        FileNames::default()
    }

    /// An empty set, which holds `lock` until it is dropped and the last name is free.
    pub(crate) fn behind<L: Send + Sync + 'static>(lock: Arc<L>) -> FileNames {
        FileNames {
            _lock: Some(lock),
            ..FileNames::default()
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().expect("nothing panics while it is held")
    }

    /// Waits until the name is free, and takes it.
    pub(crate) async fn take(self: &Arc<FileNames>, name: FileName) -> TakenName {
        loop {
            if let Some(taken) = self.try_take(name) {
                return taken;
            }
            let listener = self.freed.listen();
            // The name may have been freed between the attempt and `listen`: without a second
            // attempt that wake-up is lost.
            if let Some(taken) = self.try_take(name) {
                return taken;
            }
            listener.await;
        }
    }

    /// Takes a name; `None` if it is taken.
    pub(crate) fn try_take(self: &Arc<FileNames>, name: FileName) -> Option<TakenName> {
        let mut taken = self.taken();
        if taken.names.contains_key(&name) {
            return None;
        }
        taken.names.insert(name, false);
        Some(TakenName {
            names: self.clone(),
            name,
            is_removal: false,
        })
    }

    /// Whether a layer has the name, of the map or held by readers that came before it left the
    /// map. A job that is such a reader must not wait for the name.
    pub(crate) fn is_of_layer(&self, name: FileName) -> bool {
        self.taken().names.get(&name) == Some(&false)
    }

    /// Waits until the removals in flight have ended.
    pub(crate) async fn removals_ended(&self) {
        loop {
            let listener = self.freed.listen();
            if self.taken().removal_count == 0 {
                return;
            }
            listener.await;
        }
    }
}

impl TakenName {
    /// The name that is taken.
    pub(crate) fn name(&self) -> FileName {
        self.name
    }

    /// Hands the name to the removal of its file.
    pub(crate) fn for_removal(mut self) -> TakenName {
        assert!(!self.is_removal, "a file is removed once");
        self.is_removal = true;
        let mut taken = self.names.taken();
        taken.names.insert(self.name, true);
        taken.removal_count += 1;
        drop(taken);
        self
    }
}

impl Drop for TakenName {
    fn drop(&mut self) {
        let mut taken = self.names.taken();
        taken.removal_count -= usize::from(self.is_removal);
        let was_taken = taken.names.remove(&self.name).is_some();
        drop(taken);
        assert!(was_taken, "a name has one owner, which frees it once");
        // Each waiter waits for a name of its own, so all of them have to check.
        self.names.freed.notify(usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::base::Generation;

    /// A name of another kind, in place of a layer's.
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

    #[test]
    fn removals_are_waited_for() {
        let names = Arc::new(FileNames::new());
        let mut context = Context::from_waker(Waker::noop());
        let layer = names.try_take(name(1)).unwrap();
        let mut ended = pin!(names.removals_ended());
        assert!(ended.as_mut().poll(&mut context).is_ready());
        let removal = layer.for_removal();
        let mut ended = pin!(names.removals_ended());
        assert!(ended.as_mut().poll(&mut context).is_pending());
        drop(removal);
        assert!(ended.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn the_lock_is_held_until_the_last_name_is_free() {
        let lock = Arc::new(());
        let names = Arc::new(FileNames::behind(lock.clone()));
        let removal = names.try_take(name(1)).unwrap().for_removal();
        drop(names);
        assert_eq!(Arc::strong_count(&lock), 2);
        drop(removal);
        assert_eq!(Arc::strong_count(&lock), 1);
    }

    /// A waiter for another name is woken too and waits again; a cancelled waiter loses no wake-up.
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
            panic!("the name is free");
        };
        assert_eq!(taken.name(), name(1));
        drop(two);
        assert!(other.as_mut().poll(&mut context).is_ready());
    }
}
