//! Steps that wait while others are played.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use palimpsest::Error;

/// What a step says, if anything.
pub type Answer = Result<Option<String>, Error>;

/// A step that owns all that it needs.
pub type Job = Pin<Box<dyn Future<Output = Answer>>>;

/// Steps that were begun, in this order, each with its verb.
#[derive(Default)]
pub struct Aside {
    jobs: Vec<(String, Job, Option<Answer>)>,
}

/// Whether somebody was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Aside {
    /// Goes on with a step until it is done or waits for somebody else; says whether it is done.
    pub fn start(&mut self, verb: &str, job: Job) -> bool {
        self.jobs.push((verb.to_owned(), job, None));
        self.go_on();
        self.jobs
            .last()
            .is_some_and(|(_, _, ended)| ended.is_some())
    }

    /// Goes on with all of them in turn until nothing moves any more, and returns what those came
    /// to that are done.
    pub fn end(&mut self) -> Vec<(String, Option<Answer>)> {
        while self.go_on() {}
        let jobs = self.jobs.drain(..);
        jobs.map(|(verb, _, ended)| (verb, ended)).collect()
    }

    /// Whether one of them ended.
    fn go_on(&mut self) -> bool {
        let mut has_ended = false;
        for (_, job, ended) in &mut self.jobs {
            if ended.is_none() {
                *ended = poll_while_woken(job.as_mut());
                has_ended |= ended.is_some();
            }
        }
        has_ended
    }
}

/// Polls until it is done or nobody has woken it.
fn poll_while_woken<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        if !woken.0.swap(false, Ordering::SeqCst) {
            return None;
        }
    }
}

/// Polls `future` so many times and drops it; its result, if it came to that.
pub fn poll_times<F: Future>(future: F, count: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..count).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}
