//! Steps that wait while later steps are played.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use palimpsest::Error;

/// The answer of a step, if it has one.
pub type Answer = Result<Option<String>, Error>;

/// The future of a step.
pub type Job = Pin<Box<dyn Future<Output = Answer>>>;

/// The steps that were started, in order, each with its verb.
#[derive(Default)]
pub struct Aside {
    jobs: Vec<(String, Job, Option<Answer>)>,
}

/// A waker that records that it was called.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Aside {
    /// Starts a step and polls it until it is done or waits; returns whether it is done.
    pub fn start(&mut self, verb: &str, job: Job) -> bool {
        self.jobs.push((verb.to_owned(), job, None));
        self.poll_all();
        self.jobs
            .last()
            .is_some_and(|(_, _, ended)| ended.is_some())
    }

    /// Polls all steps in turn until none makes progress, and returns each with its answer, if it
    /// is done.
    pub fn end(&mut self) -> Vec<(String, Option<Answer>)> {
        while self.poll_all() {}
        let jobs = self.jobs.drain(..);
        jobs.map(|(verb, _, ended)| (verb, ended)).collect()
    }

    /// Polls all steps once in turn, and returns whether one ended.
    fn poll_all(&mut self) -> bool {
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

/// Polls `future` as long as its waker was called; returns its output, if it is ready.
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

/// Polls `future` until it is ready, and returns how often it was not, and its result.
pub fn poll_to_the_end<F: Future>(future: F) -> (usize, F::Output) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for count in 0.. {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return (count, output);
        }
    }
    unreachable!("the numbers have no end")
}

/// Polls `future` at most `count` times and drops it. Returns its result, if it was ready.
pub fn poll_times<F: Future>(future: F, count: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..count).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}
