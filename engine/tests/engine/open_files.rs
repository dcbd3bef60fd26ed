//! Open files: a bounded number of them, and what happens when the system has no more.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use palimpsest::base::Time;
use palimpsest::io::{Entry, File, Io, Op, OsFile, OsLock, is_out_of_files};
use palimpsest::{
    Batch, Engine, Error, Lsn, Mode, Options, OsIo, Timeline, TimelineId, Value, block_on,
};

use crate::words::key;

/// `EMFILE`: the process has as many open files as it may have.
const EMFILE: i32 = 24;

/// The operating system, with a limit on open files.
#[derive(Clone)]
struct LimitedIo {
    os: OsIo,
    limit: Arc<Limit>,
}

struct Limit {
    open_max: AtomicUsize,
    open: AtomicUsize,
    open_peak: AtomicUsize,
    refused: AtomicUsize,
}

/// One open file, as long as it is there.
struct Descriptor(Arc<Limit>);

struct LimitedFile {
    file: OsFile,
    _descriptor: Descriptor,
}

struct LimitedLock {
    _lock: OsLock,
    _descriptor: Descriptor,
}

impl LimitedIo {
    fn new(open_max: usize) -> LimitedIo {
        LimitedIo {
            os: OsIo::new(),
            limit: Arc::new(Limit {
                open_max: AtomicUsize::new(open_max),
                open: AtomicUsize::new(0),
                open_peak: AtomicUsize::new(0),
                refused: AtomicUsize::new(0),
            }),
        }
    }

    fn descriptor(&self) -> io::Result<Descriptor> {
        let limit = &self.limit;
        if limit.open_max.load(Ordering::SeqCst) <= limit.open.load(Ordering::SeqCst) {
            limit.refused.fetch_add(1, Ordering::SeqCst);
            return Err(io::Error::from_raw_os_error(EMFILE));
        }
        let open = limit.open.fetch_add(1, Ordering::SeqCst) + 1;
        limit.open_peak.fetch_max(open, Ordering::SeqCst);
        Ok(Descriptor(limit.clone()))
    }

