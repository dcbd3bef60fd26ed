//! Stands between the engine and the system: counts the calls of each job on names and directories.
//!
//! `OsFile` can be wrapped as `OsIo` is here. A backend that does more than forward is held to the
//! contract of `Io` by `palimpsest::io::contract::check_all`.

use std::sync::{Arc, Mutex};
use std::{collections::BTreeMap, io, path::Path, time::Duration};

use palimpsest::base::Time;
use palimpsest::io::{Entry, Io, Op, OsFile, OsLock};
use palimpsest::{Batch, Engine, Key, Lsn, Options, OsIo, TimelineId, Value, block_on};

#[derive(Clone, Default)]
struct Counted {
    os: OsIo,
    counts: Arc<Mutex<BTreeMap<(&'static str, &'static str), u64>>>,
}

/// Methods that count a call and forward it.
macro_rules! count {
    ($($call:ident($($name:ident: $type:ty),*) -> $output:ty;)*) => {$(
        async fn $call(&self, op: Op, $($name: $type),*) -> io::Result<$output> {
            let key = (op.job.name(), stringify!($call));
            *self.counts.lock().unwrap().entry(key).or_default() += 1;
            self.os.$call(op, $($name),*).await
        }
    )*};
}

impl Io for Counted {
    type File = OsFile;
    type Lock = OsLock;
    count! {
        create(path: &Path) -> OsFile; open(path: &Path) -> OsFile; lock(path: &Path) -> OsLock;
        rename(from: &Path, to: &Path) -> (); replace(from: &Path, to: &Path) -> ();
        link(from: &Path, to: &Path) -> (); remove(path: &Path) -> ();
        create_dir(dir: &Path) -> (); remove_dir(dir: &Path) -> ();
        list(dir: &Path) -> Vec<Entry>; sync_dir(dir: &Path) -> ();
    }
    fn now(&self) -> Time {
        self.os.now()
    }
    fn random(&self) -> u64 {
        self.os.random()
    }
    async fn sleep(&self, duration: Duration) {
        self.os.sleep(duration).await;
    }
    fn spawn(&self, op: Op, task: impl Future<Output = ()> + Send + 'static) {
        self.os.spawn(op, task);
    }
    async fn yield_now(&self) {
        self.os.yield_now().await;
    }
    async fn interleave(&self, op: Op) {
        self.os.interleave(op).await;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (dir, io) = (tempfile::tempdir()?, Counted::default());
    block_on(async {
        let engine = Engine::open(io.clone(), dir.path(), Options::default()).await?;
        let timeline = engine.create_timeline(TimelineId([1; 16]), Lsn(0));
        let timeline = timeline.await?;
        let mut batch = Batch::new();
        batch.push(Key::MIN, Lsn(10), &Value::Image(vec![0; 8192]))?;
        timeline.writer()?.put_batch(&batch).await?;
        timeline.flush().await?;
        engine.shutdown().await
    })?;
    for ((job, call), count) in io.counts.lock().unwrap().iter() {
        println!("{job:<8} {call:<10} {count}");
    }
    Ok(())
}
