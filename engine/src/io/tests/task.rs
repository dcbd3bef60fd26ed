//! Tasks on the pool's threads, and `block_on`.

use std::future::poll_fn;
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::{Poll, Waker};
use std::thread;

use super::{PATIENCE, millis, op, wait_until};
use crate::io::{Io, OsIo, block_on};

fn threads(count: usize) -> OsIo {
    OsIo::with_thread_count(NonZeroUsize::new(count).expect("tests ask for some"))
}

#[track_caller]
fn received<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(PATIENCE).expect("it is sent in time")
}

/// Sends a message when it is dropped.
struct Dropped(Sender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _is_received = self.0.send(());
    }
}

#[test]
fn tasks_spawned_from_many_threads_all_run() {
    let io = OsIo::new();
    let count = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..500).for_each(|_| spawn_one(&io, &count)));
        }
    });
    wait_until("all run", || count.load(Ordering::Relaxed) == 4000);
}

fn spawn_one(io: &OsIo, count: &Arc<AtomicUsize>) {
    let (io_there, count) = (io.clone(), Arc::clone(count));
    io.spawn(op(), async move {
        io_there.yield_now().await;
        count.fetch_add(1, Ordering::Relaxed);
    });
}

#[test]
fn tasks_that_yield_alternate() {
    let io = threads(1);
    let (sender, receiver) = mpsc::channel();
    let (open, opened) = mpsc::channel::<()>();
    io.spawn(op(), async move { opened.recv().expect("it is opened") });
    for name in ["a", "b", "c"] {
        let (io_there, sender) = (io.clone(), sender.clone());
        io.spawn(op(), async move {
            for turn in 0..3 {
                sender
                    .send(format!("{name}{turn}"))
                    .expect("it is received");
                io_there.yield_now().await;
            }
        });
    }
    drop(sender);
    open.send(()).expect("the task waits for that");
    let turns: Vec<_> = receiver.iter().collect();
    assert_eq!(turns.join(" "), "a0 b0 c0 a1 b1 c1 a2 b2 c2");
}

#[test]
fn a_panic_ends_its_own_task_and_no_thread() {
    let io = threads(1);
    let (sender, receiver) = mpsc::channel();
    let (guard, dropped) = mpsc::channel();
    let guard = Dropped(guard);
    let first = sender.clone();
    io.spawn(op(), async move {
        let _guard = guard;
        first.send(thread::current().id()).expect("it is received");
        panic!("this panic is part of the test");
    });
    received(&dropped);
    io.spawn(op(), async move {
        sender.send(thread::current().id()).expect("it is received");
    });
    assert_eq!(
        received(&receiver),
        received(&receiver),
        "the same thread runs the next task"
    );
}

#[test]
fn a_task_woken_while_it_runs_runs_again_and_holds_no_other_thread() {
    let io = threads(2);
    let (sender, receiver) = mpsc::channel();
    let (other_sender, other_receiver) = mpsc::channel();
    let mut turn = 0;
    let task = poll_fn(move |context| {
        turn += 1;
        if turn == 1 {
            sender
                .send(context.waker().clone())
                .expect("it is received");
            // Woken during this poll: the second thread must stay free for the other task.
            received(&other_receiver);
            return Poll::Pending;
        }
        Poll::Ready(())
    });
    let (guard, ended) = mpsc::channel();
    let guard = Dropped(guard);
    io.spawn(op(), async move {
        let _guard = guard;
        task.await;
    });
    let waker: Waker = received(&receiver);
    waker.wake_by_ref();
    waker.wake();
    io.spawn(op(), async move {
        other_sender.send(()).expect("it is received")
    });
    received(&ended);
}

#[test]
fn threads_start_late_and_stop_after_the_last_clone() {
    let io = OsIo::new();
    let (pool, timer) = io.parts();
    let (pool, timer) = (
        Arc::downgrade(pool.shared()),
        Arc::downgrade(timer.shared()),
    );
    assert_eq!(pool.strong_count(), 1, "no thread yet");
    assert_eq!(timer.strong_count(), 1, "no thread yet");
    let run_count = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let (inner, run_count) = (io.clone(), Arc::clone(&run_count));
        io.spawn(op(), async move {
            inner.sleep(millis(5)).await;
            run_count.fetch_add(1, Ordering::Relaxed);
        });
    }
    drop(io);
    // The tasks hold clones: the last one to end drops the pool's last owner.
    wait_until("the pool's threads stop", || pool.strong_count() == 0);
    wait_until("the timer's thread stops", || timer.strong_count() == 0);
    assert_eq!(run_count.load(Ordering::Relaxed), 100);
}

#[test]
fn a_task_woken_after_the_pool_was_closed_runs_to_its_end() {
    let io = OsIo::new();
    let pool = Arc::downgrade(io.parts().0.shared());
    let (sender, receiver) = mpsc::channel();
    let (guard, ended) = mpsc::channel();
    let guard = Dropped(guard);
    let mut is_first = true;
    let task = poll_fn(move |context| {
        if !mem::replace(&mut is_first, false) {
            return Poll::Ready(());
        }
        sender
            .send(context.waker().clone())
            .expect("it is received");
        Poll::Pending
    });
    io.spawn(op(), async move {
        let _guard = guard;
        task.await;
    });
    let waker: Waker = received(&receiver);
    drop(io);
    wait_until("only the sleeping task knows the pool", || {
        pool.strong_count() == 1
    });
    waker.wake();
    received(&ended);
    wait_until("the thread stops again", || pool.strong_count() == 0);
}

#[test]
fn a_waker_called_in_another_thread_wakes_block_on() {
    for pause in [0, 0, 0, 20] {
        let (sender, receiver) = mpsc::channel::<Waker>();
        let (answer, answers) = mpsc::channel();
        let waking = thread::spawn(move || {
            let waker = received(&receiver);
            thread::sleep(millis(pause));
            answer.send(7).expect("it is received");
            waker.wake();
        });
        let output = block_on(poll_fn(|context| match answers.try_recv() {
            Ok(answer) => Poll::Ready(answer),
            Err(_) => {
                let _is_woken_already = sender.send(context.waker().clone());
                Poll::Pending
            }
        }));
        assert_eq!(output, 7);
        waking.join().expect("it does not panic");
    }
}

#[test]
fn block_on_inside_block_on_swallows_no_wake() {
    let io = OsIo::new();
    let mut is_first = true;
    block_on(poll_fn(|context| {
        if !mem::replace(&mut is_first, false) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        block_on(io.sleep(millis(5))); // Parks this thread, and consumes its token.
        Poll::Pending
    }));
}