    fn refused(&self) -> usize {
        self.limit.refused.swap(0, Ordering::SeqCst)
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Methods that need no open file, and forward.
macro_rules! forward {
    ($($call:ident($($name:ident: &Path),*);)*) => {$(
        async fn $call(&self, op: Op, $($name: &Path),*) -> io::Result<()> {
            self.os.$call(op, $($name),*).await
        }
    )*};
}

impl Io for LimitedIo {
    type File = LimitedFile;
    type Lock = LimitedLock;

    forward! {
        rename(from: &Path, to: &Path);
        replace(from: &Path, to: &Path);
        link(from: &Path, to: &Path);
        remove(path: &Path);
        create_dir(dir: &Path);
        remove_dir(dir: &Path);
    }

    async fn create(&self, op: Op, path: &Path) -> io::Result<LimitedFile> {
        let _descriptor = self.descriptor()?;
        let file = self.os.create(op, path).await?;
        Ok(LimitedFile { file, _descriptor })
    }

    async fn open(&self, op: Op, path: &Path) -> io::Result<LimitedFile> {
        let _descriptor = self.descriptor()?;
        let file = self.os.open(op, path).await?;
        Ok(LimitedFile { file, _descriptor })
    }

    async fn lock(&self, op: Op, path: &Path) -> io::Result<LimitedLock> {
        let _descriptor = self.descriptor()?;
        let _lock = self.os.lock(op, path).await?;
        Ok(LimitedLock { _lock, _descriptor })
    }

    async fn list(&self, op: Op, dir: &Path) -> io::Result<Vec<Entry>> {
        let _descriptor = self.descriptor()?;
        self.os.list(op, dir).await
    }

    async fn sync_dir(&self, op: Op, dir: &Path) -> io::Result<()> {
        let _descriptor = self.descriptor()?;
        self.os.sync_dir(op, dir).await
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

impl File for LimitedFile {
    async fn read_at(&self, op: Op, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(op, offset, buf).await
    }

    async fn write_at(&self, op: Op, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(op, offset, bytes).await
    }

    async fn sync(&self, op: Op) -> io::Result<()> {
        self.file.sync(op).await
    }

    async fn len(&self, op: Op) -> io::Result<u64> {
        self.file.len(op).await
    }
}

/// The number of layers that each test makes.
const LAYER_COUNT: u64 = 40;

fn options(open_files_max: usize) -> Options {
    Options {
        open_files_max,
        l0_delay_count: usize::MAX,
        block_cache_len: 0,
        ..Options::default()
    }
}

async fn put(timeline: &Timeline<LimitedIo>, lsn: u64) -> palimpsest::Result<()> {
    let mut batch = Batch::new();
    batch
        .push(key("a"), Lsn(lsn), &Value::Image(lsn.to_be_bytes().into()))
        .unwrap();
    timeline.writer()?.put_batch(&batch).await
}

/// An engine with one timeline of many layers.
async fn layers(
    io: &LimitedIo,
    root: &Path,
    options: Options,
) -> (Engine<LimitedIo>, Timeline<LimitedIo>) {
    let engine = Engine::open(io.clone(), root, options).await.unwrap();
    let created = engine.create_timeline(TimelineId([1; 16]), Lsn(0)).await;
    let timeline = created.unwrap();
    for lsn in 1..=LAYER_COUNT {
        put(&timeline, lsn).await.unwrap();
        timeline.flush().await.unwrap();
    }
    (engine, timeline)
}

async fn read_all(timeline: &Timeline<LimitedIo>) {
    for lsn in 1..=LAYER_COUNT {
        let found = timeline.get(key("a"), Lsn(lsn)).await.unwrap();
        assert_eq!(found, Some(lsn.to_be_bytes().into()));
        // It goes down through all of them.
        let found = timeline.get(key("b"), Lsn(lsn)).await.unwrap();
        assert_eq!(found, None);
    }
}

#[test]
fn no_more_files_are_open_than_the_option_says() {
    let dir = tempfile::tempdir().unwrap();
    let io = LimitedIo::new(usize::MAX);
    block_on(async {
        let (engine, timeline) = layers(&io, dir.path(), options(3)).await;
        read_all(&timeline).await;
        put(&timeline, LAYER_COUNT + 1).await.unwrap();
        // Three layers, the open layer and the lock.
        assert_eq!(io.limit.open.load(Ordering::SeqCst), 3 + 2);
        read_all(&timeline).await;
        // A call opens one more file before it closes another.
        assert_eq!(io.limit.open_peak.load(Ordering::SeqCst), 3 + 2 + 1);
        engine.shutdown().await.unwrap();
    });
    assert_eq!(io.limit.open.load(Ordering::SeqCst), 0);
}

/// Regression: a layer's file stayed open from its first read on until the layer was collected.
/// Under `ulimit -n 64` and with 100 layers every read of another layer, every compaction and every
/// new memory layer failed with "Too many open files", until the end of the process.
#[test]
fn a_process_with_few_open_files_reads_more_layers_than_that() {
    let dir = tempfile::tempdir().unwrap();
    let io = LimitedIo::new(12);
    block_on(async {
        let (engine, timeline) = layers(&io, dir.path(), options(512)).await;
        read_all(&timeline).await;
        assert!(0 < io.refused(), "the limit was met, and made room for");
        put(&timeline, LAYER_COUNT + 1).await.unwrap();
        timeline.flush().await.unwrap();
        timeline.compact(Mode::Forced).await.unwrap();
        timeline.create_images(Mode::Forced).await.unwrap();
        put(&timeline, LAYER_COUNT + 2).await.unwrap();
        read_all(&timeline).await;
        assert_eq!(engine.timelines().await.unwrap(), [timeline.id()]);
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn a_system_that_opens_no_file_at_all_is_an_error_until_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let io = LimitedIo::new(usize::MAX);
    block_on(async {
        let (engine, timeline) = layers(&io, dir.path(), options(512)).await;
        io.limit.open_max.store(0, Ordering::SeqCst);
        let errors = [
            timeline.get(key("a"), Lsn(1)).await.unwrap_err(),
            timeline.compact(Mode::Forced).await.unwrap_err(),
            put(&timeline, LAYER_COUNT + 1).await.unwrap_err(),
        ];
        // Each of the three calls was made four times more.
        assert_eq!(io.refused(), 15);
        for error in errors {
            let Error::Io(failure) = error else {
                panic!("{error}");
            };
            assert!(is_out_of_files(&failure.source), "{failure}");
        }
        io.limit.open_max.store(usize::MAX, Ordering::SeqCst);
        read_all(&timeline).await;
        put(&timeline, LAYER_COUNT + 1).await.unwrap();
        timeline.compact(Mode::Forced).await.unwrap();
        engine.shutdown().await.unwrap();
    });
}

#[test]
fn no_open_file_at_all_is_refused_as_an_option() {
    let dir = tempfile::tempdir().unwrap();
    let opened = block_on(Engine::open(OsIo::new(), dir.path(), options(0)));
    let error = opened.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("open_files_max is 0"), "{error}");
}
