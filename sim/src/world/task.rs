//! Tasks that run only when the scheduler picks them.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::facts::Fact;
use super::ids::{TaskId, TaskName};
use super::scheduler::Picked;
use super::{LifeEnd, World};
use crate::panics;

/// Spawns a task of a life; it is dropped when the life ends.
pub(super) fn spawn(
    world: &Arc<World>,
    life: u32,
    name: TaskName,
    future: impl Future<Output = ()> + Send + 'static,
) {
    let task = {
        let mut state = world.state();
        if !state.is_live(life) {
            return;
        }
        let task = state.scheduler.add_task(name);
        state.trace.started(task, name);
        task
    };
    let waker = Waker::from(Arc::new(SchedulerWaker {
        world: world.clone(),
        life,
        task,
    }));
    // The executor polls it first; the scheduler lets it run.
    madsim::task::spawn(ScheduledTask {
        world: world.clone(),
        life,
        task,
        waker,
        future: Box::pin(future),
    });
    world.kick();
}

/// A task that runs only when the scheduler picks it.
struct ScheduledTask {
    world: Arc<World>,
    life: u32,
    task: TaskId,
    waker: Waker,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Future for ScheduledTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if !self.world.enter(self.life, self.task, context.waker()) {
            return Poll::Pending;
        }
        let waker = self.waker.clone();
        loop {
            let future = self.future.as_mut();
            let polled = AssertUnwindSafe(|| future.poll(&mut Context::from_waker(&waker)));
            let is_done = match std::panic::catch_unwind(polled) {
                Ok(polled) => polled.is_ready(),
                Err(panic) => {
                    self.world.panicked(self.life, &*panic);
                    return Poll::Pending;
                }
            };
            match self.world.leave(self.life, self.task, is_done) {
                TaskTurn::Again => {}
                TaskTurn::Over if is_done => return Poll::Ready(()),
                TaskTurn::Over => return Poll::Pending,
            }
        }
    }
}

/// Whether a task that has pended is picked again at once.
enum TaskTurn {
    Again,
    Over,
}

impl World {
    /// Spawns a task in the present life.
    pub fn spawn(
        self: &Arc<Self>,
        name: TaskName,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        let life = self.state().life;
        spawn(self, life, name, future);
    }

    /// Whether a removal by a last reader is in flight.
    pub fn has_drops(&self) -> bool {
        self.state().scheduler.has_drops()
    }

    /// Ends the life of a task that panicked.
    fn panicked(&self, life: u32, panic: &(dyn std::any::Any + Send)) {
        let message = panics::take(panic);
        if !self.state().is_live(life) {
            return;
        }
        self.state().panic = Some(message);
        self.end_life(LifeEnd::Panicked);
    }

    fn enter(&self, life: u32, task: TaskId, waker: &Waker) -> bool {
        let mut state = self.state();
        state.is_live(life) && state.scheduler.enter(task, waker)
    }

    /// Picks the next task, after the running one has pended or ended.
    fn leave(&self, life: u32, task: TaskId, is_done: bool) -> TaskTurn {
        let picked = {
            let mut state = self.state();
            if !state.is_live(life) {
                return TaskTurn::Over;
            }
            if is_done {
                let is_maintenance = state.scheduler.is_maintenance(task);
                state.facts.push(Fact::TaskEnded {
                    task,
                    is_maintenance,
                });
                state.scheduler.finish(task);
            }
            match state.pick() {
                _ if state.scheduler.running() == Some(task) => return TaskTurn::Again,
                picked => picked,
            }
        };
        wake(picked);
        TaskTurn::Over
    }

    /// Picks a task if none runs.
    fn kick(&self) {
        let picked = {
            let mut state = self.state();
            if !state.is_alive || state.scheduler.running().is_some() {
                return;
            }
            state.pick()
        };
        wake(picked);
    }
}

fn wake(picked: Picked) {
    match picked {
        Picked::Wake(waker) => waker.wake(),
        Picked::Unpolled | Picked::Nothing => {}
    }
}

/// The waker of the engine's futures: it holds a wake-up of the task.
struct SchedulerWaker {
    world: Arc<World>,
    life: u32,
    task: TaskId,
}

impl Wake for SchedulerWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let is_idle = {
            let mut state = self.world.state();
            state.is_live(self.life) && state.scheduler.hold_wake_up(self.task)
        };
        if is_idle {
            self.world.kick();
        }
    }
}

/// The result of a task, which another one waits for.
pub struct Join<T> {
    slot: Arc<Mutex<JoinSlot<T>>>,
}

struct JoinSlot<T> {
    result: Option<T>,
    waker: Option<Waker>,
}

impl<T: Send + 'static> Join<T> {
    /// Spawns `future` as a task and returns a handle to its result.
    pub fn spawn(
        world: &Arc<World>,
        name: TaskName,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Join<T> {
        let slot = Arc::new(Mutex::new(JoinSlot {
            result: None,
            waker: None,
        }));
        let theirs = slot.clone();
        world.spawn(name, async move {
            let result = future.await;
            let waker = {
                let mut slot = theirs.lock().expect("no panic while it is held");
                slot.result = Some(result);
                slot.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        Join { slot }
    }

    /// Waits for the result.
    pub async fn wait(self) -> T {
        std::future::poll_fn(|context| {
            let mut slot = self.slot.lock().expect("no panic while it is held");
            match slot.result.take() {
                Some(result) => Poll::Ready(result),
                None => {
                    slot.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// Polls `future` until it has pended `count` times, then cancels it: `None` if it was not done.
pub async fn drop_at<T>(count: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = count;
    std::future::poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending if left <= 1 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}
